package dev.pawl.progress;

import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import jakarta.inject.Singleton;

import dev.pawl.Outcome;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.spend.Spend;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/**
 * Counts what this process did since it started, for {@code /q/metrics} and {@code GET /progress} alike; {@link Spend} counts
 * over all lives. Thread-safe.
 */
@Singleton
public final class Progress {

    /** What became of a delivery. */
    public enum Ended {
        COMPLETED,
        RESUMED,
        REPEATED,
        SKIPPED,
        FAILED,
        FORGOTTEN
    }

    /** How a model call ended. */
    public enum CallEnded {
        ANSWERED,
        /** Refused, cut off, or answered with what can't be used: this document's fault. */
        DOCUMENT_FAULT,
        RATE_LIMITED,
        PROVIDER_FAULT
    }

    private final MeterRegistry meters;
    private final Map<String, Map<CallEnded, Counter>> callsByStep = new ConcurrentHashMap<>();
    private final Spend spend;
    private final Clock clock;
    private final Instant startedAt;
    private final Map<Ended, Counter> documents = new EnumMap<>(Ended.class);
    private final Counter callsMade;
    private final Counter callsSaved;
    private final Counter inputTokensSpent;
    private final Counter outputTokensSpent;
    private final Counter inputTokensSaved;
    private final Counter outputTokensSaved;
    private final Rate completions = new Rate();
    private final Rate ends = new Rate();
    private volatile Instant movedAt;

    Progress(MeterRegistry meters, Spend spend, Clock clock) {
        this.meters = meters;
        this.spend = spend;
        this.clock = clock;
        this.startedAt = clock.instant();
        this.movedAt = startedAt;
        for (Ended ended : Ended.values()) {
            documents.put(ended, Counter.builder("pawl.documents")
                    .description("Deliveries by how they ended; resumed ones are among the completed")
                    .tag("outcome", ended.name().toLowerCase(Locale.ROOT))
                    .register(meters));
        }
        this.callsMade = counter(meters, "pawl.calls", "made");
        this.callsSaved = counter(meters, "pawl.calls", "saved");
        this.inputTokensSpent = counter(meters, "pawl.tokens.input", "spent");
        this.inputTokensSaved = counter(meters, "pawl.tokens.input", "saved");
        this.outputTokensSpent = counter(meters, "pawl.tokens.output", "spent");
        this.outputTokensSaved = counter(meters, "pawl.tokens.output", "saved");
    }

    private static Counter counter(MeterRegistry meters, String name, String kind) {
        return Counter.builder(name)
                .description("What model calls took, and what they would have taken had the checkpoint not held the answers")
                .tag("kind", kind)
                .register(meters);
    }

    /** Something went on, whether it went well or not. */
    public void moved() {
        movedAt = clock.instant();
    }

    /** When something last went on: a call was answered or failed, a document ended. */
    Instant movedAt() {
        return movedAt;
    }

    /** A model call was answered. It counts here and now, whatever becomes of its document. */
    public void called(Usage usage) {
        moved();
        callsMade.increment(usage.calls());
        inputTokensSpent.increment(usage.inputTokens());
        outputTokensSpent.increment(usage.outputTokens());
    }

    public void callEnded(String step, CallEnded ended) {
        callsByStep.computeIfAbsent(step, this::callsOf).get(ended).increment();
    }

    private Map<CallEnded, Counter> callsOf(String step) {
        Map<CallEnded, Counter> calls = new EnumMap<>(CallEnded.class);
        for (CallEnded ended : CallEnded.values()) {
            calls.put(ended, Counter.builder("pawl.step.calls")
                    .description("Model calls by how they ended; all but the answered and the document's own faults are made again")
                    .tag("step", step)
                    .tag("outcome", ended.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                    .register(meters));
        }
        return calls;
    }

    /** As so many {@link Outcome.Skipped}. */
    public void skipped(List<CheckpointLine.Done> lines) {
        Instant now = clock.instant();
        movedAt = now;
        documents.get(Ended.SKIPPED).increment(lines.size());
        Usage usage = Usage.NONE;
        for (CheckpointLine.Done line : lines) {
            usage = usage.plus(line.usage());
        }
        save(usage);
        spend.saved(lines, usage);
        ends.count(now, lines.size());
    }

    public void ended(Outcome outcome) {
        Instant now = clock.instant();
        movedAt = now;
        switch (outcome) {
            case Outcome.Completed completed -> {
                count(Ended.COMPLETED);
                if (!completed.reused().isEmpty()) {
                    count(Ended.RESUMED);
                    completed.reused().forEach(step -> save(step.usage()));
                    spend.saved(completed.reused());
                }
                completions.count(now, 1);
            }
            case Outcome.Repeated repeated -> {
                count(Ended.REPEATED);
                save(repeated.line().usage());
                spend.saved(List.of(repeated.line()), repeated.line().usage());
            }
            case Outcome.Skipped skipped -> {
                skipped(List.of(skipped.line()));
                return;
            }
            case Outcome.Failed _ -> count(Ended.FAILED);
            case Outcome.Forgotten _ -> count(Ended.FORGOTTEN);
            case Outcome.Abandoned _ -> {
                return;
            }
        }
        ends.count(now, 1);
    }

    private void count(Ended ended) {
        documents.get(ended).increment();
    }

    private void save(Usage usage) {
        callsSaved.increment(usage.calls());
        inputTokensSaved.increment(usage.inputTokens());
        outputTokensSaved.increment(usage.outputTokens());
    }

    public Instant startedAt() {
        return startedAt;
    }

    /** Deliveries that ended so, since the start. */
    public long documents(Ended ended) {
        return (long) documents.get(ended).count();
    }

    public Usage spent() {
        return new Usage((int) callsMade.count(), (long) inputTokensSpent.count(), (long) outputTokensSpent.count());
    }

    public Usage saved() {
        return new Usage((int) callsSaved.count(), (long) inputTokensSaved.count(), (long) outputTokensSaved.count());
    }

    /** Completed documents a minute, over the last minute, or since the start or {@code since}; 0 before the first. */
    public double documentsPerMinute(Instant since) {
        return completions.perMinute(later(startedAt, since), clock.instant());
    }

    /** When something is worked off at the present pace, and at the fastest and the slowest that the last minute allows for. */
    public record Eta(Instant at, Instant earliest, Instant latest) {}

    /** @return null where nothing moves */
    public Eta eta(long deliveries, Instant since) {
        Instant now = clock.instant();
        Rate.Pace pace = ends.pace(later(startedAt, since), now);
        return pace.perMinute() == 0 ? null
                : new Eta(after(now, deliveries, pace.perMinute()), after(now, deliveries, pace.fast()), after(now, deliveries, pace.slow()));
    }

    private static Instant after(Instant now, long deliveries, double perMinute) {
        return now.plusMillis((long) (deliveries / perMinute * 60_000)).truncatedTo(ChronoUnit.SECONDS);
    }

    private static Instant later(Instant one, Instant other) {
        return other == null || one.isAfter(other) ? one : other;
    }
}
