package dev.pawl.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import dev.pawl.progress.Trend.Sample;
import dev.pawl.progress.Trend.Span;

class TrendTest {

    private static final Instant START = Instant.parse("2026-11-23T09:35:00Z");
    private static final Duration TICK = Duration.ofSeconds(2);

    private final Trend trend = new Trend(null, null, null, null, null);

    @ParameterizedTest
    @EnumSource(Span.class)
    void longRun_isKeptThinnedAndBounded(Span span) {
        for (int tick = 0; tick < 60_000; tick++) {
            trend.see(sample(tick));
        }
        List<Sample> kept = trend.kept(span);

        assertThat(kept).hasSizeBetween(280, 300);
        for (int i = 1; i < kept.size(); i++) {
            assertThat(Duration.between(kept.get(i - 1).at(), kept.get(i).at())).isEqualTo(span.interval());
        }
        assertThat(Duration.between(kept.getLast().at(), START.plus(TICK.multipliedBy(59_999)))).isLessThan(span.interval());
    }

    @Test
    void timerThatIsEarlyOrLate_costsNoSample() {
        for (int tick = 0; tick < 100; tick++) {
            Sample sample = sample(tick);
            trend.see(new Sample(sample.at().plusMillis(tick % 2 == 0 ? 400 : -400), sample.completed(), 0, 0, 0, 0, 0, 0, null, null));
        }

        assertThat(trend.kept(Span.TEN_MINUTES)).hasSize(100);
    }

    private static Sample sample(int tick) {
        return new Sample(START.plus(TICK.multipliedBy(tick)), tick, 0, 0, 0, 0, 0, 0, null, null);
    }
}
