package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.ToDoubleFunction;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.LimitedEndpoint;
import dev.pawl.harness.LimitedEndpoint.Use;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.TestBroker;

/**
 * Endpoints that permit so much a minute: all of that is made use of, and hardly a call is refused once Pawl knows.
 *
 * <p>{@code -Dpawl.limits.minutes=3} measures for three minutes after a first one; otherwise for some seconds after some, up to three
 * times: the machine may stand still for a moment. More than is permitted would show in each.
 */
@Isolated("It measures.")
class LimitsIT {

    private static final int MINUTES = Integer.getInteger("pawl.limits.minutes", 0);
    private static final Duration WARM_UP = MINUTES > 0 ? Duration.ofMinutes(1) : Duration.ofSeconds(2);
    private static final int FIRST = 60;
    private static final Duration MEASURED = MINUTES > 0 ? Duration.ofMinutes(MINUTES) : Duration.ofSeconds(6);
    private static final int TIMES = MINUTES > 0 ? 1 : 3;
    /** A stall of the machine's that nobody would notice in minutes is a large part of some seconds. */
    private static final double LEAST_USE = MINUTES > 0 ? 0.95 : 0.9;
    /** The endpoint's bucket lets more pass for a while; a call that comes late is one more in the measured time. */
    private static final double MOST_USE = MINUTES > 0 ? 1.01 : 1.15;
    private static final double MOST_REFUSED = 0.01;

    @TempDir
    Path directory;

    /** 1,200 requests a minute, told by the headers alone: 200 documents in flight are refused by the hundred before the first answer. */
    @Test
    void requestsAMinute_learntFromHeaders_areUsedAndHardlyACallIsRefused() throws JsonProcessingException {
        LimitedEndpoint endpoint = new LimitedEndpoint(1_200, 100_000_000).time(_ -> Duration.ofMillis(700));
        try (Rig rig = rig(endpoint, 1_200)) {
            PawlProcess pawl = rig.start();

            double used = measure("requests, from headers", endpoint, Use::requests);

            assertThat(used).isGreaterThanOrEqualTo(LEAST_USE);
            JsonNode limits = new JsonMapper().readTree(pawl.get("/progress").body()).path("limits");
            assertThat(limits.path("requestsPerMinute").asInt()).isEqualTo(1_200);
            assertThat(limits.path("waiting").asInt()).isPositive();
        }
    }

    /**
     * The endpoint says nothing, and its answers are of all lengths. For minutes it counts in a sliding window of one: in one of some
     * seconds, a call that is late by a moment would be too many.
     */
    @Test
    void tokensAMinute_configured_areUsedAndHardlyACallIsRefused() {
        LimitedEndpoint endpoint = new LimitedEndpoint(1_000_000, 600_000).withoutHeaders()
                .cost(call -> 150 + Math.floorMod(call.id().hashCode() * 31, 700))
                .time(call -> Duration.ofMillis(200 + Math.floorMod(call.id().hashCode() * 17, 800)));
        if (MINUTES > 0) {
            endpoint.slidingWindow(Duration.ofMinutes(1));
        }
        try (Rig rig = rig(endpoint, 1_200)) {
            rig.config("pawl.provider.limits.tokens-per-minute", "600000");
            rig.start();

            double used = measure("tokens, configured", endpoint, Use::tokens);

            assertThat(used).isGreaterThanOrEqualTo(LEAST_USE);
        }
    }

    /** With as many documents as take longer than all measurements. */
    private Rig rig(LimitedEndpoint endpoint, int callsPerMinute) {
        Rig rig = new Rig(TestBroker.shared(), directory).longLived();
        rig.config("pawl.max-in-flight", "200").config("pawl.chain.steps", "summary");
        rig.model().answer(endpoint);
        List<String> ids = rig.texts((int) (callsPerMinute * (WARM_UP.plus(MEASURED.multipliedBy(TIMES)).toSeconds() + 20) / 60) + 400);
        rig.publish(ids);
        return rig;
    }

    /** The best. */
    private static double measure(String what, LimitedEndpoint endpoint, ToDoubleFunction<Use> part) {
        // The first answers come from a client that is still being loaded and compiled.
        await().atMost(Duration.ofSeconds(60)).until(() -> endpoint.seen().stream().filter(call -> !call.refused()).count() >= FIRST);
        long from = System.nanoTime() + WARM_UP.toNanos();
        double best = 0;
        for (int time = 0; time < TIMES && best < LEAST_USE; time++) {
            long to = from + MEASURED.toNanos();
            await().atMost(WARM_UP.plus(MEASURED).plusSeconds(5)).until(() -> System.nanoTime() - to >= 0);
            Use use = endpoint.use(from, to);
            System.out.printf("%s: %.1f %% of the requests and %.1f %% of the tokens permitted in %s, %.2f %% refused%n", what,
                    100 * use.requests(), 100 * use.tokens(), MEASURED, 100 * use.refused());
            assertThat(part.applyAsDouble(use)).isLessThanOrEqualTo(MOST_USE);
            assertThat(use.refused()).isLessThan(MOST_REFUSED);
            best = Math.max(best, part.applyAsDouble(use));
            from = to;
        }
        return best;
    }
}
