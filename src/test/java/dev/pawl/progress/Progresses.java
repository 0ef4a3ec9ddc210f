package dev.pawl.progress;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;

/** Counters for tests of other packages. */
public final class Progresses {

    private Progresses() {
    }

    public static Progress fresh() {
        return new Progress(new SimpleMeterRegistry(), Clock.systemUTC());
    }
}
