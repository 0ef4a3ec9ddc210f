package dev.pawl.progress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.CountDownLatch;

import org.eclipse.microprofile.health.HealthCheckResponse;
import org.junit.jupiter.api.Test;

import dev.pawl.PawlConfig;
import dev.pawl.Usage;
import dev.pawl.harness.Configs;
import dev.pawl.intake.Gate;
import dev.pawl.intake.OnePartition;
import dev.pawl.progress.Watchdog.State;
import dev.pawl.provider.Limits;
import dev.pawl.provider.ModelEndpoints;
import dev.pawl.spend.Spends;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

class WatchdogTest {

    private static final Duration LIMIT = Duration.ofMinutes(10);
    private static final Duration MODEL_TIMEOUT = Duration.ofSeconds(120);

    private final HandSetClock clock = new HandSetClock();
    private final OnePartition partition = new OnePartition(clock);
    private final Limits limits = ModelEndpoints.limits(Configs.of());
    private final Progress progress = new Progress(new SimpleMeterRegistry(), Spends.any(), clock);
    private final Watchdog watchdog = watchdog(Configs.of("pawl.stuck-after", "10m"));

    @Test
    void nothingToDo_isIdleHoweverLong() {
        clock.pass(LIMIT.multipliedBy(100));

        assertThat(watchdog.state()).isEqualTo(State.IDLE);
        assertThat(watchdog.call().getStatus()).isEqualTo(HealthCheckResponse.Status.UP);
    }

    @Test
    void closedGate_isWaitingHoweverLong() {
        partition.endsAt(100);
        partition.take(0);
        partition.gate().close(Gate.Reason.PROVIDER, "no connection");

        clock.pass(LIMIT.multipliedBy(100));

        assertThat(watchdog.state()).isEqualTo(State.WAITING);
        assertThat(watchdog.reason()).isEmpty();
    }

    @Test
    void workWithoutProgress_isStuckAfterTheLimitAndSaysWhere() {
        partition.endsAt(100);
        partition.take(0);
        partition.take(1);
        clock.pass(LIMIT);
        assertThat(watchdog.state()).isEqualTo(State.WORKING);

        clock.pass(Duration.ofMillis(1));

        assertThat(watchdog.state()).isEqualTo(State.STUCK);
        assertThat(watchdog.call().getStatus()).isEqualTo(HealthCheckResponse.Status.DOWN);
        assertThat(watchdog.reason().orElseThrow()).contains("PT10M", "documents-3 has 2 in work and 98 waiting");
    }

    @Test
    void documentsThatWaitAndAreNotTaken_areStuckToo() {
        partition.endsAt(100);

        clock.pass(LIMIT.plusMillis(1));

        assertThat(watchdog.state()).isEqualTo(State.STUCK);
    }

    @Test
    void progressOfAnyKind_beginsTheTimeAnew() {
        partition.endsAt(100);
        clock.pass(LIMIT);
        progress.called(new Usage(1, 100, 10));
        clock.pass(LIMIT);
        assertThat(watchdog.state()).isEqualTo(State.WORKING);
        progress.moved();
        clock.pass(LIMIT);

        assertThat(watchdog.state()).isEqualTo(State.WORKING);

        clock.pass(Duration.ofMillis(1));
        assertThat(watchdog.state()).isEqualTo(State.STUCK);
    }

    /** Probes come every few seconds: what was waited for, and how long, does not count against what follows. */
    @Test
    void gateThatOpens_givesTheWorkItsTimeAnew() {
        partition.endsAt(100);
        partition.gate().close(Gate.Reason.PAUSED, "by a call");
        clock.pass(LIMIT.multipliedBy(2));
        assertThat(watchdog.state()).isEqualTo(State.WAITING);

        partition.gate().open(Gate.Reason.PAUSED);
        clock.pass(LIMIT);

        assertThat(watchdog.state()).isEqualTo(State.WORKING);
    }

    @Test
    void callThatWaitsForTheProvidersLimit_isWaitingHoweverLong() throws Exception {
        partition.endsAt(100);
        limits.refused(Duration.ofHours(1));
        CountDownLatch leaving = new CountDownLatch(1);
        Thread call = Thread.startVirtualThread(() -> ModelEndpoints.await(limits, leaving));
        await().until(() -> limits.state().waiting() == 1);

        clock.pass(LIMIT.multipliedBy(2));

        assertThat(watchdog.state()).isEqualTo(State.WAITING);
        leaving.countDown();
        call.join();
    }

    @Test
    void workThatComesAfterALongRest_hasItsTime() {
        clock.pass(LIMIT.multipliedBy(100));
        assertThat(watchdog.state()).isEqualTo(State.IDLE);

        partition.endsAt(100);
        clock.pass(LIMIT);

        assertThat(watchdog.state()).isEqualTo(State.WORKING);
    }

    @Test
    void withoutAConfiguredLimit_itIsTheLongestChain() {
        PawlConfig config = Configs.of("pawl.chain.steps", "summary,entities", "pawl.chain.step.summary.attempts", "1",
                "pawl.chain.step.entities.attempts", "5", "pawl.documents.timeout", "7s");

        assertThat(watchdog(config).limit()).isEqualTo(MODEL_TIMEOUT.multipliedBy(6).plusSeconds(7));
    }

    @Test
    void limitOfNothing_isRefused() {
        assertThatThrownBy(() -> watchdog(Configs.of("pawl.stuck-after", "0s"))).hasMessageContaining("pawl.stuck-after");
    }

    private Watchdog watchdog(PawlConfig config) {
        return new Watchdog(partition.partitions(), partition.gate(), limits, progress, config, clock, MODEL_TIMEOUT);
    }

    private static final class HandSetClock extends Clock {

        private Instant now = Instant.parse("2026-11-24T12:00:00Z");

        void pass(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    }
}
