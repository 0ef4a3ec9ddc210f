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
        rate.count(START);

        assertThat(rate.perMinute(START, START.plusMillis(1))).isEqualTo(60);
    }

    @Test
    void firstMinute_isScaledUp() {
        for (int i = 0; i < 20; i++) {
            rate.count(START.plusMillis(i * 500L));
        }

        assertThat(rate.perMinute(START, START.plusSeconds(10))).isEqualTo(120);
    }

    @Test
    void laterMinutes_countTheLastSixtySecondsOnly() {
        for (int second = 0; second < 600; second++) {
            rate.count(START.plusSeconds(second));
            rate.count(START.plusSeconds(second));
        }

        assertThat(rate.perMinute(START, START.plusSeconds(599))).isEqualTo(120);
        assertThat(rate.perMinute(START, START.plusSeconds(629))).isEqualTo(60);
        assertThat(rate.perMinute(START, START.plusSeconds(658))).isEqualTo(2);
        assertThat(rate.perMinute(START, START.plusSeconds(659))).isZero();
    }

    @Test
    void secondOfAnEarlierMinute_isStartedAnew() {
        rate.count(START);
        rate.count(START);
        rate.count(START.plusSeconds(60));

        assertThat(rate.perMinute(START, START.plusSeconds(60))).isEqualTo(1);
    }

    @Test
    void longPause_isForgotten() {
        rate.count(START);

        assertThat(rate.perMinute(START, START.plusSeconds(86_400))).isZero();
    }
}
