package dev.pawl.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;

import org.junit.jupiter.api.Test;

class RateTest {

    private static final Instant START = Instant.parse("2026-11-23T09:35:12.345Z");

    private final Rate rate = new Rate();

    @Test
    void nothingCounted_isZero() {
        assertThat(rate.perMinute(START, START)).isZero();
        assertThat(rate.perMinute(START, START.plusSeconds(1000))).isZero();
    }

    @Test
    void firstSecond_countsAsAWholeOne() {
        rate.count(START, 1);

        assertThat(rate.perMinute(START, START.plusMillis(1))).isEqualTo(60);
    }

    @Test
    void firstMinute_isScaledUp() {
        for (int i = 0; i < 20; i++) {
            rate.count(START.plusMillis(i * 500L), 1);
        }

        assertThat(rate.perMinute(START, START.plusSeconds(10))).isEqualTo(120);
    }

    @Test
    void laterMinutes_countTheLastSixtySecondsOnly() {
        for (int second = 0; second < 600; second++) {
            rate.count(START.plusSeconds(second), 1);
            rate.count(START.plusSeconds(second), 1);
        }

        assertThat(rate.perMinute(START, START.plusSeconds(599))).isEqualTo(120);
        assertThat(rate.perMinute(START, START.plusSeconds(629))).isEqualTo(60);
        assertThat(rate.perMinute(START, START.plusSeconds(658))).isEqualTo(2);
        assertThat(rate.perMinute(START, START.plusSeconds(659))).isZero();
    }

    @Test
    void secondOfAnEarlierMinute_isStartedAnew() {
        rate.count(START, 1);
        rate.count(START, 1);
        rate.count(START.plusSeconds(60), 1);

        assertThat(rate.perMinute(START, START.plusSeconds(60))).isEqualTo(1);
    }

    @Test
    void longPause_isForgotten() {
        rate.count(START, 1);

        assertThat(rate.perMinute(START, START.plusSeconds(86_400))).isZero();
    }

    @Test
    void paceThatIsSteady_hasANarrowSpread() {
        for (int second = 0; second < 60; second++) {
            rate.count(START.plusSeconds(second), 1);
            rate.count(START.plusSeconds(second), 1);
        }
        Rate.Pace pace = rate.pace(START, START.plusSeconds(59));

        assertThat(pace.slow()).isBetween(115.0, pace.perMinute());
        assertThat(pace.fast()).isBetween(pace.perMinute(), 126.0);
    }

    @Test
    void paceThatGoesUpAndDown_hasAWideSpread() {
        for (int second = 0; second < 60; second++) {
            for (int event = 0; event < (second / 15 % 2 == 0 ? 1 : 9); event++) {
                rate.count(START.plusSeconds(second), 1);
            }
        }
        Rate.Pace pace = rate.pace(START, START.plusSeconds(60));

        assertThat(pace.slow()).isLessThan(0.7 * pace.perMinute()).isPositive();
        assertThat(pace.fast()).isGreaterThan(1.3 * pace.perMinute());
    }

    @Test
    void paceOfAFewSeconds_mayBeHalfOrTwice() {
        rate.count(START, 1);
        Rate.Pace pace = rate.pace(START, START.plusSeconds(10));

        assertThat(pace.slow()).isEqualTo(pace.perMinute() / 2);
        assertThat(pace.fast()).isEqualTo(pace.perMinute() * 2);
    }

    @Test
    void paceOfNothing_isZero() {
        assertThat(rate.pace(START, START.plusSeconds(100))).isEqualTo(new Rate.Pace(0, 0, 0));
    }
}
