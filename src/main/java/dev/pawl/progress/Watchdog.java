package dev.pawl.progress;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Default;
import jakarta.inject.Singleton;

import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.jboss.logging.Logger;

import dev.pawl.PawlConfig;
import dev.pawl.intake.Gate;
import dev.pawl.intake.Partitions;
import dev.pawl.intake.Partitions.Lag;
import dev.pawl.provider.Limits;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;

/**
 * Tells waiting from being stuck:
 *
 * <pre>
 * state     documents wait or are in work   held back                      last progress
 * ───────   ─────────────────────────────   ────────────────────────────   ─────────────────────────────────────────
 * idle      no
 * waiting   yes                             by the gate, which says why,   whenever
 *                                           or by the provider's limits
 * waiting   in partitions whose             until then
 *           checkpoint is taken over
 * working   yes                             no                             within the longest time a chain may take
 * stuck     yes                             no                             before that
 * </pre>
 *
 * Progress is a call that was answered or failed, a document that ended, a gate that opened. Stuck turns liveness down, so that a
 * supervisor starts the process again: the checkpoint makes that cheap. Thread-safe.
 */
@Default
@Liveness
@Singleton
public final class Watchdog implements HealthCheck {

    public enum State {
        IDLE("idle"),
        WAITING("waiting"),
        WORKING("working"),
        STUCK("stuck");

        private final String text;

        State(String text) {
            this.text = text;
        }

        public String text() {
            return text;
        }
    }

    private static final Logger LOG = Logger.getLogger(Watchdog.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final Partitions partitions;
    private final Gate gate;
    private final Limits limits;
    private final Progress progress;
    private final Clock clock;
    private final Duration limit;

    /** When there was nothing to do, or something to wait for, at the last look. */
    private Instant calmAt;
    private boolean toldThatStuck;
    private long timer;

    Watchdog(Partitions partitions, Gate gate, Limits limits, Progress progress, PawlConfig config, Clock clock,
            @ConfigProperty(name = "quarkus.langchain4j.openai.timeout") Duration modelTimeout) {
        this.partitions = partitions;
        this.gate = gate;
        this.limits = limits;
        this.progress = progress;
        this.clock = clock;
        this.limit = config.stuckAfter().orElseGet(() -> longestChain(config, modelTimeout));
        this.calmAt = clock.instant();
        if (limit.toMillis() < 1) {
            throw PawlConfig.refusal("pawl.stuck-after", limit, "a duration from 1ms");
        }
    }

    void start(@Observes StartupEvent event, Vertx vertx) {
        timer = vertx.setPeriodic(INTERVAL.toMillis(), _ -> look());
    }

    void stop(@Observes ShutdownEvent event, Vertx vertx) {
        vertx.cancelTimer(timer);
    }

    /** Whoever asks seldom must not take the rest before for time without progress. */
    private synchronized void look() {
        Optional<String> stuck = reason();
        if (stuck.isPresent() && !toldThatStuck) {
            LOG.errorf("Stuck: %s", stuck.get());
        }
        if (stuck.isEmpty() && toldThatStuck) {
            LOG.info("Not stuck any more");
        }
        toldThatStuck = stuck.isPresent();
    }

    /** Each step asked as often as it may be, each answer as late as it may come, and the text read as slowly as it may be. */
    static Duration longestChain(PawlConfig config, Duration modelTimeout) {
        long calls = config.chain().steps().orElse(List.of()).stream()
                .map(config.chain().step()::get)
                .mapToLong(step -> step == null ? 1 : step.attempts())
                .sum();
        return modelTimeout.multipliedBy(calls).plus(config.documents().timeout());
    }

    public synchronized State state() {
        Instant now = clock.instant();
        boolean work = partitions.lags().stream().anyMatch(partition -> partition.lag() > 0);
        boolean held = !gate.isOpen() || waitsForALimit();
        if (!work || held) {
            calmAt = now;
            return work || !partitions.takeovers().isEmpty() ? State.WAITING : State.IDLE;
        }
        return lastMoved().plus(limit).isBefore(now) ? State.STUCK : State.WORKING;
    }

    /** With a low limit, and calls of many tokens, the next may be far off. */
    private boolean waitsForALimit() {
        Limits.State state = limits.state();
        return state.waiting() > 0 && state.inAir() == 0;
    }

    private Instant lastMoved() {
        return progress.movedAt().isAfter(calmAt) ? progress.movedAt() : calmAt;
    }

    /** How long nothing may move before that is called stuck. */
    Duration limit() {
        return limit;
    }

    /** A sentence that says what is stuck; empty while nothing is. */
    public synchronized Optional<String> reason() {
        return state() != State.STUCK ? Optional.empty() : Optional.of(
                "no call was answered or failed and no document ended since %s, longer than the %s that a chain may take; %s".formatted(
                        lastMoved(), limit, partitions.lags().stream().filter(partition -> partition.lag() > 0)
                                .map(Watchdog::describe).collect(Collectors.joining(", "))));
    }

    private static String describe(Lag partition) {
        return "%s has %d in work and %d waiting".formatted(partition.partition(), partition.inWork(),
                partition.lag() - partition.inWork());
    }

    @Override
    public HealthCheckResponse call() {
        var response = HealthCheckResponse.named("watchdog").withData("state", state().text());
        return reason().map(why -> response.withData("reason", why).down()).orElseGet(response::up).build();
    }
}
