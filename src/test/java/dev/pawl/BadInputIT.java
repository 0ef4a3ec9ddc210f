package dev.pawl;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpServer;

import dev.pawl.harness.HttpServers;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.ScriptedModel.Target;
import dev.pawl.harness.TestBroker;

/**
 * Every bad input is a dead letter, with its kind and its bytes as they came, and never the end of intake: all of them go into
 * one partition, each between two good neighbours. Every good form of input completes beside them.
 */
class BadInputIT {

    private static final int MAX_BYTES = 2_000;
    private static final JsonMapper JSON = new JsonMapper();

    /** Stands in every text and every prompt, and must never be logged. */
    private static final String MARKER = "chatoyant";
    private static final String MODEL_KEY = "sk-chatoyant-key";
    private static final Pattern TARGET = Pattern.compile("step=(\\S+) id=(.*)");

    /**
     * @param kind null where the input is good
     * @param id the document's ID; null where there is none
     */
    private record Input(String name, byte[] key, byte[] value, Map<String, String> headers, String kind, String id) {

        static Input bad(String kind, String name, String value) {
            return new Input(name, null, value.getBytes(UTF_8), Map.of(), kind, null);
        }

        static Input good(String id, String name, String value) {
            return new Input(name, null, value.getBytes(UTF_8), Map.of(), null, id);
        }

        Input key(String key) {
            return new Input(name, key == null ? null : key.getBytes(UTF_8), value, headers, kind, id);
        }

        Input value(byte[] value) {
            return new Input(name, key, value, headers, kind, id);
        }

        Input header(String name, String value) {
            Map<String, String> more = new LinkedHashMap<>(headers);
            more.put(name, value);
            return new Input(this.name, key, this.value, more, kind, id);
        }

        Input binaryEvent() {
            return header("ce_specversion", "1.0").header("ce_id", "event-of-" + name.hashCode()).header("ce_type", "t").header("ce_source", "/s");
        }

        Input structuredEvent() {
            return header("content-type", "application/cloudevents+json; charset=UTF-8");
        }

        @Override
        public String toString() {
            return name;
        }
    }

    @TempDir
    static Path directory;

    private static HttpServer documents;
    private static TestBroker broker;
    private static Rig rig;
    private static PawlProcess pawl;
    private static final Map<String, RecordMetadata> PUBLISHED = new LinkedHashMap<>();
    private static List<ConsumerRecord<byte[], byte[]>> results;
    private static List<ConsumerRecord<byte[], byte[]>> deadLetters;

    @BeforeAll
    static void publishAll() throws IOException {
        documents = HttpServers.create();
        documents.createContext("/allowed/", exchange -> {
            byte[] text = ("The text over HTTP, " + MARKER).getBytes(UTF_8);
            int status = exchange.getRequestURI().getPath().endsWith("missing.txt") ? 404 : 200;
            exchange.sendResponseHeaders(status, text.length);
            exchange.getResponseBody().write(text);
            exchange.close();
        });
        documents.start();
        broker = TestBroker.shared();
        rig = new Rig(broker, directory, 1)
                .config("mp.messaging.incoming.documents.auto.commit.interval.ms", "100")
                .config("quarkus.langchain4j.openai.api-key", MODEL_KEY)
                .config("pawl.documents.max-bytes", Integer.toString(MAX_BYTES))
                .config("pawl.documents.allowed-uris", httpRoot() + "/allowed/,file:" + directory + "/allowed/");
        rig.write("summary.prompt", "step=summary id={{id}}\nA prompt, " + MARKER + ", about {{metadata}}\n{{document}}");
        rig.write("allowed/letter.txt", "The text of a file, " + MARKER);
        rig.write("secret.txt", "Not to be read");
        rig.text("long-file", MARKER.repeat(MAX_BYTES));
        rig.text("bare-id", "The text of bare-id, " + MARKER);
        rig.text("json-string", "The text of json-string, " + MARKER);
        rig.text("with-key", "The text of with-key, " + MARKER);
        rig.text("event-bare", "The text of event-bare, " + MARKER);
        rig.text("event-string", "The text of event-string, " + MARKER);
        Files.write(directory.resolve("texts/latin-1.txt"), ("Caf\u00e9 " + MARKER).getBytes(ISO_8859_1));
        rig.model().matcher(BadInputIT::target).answer(BadInputIT::answer);

        pawl = rig.start();
        publish(goodNeighbour(0));
        int neighbours = 1;
        for (Input input : Stream.concat(badInputs(), goodInputs()).toList()) {
            PUBLISHED.put(input.name(), publish(input));
            publish(goodNeighbour(neighbours++));
        }
        rig.awaitAllCommitted();
        results = rig.results();
        deadLetters = rig.deadLetters();
    }

    @AfterAll
    static void close() {
        rig.close();
        broker.close();
        documents.stop(0);
    }

    static Stream<Input> badInputs() {
        String invalid = "invalid-document";
        return Stream.of(
                Input.bad(invalid, "empty value without a key", ""),
                Input.bad(invalid, "no value and no key", "").value(null),
                Input.bad(invalid, "no value under an empty key", "").value(null).key(""),
                Input.bad(invalid, "no value under a key of 513 bytes", "").value(null).key("k".repeat(513)),
                Input.bad(invalid, "empty value under a key", "").key("some-key"),
                Input.bad("document-not-found", "ID of two spaces", "  "),
                Input.bad(invalid, "value that is not UTF-8", "").value(new byte[] { 'd', (byte) 0xC3, 0x28 }).key("k"),
                Input.bad(invalid, "value with bytes of NUL", "").value(new byte[4]),
                Input.bad(invalid, "ID of 513 bytes", "x".repeat(513)),
                Input.bad(invalid, "ID of 513 bytes and 257 characters", "é".repeat(256) + "x"),
                Input.bad(invalid, "ID with a control character", "doc\u0007"),
                Input.bad(invalid, "ID with a newline", "doc-1\ndoc-2"),
                Input.bad(invalid, "ID with a C1 control character", "doc\u0085"),
                Input.bad(invalid, "JSON ID with an escaped control character", "{\"id\":\"a\\u0000b\"}"),
                Input.bad(invalid, "JSON ID with half a surrogate pair", "{\"id\":\"a\\ud800b\"}"),
                Input.bad(invalid, "JSON without id", "{\"text\":\"" + MARKER + "\"}").key("some-key"),
                Input.bad(invalid, "JSON with an empty id", "{\"id\":\"\"}"),
                Input.bad(invalid, "JSON with a number as id", "{\"id\":847}"),
                Input.bad(invalid, "JSON with null as id", "{\"id\":null}"),
                Input.bad(invalid, "JSON with an object as id", "{\"id\":{\"id\":\"x\"}}"),
                Input.bad(invalid, "broken JSON", "{\"id\":\"x\""),
                Input.bad(invalid, "JSON array", "[\"a\",\"b\"]"),
                Input.bad(invalid, "JSON with trailing garbage", "{\"id\":\"x\"} y"),
                Input.bad(invalid, "text that is not a string", "{\"id\":\"x\",\"text\":5}"),
                Input.bad(invalid, "metadata that is not an object", "{\"id\":\"x\",\"text\":\"t\",\"metadata\":\"m\"}"),
                Input.bad(invalid, "uri that is not a string", "{\"id\":\"x\",\"uri\":[]}"),
                Input.bad(invalid, "uri that is none", "{\"id\":\"x\",\"uri\":\"http://[\"}"),
                Input.bad(invalid, "binary CloudEvent without data", "").value(null).binaryEvent().key("some-key"),
                Input.bad(invalid, "binary CloudEvent with empty data", "").binaryEvent(),
                Input.bad(invalid, "structured CloudEvent without data", event("")).structuredEvent(),
                Input.bad(invalid, "structured CloudEvent with null as data", event(",\"data\":null")).structuredEvent(),
                Input.bad(invalid, "structured CloudEvent with broken JSON", "{\"specversion\":").structuredEvent(),
                Input.bad(invalid, "structured CloudEvent that is no JSON", "doc-1").structuredEvent(),
                Input.bad(invalid, "structured CloudEvent with broken Base64", event(",\"data_base64\":\"%%\"")).structuredEvent(),
                Input.bad(invalid, "structured CloudEvent with a number as data", event(",\"data\":5")).structuredEvent(),
                Input.bad("document-not-found", "ID that climbs up", "../../etc/passwd"),
                Input.bad("document-not-found", "ID that climbs one folder up", "../secret"),
                Input.bad("document-not-found", "ID ..", ".."),
                Input.bad("document-not-found", "ID /", "/"),
                Input.bad("document-not-found", "absolute path as ID", "/etc/passwd"),
                Input.bad("document-not-found", "absolute URL as ID", "https://example.com/x"),
                Input.bad("document-not-found", "ID without a document", "nowhere"),
                Input.bad("document-not-found", "ID of 512 bytes without a document", "x".repeat(512)),
                Input.bad("document-not-found", "uri without a document", uri("http-404", httpRoot() + "/allowed/missing.txt")),
                Input.bad("document-not-found", "file uri without a document", uri("file-404", "file:" + directory + "/allowed/nowhere.txt")),
                Input.bad("document-too-large", "text over the limit", "{\"id\":\"long-text\",\"text\":\"" + "x".repeat(MAX_BYTES + 1) + "\"}"),
                Input.bad("document-too-large", "text over the limit in bytes alone", "{\"id\":\"long-umlauts\",\"text\":\"" + "ü".repeat(MAX_BYTES / 2 + 1) + "\"}"),
                Input.bad("document-too-large", "file over the limit", "long-file"),
                Input.bad("unreadable-document", "file that is not UTF-8", "latin-1"),
                Input.bad("uri-not-allowed", "uri of another host", uri("other-host", "http://example.com/allowed/x")),
                Input.bad("uri-not-allowed", "uri of another port", uri("other-port", "http://127.0.0.1:1/allowed/x")),
                Input.bad("uri-not-allowed", "uri of another path", uri("other-path", httpRoot() + "/other/x")),
                Input.bad("uri-not-allowed", "uri with a user", uri("user", httpRoot().replace("//", "//127.0.0.1@") + "/allowed/x")),
                Input.bad("uri-not-allowed", "uri of a file", uri("passwd", "file:///etc/passwd")),
                Input.bad("uri-not-allowed", "file uri with dot segments", uri("dots", "file:" + directory + "/allowed/../secret.txt")),
                Input.bad("uri-not-allowed", "file uri with encoded dot segments", uri("encoded-dots", "file:" + directory + "/allowed/%2e%2e/secret.txt")),
                Input.bad("uri-not-allowed", "file uri with an encoded slash", uri("encoded-slash", "file:" + directory + "/allowed/..%2fsecret.txt")),
                Input.bad("uri-not-allowed", "HTTP uri with dot segments", uri("http-dots", httpRoot() + "/allowed/../other")),
                Input.bad("uri-not-allowed", "relative uri", uri("relative", "allowed/letter.txt")),
                Input.bad("uri-not-allowed", "uri of another scheme", uri("jar", "jar:file:/x.jar!/y")),
                Input.bad("refused", "text the model refuses", "{\"id\":\"refused\",\"text\":\"" + MARKER + "\"}").key("refused"),
                Input.bad("invalid-output", "text the model answers with nonsense", "{\"id\":\"nonsense\",\"text\":\"" + MARKER + "\"}"));
    }

    static Stream<Input> goodInputs() {
        return Stream.of(
                Input.good("bare-id", "bare ID", "bare-id"),
                Input.good("json-string", "JSON string", "\"json-string\""),
                Input.good("with-key", "ID under another key", "with-key").key("another-key"),
                Input.good("object", "object with text", withText("object", "")),
                Input.good("object-spaced", "object with space around it", " \n" + withText("object-spaced", "") + "\n"),
                Input.good("metadata", "object with metadata", withText("metadata", ",\"metadata\":{\"topic\":\"herons\"}")),
                Input.good("full-text", "text of exactly the limit", "{\"id\":\"full-text\",\"text\":\"" + "x".repeat(MAX_BYTES) + "\"}"),
                Input.good("template", "text that looks like a prompt", withText("template", "").replace(MARKER, "{{summary}} {{id}} \\\" {")),
                Input.good("http", "object with an HTTP uri", uri("http", httpRoot() + "/allowed/letter.txt")),
                Input.good("file", "object with a file uri", uri("file", "file:" + directory + "/allowed/letter.txt")),
                Input.good("event-bare", "binary CloudEvent with an ID", "event-bare").binaryEvent(),
                Input.good("event-object", "binary CloudEvent with an object", withText("event-object", "")).binaryEvent()
                        .header("content-type", "application/json"),
                Input.good("event-string", "structured CloudEvent with an ID", event(",\"data\":\"event-string\"")).structuredEvent(),
                Input.good("event-data", "structured CloudEvent with an object", event(",\"data\":" + withText("event-data", ""))).structuredEvent(),
                Input.good("event-base64", "structured CloudEvent with Base64",
                        event(",\"data_base64\":\"" + Base64.getEncoder().encodeToString(withText("event-base64", "").getBytes(UTF_8)) + "\"")).structuredEvent(),
                Input.good("event-headless", "structured CloudEvent without a header", event(",\"data\":" + withText("event-headless", ""))),
                odd("a/b"), odd("a//b/"), odd("ü x"), odd("x".repeat(512)), odd("é".repeat(256)), odd("📄"), odd("{{summary}}"), odd("%2e%2e"), odd("%"),
                odd("a+b&c=d?e#f;g"), odd("\\\\ \\\""), odd("'\u00a0'"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badInputs")
    void badInput_betweenGoodOnes_isDeadLetteredAsItCame(Input input) {
        List<ConsumerRecord<byte[], byte[]>> letters = deadLetters.stream()
                .filter(letter -> Long.toString(PUBLISHED.get(input.name()).offset()).equals(Reader.header(letter, "dead-letter-offset"))).toList();

        assertThat(letters).hasSize(1);
        ConsumerRecord<byte[], byte[]> letter = letters.getFirst();
        assertThat(Reader.header(letter, "pawl-kind")).isEqualTo(input.kind());
        assertThat(letter.key()).isEqualTo(input.key());
        assertThat(letter.value()).isEqualTo(input.value());
        assertThat(input.headers()).allSatisfy((name, value) -> assertThat(Reader.header(letter, name)).isEqualTo(value));
        assertThat(Reader.header(letter, "pawl-attempts")).isEqualTo(input.kind().equals("invalid-output") ? "3" : "1");
        assertThat(Reader.header(letter, "dead-letter-reason")).isNotBlank().doesNotContain(MARKER);
        assertThat(Reader.header(letter, "dead-letter-topic")).isEqualTo(rig.topics().documents());
        assertThat(Reader.header(letter, "dead-letter-partition")).isEqualTo("0");
    }

    @Test
    void deadLetters_ofAllInputs_areThoseOfTheBadOnes() {
        assertThat(deadLetters).hasSize((int) badInputs().count());
    }

    @Test
    void neighbours_ofBadInputs_completeOnceEach() {
        long neighbours = badInputs().count() + goodInputs().count() + 1;

        assertThat(results.stream().map(result -> Reader.text(result.key())).filter(id -> id.startsWith("neighbour-")).toList())
                .hasSize((int) neighbours).doesNotHaveDuplicates();
        assertThat(rig.uncommitted()).isZero();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("goodInputs")
    void goodInput_ofEveryForm_completesUnderTheDocumentsId(Input input) throws IOException {
        List<ConsumerRecord<byte[], byte[]>> emissions = results.stream().filter(result -> input.id().equals(Reader.text(result.key()))).toList();

        assertThat(emissions).hasSize(1);
        JsonNode result = JSON.readTree(emissions.getFirst().value());
        assertThat(result.path("id").asText()).isEqualTo(input.id());
        assertThat(result.path("source").asText()).isEqualTo(rig.topics().documents() + "-0@" + PUBLISHED.get(input.name()).offset());
        assertThat(result.path("result").path("summary").asText()).isEqualTo("summary of " + input.id());
        PawlProcess.Response found = pawl.get("/documents/" + URLEncoder.encode(input.id(), UTF_8).replace("+", "%20"));
        assertThat(found.status()).as(found.body()).isEqualTo(200);
        assertThat(JSON.readTree(found.body()).path("id").asText()).isEqualTo(input.id());
        assertThat(JSON.readTree(found.body()).path("status").asText()).isEqualTo("done");
    }

    @Test
    void metadata_ofAnObject_isInThePrompt() {
        assertThat(rig.model().calls("summary", "metadata").getFirst().prompt()).contains("about {\"topic\":\"herons\"}\n");
        assertThat(rig.model().calls("summary", "object").getFirst().prompt()).contains("about {}\n");
    }

    @Test
    void text_ofAUri_isInThePrompt() {
        assertThat(rig.model().calls("summary", "http").getFirst().prompt()).endsWith("The text over HTTP, " + MARKER);
        assertThat(rig.model().calls("summary", "file").getFirst().prompt()).endsWith("The text of a file, " + MARKER);
    }

    @Test
    void templateInAText_isLeftAsItIs() {
        assertThat(rig.model().calls("summary", "template").getFirst().prompt()).contains("{{summary}} {{id}} \" {");
    }

    @Test
    void nonsense_answeredThreeTimes_isAskedForNoMore() {
        assertThat(rig.model().calls("summary", "nonsense")).hasSize(1);
        assertThat(rig.model().calls("entities", "nonsense")).hasSize(3);
        assertThat(stepOfLetter("text the model answers with nonsense")).isEqualTo("entities");
    }

    @Test
    void refusal_isNotTriedAgain() {
        assertThat(rig.model().calls("summary", "refused")).hasSize(1);
        assertThat(rig.model().calls("entities", "refused")).isEmpty();
        assertThat(stepOfLetter("text the model refuses")).isEqualTo("summary");
    }

    @Test
    void badInput_beforeTheModel_causesNoCall() {
        List<String> called = rig.model().calls().stream().map(ScriptedModel.Call::id).distinct().toList();

        assertThat(called).allMatch(id -> id.startsWith("neighbour-") || id.equals("refused") || id.equals("nonsense")
                || goodInputs().anyMatch(input -> input.id().equals(id)));
    }

    @Test
    void log_hasALineForEachKindAndNotForEachLetter() {
        List<String> lines = pawl.log().lines().filter(line -> line.contains("is a dead letter")).toList();

        assertThat(lines).hasSizeGreaterThanOrEqualTo(20).hasSizeLessThan(deadLetters.size());
        deadLetters.stream().map(letter -> Reader.header(letter, "pawl-kind"))
                .forEach(kind -> assertThat(lines).anyMatch(line -> line.contains("is a dead letter: " + kind)));
    }

    @Test
    void log_holdsNoTextNoPromptAndNoKey() {
        assertThat(pawl.log()).doesNotContain(MARKER).doesNotContain(MODEL_KEY).doesNotContain("Not to be read");
    }

    private static String stepOfLetter(String name) {
        return deadLetters.stream().filter(letter -> Long.toString(PUBLISHED.get(name).offset()).equals(Reader.header(letter, "dead-letter-offset")))
                .map(letter -> Reader.header(letter, "pawl-step")).findFirst().orElseThrow();
    }

    private static RecordMetadata publish(Input input) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(rig.topics().documents(), 0, input.key(), input.value());
        input.headers().forEach((name, value) -> record.headers().add(name, value.getBytes(UTF_8)));
        return rig.publisher().publish(record);
    }

    private static Input goodNeighbour(int number) {
        String id = "neighbour-" + number;
        return Input.good(id, id, withText(id, ""));
    }

    private static Input odd(String id) {
        return Input.good(id.replace("\\\"", "\"").replace("\\\\", "\\"), "odd ID " + id, withText(id, ""));
    }

    private static String withText(String id, String more) {
        return "{\"id\":\"%s\",\"text\":\"A text, %s\"%s}".formatted(id, MARKER, more);
    }

    private static String uri(String id, String uri) {
        return "{\"id\":\"%s\",\"uri\":\"%s\"}".formatted(id, uri);
    }

    private static String event(String data) {
        return "{\"specversion\":\"1.0\",\"id\":\"event-1\",\"type\":\"t\",\"source\":\"/s\"" + data + "}";
    }

    private static String httpRoot() {
        return "http://127.0.0.1:" + documents.getAddress().getPort();
    }

    private static Target target(String prompt) {
        Matcher found = TARGET.matcher(prompt);
        return found.find() ? new Target(found.group(1), found.group(2)) : null;
    }

    private static Reply answer(ScriptedModel.Call call) {
        if (call.id().equals("refused")) {
            return new Reply.Status(400, "{\"error\":{\"message\":\"I refuse " + MARKER + "\"}}", Map.of());
        }
        return call.key().equals("entities/nonsense") ? new Reply.Text("No JSON at all, " + MARKER) : ScriptedModel.usualAnswer(call);
    }
}
