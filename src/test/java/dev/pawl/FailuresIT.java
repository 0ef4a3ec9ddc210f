package dev.pawl;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.StreamSupport;

import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
 * Dead letters of a running process, replayed once what was wrong is right. Each test has documents of its own, which fail in their
 * second step for as long as their IDs are in {@link #REFUSED} or {@link #MISTAKEN}.
 */
class FailuresIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String TOKEN = "a-token-for-tests";
    private static final JsonMapper JSON = new JsonMapper();

    private static final Set<String> REFUSED = ConcurrentHashMap.newKeySet();
    private static final Set<String> MISTAKEN = ConcurrentHashMap.newKeySet();

    @TempDir
    static Path directory;

    private static Rig rig;
    private static PawlProcess pawl;

    @BeforeAll
    static void start() {
        rig = new Rig(TestBroker.shared(), directory)
                .config("pawl.api.token", TOKEN)
                .config("pawl.chain.step.entities.attempts", "2")
                .config("mp.messaging.incoming.documents.auto.commit.interval.ms", "100");
        rig.model().answer(call -> {
            if (call.step().equals("entities") && REFUSED.contains(call.id())) {
                return new Reply.Status(400);
            }
            return call.step().equals("entities") && MISTAKEN.contains(call.id())
                    ? new Reply.Text("no JSON")
                    : ScriptedModel.usualAnswer(call);
        });
        pawl = rig.start();
    }

    @AfterAll
    static void close() {
        rig.close();
    }

    @BeforeEach
    void awaitIdle() {
        rig.awaitAllCommitted();
    }

    // ---- GET /failures ----

    @Test
    void list_tellsOfEachFailure() {
        Instant before = Instant.now();
        fail(MISTAKEN, "told-mistaken");
        long offset = rig.publisher().publish(new ProducerRecord<>(rig.topics().documents(), 2, "told-broken".getBytes(UTF_8),
                "{\"id\":".getBytes(UTF_8))).offset();
        rig.awaitAllCommitted();

        JsonNode mistaken = entry(list("?kind=invalid-output"), "key", "told-mistaken");
        assertThat(mistaken.path("id").asText()).isEqualTo("told-mistaken");
        assertThat(mistaken.path("kind").asText()).isEqualTo("invalid-output");
        assertThat(mistaken.path("step").asText()).isEqualTo("entities");
        assertThat(mistaken.path("attempts").asInt()).isEqualTo(2);
        assertThat(mistaken.path("message").asText()).isEqualTo(document("told-mistaken").path("error").path("message").asText()).isNotBlank();
        assertThat(mistaken.path("source").asText()).isEqualTo(document("told-mistaken").path("source").asText());
        assertThat(Instant.parse(mistaken.path("failedAt").asText())).isBetween(before.minusMillis(1), Instant.now());
        assertThat(mistaken.path("position").asText()).matches(rig.topics().deadLetters() + "-\\d@\\d+");
        assertThat(mistaken.path("open").asBoolean()).isTrue();

        JsonNode broken = entry(list("?kind=invalid-document"), "key", "told-broken");
        assertThat(broken.has("id")).isFalse();
        assertThat(broken.has("step")).isFalse();
        assertThat(broken.path("source").asText()).isEqualTo(rig.topics().documents() + "-2@" + offset);
    }

    @Test
    void list_pageByPage_hasAsManyEntriesAsItCounts() {
        fail(REFUSED, "paged-1", "paged-2", "paged-3");

        JsonNode open = list("").path("open");
        int entries = 0;
        JsonNode page = list("?limit=2");
        while (page.path("next").isTextual()) {
            assertThat(page.path("failures")).hasSize(2);
            entries += 2;
            page = list("?limit=2&after=" + page.path("next").asText());
        }
        entries += page.path("failures").size();

        assertThat(entries).isEqualTo(open.path("total").asInt());
        assertThat(StreamSupport.stream(open.path("kinds").spliterator(), false).mapToInt(JsonNode::asInt).sum()).isEqualTo(entries);
        assertThat(open.path("kinds").path("refused").asInt()).isGreaterThanOrEqualTo(3);
    }

    @Test
    void list_ofWhatIsNotAllowed_saysWhatIs() {
        assertRefused(pawl.get("/failures?kind=nonsense"), "kind = nonsense", "invalid-output");
        assertRefused(pawl.get("/failures?after=elsewhere-0@3"), "after = elsewhere-0@3", "position");
        assertRefused(pawl.get("/failures?limit=0"), "limit = 0", "1 to 1000");
        assertRefused(pawl.get("/failures?all=perhaps"), "all = perhaps", "true or false");
    }

    // ---- POST /failures/replay ----

    @Test
    void replayOfIds_runsAgainFromTheFailedStep() {
        fail(REFUSED, "ids-1", "ids-2");
        fail(MISTAKEN, "ids-3");
        REFUSED.removeAll(List.of("ids-1", "ids-2"));
        MISTAKEN.remove("ids-3");

        JsonNode replayed = replay("{\"ids\":[\"ids-1\",\"ids-3\"]}");
        awaitDone("ids-1", "ids-3");

        assertThat(replayed).isEqualTo(json("{\"replayed\":2,\"skipped\":[],\"complete\":true,\"elsewhere\":[]}"));
        assertThat(rig.model().calls("summary", "ids-1")).hasSize(1);
        assertThat(rig.model().calls("entities", "ids-1")).hasSize(2);
        assertThat(rig.model().calls("summary", "ids-3")).hasSize(1);
        assertThat(rig.model().calls("entities", "ids-3")).hasSize(3);
        assertThat(rig.results("ids-1")).hasSize(1);
        assertThat(keys(list("?limit=1000"))).contains("ids-2").doesNotContain("ids-1", "ids-3");

        assertThat(replay("{\"ids\":[\"ids-1\",\"ids-3\"]}")).isEqualTo(json("""
                {"replayed":0,"skipped":[{"reason":"done","count":2,"of":["ids-1","ids-3"]}],"complete":true,"elsewhere":[]}"""));
        assertThat(published("ids-1")).isEqualTo(2);
        assertThat(published("ids-2")).isEqualTo(1);
    }

    @Test
    void replayOfAKind_leavesTheOthers() {
        fail(REFUSED, "kind-refused");
        fail(MISTAKEN, "kind-mistaken-1", "kind-mistaken-2");
        REFUSED.remove("kind-refused");
        MISTAKEN.removeAll(List.of("kind-mistaken-1", "kind-mistaken-2"));

        replay("{\"kind\":\"invalid-output\"}");
        awaitDone("kind-mistaken-1", "kind-mistaken-2");

        assertThat(rig.model().calls("summary", "kind-mistaken-1")).hasSize(1);
        assertThat(published("kind-refused")).isEqualTo(1);
        assertThat(keys(list("?limit=1000"))).contains("kind-refused").doesNotContain("kind-mistaken-1", "kind-mistaken-2");
    }

    @Test
    void replayOfAll_replaysAllThatAreOpen_andNothingTheSecondTime() {
        fail(REFUSED, "all-1");
        fail(MISTAKEN, "all-2");
        REFUSED.clear();
        MISTAKEN.clear();
        int open = list("").path("open").path("total").asInt();

        JsonNode replayed = replay("{\"all\":true}");
        awaitDone("all-1", "all-2");

        assertThat(replayed.path("replayed").asInt()).isEqualTo(open).isGreaterThanOrEqualTo(2);
        assertThat(list("").path("open").path("kinds").fieldNames()).toIterable().isSubsetOf("invalid-document");
        replay("{\"all\":true}");
        rig.awaitAllCommitted();
        assertThat(published("all-1")).isEqualTo(2);
        assertThat(published("all-2")).isEqualTo(2);
        assertThat(rig.model().calls("summary", "all-1")).hasSize(1);
    }

    @Test
    void replayThatFailsAgain_leavesOneLetterOpen() {
        fail(REFUSED, "again");
        replay("{\"ids\":[\"again\"]}");
        rig.awaitAllCommitted();

        List<JsonNode> letters = entries(list("?all=true&limit=1000"), "key", "again");
        assertThat(letters).extracting(letter -> letter.path("open").asBoolean()).containsExactly(false, true);
        REFUSED.remove("again");
        assertThat(replay("{\"ids\":[\"again\"]}").path("replayed").asInt()).isEqualTo(1);
        awaitDone("again");
        assertThat(published("again")).isEqualTo(3);
        assertThat(rig.model().calls("summary", "again")).hasSize(1);
    }

    @Test
    void replayOfARecordThatHoldsNoDocument_isNamedByItsSource_alsoAfterARestart() {
        rig.publisher().publish(new ProducerRecord<>(rig.topics().documents(), 1, "broken".getBytes(UTF_8), "{".getBytes(UTF_8)));
        fail(REFUSED, "before-the-restart");
        REFUSED.remove("before-the-restart");
        rig.awaitAllCommitted();
        String source = entry(list("?limit=1000"), "key", "broken").path("source").asText();

        JsonNode replayed = replay("{\"sources\":[\"%s\"]}".formatted(source));
        replay("{\"ids\":[\"before-the-restart\"]}");
        awaitDone("before-the-restart");
        rig.awaitAllCommitted();

        assertThat(replayed.path("replayed").asInt()).isEqualTo(1);
        JsonNode again = entry(list("?limit=1000"), "key", "broken");
        assertThat(again.path("source").asText()).isNotEqualTo(source);
        Set<String> open = Set.copyOf(keys(list("?limit=1000")));

        pawl.kill();
        pawl = rig.start();

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(list("").path("elsewhere")).isEmpty());
        assertThat(keys(list("?limit=1000"))).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(open)
                .doesNotContain("before-the-restart");
        assertThat(entry(list("?limit=1000"), "key", "broken").path("source")).isEqualTo(again.path("source"));
    }

    @Test
    void forgottenDocument_isNotReplayed() {
        fail(REFUSED, "forgotten");
        rig.publish(0, "forgotten", null);
        rig.awaitAllCommitted();

        assertThat(keys(list("?limit=1000"))).doesNotContain("forgotten");
        assertThat(replay("{\"ids\":[\"forgotten\"]}").path("skipped").path(0).path("reason").asText()).isEqualTo("forgotten");
    }

    @Test
    void replay_withoutTheToken_isRefused() {
        fail(REFUSED, "guarded");

        assertThat(pawl.post("/failures/replay", "application/json", "{\"all\":true}").status()).isEqualTo(401);
        assertThat(published("guarded")).isEqualTo(1);
    }

    @Test
    void replay_ofWhatIsNotAllowed_saysWhatIs() {
        assertRefused(pawl.post("/failures/replay", "application/json", "{\"id\":\"doc-1\"}", TOKEN), "member id", "\"ids\"");
        assertRefused(pawl.post("/failures/replay", "application/json", "{\"kind\":\"nonsense\"}", TOKEN), "kind = nonsense", "refused");
    }

    // ---- POST /intake/pause, /intake/resume ----

    @Test
    void intake_isPausedAndResumed_alsoTwice() {
        JsonNode paused = change("/intake/pause");
        JsonNode pausedAgain = change("/intake/pause");
        JsonNode resumed = change("/intake/resume");
        JsonNode resumedAgain = change("/intake/resume");

        assertThat(paused.path("open").asBoolean()).isFalse();
        assertThat(paused.path("closed")).singleElement().satisfies(closed -> {
            assertThat(closed.path("reason").asText()).isEqualTo("paused");
            assertThat(closed.path("detail").asText()).matches("paused by a call from 127.0.0.1 at \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
            assertThat(Instant.parse(closed.path("since").asText())).isBefore(Instant.now());
        });
        assertThat(pausedAgain).isEqualTo(paused);
        assertThat(resumed).isEqualTo(json("{\"open\":true,\"closed\":[]}"));
        assertThat(resumedAgain).isEqualTo(resumed);
    }

    @Test
    void pausedIntake_takesNothingUntilItIsResumed() {
        change("/intake/pause");
        rig.text("held-back", "The text of held-back");
        rig.publish(0, "held-back", "held-back");
        await().atMost(PATIENCE).until(() -> json(pawl.get("/progress").body()).path("lag").path("total").asInt() == 1);

        JsonNode progress = json(pawl.get("/progress").body());

        assertThat(progress.path("state").asText()).isEqualTo("waiting");
        assertThat(progress.path("documents").path("inWork").asInt()).isZero();
        change("/intake/resume");
        rig.awaitAllCommitted();
        awaitDone("held-back");
    }

    @Test
    void intake_withoutTheToken_isLeftAsItIs() {
        assertThat(pawl.post("/intake/pause", "application/json", "").status()).isEqualTo(401);
        assertThat(change("/intake/resume").path("open").asBoolean()).isTrue();
    }

    // ----

    /** Publishes documents that fail; returns when they are dead letters. */
    private static void fail(Set<String> how, String... ids) {
        how.addAll(List.of(ids));
        for (String id : ids) {
            rig.text(id, "The text of " + id);
            rig.publish(Math.floorMod(id.hashCode(), 4), id, id);
        }
        rig.awaitAllCommitted();
    }

    private static void awaitDone(String... ids) {
        for (String id : ids) {
            await(id).atMost(PATIENCE).until(() -> document(id).path("status").asText().equals("done"));
        }
        rig.awaitAllCommitted();
    }

    private static JsonNode document(String id) {
        return json(pawl.get("/documents/" + id).body());
    }

    private static JsonNode list(String query) {
        Response response = pawl.get("/failures" + query);
        assertThat(response.status()).as(response.body()).isEqualTo(200);
        JsonNode listed = json(response.body());
        assertThat(listed.path("complete").asBoolean()).isTrue();
        return listed;
    }

    private static JsonNode replay(String body) {
        Response response = pawl.post("/failures/replay", "application/json", body, TOKEN);
        assertThat(response.status()).as(response.body()).isEqualTo(202);
        return json(response.body());
    }

    private static JsonNode change(String path) {
        Response response = pawl.post(path, "application/json", "", TOKEN);
        assertThat(response.status()).as(response.body()).isEqualTo(200);
        return json(response.body());
    }

    private static List<String> keys(JsonNode listed) {
        return StreamSupport.stream(listed.path("failures").spliterator(), false).map(entry -> entry.path("key").asText()).toList();
    }

    private static List<JsonNode> entries(JsonNode listed, String member, String value) {
        return StreamSupport.stream(listed.path("failures").spliterator(), false)
                .filter(entry -> entry.path(member).asText().equals(value)).toList();
    }

    private static JsonNode entry(JsonNode listed, String member, String value) {
        List<JsonNode> entries = entries(listed, member, value);
        assertThat(entries).as("%s %s in %s", member, value, listed).hasSize(1);
        return entries.getFirst();
    }

    /** How many records the documents topic has with this key. */
    private static int published(String key) {
        return (int) new Reader(rig.broker().bootstrapServers()).readAll(rig.topics().documents()).stream()
                .filter(record -> key.equals(Reader.text(record.key()))).count();
    }

    private static void assertRefused(Response response, String... told) {
        assertThat(response.status()).as(response.body()).isEqualTo(400);
        assertThat(json(response.body()).path("detail").asText()).contains(told);
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError(text, e);
        }
    }
}
