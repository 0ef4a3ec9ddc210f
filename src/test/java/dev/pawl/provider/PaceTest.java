package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Isolated("It measures.")
class PaceTest {

    @Test
    void nothingSaid_isUnknownAndFree() {
        Pace pace = new Pace(OptionalInt.empty(), 0.5);

        assertThat(pace.isKnown()).isFalse();
        pace.take(1_000_000);
        assertThat(pace.nanosUntilFree()).isZero();
    }

    /** Few a minute and many a minute are counted in different units. */
    @ParameterizedTest
    @CsvSource({"12000, 0.25, 49", "600, 1, 9.8", "60000000, 1, 980000"})
    void taken_oneAfterTheOther_isALittleLessThanTheLimit(int configured, double share, double perSecond) {
        Pace pace = new Pace(OptionalInt.of(configured), share);
        long amount = Math.max(1, configured / 6_000);
        use(pace, amount, Duration.ofMillis(250));

        long taken = use(pace, amount, Duration.ofSeconds(1));

        assertThat((double) taken).isBetween(0.9 * perSecond - 1, 1.02 * perSecond + 1);
    }

    @Test
    void debt_isWaitedForAndCanBeGivenBack() {
        Pace pace = new Pace(OptionalInt.of(60_000), 1);

        pace.take(10_000);

        assertThat(TimeUnit.NANOSECONDS.toMillis(pace.nanosUntilFree())).isBetween(9_500L, 10_300L);
        pace.giveBack(9_000);
        assertThat(TimeUnit.NANOSECONDS.toMillis(pace.nanosUntilFree())).isBetween(500L, 1_100L);
    }

    /** After a rest there is a fifth of a second's worth, not all that the rest would have been good for. */
    @Test
    void rest_isNotSavedUp() {
        Pace pace = new Pace(OptionalInt.of(6_000), 1);
        LockSupport.parkNanos(Duration.ofMillis(600).toNanos());

        int taken = 0;
        while (pace.nanosUntilFree() == 0) {
            pace.take(1);
            taken++;
        }

        assertThat(taken).isBetween(20, 30);
    }

    @Test
    void configuredAndLearnt_theLowerCounts() {
        Pace pace = new Pace(OptionalInt.of(1_000), 0.5);

        assertThat(pace.learn(5_000)).isFalse();
        assertThat(pace.perMinute()).isEqualTo(500);
        assertThat(pace.learn(100)).isTrue();
        assertThat(pace.perMinute()).isEqualTo(50);
    }

    @Test
    void severalSaid_theLowestCounts() {
        Pace pace = new Pace(OptionalInt.empty(), 1);

        pace.learn(500);
        pace.learn(10_000);

        assertThat(pace.isKnown()).isTrue();
        assertThat(pace.perMinute()).isEqualTo(500);
    }

    private static long use(Pace pace, long amount, Duration time) {
        long end = System.nanoTime() + time.toNanos();
        long taken = 0;
        while (System.nanoTime() < end) {
            long nanos = pace.nanosUntilFree();
            if (nanos == 0) {
                pace.take(amount);
                taken += amount;
            } else {
                LockSupport.parkNanos(nanos);
            }
        }
        return taken;
    }
}
