package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

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

    private static double callsPerSecond(List<ScriptedModel.Call> calls) {
        List<Instant> arrivals = calls.stream().map(ScriptedModel.Call::receivedAt).sorted().skip(WARM_UP).toList();
        return (arrivals.size() - 1) / (Duration.between(arrivals.getFirst(), arrivals.getLast()).toMillis() / 1000.0);
    }
}
