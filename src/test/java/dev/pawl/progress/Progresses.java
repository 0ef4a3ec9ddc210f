package dev.pawl.progress;

import java.time.Clock;

import dev.pawl.spend.Spends;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** Counters for tests of other packages. */
public final class Progresses {

    private Progresses() {
    }

    public static Progress fresh() {
        return new Progress(new SimpleMeterRegistry(), Spends.any(), Clock.systemUTC());
    }
}
