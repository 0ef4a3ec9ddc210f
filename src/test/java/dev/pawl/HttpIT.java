package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayInputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
import dev.pawl.harness.PawlProcess.Exchange;
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
    private static double documentsPerMinute;

    @BeforeAll
    static void start() {
        broker = TestBroker.shared();
        guardedRig = rig("guarded").config("pawl.api.token", TOKEN)
                .config("pawl.http.max-line-size", "2K")
                .config("pawl.http.max-body-size", "64K")
                .config("pawl.http.allowed-hosts", "pawl.example.com")
                .config("quarkus.http.cors.enabled", "true")
                .config("quarkus.http.cors.origins", "https://allowed.example");
        guardedRig.text("any", "Most of what the tests publish has no text, which is no fault of the folder's.");
        plainRig = rig("plain").config("pawl.prices.input-per-million", "2").config("pawl.prices.output-per-million", "10")
                // One call is held until the last test has run.
                .config("quarkus.langchain4j.openai.timeout", "1h");
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
        // Of the last minute: later there may be none.
        documentsPerMinute = progress().path("rate").path("documentsPerMinute").asDouble();
        plainRig.publish(1, "doc-1", "doc-1");
        plainRig.publish(2, "doc-2", null);
        plainRig.awaitAllCommitted();
        plainRig.text("held", "The text of held");
        plainRig.publish(3, "held", "held");
        await().atMost(PATIENCE).until(() -> plainRig.model().calls("entities", "held").size() == 1);
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

    @Test
    void publish_aLineThatIsTooLong_namesItAndAcceptsTheNext() {
        JsonNode answer = json(publish("text/plain", "x".repeat(2_049) + "\nafter-long\n" + "y".repeat(40_000) + "\r\nafter-longer").body());

        assertThat(answer.path("accepted").asInt()).isEqualTo(2);
        assertThat(answer.path("rejected").findValuesAsText("line")).containsExactly("1", "3");
        assertThat(answer.path("rejected").findValuesAsText("reason")).allMatch(reason -> reason.contains("pawl.http.max-line-size, 2048"));
        assertPublished("{\"id\":\"after-long\"}", "{\"id\":\"after-longer\"}");
    }

    @Test
    void publish_manyWrongLines_namesTheFirstHundredAndCountsAll() {
        JsonNode answer = json(publish("application/x-ndjson", "{\n".repeat(1_000) + "\"many-wrong\"\n{").body());

        assertThat(answer.path("accepted").asInt()).isEqualTo(1);
        assertThat(answer.path("rejected")).hasSize(100);
        assertThat(answer.path("rejected").findValuesAsText("line")).startsWith("1", "2").endsWith("99", "100");
        assertThat(answer.path("rejectedTotal").asInt()).isEqualTo(1_001);
    }

    @Test
    void publish_bytesThatAreNoText_namesTheirLine() {
        Response response = guarded.post("/documents", "text/plain", new byte[] { 'o', 'k', '\n', (byte) 0xff, '\n' }, TOKEN);

        assertThat(json(response.body()).path("rejected").findValuesAsText("reason")).containsExactly("the line is not UTF-8");
    }

    @Test
    void publish_aBodyThatBreaksOff_tellsWhatIsPublished() {
        Response response = publish("application/json", "[\"broke-1\", \"broke-2\", {");

        assertThat(response.status()).isEqualTo(400);
        assertThat(json(response.body()).path("accepted").asInt()).isEqualTo(2);
        assertPublished("{\"id\":\"broke-1\"}", "{\"id\":\"broke-2\"}");
    }

    @Test
    void publish_whatNamesAFileOrAnAddress_readsNothingThere() {
        String secret = guardedRig.write("secret.txt", "the secret").toUri().toString();
        publish("application/json", "[{\"id\":\"../secret\"},{\"id\":\"by-uri\",\"uri\":\"%s\"},{\"id\":\"by-address\",\"uri\":\"%s\"}]"
                .formatted(secret, guarded.uri("/q/metrics")));

        await().atMost(PATIENCE).until(() -> Stream.of("../secret", "by-uri", "by-address").allMatch(id -> guardedRig.deadLetters(id).size() == 1));
        assertThat(Stream.of("by-uri", "by-address").map(id -> json(guarded.get("/documents/" + id).body()).path("error").path("kind").asText()))
                .containsOnly("uri-not-allowed");
        assertThat(json(guarded.get("/documents/..%2Fsecret").body()).path("error").path("kind").asText()).isEqualTo("document-not-found");
        assertThat(guardedRig.model().calls()).noneMatch(call -> call.prompt().contains("the secret"));
    }

    // ---- Errors ----

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', nullValues = "-", textBlock = """
            GET    | /no/such/path       | -                | -      | 404 | /q/openapi
            GET    | /documents/unknown  | -                | -      | 404 | knows this document
            GET    | /progress/history?span=1y | -          | -      | 400 | 10m, 1h or 24h
            GET    | /failures?limit=0   | -                | -      | 400 | limit = 0
            DELETE | /documents          | -                | -      | 405 | Allow
            PUT    | /progress           | -                | -      | 405 | Allow
            POST   | /documents          | application/xml  | <x/>   | 415 | Content-Type
            POST   | /documents          | application/json | {      | 400 | line 1
            POST   | /failures/replay    | application/json | {}     | 400 | one member
            POST   | /failures/replay    | text/plain       | all    | 415 | Content-Type
            """)
    void error_isAProblem(String method, String path, String contentType, String body, int status, String told) {
        Map<String, String> headers = contentType == null ? Map.of("Authorization", "Bearer " + TOKEN)
                : Map.of("Authorization", "Bearer " + TOKEN, "Content-Type", contentType);
        Exchange answer = guarded.exchange(method, path, headers, body == null ? "" : body);

        assertProblem(answer, status, told);
        if (status == 405) {
            assertThat(answer.headers()).containsEntry("allow", path.equals("/documents") ? "POST" : "GET, HEAD");
        }
    }

    @Test
    void bodyThatIsTooLarge_isAProblem() throws Exception {
        Exchange told = guarded.exchange("POST", "/documents",
                Map.of("Authorization", "Bearer " + TOKEN, "Content-Type", "text/plain", "Content-Length", "70000"), "doc");
        HttpResponse<String> found = chunked("/documents", "application/x-ndjson", ("{\"id\":\"too-many\"" + " ".repeat(1_900) + "}\n").repeat(50));
        HttpResponse<String> element = chunked("/documents", "application/json", "[\"fine\",{\"id\":\"x\",\"text\":\"" + "x".repeat(60_000));
        HttpResponse<String> replay = chunked("/failures/replay", "application/json", "{\"ids\":[\"" + "x".repeat(3_000) + "\"]}");

        assertProblem(told, 413, "pawl.http.max-body-size, 65536 bytes");
        assertThat(found.statusCode()).isEqualTo(413);
        assertThat(json(found.body()).path("detail").asText()).contains("pawl.http.max-body-size");
        assertThat(json(found.body()).path("accepted").asInt()).isPositive();
        assertThat(element.statusCode()).isEqualTo(413);
        assertThat(json(element.body()).path("detail").asText()).contains("element 2", "pawl.http.max-line-size");
        assertThat(replay.statusCode()).isEqualTo(413);
    }

    /** Without a Content-Length. */
    private static HttpResponse<String> chunked(String path, String contentType, String body) throws Exception {
        try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            return client.send(HttpRequest.newBuilder(guarded.uri(path)).header("Authorization", "Bearer " + TOKEN).header("Content-Type", contentType)
                    .POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)))).build(),
                    BodyHandlers.ofString());
        }
    }

    private static void assertProblem(Exchange answer, int status, String told) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().get("content-type")).startsWith("application/problem+json");
        JsonNode problem = json(answer.body());
        assertThat(problem.path("type").asText()).isEqualTo("about:blank");
        assertThat(problem.path("title").asText()).isNotBlank();
        assertThat(problem.path("status").asInt()).isEqualTo(status);
        assertThat(problem.path("detail").asText()).contains(told);
    }

    // ---- Pages of other sites ----

    @ParameterizedTest
    @ValueSource(strings = { "/", "/page/page.css", "/progress", "/documents/unknown", "/no/such/path" })
    void answer_carriesWhatKeepsABrowserSafe(String path) {
        Map<String, String> headers = plain.exchange("GET", path, Map.of(), "").headers();

        assertThat(headers.get("content-security-policy")).contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
                .doesNotContain("unsafe", "http", "*");
        assertThat(headers).containsEntry("x-content-type-options", "nosniff").containsEntry("referrer-policy", "no-referrer")
                .containsEntry("x-frame-options", "DENY").containsEntry("cross-origin-resource-policy", "same-origin");
        assertThat(headers.get("cache-control")).isIn("no-store", "no-cache");
    }

    @ParameterizedTest
    @ValueSource(strings = { "/", "/progress", "/documents/doc-1", "/q/../progress", "/q/%2e%2e/progress" })
    void hostOfAnotherSite_isToldNothing(String path) {
        Exchange answer = plain.exchange("GET", path, Map.of("Host", "rebound.example.com"), "");

        assertProblem(answer, 421, "pawl.http.allowed-hosts");
        assertThat(answer.body()).contains("rebound.example.com");
    }

    @Test
    void hostThatIsAllowed_isAnswered() {
        assertThat(guarded.exchange("GET", "/progress", Map.of("Host", "pawl.example.com:443"), "").status()).isEqualTo(200);
        assertThat(guarded.exchange("GET", "/progress", Map.of("Host", "Localhost:8080"), "").status()).isEqualTo(200);
        assertThat(guarded.exchange("GET", "/progress", Map.of("Host", "[::1]:8080"), "").status()).isEqualTo(200);
        assertThat(guarded.exchange("GET", "/progress", Map.of("Host", "evil-pawl.example.com"), "").status()).isEqualTo(421);
    }

    @Test
    void pageOfAnotherSite_getsNoPermission() {
        Map<String, String> headers = Map.of("Origin", "https://elsewhere.example", "Access-Control-Request-Method", "POST",
                "Access-Control-Request-Headers", "authorization");

        Stream.of(plain.exchange("OPTIONS", "/documents", headers, ""), plain.exchange("GET", "/progress", headers, ""),
                guarded.exchange("OPTIONS", "/documents", headers, ""), guarded.exchange("GET", "/progress", headers, ""))
                .forEach(answer -> assertThat(answer.headers().keySet()).doesNotContain("access-control-allow-origin"));
    }

    @Test
    void pageOfASiteThatIsAllowed_getsPermission() {
        Map<String, String> headers = Map.of("Origin", "https://allowed.example", "Access-Control-Request-Method", "POST",
                "Access-Control-Request-Headers", "authorization");

        assertThat(guarded.exchange("OPTIONS", "/documents", headers, "").headers())
                .containsEntry("access-control-allow-origin", "https://allowed.example");
        assertThat(guarded.exchange("POST", "/documents", Map.of("Origin", "https://allowed.example", "Content-Type", "text/plain"), "doc").status())
                .as("the token is asked for all the same").isEqualTo(401);
    }

    @Test
    void tokenInTheAddressOrACookie_doesNotCount() {
        assertThat(guarded.exchange("POST", "/intake/pause?token=" + TOKEN, Map.of("Cookie", "token=" + TOKEN), "").status()).isEqualTo(401);
        assertThat(guarded.exchange("POST", "/intake/pause", Map.of("Authorization", "Basic " + TOKEN), "").status()).isEqualTo(401);
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
    void find_aDoneDocument_tellsItsWayAndWhereItStands() throws Exception {
        JsonNode found = json(plain.get("/documents/doc-1").body());

        JsonNode way = found.path("way");
        assertThat(way.findValuesAsText("what")).containsExactly("taken", "step", "step", "done");
        assertThat(way.findValuesAsText("step")).containsExactly("summary", "entities");
        long steps = way.path(1).path("durationMs").asLong() + way.path(2).path("durationMs").asLong();
        assertThat(steps).isEqualTo(found.path("durationMs").asLong());
        assertThat(way.path(1).path("attempts").asInt()).isEqualTo(1);
        assertThat(way.path(1).path("usage").path("inputTokens").asInt()).isEqualTo(100);
        for (JsonNode place : List.of(found.path("checkpoint"), way.path(1).path("checkpoint"))) {
            byte[] file = Files.readAllBytes(plainRig.checkpointFile(0).resolveSibling(place.path("file").asText()));
            int offset = place.path("offset").asInt();
            String line = new String(file, offset, file.length - offset, StandardCharsets.UTF_8).lines().findFirst().orElseThrow();
            assertThat(json(line).path("id").asText()).isEqualTo("doc-1");
            assertThat(json(line).path("status").asText()).isEqualTo(place == found.path("checkpoint") ? "done" : "step");
        }
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
        assertThat(documentsPerMinute).isPositive();
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

    @Test
    void progress_tellsTheBacklog() {
        await().atMost(PATIENCE).untilAsserted(() -> {
            JsonNode backlog = progress().path("backlog");
            assertThat(backlog.path("published").asInt()).isEqualTo(8);
            assertThat(backlog.path("settled").asInt()).isEqualTo(7);
            assertThat(backlog.path("doneAt").isNull()).isTrue();
            assertThat(Instant.parse(backlog.path("since").asText())).isBefore(Instant.parse(backlog.path("publishedBy").asText()));
        });
    }

    @Test
    void progressStream_tellsTheSameAsProgress_andGoesOn() throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<Stream<String>> answer = client.send(HttpRequest.newBuilder(plain.uri("/progress/stream")).build(), BodyHandlers.ofLines());
            assertThat(answer.headers().firstValue("Content-Type").orElseThrow()).startsWith("text/event-stream");
            List<JsonNode> events;
            try (Stream<String> lines = answer.body()) {
                events = lines.filter(line -> line.startsWith("data:")).limit(2).map(line -> json(line.substring("data:".length()))).toList();
            }

            assertThat(events.getFirst().path("documents")).isEqualTo(progress().path("documents"));
            assertThat(Instant.parse(events.getLast().path("at").asText())).isAfter(Instant.parse(events.getFirst().path("at").asText()));
        }
    }

    @Test
    void progressHistory_endsWithHowItIsNow() {
        JsonNode history = json(plain.get("/progress/history?span=10m").body());

        assertThat(history.path("samples")).isNotEmpty();
        JsonNode last = history.path("samples").path(history.path("samples").size() - 1);
        assertThat(last.path("completed").asInt()).isEqualTo(4);
        assertThat(last.path("tokensSpent").asInt()).isEqualTo(990);
        assertThat(last.path("costSaved").decimalValue()).isEqualByComparingTo("0.0006");
    }

    @Test
    void partitions_tellWhoHasThem() {
        JsonNode partitions = json(plain.get("/partitions").body()).path("partitions");

        assertThat(partitions.findValuesAsText("partition"))
                .containsExactlyElementsOf(Stream.of(0, 1, 2, 3).map(partition -> plainRig.topics().documents() + "-" + partition).toList());
        assertThat(partitions.findValuesAsText("member")).containsOnly("the-only-one").hasSize(4);
        assertThat(partitions.findValuesAsText("here")).containsOnly("true");
        await().atMost(PATIENCE).untilAsserted(() ->
            assertThat(json(plain.get("/partitions").body()).path("partitions").path(0).path("committed").asInt()).isEqualTo(5));
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
    void openapi_saysWhoseLagItIs() {
        JsonNode schemas = json(plain.get("/q/openapi?format=json").body()).path("components").path("schemas");

        assertThat(schemas.path("ProgressLag").path("description").asText()).contains("partitions that this process has");
    }

    @Test
    void openapi_listsTheCalls() {
        String openapi = plain.get("/q/openapi?format=json").body();

        assertThat(json(openapi).path("paths").fieldNames()).toIterable().contains("/documents", "/documents/{id}", "/progress");
        assertThat(json(openapi).path("paths").path("/documents").path("post").path("requestBody").path("content").fieldNames()).toIterable()
                .contains("text/plain", "application/json", "application/x-ndjson");
    }

    @Test
    void openapi_describesEveryFieldAndEveryError() {
        JsonNode openapi = json(plain.get("/q/openapi?format=json").body());

        openapi.path("components").path("schemas").forEachEntry((name, schema) -> {
            assertThat(schema.path("description").isTextual() || !schema.has("properties")).as(name).isTrue();
            schema.path("properties").forEachEntry((property, description) ->
                assertThat(description.path("description").asText()).as(name + "." + property).isNotBlank());
        });
        openapi.path("paths").forEachEntry((path, operations) -> operations.forEachEntry((method, operation) -> {
            assertThat(operation.path("summary").asText()).as(method + " " + path).isNotBlank();
            List<String> statuses = new ArrayList<>();
            operation.path("responses").fieldNames().forEachRemaining(statuses::add);
            if (method.equals("post")) {
                assertThat(statuses).as(method + " " + path).contains("401", "403");
                assertThat(operation.path("security").toString()).as(method + " " + path).contains("token");
            }
            operation.path("responses").forEachEntry((status, response) -> {
                if (!status.startsWith("2")) {
                    JsonNode named = openapi.at(response.path("$ref").asText().substring(1));
                    assertThat(named.path("description").asText()).as(method + " " + path + " " + status).isNotBlank();
                    assertThat(named.path("content").has("application/problem+json")).as(method + " " + path + " " + status).isTrue();
                }
            });
            operation.path("parameters").forEach(parameter -> assertThat(parameter.path("description").asText()).as(path + " " + parameter).isNotBlank());
        }));
        assertThat(openapi.path("paths").fieldNames()).toIterable().contains("/documents", "/documents/{id}", "/progress", "/progress/stream",
                "/progress/history", "/failures", "/failures/replay", "/intake/pause", "/intake/resume");
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
