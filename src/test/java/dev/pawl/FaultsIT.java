package dev.pawl;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.TestBroker;

/**
 * What the real client makes of every way in which an endpoint can fail to answer one document, among others that it answers: who
 * is to blame. A document's ID names its fault; one that ends in {@code -once} has it in its first call only.
 */
@Isolated("It compares times.")
class FaultsIT {

    private static final String SECRET = "What-nobody-may-read";
    private static final int SIBLINGS = 200;
    /** All that happens to the first call and is not the document's fault. */
    private static final List<Integer> STATUSES = List.of(302, 401, 402, 403, 404, 405, 408, 409, 418, 425, 429, 500, 501, 502, 503, 504, 520, 529);

    @TempDir
    static Path directory;

    private static Rig rig;
    private static PawlProcess pawl;
    private static final List<String> IDS = new ArrayList<>();
    private static Set<String> done;
    private static Map<String, ConsumerRecord<byte[], byte[]>> letters;

    static List<String> onlyOnce() {
        List<String> ids = new ArrayList<>(List.of("invalid-once", "empty-once", "no-choices-once", "html-once", "cut-json-once", "no-id-once",
                "no-message-once", "dropped-once", "quota-once", "parameter-once", "no-content-once"));
        STATUSES.forEach(status -> ids.add(status + "-once"));
        return ids;
    }

    @BeforeAll
    static void runAll() {
        rig = new Rig(TestBroker.shared(), directory, 1);
        rig.model().answer(FaultsIT::answer);
        rig.model().delay(Duration.ofMillis(10));
        // Those whose fault has to be proven come first, so that the rest of the topic is behind them.
        IDS.addAll(List.of("no-choices", "html", "no-message", "refusal", "refused-400", "refused-413", "refused-422", "refused-451", "filter-prompt",
                "filter-answer", "context", "length", "empty", "invalid", "after-429", "after-429-ms", "after-429-date", "after-503"));
        IDS.addAll(onlyOnce());
        IntStream.range(0, SIBLINGS).mapToObj("sibling-%03d"::formatted).forEach(IDS::add);
        IDS.forEach(id -> rig.text(id, "A text: " + SECRET));
        rig.publish(IDS);
        pawl = rig.config("pawl.max-in-flight", "64").start();
        await().atMost(Rig.READY).until(() -> rig.uncommitted() == 0);
        done = rig.checkpoint("done").map(CheckpointFile.Line::id).collect(Collectors.toSet());
        letters = rig.deadLetters().stream().collect(Collectors.toMap(letter -> Reader.text(letter.key()), letter -> letter));
    }

    @AfterAll
    static void close() {
        rig.close();
    }

    private static Reply answer(Call call) {
        boolean first = call.attempt() == 1;
        if (!call.step().equals("summary") && !call.id().startsWith("invalid") || call.id().startsWith("sibling") || !first && isBadOnce(call.id())) {
            return ScriptedModel.usualAnswer(call);
        }
        String id = call.id().replace("-once", "");
        return switch (id) {
            case "refusal" -> body("{\"id\":\"x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null,\"refusal\":\"%s\"},\"finish_reason\":\"stop\"}]}");
            case "refused-400", "refused-413", "refused-422", "refused-451" -> error(Integer.parseInt(id.substring(8)), "null", "null");
            case "filter-prompt" -> error(400, "\"content_filter\"", "\"prompt\"");
            case "filter-answer" -> new Reply.Text(SECRET, 100, 10, "content_filter");
            case "context" -> error(400, "\"context_length_exceeded\"", "\"messages\"");
            case "length" -> new Reply.Text("half of " + SECRET, 100, 10, "length");
            case "empty" -> new Reply.Text("");
            case "invalid" -> call.step().equals("summary") ? ScriptedModel.usualAnswer(call) : new Reply.Text(SECRET);
            case "no-choices" -> body("{\"id\":\"x\",\"choices\":[]}");
            case "html" -> body("<html>%s</html>");
            case "cut-json" -> body("{\"id\":\"x\",\"choices\":[{\"message\":{\"content\":\"%s");
            case "no-id" -> body("{\"error\":{\"message\":\"%s\",\"code\":502}}");
            case "no-message" -> body("{\"id\":\"x\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}");
            case "no-content" -> new Reply.Status(200, "", Map.of());
            case "dropped" -> new Reply.Drop();
            case "quota" -> error(429, "\"insufficient_quota\"", "null");
            case "parameter" -> error(400, "\"unsupported_value\"", "\"temperature\"");
            case "after-429" -> new Reply.Status(429, "", Map.of("Retry-After", "1"));
            case "after-429-ms" -> new Reply.Status(429, "", Map.of("retry-after-ms", "1100", "Retry-After", "30"));
            case "after-429-date" -> new Reply.Status(429, "", Map.of("Retry-After", DateTimeFormatter.RFC_1123_DATE_TIME
                    .format(Instant.now().plusSeconds(2).atZone(ZoneOffset.UTC))));
            case "after-503" -> new Reply.Status(503, "", Map.of("Retry-After", "1"));
            default -> error(Integer.parseInt(id), "null", "null");
        };
    }

    private static boolean isBadOnce(String id) {
        return id.endsWith("-once") || id.startsWith("after-");
    }

    private static Reply body(String text) {
        return new Reply.Status(200, text.replace("%s", SECRET), Map.of());
    }

    private static Reply error(int status, String code, String param) {
        return new Reply.Status(status, "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":%s,\"code\":%s}}"
                .formatted(SECRET, param, code), Map.of());
    }

    @ParameterizedTest
    @CsvSource({"refusal, refused, summary, 1", "refused-400, refused, summary, 1", "refused-413, refused, summary, 1",
            "refused-422, refused, summary, 1", "refused-451, refused, summary, 1", "filter-prompt, content-filtered, summary, 1",
            "filter-answer, content-filtered, summary, 1", "context, context-length-exceeded, summary, 1",
            "length, truncated-output, summary, 1", "empty, invalid-output, summary, 3", "invalid, invalid-output, entities, 3"})
    void faultOfTheDocument_isADeadLetterAfterItsAttempts(String id, String kind, String step, int attempts) {
        assertThat(header(id, "pawl-kind")).isEqualTo(kind);
        assertThat(header(id, "pawl-step")).isEqualTo(step);
        assertThat(header(id, "pawl-attempts")).isEqualTo(Integer.toString(attempts));
        assertThat(rig.model().calls(step, id)).hasSize(attempts);
        assertThat(header(id, "dead-letter-reason")).isNotBlank().doesNotContain(SECRET);
    }

    @ParameterizedTest
    @ValueSource(strings = {"no-choices", "html", "no-message"})
    void answerThatNoClientCanRead_whileOthersAreAnswered_isADeadLetterInTheEnd(String id) {
        int calls = rig.model().calls("summary", id).size();

        assertThat(header(id, "pawl-kind")).isEqualTo("invalid-output");
        assertThat(header(id, "pawl-attempts")).isEqualTo(Integer.toString(calls));
        assertThat(calls).isBetween(3, 15);
        assertThat(header(id, "dead-letter-reason")).contains("for this one never");
    }

    @ParameterizedTest
    @MethodSource("onlyOnce")
    void faultOfTheProvider_isTriedAgain(String id) {
        assertThat(done).contains(id);
        assertThat(letters).doesNotContainKey(id);
        assertThat(rig.model().calls(id.startsWith("invalid") ? "entities" : "summary", id)).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource({"after-429, 1000", "after-429-ms, 1100", "after-429-date, 1000"})
    void retryAfter_isHeeded(String id, int atLeastMs) {
        List<Call> calls = rig.model().calls("summary", id);

        assertThat(calls).hasSize(2);
        assertThat(Duration.between(calls.get(0).receivedAt(), calls.get(1).receivedAt()))
                .isBetween(Duration.ofMillis(atLeastMs), Duration.ofSeconds(6));
    }

    @Test
    void siblings_areAllDoneWithNoCallTooMany() {
        Map<String, Integer> calls = new HashMap<>(rig.model().counts());
        calls.keySet().removeIf(key -> !key.contains("/sibling-"));

        assertThat(done).containsAll(IDS.stream().filter(id -> id.startsWith("sibling-")).toList());
        assertThat(calls).hasSize(SIBLINGS * Rig.STEPS.size()).allSatisfy((_, count) -> assertThat(count).isEqualTo(1));
    }

    @Test
    void everyDocument_isDoneOrADeadLetterAndCommitted() {
        Set<String> ended = new HashSet<>(done);
        ended.addAll(letters.keySet());

        assertThat(ended).containsExactlyInAnyOrderElementsOf(IDS);
        assertThat(rig.committed(0)).isEqualTo(IDS.size());
    }

    @Test
    void log_quotesNothing() {
        assertThat(pawl.log()).doesNotContain(SECRET).contains("status 529").contains("status 302").contains("nothing left to pay with: 429")
                .contains("does not take the parameter temperature: 400").contains("wrong key: 401");
        assertThat(pawl.get("/q/metrics").body()).doesNotContain(SECRET).contains("error_type=\"status 529\"").contains("error_type=\"other\"");
    }

    private static String header(String id, String name) {
        assertThat(letters).containsKey(id);
        return new String(letters.get(id).headers().lastHeader(name).value(), UTF_8);
    }
}
