package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import dev.pawl.PawlConfig.Checkpoint.Durability;
import dev.pawl.checkpoint.CheckpointLoader.Loaded;
import dev.pawl.checkpoint.LineFormat.Status;

@ExtendWith(QuietLog.class)
class SidecarTest {

    private static final int DOCUMENTS = 50;
    @TempDir
    Path directory;

    private final GroupCommit groupCommit = new GroupCommit();
    private Path file;
    private Path sidecar;
    private Checkpoint checkpoint;

    /** A checkpoint of every kind of document, closed. */
    @BeforeEach
    void fill() throws IOException {
        file = directory.resolve("documents-3.jsonl");
        sidecar = Sidecar.path(file);
        open();
        for (int i = 0; i < DOCUMENTS; i++) {
            append(Lines.step("doc-" + i, "summary", "a summary"));
            append(Lines.done("doc-" + i));
        }
        append(Lines.failed("failed"));
        append(Lines.forgotten("forgotten"));
        append(Lines.step("unfinished \ud83d\ude00", "summary", "one"));
        append(Lines.step("unfinished \ud83d\ude00", "entities", "two"));
        close();
    }

    @AfterEach
    void end() throws IOException {
        if (checkpoint != null) {
            close();
        }
        groupCommit.close();
    }

    @Test
    void closedCheckpoint_isOpenedFromItsSidecarAlone() throws IOException {
        Loaded loaded = load();

        assertThat(loaded.sidecarEnd()).isEqualTo(Files.size(file)).isEqualTo(loaded.end());
        assertThatItKnowsWhatAScanFinds(loaded);
    }

    @Test
    void killedCheckpoint_isOpenedFromItsSidecarAndWhatWasAppendedAfterIt() throws IOException {
        long covered = Files.size(file);
        keepSidecarAsWrittenInUse();
        appendAsAProcessThatIsKilled(Lines.done("doc-1", Instant.now(), "another"), Lines.done("unfinished \ud83d\ude00", Instant.now(), "x"),
                Lines.step("new", "summary", "one"));

        Loaded loaded = load();

        assertThat(loaded.sidecarEnd()).isEqualTo(covered);
        assertThatItKnowsWhatAScanFinds(loaded);
        assertThat(loaded.index().find("new").steps()).hasSize(1);
        assertThat(loaded.index().find("unfinished \ud83d\ude00").steps()).isEmpty();
    }

    @Test
    void snapshotWhileAppendsGoOn_isOfTheMomentItWasBegun() throws Exception {
        open();
        CheckpointIndex index = checkpoint.index();
        CheckpointIndex.Snapshot snapshot = index.beginSnapshot();
        Checkpoint.Extent extent = checkpoint.extent();
        for (int i = 0; i < DOCUMENTS; i++) {
            append(Lines.failed("doc-" + i));
            append(Lines.failed("later-" + i));
            append(Lines.done("later-" + i));
        }
        append(Lines.done("unfinished \ud83d\ude00"));
        Sidecar.write(file, Sidecar.cover(file, extent, false, System.currentTimeMillis(), 0), index, snapshot, () -> true);
        index.endSnapshot();
        byte[] saved = Files.readAllBytes(sidecar);
        close();
        try (RandomAccessFile shorter = new RandomAccessFile(file.toFile(), "rw")) {
            shorter.setLength(extent.end());
        }
        Files.write(sidecar, saved);

        Loaded loaded = load();

        assertThat(loaded.sidecarEnd()).isEqualTo(extent.end());
        assertThatItKnowsWhatAScanFinds(loaded);
    }

    static Stream<Arguments> damagedSidecars() {
        return Stream.of(
                argumentSet("missing", (Change) Files::delete),
                argumentSet("empty", (Change) path -> Files.write(path, new byte[0])),
                argumentSet("of another version", (Change) path -> flip(path, 7)),
                argumentSet("longer", (Change) path -> Files.write(path, new byte[8], StandardOpenOption.APPEND)),
                argumentSet("another checkpoint's", (Change) path -> Files.write(path, sidecarOfAnother(path))));
    }

    @ParameterizedTest
    @MethodSource("damagedSidecars")
    void sidecarThatIsOfNoUse_isDroppedAndTheFileRead(Change change) throws IOException {
        change.apply(sidecar);

        assertThatAllIsRead();
    }

    @Test
    void sidecarCutAtAnyByte_isDropped() throws IOException {
        byte[] whole = Files.readAllBytes(sidecar);
        for (int length = 0; length < whole.length; length += 31) {
            Files.write(sidecar, Arrays.copyOf(whole, length));

            assertThat(load().sidecarEnd()).as("cut at %d", length).isZero();
        }
    }

    @Test
    void sidecarWithAnyByteChanged_isDropped() throws IOException {
        byte[] whole = Files.readAllBytes(sidecar);
        // Each of the small parts and of the trailer; of the tables, which are much alike, some.
        for (int i = 0; i < whole.length; i += i < 800 || i > whole.length - 40 ? 1 : 37) {
            byte[] changed = whole.clone();
            changed[i] ^= (byte) (1 << i % 8);
            Files.write(sidecar, changed);

            assertThat(load().sidecarEnd()).as("byte %d", i).isZero();
        }
        assertThatAllIsRead();
    }

    static Stream<Arguments> changesByPeople() {
        return Stream.of(
                argumentSet("a line appended", (Change) path -> Files.writeString(path, "{\"id\":\"by-hand\"}\n", StandardOpenOption.APPEND)),
                argumentSet("a line deleted", (Change) path -> rewrite(path, text -> text.replaceFirst("\\{\"id\":\"doc-7\".*\n", ""))),
                argumentSet("a line inserted", (Change) path -> rewrite(path, text -> "{\"id\":\"by-hand\"}\n" + text)),
                argumentSet("a line edited", (Change) path -> rewrite(path, text -> text.replaceFirst("\"doc-7\"", "\"doc_7\""))),
                argumentSet("the last line cut", (Change) path -> rewrite(path, text -> text.substring(0, text.length() - 5))),
                argumentSet("emptied", (Change) path -> rewrite(path, _ -> "")),
                argumentSet("replaced by a copy", (Change) path -> {
                    FileTime time = Files.getLastModifiedTime(path);
                    Path copy = path.resolveSibling("copy");
                    Files.copy(path, copy);
                    Files.setLastModifiedTime(copy, time);
                    Files.move(copy, path, StandardCopyOption.REPLACE_EXISTING);
                }));
    }

    @ParameterizedTest
    @MethodSource("changesByPeople")
    void fileThatWasChangedAfterClosing_isReadWhole(Change change) throws IOException {
        change.apply(file);

        assertThatAllIsRead();
    }

    /** A file that a killed process left is known by its bytes, and by its time where those say nothing. */
    @ParameterizedTest
    @MethodSource("changesByPeople")
    void fileThatWasChangedAfterAKill_isReadWhole(Change change) throws IOException {
        keepSidecarAsWrittenInUse();
        appendAsAProcessThatIsKilled(Lines.done("later", Instant.now().minus(Duration.ofMinutes(1)), "x"));

        change.apply(file);

        assertThat(load().sidecarEnd()).isZero();
        assertThatItKnowsWhatAScanFinds(load());
    }

    @Test
    void newlineOwed_isRemembered() throws IOException {
        Files.writeString(file, "{\"id\":\"by-hand\"}", StandardOpenOption.APPEND);
        open();
        close();
        assertThat(load().sidecarEnd()).isPositive();

        open();
        append(Lines.done("after"));

        assertThat(Files.readString(file)).contains("{\"id\":\"by-hand\"}\n{\"id\":\"after\"");
    }

    @Test
    void damage_isRemembered() throws IOException {
        Files.writeString(file, "no line\n", StandardOpenOption.APPEND);
        open();
        close();

        Loaded loaded = load();

        assertThat(loaded.sidecarEnd()).isPositive();
        assertThat(loaded.damage()).isEqualTo(scan().damage());
        assertThat(loaded.damage().places()).isEqualTo(1);
    }

    private interface Change {
        void apply(Path path) throws IOException;
    }

    private interface Edit {
        String apply(String text);
    }

    private static void rewrite(Path path, Edit edit) throws IOException {
        Files.writeString(path, edit.apply(Files.readString(path)));
    }

    private static void flip(Path path, int at) throws IOException {
        byte[] bytes = Files.readAllBytes(path);
        bytes[at] ^= 1;
        Files.write(path, bytes);
    }

    private static byte[] sidecarOfAnother(Path path) throws IOException {
        Path other = path.resolveSibling("documents-4.jsonl");
        try (GroupCommit groupCommit = new GroupCommit()) {
            Checkpoint checkpoint = Opening.with(groupCommit).open(other);
            checkpoint.append(Lines.done("doc-other")).join();
            checkpoint.close();
        }
        return Files.readAllBytes(Sidecar.path(other));
    }

    /** As {@link Upkeep} writes it while the checkpoint is open; what a killed process leaves. */
    private void keepSidecarAsWrittenInUse() throws IOException {
        Loaded loaded = load();
        Sidecar.write(file, Sidecar.cover(file, new Checkpoint.Extent(loaded.end(), false, Damage.NONE), false,
                System.currentTimeMillis() - 60_000, 0), loaded.index(), loaded.index().beginSnapshot(), () -> true);
    }

    /** The file's time is the last line's, as when that was appended just after it was made. */
    private void appendAsAProcessThatIsKilled(CheckpointLine... lines) throws IOException {
        for (CheckpointLine line : lines) {
            Files.write(file, LineFormat.encode(line), StandardOpenOption.APPEND);
            Files.setLastModifiedTime(file, FileTime.from(line.ts().plusMillis(20)));
        }
    }

    private void assertThatAllIsRead() throws IOException {
        Loaded loaded = load();
        assertThat(loaded.sidecarEnd()).isZero();
        assertThatItKnowsWhatAScanFinds(loaded);
    }

    private void assertThatItKnowsWhatAScanFinds(Loaded loaded) throws IOException {
        Loaded scanned = scan();
        assertThat(loaded.end()).isEqualTo(scanned.end());
        assertThat(loaded.newlineOwed()).isEqualTo(scanned.newlineOwed());
        assertThat(known(loaded.index())).isEqualTo(known(scanned.index()));
    }

    /** All that an index says of the documents in the file, and of those that were. */
    private Map<String, Object> known(CheckpointIndex index) throws IOException {
        Map<String, Object> known = new LinkedHashMap<>();
        Stream<String> ids = Files.readString(file, StandardCharsets.ISO_8859_1).lines()
                .flatMap(line -> line.matches("\\{\"id\":\"[^\"\\\\]+\".*") ? Stream.of(line.split("\"")[3]) : Stream.empty());
        Stream.concat(ids, Stream.of("doc-7", "later-7", "unfinished \ud83d\ude00", "by-hand")).forEach(id -> known.put(id,
                index.find(id).last() + " " + Arrays.toString(index.find(id).steps())));
        for (Status status : Status.values()) {
            known.put(status.name(), index.documents(status));
        }
        known.put("live", index.liveBytes());
        return known;
    }

    private Loaded load() throws IOException {
        return loader().load();
    }

    private Loaded scan() throws IOException {
        byte[] saved = Files.exists(sidecar) ? Files.readAllBytes(sidecar) : null;
        Files.deleteIfExists(sidecar);
        Loaded scanned = loader().load();
        if (saved != null) {
            Files.write(sidecar, saved);
        }
        return scanned;
    }

    private CheckpointLoader loader() throws IOException {
        return new CheckpointLoader(file, () -> new CheckpointIndex(position -> {
            try (LineReader reader = new LineReader(file)) {
                byte[] bytes = reader.read(position);
                return LineFormat.head(bytes, 0, bytes.length).id();
            } catch (IOException | LineFormat.MalformedLineException e) {
                throw new AssertionError(e);
            }
        }));
    }

    private void open() throws IOException {
        checkpoint = Opening.with(groupCommit).with(Durability.OS).open(file);
    }

    private void append(CheckpointLine line) {
        checkpoint.append(line).join();
    }

    private void close() throws IOException {
        checkpoint.close();
        checkpoint = null;
    }
}
