package dev.pawl.checkpoint;

import static dev.pawl.checkpoint.Lines.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;

import dev.pawl.Failure;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Failed;
import dev.pawl.checkpoint.CheckpointLine.Forgotten;
import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import dev.pawl.checkpoint.LineFormat.Head;
import dev.pawl.checkpoint.LineFormat.MalformedLineException;
import dev.pawl.checkpoint.LineFormat.Status;
import dev.pawl.harness.CheckpointFile;

class LineFormatTest {

    private static final Instant TS = Lines.TS;
    private static final JsonMapper JSON = new JsonMapper();

    @Test
    void step_isWrittenByteForByte() {
        Step step = new Step("doc-0847", TS, "documents-3@847",
                new StepOutput("summary", "5b1e", "gpt-4o-mini", TextNode.valueOf("Ünïcode \"and\" \\ \n"), new Usage(1, 700, 60)));

        assertThat(text(step)).isEqualTo(CheckpointFile.withCrc("""
                {"id":"doc-0847","ts":"2026-11-23T09:35:12.345Z","status":"step","source":"documents-3@847",\
                "step":"summary","fingerprint":"5b1e","model":"gpt-4o-mini","output":"Ünïcode \\"and\\" \\\\ \\n",\
                "usage":{"calls":1,"inputTokens":700,"outputTokens":60}}"""));
    }

    @Test
    void done_isWrittenByteForByte_itsOutputsOnce() {
        Done done = new Done("doc-0847", TS, "documents-3@847", "7f3a",
                new Answer(List.of(new StepOutput("summary", "5b1e", "m", TextNode.valueOf("short"), new Usage(1, 700, 60)),
                        new StepOutput("entities", "c0de", "m", json("[\"a\"]"), new Usage(1, 112, 36))),
                        json("{\"summary\":\"short\",\"entities\":[\"a\"]}")), new Usage(2, 812, 96), 2790);

        assertThat(text(done)).isEqualTo(CheckpointFile.withCrc("""
                {"id":"doc-0847","ts":"2026-11-23T09:35:12.345Z","status":"done","source":"documents-3@847","fingerprint":"7f3a",\
                "steps":[{"step":"summary","fingerprint":"5b1e","model":"m","usage":{"calls":1,"inputTokens":700,"outputTokens":60}},\
                {"step":"entities","fingerprint":"c0de","model":"m","usage":{"calls":1,"inputTokens":112,"outputTokens":36}}],\
                "result":{"summary":"short","entities":["a"]},"usage":{"calls":2,"inputTokens":812,"outputTokens":96},"durationMs":2790}"""));
    }

    @Test
    void failed_isWrittenByteForByte() {
        Failed failed = new Failed("doc-0848", TS, "documents-3@848", new Failure(Failure.Kind.INVALID_OUTPUT, "entities", "not JSON", 3));

        assertThat(text(failed)).isEqualTo(CheckpointFile.withCrc("""
                {"id":"doc-0848","ts":"2026-11-23T09:35:12.345Z","status":"failed","source":"documents-3@848",\
                "error":{"kind":"invalid-output","step":"entities","message":"not JSON","attempts":3}}"""));
    }

    @Test
    void failedBeforeTheFirstStep_namesNoStep() {
        Failed failed = new Failed("doc-0848", TS, "documents-3@848", new Failure(Failure.Kind.DOCUMENT_NOT_FOUND, null, "gone", 1));

        assertThat(text(failed)).contains("\"error\":{\"kind\":\"document-not-found\",\"message\":\"gone\",\"attempts\":1}");
    }

    @Test
    void forgotten_isWrittenByteForByte() {
        assertThat(text(new Forgotten("doc-0847", TS, "documents-3@901"))).isEqualTo(CheckpointFile.withCrc("""
                {"id":"doc-0847","ts":"2026-11-23T09:35:12.345Z","status":"forgotten","source":"documents-3@901"}"""));
    }

    @ParameterizedTest
    @CsvSource({
        "2026-11-23T09:35:12Z,           2026-11-23T09:35:12.000Z",
        "2026-11-23T09:35:12.300Z,       2026-11-23T09:35:12.300Z",
        "2026-11-23T09:35:12.345678912Z, 2026-11-23T09:35:12.345Z",
        "2026-11-23T09:00:00Z,           2026-11-23T09:00:00.000Z"})
    void timestamp_alwaysHasMilliseconds(Instant instant, String expected) {
        assertThat(text(new Forgotten("a", instant, "s"))).contains("\"ts\":\"" + expected + "\"");
    }

    static Stream<CheckpointLine> lines() {
        return Stream.of("doc-0847", "a \"quoted\" \\ id", "ключ", "文書-8", "🦄\u2028", "x".repeat(512), ",\"crc\":\"00000000\"}")
                .flatMap(text -> Stream.of(
                        Lines.step(text, "summary", text),
                        Lines.done(text, TS, text),
                        new Failed(text, TS, "documents-3@848", new Failure(Failure.Kind.REFUSED, "summary", text, 1)),
                        Lines.forgotten(text)));
    }

    @ParameterizedTest
    @MethodSource("lines")
    void line_isReadBackAsItWas(CheckpointLine line) throws MalformedLineException {
        byte[] bytes = LineFormat.encode(line);

        assertThat(LineFormat.decode(bytes, 0, bytes.length - 1)).isEqualTo(line);
        assertThat(LineFormat.head(bytes, 0, bytes.length - 1)).isEqualTo(new Head(line.id(), statusOf(line), line instanceof CheckpointLine.Step step ? step.output().step() : null));
        assertThat(bytes).endsWith('\n').containsOnlyOnce('\n');
    }

    @Test
    void line_isReadFromTheMiddleOfABuffer() throws MalformedLineException {
        byte[] line = LineFormat.encode(Lines.done("doc-1"));
        byte[] buffer = new byte[line.length + 200];
        Arrays.fill(buffer, (byte) '{');
        System.arraycopy(line, 0, buffer, 100, line.length);

        assertThat(LineFormat.decode(buffer, 100, 100 + line.length - 1)).isEqualTo(Lines.done("doc-1"));
        assertThat(LineFormat.head(buffer, 100, 100 + line.length - 1)).isEqualTo(new Head("doc-1", Status.DONE, null));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"id":"doc-0847"}                               | 1970-01-01T00:00:00Z
            {"id":"doc-0847","ts":1748107200}               | 2025-05-24T17:20:00Z
            {"id":"doc-0847","ts":1748107200123}            | 2025-05-24T17:20:00.123Z
            {"id":"doc-0847","ts":"2026-11-23T09:35:12Z"}   | 2026-11-23T09:35:12Z
            { "ts" : 1748107200, "id" : "doc-0847" }        | 2025-05-24T17:20:00Z
            {"id":"doc-0847","ts":null,"note":"imported"}   | 1970-01-01T00:00:00Z""")
    void lineByHand_meansDone(String line, Instant ts) throws MalformedLineException {
        assertThat(head(line)).isEqualTo(new Head("doc-0847", Status.DONE, null));
        assertThat(decode(line)).isEqualTo(new Done("doc-0847", ts, null, null, new Answer(List.of(), null), Usage.NONE, 0));
    }

    @Test
    void lineByHand_mayBringAResult() throws MalformedLineException {
        CheckpointLine line = decode("{\"id\":\"doc-1\",\"status\":\"done\",\"result\":{\"summary\":\"s\"}}");

        assertThat(line).isInstanceOfSatisfying(Done.class, done -> assertThat(done.result()).isEqualTo(json("{\"summary\":\"s\"}")));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{\"id\":\"doc-1\",\"status\":\"failed\"}",
        "{\"id\":\"doc-1\",\"status\":\"failed\",\"error\":\"gave up\"}",
        "{\"id\":\"doc-1\",\"status\":\"failed\",\"error\":{\"message\":\"gave up\"}}",
        "{\"id\":\"doc-1\",\"status\":\"failed\",\"error\":{\"kind\":\"of-a-later-version\",\"severity\":7}}"})
    void failureThisVersionDoesNotKnow_isOther(String line) throws MalformedLineException {
        assertThat(head(line)).isEqualTo(new Head("doc-1", Status.FAILED, null));
        assertThat(decode(line)).isInstanceOfSatisfying(Failed.class,
                failed -> assertThat(failed.error()).hasNoNullFieldsOrPropertiesExcept("step").returns(Failure.Kind.OTHER, Failure::kind));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "",
        "garbage",
        "null",
        "5",
        "[\"doc-1\"]",
        "\"doc-1\"",
        "{}",
        "{\"id\":\"\"}",
        "{\"id\":5}",
        "{\"id\":null}",
        "{\"id\":[\"doc-1\"]}",
        "{\"ts\":1748107200}",
        "{\"id\":\"doc-1\",\"status\":\"finished\"}",
        "{\"id\":\"doc-1\",\"status\":\"DONE\"}",
        "{\"id\":\"doc-1\",\"status\":5}",
        "{\"id\":\"doc-1\",\"status\":null}",
        "{\"id\":\"doc-1\",\"id\":\"doc-2\"}",
        "{\"id\":\"doc-1\",\"status\":\"done\",\"status\":\"forgotten\"}",
        "{\"id\":\"doc-1\"} {\"id\":\"doc-2\"}",
        "{\"id\":\"doc-1\"},",
        "{\"id\":\"doc-1\"",
        "{\"id\":\"doc-1\",\"ts\":\"yesterday\"}",
        "{\"id\":\"doc-1\",\"ts\":-1e300}",
        "{\"id\":\"doc-1\",\"crc\":\"00000000\"}",
        "{\"id\":\"doc-1\",\"crc\":\"7A0D5871\"}",
        "{\"crc\":\"00000000\",\"id\":\"doc-1\"}",
        "{\"id\":\"doc-1\",\"crc\":\"00000000\" }",
        "{\"id\":\"doc-1\",\"crc\":5}"})
    void malformedLine_isRefusedWithoutQuotingIt(String line) {
        assertThatThrownBy(() -> head(line)).isInstanceOf(MalformedLineException.class)
                .message().isNotBlank().doesNotContain("doc-1", "yesterday");
        assertThatThrownBy(() -> decode(line)).isInstanceOf(MalformedLineException.class);
    }

    /** A checksum vouches for the bytes, not for their sense: such a line is passed over, too. */
    @ParameterizedTest
    @ValueSource(strings = {
        "{\"id\":5}",
        "{\"id\":\"\"}",
        "{\"id\":null,\"status\":\"done\"}",
        "{\"id\":{\"status\":\"done\"}}",
        "{\"ts\":1748107200}",
        "{\"status\":\"done\",\"ts\":1748107200}",
        "{\"id\":\"doc-1\",\"status\":\"finished\"}",
        "{\"id\":\"doc-1\",\"status\":\"DONE\"}",
        "{\"id\":\"doc-1\",\"status\":5}",
        "{\"id\" \"doc-1\"}",
        "garbage}"})
    void sealedLineThatMakesNoSense_isRefused(String json) {
        String line = CheckpointFile.withCrc(json).strip();

        assertThatThrownBy(() -> head(line)).isInstanceOf(MalformedLineException.class);
        assertThatThrownBy(() -> decode(line)).isInstanceOf(MalformedLineException.class);
    }

    @Test
    void sealedLine_mayHaveItsMembersInAnyOrder() throws MalformedLineException {
        String line = CheckpointFile.withCrc("{\"status\":\"failed\",\"more\":{\"id\":\"no\",\"status\":\"no\"},\"id\":\"doc-1\"}").strip();

        assertThat(head(line)).isEqualTo(new Head("doc-1", Status.FAILED, null));
        assertThat(decode(line)).isInstanceOf(Failed.class);
    }

    @Test
    void anyChangedByte_isNoticed() {
        byte[] line = LineFormat.encode(Lines.done("doc-1"));
        for (int i = 0; i < line.length - 1; i++) {
            byte[] changed = line.clone();
            changed[i] ^= 1;
            assertThatThrownBy(() -> LineFormat.head(changed, 0, changed.length - 1)).as("byte %d", i)
                    .isInstanceOf(MalformedLineException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"abc", "ref", "xrx", "c", "sha1"})
    void eightDigitsUnderAnotherName_areNoDamagedSeal(String name) throws MalformedLineException {
        assertThat(head("{\"id\":\"doc-1\",\"%s\":\"51ce0b77\"}".formatted(name)).id()).isEqualTo("doc-1");
    }

    /** As another writer would have it: nothing escaped that grep would look for, and read back as it was. */
    @Test
    void anyAnswer_isReadBackAsItWas() throws Exception {
        Random random = new Random(847);
        for (int i = 0; i < 2_000; i++) {
            JsonNode answer = answer(random, 4);
            Step step = new Step(text(random) + "x", TS, text(random), Lines.output(text(random) + "x", answer));
            byte[] bytes = LineFormat.encode(step);

            assertThat(LineFormat.decode(bytes, 0, bytes.length - 1)).isEqualTo(step);
            assertThat(LineFormat.head(bytes, 0, bytes.length - 1)).isEqualTo(new Head(step.id(), Status.STEP, step.output().step()));
            assertThat(bytes).containsOnlyOnce('\n');
        }
    }

    /** What is emitted again after a crash is what was emitted before it, byte for byte. */
    @Test
    void resultAndModels_areTheSameBeforeAndAfterALineIsReadBack() throws Exception {
        Random random = new Random(848);
        for (int i = 0; i < 1_000; i++) {
            ObjectNode result = JsonNodeFactory.instance.objectNode();
            List<StepOutput> outputs = new ArrayList<>();
            for (String step : List.of("summary", "],\"result\":{", text(random))) {
                JsonNode answer = answer(random, 4);
                result.set(step, answer);
                outputs.add(new StepOutput(step, "5b1e", "model of ],\"result\":" + step, answer, Usage.NONE));
            }
            Done done = new Done("doc-1", TS, "documents-3@847", "7f3a", new Answer(outputs, result), Usage.NONE, 1);
            byte[] bytes = LineFormat.encode(done);

            Done read = (Done) LineFormat.decode(bytes, 0, bytes.length - 1);
            assertThat(read.hasResult()).isTrue();
            assertThat(read.resultJson()).isEqualTo(done.resultJson());
            assertThat(read.models()).isEqualTo(done.models());
            assertThat(new JsonMapper().readTree(read.resultJson())).isEqualTo(read.result());
        }
    }

    @Test
    void doneLineThatLostItsResult_hasNone() throws MalformedLineException {
        byte[] bytes = LineFormat.encode(((Done) Lines.done("doc-1")).withoutResult());

        Done read = (Done) LineFormat.decode(bytes, 0, bytes.length - 1);
        assertThat(read.hasResult()).isFalse();
        assertThat(read.models()).isEmpty();
    }

    /** Sealed by another program: the parser finds what is where. */
    @Test
    void doneLineWithoutSteps_isReadBackAsItWas() throws MalformedLineException {
        Done read = (Done) decode(CheckpointFile.withCrc("""
                {"id":"doc-1","ts":"2026-11-23T09:35:12.345Z","status":"done","source":"documents-3@1","fingerprint":"7f","result":{"a":[1],"result":2},\
                "usage":{"calls":1,"inputTokens":2,"outputTokens":3},"durationMs":4}""").strip());

        assertThat(read.resultJson()).asString(StandardCharsets.UTF_8).isEqualTo("{\"a\":[1],\"result\":2}");
        assertThat(read.models()).isEmpty();
    }

    /** As {@link #doneLineWithoutSteps_isReadBackAsItWas}, with a member between. */
    @Test
    void doneLineWithAMemberMore_isReadBackAsItWas() throws MalformedLineException {
        Done read = (Done) decode(CheckpointFile.withCrc("""
                {"id":"doc-1","ts":"2026-11-23T09:35:12.345Z","status":"done","source":"documents-3@1","fingerprint":"7f",\
                "steps":[{"step":"a","model":"m"}],"note":1,"result":{"a":[1]},"usage":{"calls":1,"inputTokens":2,"outputTokens":3},"durationMs":4}""").strip());

        assertThat(read.hasResult()).isTrue();
        assertThat(read.resultJson()).asString(StandardCharsets.UTF_8).isEqualTo("{\"a\":[1]}");
        assertThat(read.models()).containsExactly("m");
    }

    @ParameterizedTest
    @ValueSource(strings = {"2026-11-23T09:35:1x.345Z", "2026-13-23T09:35:12.345Z", "-026-11-23T09:35:12.345Z", "2026-11-23T09:35:12.345+", "2026-11-23T09:35:12.-45Z"})
    void doneLineWithATimeThatIsNone_isRefused(String ts) {
        String line = new String(LineFormat.encode(Lines.done("doc-1")), StandardCharsets.UTF_8)
                .replaceFirst("\"ts\":\"[^\"]*\"", "\"ts\":\"" + ts + '"').replaceFirst(",\"crc\".*", "}");

        assertThatThrownBy(() -> decode(CheckpointFile.withCrc(line.strip()).strip())).isInstanceOf(MalformedLineException.class);
    }

    private static JsonNode answer(Random random, int depth) throws Exception {
        JsonNodeFactory json = JsonNodeFactory.instance;
        return switch (random.nextInt(depth == 0 ? 6 : 8)) {
            case 0 -> json.textNode(text(random));
            case 1 -> json.numberNode(random.nextInt());
            case 2 -> new JsonMapper().readTree(Double.toString(random.nextGaussian() * Math.pow(10, random.nextInt(-300, 300))));
            case 3 -> json.booleanNode(random.nextBoolean());
            case 4 -> json.nullNode();
            case 5 -> new JsonMapper().readTree(new BigInteger(100, random).toString());
            case 6 -> {
                ObjectNode object = json.objectNode();
                for (int i = random.nextInt(4); i > 0; i--) {
                    object.set(text(random), answer(random, depth - 1));
                }
                yield object;
            }
            default -> {
                ArrayNode array = json.arrayNode();
                for (int i = random.nextInt(4); i > 0; i--) {
                    array.add(answer(random, depth - 1));
                }
                yield array;
            }
        };
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            int[] bounds = {0x20, 0x80, 0x800, 0x10000, 0x110000};
            text.appendCodePoint(random.nextInt(bounds[random.nextInt(bounds.length)]));
        }
        return text.toString().replaceAll("[\\ud800-\\udfff]", "\ud83d\ude00");
    }

    @Test
    void emoji_standsInTheFileAsItIs() {
        assertThat(new String(LineFormat.encode(Lines.step("doc-\ud83d\ude00", "summary", "s")), StandardCharsets.UTF_8))
                .startsWith("{\"id\":\"doc-\ud83d\ude00\"");
    }

    /** Models can write one as an escape; it has no UTF-8. */
    @Test
    void halfASurrogatePair_isReadBackAsItWas() throws MalformedLineException {
        for (String text : List.of("a\ud83d", "\ude00 b")) {
            Step step = Lines.step("doc-1", "summary", text);
            byte[] bytes = LineFormat.encode(step);

            assertThat(LineFormat.decode(bytes, 0, bytes.length - 1)).isEqualTo(step);
        }
    }

    /** As deep as an answer may be nested that a step accepts. */
    @Test
    void deeplyNestedOutput_isReadBackAsItWas() throws MalformedLineException {
        JsonNode deep = json("[".repeat(500) + "]".repeat(500));
        Done done = new Done("doc-1", TS, "documents-3@847", "7f3a", new Answer(List.of(Lines.output("entities", deep)),
                JSON.createObjectNode().set("entities", deep)), Usage.NONE, 0);
        byte[] bytes = LineFormat.encode(done);

        assertThat(LineFormat.decode(bytes, 0, bytes.length - 1)).isEqualTo(done);
    }

    private static String text(CheckpointLine line) {
        return new String(LineFormat.encode(line), StandardCharsets.UTF_8);
    }

    private static Head head(String line) throws MalformedLineException {
        byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
        return LineFormat.head(bytes, 0, bytes.length);
    }

    private static CheckpointLine decode(String line) throws MalformedLineException {
        byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
        return LineFormat.decode(bytes, 0, bytes.length);
    }

    private static Status statusOf(CheckpointLine line) {
        return switch (line) {
            case Step _ -> Status.STEP;
            case Done _ -> Status.DONE;
            case Failed _ -> Status.FAILED;
            case Forgotten _ -> Status.FORGOTTEN;
        };
    }
}
