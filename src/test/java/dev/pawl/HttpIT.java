package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.PawlProcess.Response;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.TestBroker;

/**
 * The HTTP interface of two processes: {@code guarded} has an API token, and takes what the tests publish; {@code plain} has
 * none, and has worked off a small run whose numbers are known.
 */
class HttpIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String TOKEN = "a-token-for-tests";
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    static Path directory;

    private static TestBroker broker;
    private static Rig guardedRig;
    private static PawlProcess guarded;
    private static Rig plainRig;
    private static PawlProcess plain;

    @BeforeAll
    static void start() {
        broker = TestBroker.shared();
        guardedRig = rig("guarded").config("pawl.api.token", TOKEN);
        guardedRig.text("any", "Most of what the tests publish has no text, which is no fault of the folder's.");
        plainRig = rig("plain").config("pawl.prices.input-per-million", "2").config("pawl.prices.output-per-million", "10");
        guarded = guardedRig.launch();
        plain = plainRig.launch();
        guarded.awaitReady(Rig.READY);
        plain.awaitReady(Rig.READY);
        runSixDocuments();
    }

    private static Rig rig(String name) {
        Rig rig = new Rig(broker, directory.resolve(name)).config("mp.messaging.incoming.documents.auto.commit.interval.ms", "100");
        rig.model().answer(call -> call.id().startsWith("refused") ? new Reply.Status(400) : ScriptedModel.usualAnswer(call));
        return rig;
    }

    /** Four complete, one is refused, one is held in its second step; one is published again, and one forgotten. */
    private static void runSixDocuments() {
        plainRig.model().hold(call -> call.key().equals("entities/held"));
        for (String id : List.of("doc-1", "doc-2", "doc-3", "doc-4", "refused")) {
            plainRig.text(id, "The text of " + id);
            plainRig.publish(0, id, id);
        }
        plainRig.awaitAllCommitted();
        plainRig.publish(1, "doc-1", "doc-1");
        plainRig.publish(2, "doc-2", null);
        plainRig.awaitAllCommitted();
        plainRig.text("held", "The text of held");
        plainRig.publish(3, "held", "held");
        await().atMost(PATIENCE).until(() -> plainRig.model().inAir() == 1);
    }

    @AfterAll
    static void close() {
        guardedRig.close();
        plainRig.close();
        broker.close();
    }

    // ---- POST /documents ----

    @Test
    void publish_anIdALine_acceptsTheGoodOnesAndNamesTheLinesOfTheOthers() {
        Response response = publish("text/plain", "text-1\n\ntext-2\r\n" + "x".repeat(513) + "\ntext\u0007\n{text-3\n");

        assertThat(response.status()).as(response.body()).isEqualTo(202);
        JsonNode answer = json(response.body());
        assertThat(answer.path("accepted").asInt()).isEqualTo(3);
        assertThat(answer.path("rejected").findValuesAsText("line")).containsExactly("4", "5");
        assertThat(answer.path("rejected").findValuesAsText("reason")).satisfiesExactly(
                reason -> assertThat(reason).contains("513", "512"), reason -> assertThat(reason).contains("control character"));
        assertPublished("{\"id\":\"text-1\"}", "{\"id\":\"text-2\"}", "{\"id\":\"{text-3\"}");
    }

    @Test
    void publish_aJsonString_accepts() {
        Response response = publish("application/json", "\"json-string\"");

        assertThat(response.status()).isEqualTo(202);
        assertThat(json(response.body())).isEqualTo(json("{\"accepted\":1,\"rejected\":[]}"));
        assertPublished("{\"id\":\"json-string\"}");
    }

    @Test
    void publish_aJsonObject_completes() {
        Response response = publish("application/json", "{\"id\":\"json-object\",\"text\":\"a text\",\"metadata\":{\"a\":1}}");

        assertThat(response.status()).isEqualTo(202);
        assertPublished("{\"id\":\"json-object\",\"text\":\"a text\",\"metadata\":{\"a\":1}}");
        await().atMost(PATIENCE).until(() -> guardedRig.results("json-object").size() == 1);
        assertThat(json(guarded.get("/documents/json-object").body()).path("status").asText()).isEqualTo("done");
    }

    @Test
    void publish_aJsonArray_acceptsTheGoodOnesAndNamesTheElementsOfTheOthers() {
        Response response = publish("application/json",
                "[\"array-1\", {\"id\":\"array-2\",\"text\":\"t\"}, 5, {}, {\"id\":7}, [], null, {\"id\":\"x\",\"text\":1}, \"array-3\"]");

        assertThat(response.status()).isEqualTo(202);
        JsonNode answer = json(response.body());
        assertThat(answer.path("accepted").asInt()).isEqualTo(3);
        assertThat(answer.path("rejected").findValuesAsText("line")).containsExactly("3", "4", "5", "6", "7", "8");
        assertThat(answer.path("rejected").findValuesAsText("reason")).allSatisfy(reason -> assertThat(reason).isNotBlank());
        assertPublished("{\"id\":\"array-1\"}", "{\"id\":\"array-2\",\"text\":\"t\"}", "{\"id\":\"array-3\"}");
    }

    @Test
    void publish_ndjson_acceptsTheGoodLinesAndNamesTheOthers() {
        Response response = publish("application/x-ndjson",
                "{\"id\":\"nd-1\",\"text\":\"t\"}\n\n\"nd-2\"\n{\"id\":\nnd-3\n[\"nd-4\"]\n{\"id\":\"nd-5\"}");

        assertThat(response.status()).isEqualTo(202);
        JsonNode answer = json(response.body());
        assertThat(answer.path("accepted").asInt()).isEqualTo(3);
        assertThat(answer.path("rejected").findValuesAsText("line")).containsExactly("4", "5", "6");
        assertPublished("{\"id\":\"nd-1\",\"text\":\"t\"}", "{\"id\":\"nd-2\"}", "{\"id\":\"nd-5\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "{", "[\"a\",", "not json", "{\"id\":\"a\"} {\"id\":\"b\"}" })
    void publish_brokenJson_answers400(String body) {
        Response response = publish("application/json", body);

        assertThat(response.status()).as(response.body()).isEqualTo(400);
        assertThat(json(response.body()).path("detail").asText()).contains("JSON");
    }

    @Test
    void publish_nothing_acceptsNothing() {
        Response response = publish("text/plain", "");

        assertThat(response.status()).isEqualTo(202);
        assertThat(json(response.body())).isEqualTo(json("{\"accepted\":0,\"rejected\":[]}"));
    }

    @Test
    void publish_anotherContentType_answers415() {
        assertThat(publish("application/xml", "<id>x</id>").status()).isEqualTo(415);
    }

    // ---- The token ----

    @Test
    void publish_withNoTokenConfigured_answers403WithTheKeyToSet() {
        Response response = plain.post("/documents", "text/plain", "forbidden", TOKEN);

        assertThat(response.status()).isEqualTo(403);
        assertThat(json(response.body()).path("detail").asText()).contains("pawl.api.token");
    }

    @Test
    void publish_withoutToken_answers401() {
        Response response = guarded.post("/documents", "text/plain", "forbidden");

        assertThat(response.status()).isEqualTo(401);
        assertThat(json(response.body()).path("detail").asText()).contains("Bearer").doesNotContain(TOKEN);
    }

    @ParameterizedTest
    @ValueSource(strings = { "wrong", TOKEN + "x", "a-token-for-test", "" })
    void publish_withAWrongToken_answers401(String token) {
        assertThat(guarded.post("/documents", "text/plain", "forbidden", token).status()).isEqualTo(401);
        assertThat(published()).doesNotContain("{\"id\":\"forbidden\"}");
    }

    // ---- GET /documents/{id} ----

    @Test
    void find_aDoneDocument_tellsItsResult() {
        JsonNode found = json(plain.get("/documents/doc-1").body());

        assertThat(found.path("id").asText()).isEqualTo("doc-1");
        assertThat(found.path("status").asText()).isEqualTo("done");
        assertThat(found.path("source").asText()).isEqualTo(plainRig.topics().documents() + "-0@0");
        assertThat(found.path("result")).isEqualTo(json("{\"summary\":\"summary of doc-1\",\"entities\":[\"Ada\",\"Grace\"]}"));
        assertThat(found.path("usage")).isEqualTo(json("{\"calls\":2,\"inputTokens\":200,\"outputTokens\":20}"));
        assertThat(found.path("steps").findValuesAsText("step")).containsExactly("summary", "entities");
        assertThat(found.has("error")).isFalse();
    }

    @Test
    void find_aFailedDocument_tellsItsError() {
        JsonNode found = json(plain.get("/documents/refused").body());

        assertThat(found.path("status").asText()).isEqualTo("failed");
        assertThat(found.path("source").asText()).isEqualTo(plainRig.topics().documents() + "-0@4");
        assertThat(found.path("error").path("kind").asText()).isEqualTo("refused");
        assertThat(found.path("error").path("step").asText()).isEqualTo("summary");
        assertThat(found.path("error").path("attempts").asInt()).isEqualTo(1);
        assertThat(found.path("error").path("message").asText()).isNotBlank();
        assertThat(found.has("result")).isFalse();
    }

    @Test
    void find_anUnfinishedDocument_tellsItsSteps() {
        JsonNode found = json(plain.get("/documents/held").body());

        assertThat(found.path("status").asText()).isEqualTo("unfinished");
        assertThat(found.path("steps").findValuesAsText("step")).containsExactly("summary");
        assertThat(found.path("steps").path(0).path("output").asText()).isEqualTo("summary of held");
    }

    @Test
    void find_aForgottenDocument_saysSo() {
        assertThat(json(plain.get("/documents/doc-2").body()).path("status").asText()).isEqualTo("forgotten");
    }

    @Test
    void find_anUnknownDocument_answers404() {
        Response response = plain.get("/documents/unheard-of");

        assertThat(response.status()).isEqualTo(404);
        assertThat(json(response.body()).path("detail").asText()).isNotBlank();
    }

    // ---- GET /progress ----

    @Test
    void progress_ofASmallRun_countsIt() {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(progress().path("lag").path("total").asInt()).isEqualTo(1));

        JsonNode progress = progress();
        assertThat(progress.path("documents")).isEqualTo(json("""
                {"completed":4,"resumed":0,"repeated":0,"skipped":1,"failed":1,"forgotten":1,"inWork":1,"maxInFlight":256}"""));
        assertThat(progress.path("checkpoint")).isEqualTo(json("{\"done\":3,\"failed\":1,\"forgotten\":1,\"unfinished\":1}"));
        assertThat(progress.path("calls")).isEqualTo(json("{\"made\":9,\"saved\":2}"));
        assertThat(progress.path("tokens")).isEqualTo(json("""
                {"inputSpent":900,"outputSpent":90,"inputSaved":200,"outputSaved":20,"inputPossiblyPaidTwice":0,"outputPossiblyPaidTwice":0}"""));
        assertThat(progress.path("cost").path("currency").asText()).isEqualTo("USD");
        assertThat(progress.path("cost").path("spent").decimalValue()).isEqualByComparingTo("0.0027");
        assertThat(progress.path("cost").path("saved").decimalValue()).isEqualByComparingTo("0.0006");
        assertThat(progress.path("rate").path("documentsPerMinute").asDouble()).isPositive();
        assertThat(progress.path("ready").asBoolean()).isTrue();
    }

    @Test
    void progress_ofASmallRun_tellsTheLagByPartition() {
        await().atMost(PATIENCE).untilAsserted(() -> {
            JsonNode partitions = progress().path("lag").path("partitions");
            assertThat(partitions.findValuesAsText("partition"))
                    .containsExactlyElementsOf(Stream.of(0, 1, 2, 3).map(partition -> plainRig.topics().documents() + "-" + partition).toList());
            assertThat(partitions.findValuesAsText("lag")).containsExactly("0", "0", "0", "1");
            assertThat(partitions.findValuesAsText("inWork")).containsExactly("0", "0", "0", "1");
        });
    }

    @Test
    void progress_whenAllIsDone_hasNoLag() {
        publish("application/json", "[{\"id\":\"lag-1\",\"text\":\"t\"},{\"id\":\"lag-2\",\"text\":\"t\"}]");
        await().atMost(PATIENCE).until(() -> guardedRig.results("lag-1").size() + guardedRig.results("lag-2").size() == 2);

        await().atMost(PATIENCE).untilAsserted(() -> {
            JsonNode lag = json(guarded.get("/progress").body()).path("lag");
            assertThat(lag.path("total").asInt()).isZero();
            assertThat(lag.path("partitions").findValuesAsText("lag")).containsExactly("0", "0", "0", "0");
        });
    }

    // ---- What Quarkus brings ----

    @ParameterizedTest
    @ValueSource(strings = { "started", "live", "ready" })
    void health_ofARunningProcess_isUp(String check) {
        Response response = plain.get("/q/health/" + check);

        assertThat(response.status()).as(response.body()).isEqualTo(200);
        assertThat(json(response.body()).path("status").asText()).isEqualTo("UP");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
            pawl_documents_total{outcome="completed"} | 4.0
            pawl_documents_total{outcome="failed"}    | 1.0
            pawl_documents_total{outcome="skipped"}   | 1.0
            pawl_calls_total{kind="made"}             | 9.0
            pawl_calls_total{kind="saved"}            | 2.0
            """)
    void metrics_ofASmallRun_countIt(String series, String value) {
        assertThat(plain.get("/q/metrics").body().lines()).contains(series + " " + value);
    }

    @Test
    void openapi_listsTheCalls() {
        String openapi = plain.get("/q/openapi?format=json").body();

        assertThat(json(openapi).path("paths").fieldNames()).toIterable().contains("/documents", "/documents/{id}", "/progress");
        assertThat(json(openapi).path("paths").path("/documents").path("post").path("requestBody").path("content").fieldNames()).toIterable()
                .contains("text/plain", "application/json", "application/x-ndjson");
    }

    @Test
    void root_isThePage() {
        Response response = plain.get("/");

        assertThat(response.status()).isEqualTo(200);
        assertThat(response.body()).containsIgnoringCase("<!doctype html>").contains("Pawl");
    }

    private static Response publish(String contentType, String body) {
        return guarded.post("/documents", contentType, body, TOKEN);
    }

    private static List<String> published() {
        return new Reader(broker.bootstrapServers()).readAll(guardedRig.topics().documents()).stream().map(record -> Reader.text(record.value())).toList();
    }

    /** The answer comes after the broker's: there is nothing to wait for. */
    private static void assertPublished(String... values) {
        assertThat(published()).contains(values);
    }

    private static JsonNode progress() {
        return json(plain.get("/progress").body());
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError(text, e);
        }
    }
}
