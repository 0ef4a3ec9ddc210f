package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.TestBroker;

/** The figures of the ledger are those the endpoint counted, over lives and kills, and the ceiling holds to the call. */
class SpendIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int TOKENS_A_CALL = 110;
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path directory;

    private Rig rig;

    @BeforeEach
    void open() {
        rig = new Rig(TestBroker.shared(), directory)
                .config("pawl.prices.input-per-million", "1").config("pawl.prices.output-per-million", "2");
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void ceiling_withManyInFlight_holdsToTheCallAndRaisedLetsAllFinish() {
        int documents = 40;
        int calls = 37;
        rig.config("pawl.max-in-flight", "16").config("pawl.budget.max-tokens", Integer.toString(calls * TOKENS_A_CALL));
        rig.model().delay(Duration.ofMillis(20));
        rig.publish(rig.texts(documents));

        PawlProcess first = rig.start();
        await().atMost(PATIENCE).untilAsserted(() -> {
            assertThat(progress(first).at("/budget/usedUp").asText()).startsWith("pawl.budget.max-tokens = 4070 leaves no room");
            assertThat(progress(first).at("/ledger/inAir").asInt()).isZero();
        });

        assertThat(rig.model().total()).isEqualTo(calls);
        assertThat(rig.model().maxInAir()).isGreaterThan(1);
        JsonNode progress = progress(first);
        assertThat(progress.at("/ledger/spent").asInt()).isEqualTo(calls);
        assertThat(progress.at("/budget/tokensLeft").asInt()).isZero();
        assertThat(progress.at("/cost/spent").decimalValue()).isEqualByComparingTo("0.00444");
        assertThat(first.get("/q/health/ready").status()).isEqualTo(200);
        assertThat(rig.uncommitted()).isPositive();
        assertThat(first.terminate()).isZero();
        assertThat(first.log()).doesNotContain("were still in work");

        rig.config("pawl.budget.max-tokens", Integer.toString(documents * 2 * TOKENS_A_CALL));
        PawlProcess raised = rig.start();
        rig.awaitAllCommitted();

        assertThat(rig.model().counts()).hasSize(documents * 2).allSatisfy((call, count) -> assertThat(count).as(call).isEqualTo(1));
        assertThat(rig.checkpoint("done")).hasSize(documents);
        assertThat(rig.deadLetters()).isEmpty();
        assertThat(progress(raised).at("/ledger/spent").asInt()).isEqualTo(documents * 2);
        assertThat(progress(raised).at("/tokens/inputSpent").asInt()).isEqualTo(documents * 2 * 100);
        assertThat(progress(raised).at("/ledger/possiblyPaidTwice").asInt()).isZero();
    }

    @Test
    void kill_withCallsInTheAir_showsThemAsPossiblyPaidTwiceAndTheRestAsCounted() {
        int documents = 20;
        int inFlight = 8;
        rig.config("pawl.max-in-flight", Integer.toString(inFlight));
        rig.model().hold(call -> call.step().equals("entities"));
        List<String> ids = rig.texts(documents);
        rig.publish(ids);
        PawlProcess first = rig.start();
        await().atMost(PATIENCE).until(() -> rig.model().calls().stream().filter(call -> call.step().equals("entities")).count() == inFlight);
        assertThat(progress(first).at("/ledger/inAir").asInt()).isEqualTo(inFlight);

        first.kill();
        rig.model().release();
        PawlProcess second = rig.start();
        rig.awaitAllCommitted();

        JsonNode progress = progress(second);
        assertThat(progress.at("/ledger/possiblyPaidTwice").asInt()).isEqualTo(inFlight);
        assertThat(progress.at("/tokens/inputPossiblyPaidTwice").asInt()).isEqualTo(inFlight * 100);
        assertThat(progress.at("/cost/possiblyPaidTwice").decimalValue()).isEqualByComparingTo("0.00096");
        assertThat(progress.at("/ledger/spent").asInt()).isEqualTo(documents * 2);
        assertThat(rig.model().total()).isEqualTo(documents * 2 + inFlight);
        // Of those in the air, the first step was in the checkpoint.
        assertThat(progress.at("/ledger/saved").asInt()).isEqualTo(inFlight);
        assertThat(second.get("/q/metrics").body().lines()).contains("pawl_ledger_calls{direction=\"possibly_paid_twice\"} 8.0",
                "pawl_cost{currency=\"USD\",direction=\"spent\"} 0.0048");

        rig.publish(ids);
        rig.awaitAllCommitted();
        await().atMost(PATIENCE).until(() -> progress(second).at("/ledger/saved").asInt() == inFlight + documents * 2);
        JsonNode before = progress(second);
        second.terminate();

        JsonNode after = progress(rig.start());
        assertThat(after.path("tokens")).isEqualTo(before.path("tokens"));
        assertThat(after.path("cost")).isEqualTo(before.path("cost"));
        assertThat(after.path("ledger")).isEqualTo(before.path("ledger"));
        assertThat(after.at("/calls/made").asInt()).isZero();
    }

    private static JsonNode progress(PawlProcess pawl) {
        try {
            return JSON.readTree(pawl.get("/progress").body());
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }
}
