package dev.pawl.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;

import dev.pawl.PawlConfig.Checkpoint.Durability;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Failed;
import dev.pawl.checkpoint.CheckpointLine.Forgotten;
import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import dev.pawl.checkpoint.LineFormat.Status;
import dev.pawl.checkpoint.OracleReader.Fold;
import dev.pawl.checkpoint.OracleReader.Line;
import dev.pawl.harness.CheckpointFile;

/**
 * One file, damaged at every byte in every way, and with everything put between its lines that was ever found in such a
 * file. Whatever the damage, what {@link OracleReader} finds whole must count, nothing else may, and appending must go on.
 */
@Timeout(120)
@Execution(ExecutionMode.CONCURRENT)
@ExtendWith(QuietLog.class)
class EveryByteTest {

    private static final Usage USAGE = new Usage(1, 2, 3);
    private static final int TEN_MB = 10_000_000;
    /** How many of what went wrong are told one by one. */
    private static final int TOLD = 12;
    private static final String CONTENT = "before the seal";

    /** In the texts a {@code J} and a {@code *}: a bit away from a newline. In the IDs what JSON escapes, and what UTF-8 makes long. */
    private static final List<CheckpointLine> LINES = List.of(
            step("u", "s", "}"),
            step("a\"b", "s", "J*"),
            done("a\"b", "s", "J*"),
            step("ö", "s", "{"),
            failed("ö"),
            failed("🦄"),
            step("c\\d", "t", "\\"),
            done("c\\d", "t", "J"),
            done("🦄", "s", "ö"),
            done("f", "s", "1"),
            step("f", "t", "2"),
            forgotten("f"));

    private static final CheckpointLine NEXT = forgotten("next");
    private static final byte[] NEXT_BYTES = LineFormat.encode(NEXT);
    private static final List<String> IDS = List.of("a\"b", "c\\d", "ö", "🦄", "f", "u", "x", "20261123", "large", "outer", "inner", "next");

    @TempDir(factory = MemoryDirectory.class)
    private static Path directory;

    private static final AtomicInteger RUNS = new AtomicInteger();
    private static GroupCommit groupCommit;
    private static byte[] original;

    /** In a directory of its own: what is done to the file is done by as many threads as there are processors. */
    private final Path file = directory.resolve(Integer.toString(RUNS.incrementAndGet())).resolve("documents-3.jsonl");

    /** How many there were, by what was done to the file. */
    private final Map<String, Integer> problems = new TreeMap<>();
    private final List<String> told = new ArrayList<>();
    private int variants;

    @BeforeAll
    static void write() throws IOException {
        groupCommit = new GroupCommit();
        Path file = directory.resolve("documents-3.jsonl");
        Checkpoint checkpoint = open(file);
        LINES.forEach(line -> checkpoint.append(line).join());
        checkpoint.close();
        original = Files.readAllBytes(file);
    }

    @AfterAll
    static void stop() {
        groupCommit.close();
    }

    private Checkpoint open() throws IOException {
        return open(file);
    }

    private static Checkpoint open(Path file) throws IOException {
        return Opening.with(groupCommit).with(Durability.OS).open(file);
    }

    @Test
    void undamagedFile_countsAsItIs() throws IOException {
        check(original, "undamaged", 0);

        assertThat(OracleReader.lines(original)).extracting(Line::content).isEqualTo(LINES);
        assertThatAllIsWell();
    }

    enum Fault {
        CUT_HERE, REMOVED, ZEROED, BIT_0, BIT_1, BIT_2, BIT_3, BIT_4, BIT_5, BIT_6, BIT_7, ALL_BITS;

        /** What stands before the seal is the checksum's to vouch for, and to it one bit is like another: some stand for all. */
        boolean isWorthwhileAt(int position) {
            return switch (this) {
                case BIT_1, BIT_2, BIT_3, BIT_4 -> !part(position).equals(CONTENT);
                default -> true;
            };
        }

        byte[] at(int position) {
            return switch (this) {
                case CUT_HERE -> Arrays.copyOf(original, position);
                case REMOVED -> concatenate(Arrays.copyOf(original, position),
                        Arrays.copyOfRange(original, position + 1, original.length));
                case ZEROED -> changed(position, 0);
                case ALL_BITS -> changed(position, original[position] ^ 0xFF);
                default -> changed(position, original[position] ^ 1 << ordinal() - BIT_0.ordinal());
            };
        }

        private static byte[] changed(int position, int to) {
            byte[] bytes = original.clone();
            bytes[position] = (byte) to;
            return bytes;
        }
    }

    @ParameterizedTest
    @EnumSource
    void fault_atEveryByte(Fault fault) throws IOException {
        for (int position = 0; position < original.length; position++) {
            if (fault.isWorthwhileAt(position)) {
                check(fault.at(position), fault + ", " + part(position), lineOf(position));
            }
        }

        assertThatAllIsWell();
    }

    /** What was found in such files, and what could be taken for a line and is none. */
    static Stream<Arguments> pieces() {
        byte[] rubbish = bytes("rubbish [{ ".repeat(TEN_MB / 11));
        byte[] large = sealed(done("large", "s", "l".repeat(TEN_MB)));
        String inner = CheckpointFile.withCrc("{\"id\":\"inner\"}").strip();
        byte[] outer = sealed(done("outer", "s", Lines.json(inner)));
        byte[] damaged = outer.clone();
        damaged[outer.length / 2] ^= 1;
        return Stream.of(
                piece("garbage", bytes("garbage \1\t{]}\"\\")),
                piece("bytes that are no UTF-8", new byte[] {(byte) 0xFF, (byte) 0xC3, '(', (byte) 0x80}),
                piece("a page of NULs", new byte[4096]),
                piece("a byte order mark", bytes("\uFEFF")),
                piece("a CR", bytes("\r")),
                piece("white space", bytes(" \t ")),
                piece("nothing", bytes("")),
                piece("the line before once more", boundary -> boundary == 0 ? bytes("") : line(boundary - 1)),
                piece("the line after once more", boundary -> boundary == LINES.size() ? bytes("") : line(boundary)),
                piece("half the line before", boundary -> boundary == 0 ? bytes("") : half(line(boundary - 1))),
                piece("half the line after", boundary -> boundary == LINES.size() ? bytes("") : half(line(boundary))),
                piece("a sealed line of another's", sealed(forgotten("x"))),
                piece("a sealed line and white space", concatenate(bytes(" "), sealed(forgotten("x")), bytes(" \r"))),
                piece("a sealed line behind garbage", concatenate(bytes("garbage{"), sealed(forgotten("x")))),
                piece("a line by hand", bytes("{\"id\":\"x\",\"ts\":1748107200}")),
                piece("a line by hand and a CR", bytes("{\"id\":\"x\",\"ts\":1748107200}\r")),
                piece("a line by hand and a blank", bytes("{\"id\":\"x\",\"ts\":1748107200} ")),
                piece("a line by hand behind a blank", bytes(" {\"id\":\"x\"}")),
                piece("a line by hand whose id looks like a crc", bytes("{\"id\":\"20261123\"}")),
                piece("a line by hand behind garbage", bytes("garbage{\"id\":\"x\"}")),
                piece("two lines by hand", bytes("{\"id\":\"x\"}{\"id\":\"20261123\"}")),
                piece("a line with a wrong crc", bytes("{\"id\":\"x\",\"crc\":\"00000000\"}")),
                piece("a line with a damaged seal", bytes("{\"id\":\"x\",\"ccrc\":\"00000000\"}")),
                piece("a line with a sealed object in it", outer),
                piece("the same behind garbage", concatenate(bytes("garbage"), outer)),
                piece("the same, torn", Arrays.copyOf(outer, outer.length - 1)),
                piece("the same, damaged", damaged),
                piece("10 MB of rubbish", rubbish),
                piece("a sealed line of 10 MB", large));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("pieces")
    void piece_onALineOfItsOwn(String name, IntFunction<byte[]> piece) throws IOException {
        for (int boundary : boundaries(piece)) {
            check(inserted(boundary, concatenate(piece.apply(boundary), bytes("\n"))), name, boundary);
        }

        assertThatAllIsWell();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("pieces")
    void piece_beforeALineWithoutANewline(String name, IntFunction<byte[]> piece) throws IOException {
        for (int boundary : boundaries(piece)) {
            check(inserted(boundary, piece.apply(boundary)), name, boundary);
        }

        assertThatAllIsWell();
    }

    /** As an editor or an import leaves it. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("pieces")
    void piece_behindTheLastLineInPlaceOfItsNewline(String name, IntFunction<byte[]> piece) throws IOException {
        byte[] unterminated = Arrays.copyOf(original, original.length - 1);

        check(concatenate(unterminated, piece.apply(LINES.size())), name + ", unterminated", LINES.size());
        check(concatenate(unterminated, piece.apply(LINES.size()), bytes("\n")), name + ", terminated", LINES.size());

        assertThatAllIsWell();
    }

    @Test
    void crlfForANewline_changesNothing() throws IOException {
        for (int boundary = 1; boundary <= LINES.size(); boundary++) {
            int newline = startOf(boundary) - 1;
            check(concatenate(Arrays.copyOf(original, newline), bytes("\r"), Arrays.copyOfRange(original, newline, original.length)),
                    "one", boundary);
        }
        check(bytes(new String(original, UTF_8).replace("\n", "\r\n")), "everywhere", 0);

        assertThatAllIsWell();
    }

    /**
     * What looks like ever so many beginnings of a line must not make loading take for ever. Without the oracle, which
     * tries every one of them with every seal.
     */
    @Test
    @Timeout(20)
    void floodOfBeginningsAndSeals_doesNotHoldTheStartUp() throws IOException {
        Fold expected = Fold.of(OracleReader.lines(original));
        String beginnings = "{\"id\":\"".repeat(100_000);
        String seals = ",\"crc\":\"00000000\"}".repeat(50_000);
        for (String flood : List.of("{".repeat(1_000_000), beginnings, seals, beginnings + seals,
                "{\"id\":\"x\",\"crc\":\"00000000\"}".repeat(40_000))) {
            for (int boundary : new int[] {0, 7, LINES.size()}) {
                variants++;
                write(inserted(boundary, bytes(flood)));
                Checkpoint checkpoint = open();
                try {
                    difference(expected, checkpoint, flood.substring(0, 30) + "…", boundary);
                } finally {
                    checkpoint.close();
                }
            }
        }

        assertThatAllIsWell();
    }

    /** Loads the damaged file, appends to it, loads it again, and compares each with what the oracle says of it. */
    private void check(byte[] damaged, String damage, int line) throws IOException {
        variants++;
        write(damaged);
        List<Line> lines = OracleReader.lines(damaged);
        Fold expected = Fold.of(lines);
        Checkpoint loaded = open();
        try {
            if (difference(expected, loaded, damage, line)) {
                return;
            }
            loaded.append(NEXT).join();
        } finally {
            loaded.close();
        }
        expected.add(NEXT);
        byte[] appended = Files.readAllBytes(file);
        int lastEnd = lines.isEmpty() ? 0 : lines.getLast().to();
        if (!Arrays.equals(damaged, 0, lastEnd, appended, 0, lastEnd)) {
            problem(damage, line, "appending changed what was there");
        } else if (!endsWithNextOnALineOfItsOwn(appended)) {
            problem(damage, line, "the appended line is not on a line of its own");
        } else if (isTorn(damaged, lastEnd) && appended.length != lineStart(damaged) + NEXT_BYTES.length) {
            problem(damage, line, "the torn line is still there");
        } else if (OracleReader.lines(appended).size() != lines.size() + 1) {
            problem(damage, line, "the file is not what it was and one line more");
        } else {
            Checkpoint reloaded = open();
            try {
                difference(expected, reloaded, damage + ", loaded again", line);
            } finally {
                reloaded.close();
            }
        }
    }

    private boolean difference(Fold expected, Checkpoint checkpoint, String damage, int line) {
        for (String id : IDS) {
            History found = checkpoint.find(id);
            if (!found.equals(expected.find(id))) {
                problem(damage, line, "%s is %s, should be %s".formatted(id, summary(found), summary(expected.find(id))));
                return true;
            }
        }
        // A line that is believed and should not be may be one of a document that nobody asks for.
        List<Integer> counts = Arrays.stream(Status.values()).map(checkpoint::documents).toList();
        if (!counts.equals(expected.counts())) {
            problem(damage, line, "counts are %s, should be %s".formatted(counts, expected.counts()));
            return true;
        }
        return false;
    }

    private void problem(String damage, int line, String what) {
        problems.merge(damage, 1, Integer::sum);
        if (told.size() < TOLD) {
            told.add("%s, line %d: %s".formatted(damage, line, what));
        }
    }

    private void assertThatAllIsWell() {
        assertThat(problems).as(() -> "of %d variants, such as%n%s%n".formatted(variants, String.join("\n", told))).isEmpty();
    }

    private static String summary(History history) {
        return (history.last() == null ? "" : history.last().getClass().getSimpleName()) + history.steps().keySet();
    }

    /** The last run of bytes has no newline, and no line in it that counts. */
    private static boolean isTorn(byte[] damaged, int lastEnd) {
        int start = lineStart(damaged);
        return start < damaged.length && lastEnd <= start;
    }

    private static boolean endsWithNextOnALineOfItsOwn(byte[] bytes) {
        int start = bytes.length - NEXT_BYTES.length;
        return start >= 0 && Arrays.equals(bytes, start, bytes.length, NEXT_BYTES, 0, NEXT_BYTES.length)
                && (start == 0 || bytes[start - 1] == '\n');
    }

    private void write(byte[] bytes) throws IOException {
        Files.createDirectories(file.getParent());
        // All else as well: what lies beside the file is of another variant.
        try (DirectoryStream<Path> files = Files.newDirectoryStream(file.getParent())) {
            for (Path old : files) {
                Files.delete(old);
            }
        }
        Files.write(file, bytes);
    }

    /** All of them, but for pieces of many megabytes, which take their time. */
    private static int[] boundaries(IntFunction<byte[]> piece) {
        return piece.apply(0).length < 1 << 20 ? IntStream.rangeClosed(0, LINES.size()).toArray() : new int[] {0, 7, LINES.size()};
    }

    private static byte[] inserted(int boundary, byte[] piece) {
        int at = startOf(boundary);
        return concatenate(Arrays.copyOf(original, at), piece, Arrays.copyOfRange(original, at, original.length));
    }

    private static int startOf(int line) {
        int start = 0;
        for (int i = 0; i < line; i++) {
            start += LineFormat.encode(LINES.get(i)).length;
        }
        return start;
    }

    private static int lineOf(int position) {
        int line = 0;
        for (int i = 0; i < position; i++) {
            line += original[i] == '\n' ? 1 : 0;
        }
        return line;
    }

    /** Of which part of its line a byte is. */
    private static String part(int position) {
        int end = position;
        while (original[end] != '\n') {
            end++;
        }
        int seal = end - ",\"crc\":\"9ae3f01b\"}".length();
        if (position == end) {
            return "newline";
        }
        if (position >= seal) {
            return "byte %d of the seal".formatted(position - seal);
        }
        return CONTENT;
    }

    /** Where the last line begins. */
    private static int lineStart(byte[] bytes) {
        int start = bytes.length;
        while (start > 0 && bytes[start - 1] != '\n') {
            start--;
        }
        return start;
    }

    private static Arguments piece(String name, byte[] bytes) {
        return piece(name, _ -> bytes);
    }

    private static Arguments piece(String name, IntFunction<byte[]> atBoundary) {
        return Arguments.of(name, atBoundary);
    }

    private static byte[] line(int number) {
        return sealed(LINES.get(number));
    }

    /** Without its newline. */
    private static byte[] sealed(CheckpointLine line) {
        byte[] bytes = LineFormat.encode(line);
        return Arrays.copyOf(bytes, bytes.length - 1);
    }

    private static byte[] half(byte[] line) {
        return Arrays.copyOf(line, line.length / 2);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static byte[] concatenate(byte[]... parts) {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            whole.writeBytes(part);
        }
        return whole.toByteArray();
    }

    private static Step step(String id, String step, String output) {
        return new Step(id, Lines.TS, "d-3@1", new StepOutput(step, "5b", "m", TextNode.valueOf(output), USAGE));
    }

    private static Done done(String id, String step, String output) {
        return done(id, step, TextNode.valueOf(output));
    }

    private static Done done(String id, String step, JsonNode output) {
        return new Done(id, Lines.TS, "d-3@1", "7f", new Answer(List.of(new StepOutput(step, "5b", "m", output, USAGE)),
                JsonNodeFactory.instance.objectNode().set(step, output)), USAGE, 4);
    }

    private static Failed failed(String id) {
        return new Failed(id, Lines.TS, "d-3@2", Lines.failed(id).error());
    }

    private static Forgotten forgotten(String id) {
        return Lines.forgotten(id);
    }
}
