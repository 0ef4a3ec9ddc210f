package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.TestBroker;

/** The model is the limit: with 300 documents in flight and a second a call, 300 calls a second are what there is to have. */
@Isolated("It measures.")
class ThroughputIT {

    private static final int IN_FLIGHT = 300;
    private static final Duration CALL = Duration.ofSeconds(1);
    private static final int DOCUMENTS = 4_500;
    /** The client's connections are opened, classes loaded and code compiled during the first of these documents. */
    private static final int WARM_UP = 1_500;
    /** Calls that are measured at once, three times as many as are in flight: the first and the last stand in the same place of a wave. */
    private static final int MEASURED = 3 * IN_FLIGHT;
    private static final int TIMES = 3;

    @TempDir
    Path directory;

    @Test
    void manyDocumentsInFlight_theClientsOwnConnectionLimitDoesNotShow() {
        try (Rig rig = new Rig(TestBroker.shared(), directory).longLived()) {
            rig.config("pawl.max-in-flight", Integer.toString(IN_FLIGHT)).config("pawl.chain.steps", "summary");
            rig.model().delay(CALL);
            rig.publish(rig.texts(DOCUMENTS));

            rig.start();
            await().atMost(Duration.ofSeconds(120)).until(() -> rig.uncommitted() == 0);

            assertThat(rig.model().total()).isEqualTo(DOCUMENTS);
            assertThat(rig.model().maxInAir()).isEqualTo(IN_FLIGHT);
            double callsPerSecond = callsPerSecond(rig.model().calls());
            System.out.printf("%d in flight, %s a call: %.1f calls a second of %d%n", IN_FLIGHT, CALL, callsPerSecond, IN_FLIGHT);
            assertThat(callsPerSecond).isGreaterThan(0.85 * IN_FLIGHT / CALL.toSeconds());
        }
    }

    /** The best of three times, one after the other: the machine may stand still for a moment. */
    private static double callsPerSecond(List<ScriptedModel.Call> calls) {
        List<Instant> arrivals = calls.stream().map(ScriptedModel.Call::receivedAt).sorted().skip(WARM_UP).toList();
        return IntStream.range(0, TIMES).mapToObj(time -> Duration.between(arrivals.get(time * MEASURED), arrivals.get((time + 1) * MEASURED)))
                .mapToDouble(took -> MEASURED / (took.toMillis() / 1000.0)).max().orElseThrow();
    }
}
