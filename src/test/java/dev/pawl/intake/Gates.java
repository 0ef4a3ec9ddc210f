package dev.pawl.intake;

import java.time.Clock;

/** Gates for tests of other packages. */
public final class Gates {

    private Gates() {
    }

    public static Gate fresh() {
        return new Gate(Clock.systemUTC());
    }
}
