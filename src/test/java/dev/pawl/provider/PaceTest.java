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
        double least = 0.9 * perSecond - 1;

        double best = 0;
        // The machine may stand still for a moment, and less is taken then. More than is permitted would show in each.
        for (int window = 0; window < 3 && best < least; window++) {
            double taken = use(pace, amount, Duration.ofSeconds(1));
            assertThat(taken).isLessThanOrEqualTo(1.02 * perSecond + 1);
            best = Math.max(best, taken);
        }

        assertThat(best).isGreaterThanOrEqualTo(least);
    }

    @Test
    void debt_isWaitedForAndCanBeGivenBack() {
        Pace pace = new Pace(OptionalInt.of(60_000), 1);
        long start = System.nanoTime();

        pace.take(10_000);

        assertWait(pace, start, 9_500, 10_300);
        pace.giveBack(9_000);
        assertWait(pace, start, 500, 1_100);
    }

    /** In milliseconds; some of it may be over already. */
    private static void assertWait(Pace pace, long start, long least, long most) {
        long nanos = pace.nanosUntilFree();
        assertThat(TimeUnit.NANOSECONDS.toMillis(nanos)).isLessThanOrEqualTo(most);
        assertThat(TimeUnit.NANOSECONDS.toMillis(nanos + System.nanoTime() - start)).isGreaterThanOrEqualTo(least);
    }

    /** After a rest there is a fifth of a second's worth, not all that the rest would have been good for. */
    @Test
    void rest_isNotSavedUp() {
        Pace pace = new Pace(OptionalInt.of(6_000), 1);
        LockSupport.parkNanos(Duration.ofMillis(600).toNanos());

        long start = System.nanoTime();
        int taken = 0;
        while (pace.nanosUntilFree() == 0) {
            pace.take(1);
            taken++;
        }

        // It fills on while it is emptied.
        double seconds = (System.nanoTime() - start) / 1e9;
        assertThat((double) taken).isBetween(20.0, 25 + 100 * seconds);
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

    /** What is taken a second, beginning when nothing is there. */
    private static double use(Pace pace, long amount, Duration time) {
        long start = System.nanoTime();
        while (pace.nanosUntilFree() == 0) {
            pace.take(amount);
            start = System.nanoTime();
        }
        long end = start + time.toNanos();
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
        return taken * 1e9 / (System.nanoTime() - start);
    }
}
