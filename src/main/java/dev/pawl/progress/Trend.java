package dev.pawl.progress;

import java.math.BigDecimal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import dev.pawl.intake.Partitions;
import dev.pawl.intake.Partitions.Lag;
import dev.pawl.progress.Progress.Ended;
import dev.pawl.provider.Limits;
import dev.pawl.spend.Spend;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;

/**
 * How the figures have changed, for charts, from this process's start or a day back. Three rings hold the same counters at three
 * distances; a rate is the difference of two samples, so that the coarse rings lose nothing but detail. About 100 KB of heap. Thread-safe.
 */
@Singleton
public final class Trend {

    /** How far back, and how fine. */
    public enum Span {
        TEN_MINUTES("10m", Duration.ofSeconds(2), 300),
        HOUR("1h", Duration.ofSeconds(12), 300),
        DAY("24h", Duration.ofMinutes(5), 288);

        private final String text;
        private final Duration interval;
        private final int samples;

        Span(String text, Duration interval, int samples) {
            this.text = text;
            this.interval = interval;
            this.samples = samples;
        }

        public String text() {
            return text;
        }

        public Duration interval() {
            return interval;
        }
    }

    /**
     * Counters at a moment.
     *
     * @param completed documents since the start, as {@code skipped} (repeated ones among them) and {@code failed}
     * @param inAir model calls
     * @param tokensSpent over all lives, as all that follows
     * @param costSpent null where no price is known
     */
    public record Sample(Instant at, long completed, long skipped, long failed, int inWork, int inAir, long tokensSpent, long tokensSaved,
            BigDecimal costSpent, BigDecimal costSaved) {}

    private static final class Ring {

        private final Span span;
        private final Deque<Sample> samples = new ArrayDeque<>();

        Ring(Span span) {
            this.span = span;
        }

        void see(Sample sample) {
            // A timer that is a little early must not cost a sample.
            Duration almost = span.interval.minus(Span.TEN_MINUTES.interval.dividedBy(2));
            if (samples.isEmpty() || !sample.at().isBefore(samples.getLast().at().plus(almost))) {
                samples.addLast(sample);
                if (samples.size() > span.samples) {
                    samples.removeFirst();
                }
            }
        }
    }

    private final Progress progress;
    private final Partitions partitions;
    private final Limits limits;
    private final Spend spend;
    private final Clock clock;
    /** The finest first. */
    private final List<Ring> rings = List.of(new Ring(Span.TEN_MINUTES), new Ring(Span.HOUR), new Ring(Span.DAY));
    private long timer;

    Trend(Progress progress, Partitions partitions, Limits limits, Spend spend, Clock clock) {
        this.progress = progress;
        this.partitions = partitions;
        this.limits = limits;
        this.spend = spend;
        this.clock = clock;
    }

    void start(@Observes StartupEvent event, Vertx vertx) {
        see(sample());
        timer = vertx.setPeriodic(Span.TEN_MINUTES.interval.toMillis(), _ -> see(sample()));
    }

    void stop(@Observes ShutdownEvent event, Vertx vertx) {
        vertx.cancelTimer(timer);
    }

    private Sample sample() {
        Spend.Report report = spend.report();
        return new Sample(clock.instant(), progress.documents(Ended.COMPLETED),
                progress.documents(Ended.SKIPPED) + progress.documents(Ended.REPEATED), progress.documents(Ended.FAILED),
                partitions.lags().stream().mapToInt(Lag::inWork).sum(), limits.state().inAir(), report.spent().tokens(), report.saved().tokens(),
                report.cost() == null ? null : report.cost().spent(), report.cost() == null ? null : report.cost().saved());
    }

    synchronized void see(Sample sample) {
        rings.forEach(ring -> ring.see(sample));
    }

    /** The oldest first; the last is how it is now. */
    public List<Sample> over(Span span) {
        List<Sample> samples = kept(span);
        samples.add(sample());
        return samples;
    }

    synchronized List<Sample> kept(Span span) {
        return new ArrayList<>(rings.get(span.ordinal()).samples);
    }
}
