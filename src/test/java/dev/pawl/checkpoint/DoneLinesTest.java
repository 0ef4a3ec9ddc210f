package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.checkpoint.CheckpointLine.Done;

/** However many are asked for at once, and in whichever order: what is found is what a look-up of each finds. */
class DoneLinesTest {

    private static final int DOCUMENTS = 2_000;

    @TempDir
    Path directory;

    private final GroupCommit groupCommit = new GroupCommit();
    private final Random random = new Random(847);
    private Path file;
    private Checkpoint checkpoint;

    @BeforeEach
    void open() throws IOException {
        file = directory.resolve("documents-3.jsonl");
        checkpoint = Opening.with(groupCommit).open(file);
    }

    @AfterEach
    void close() throws IOException {
        checkpoint.close();
        groupCommit.close();
    }

    @Test
    void inTheOrderOfTheFile() {
        append(DOCUMENTS, 600);
        assertAsLookedUp(ids(DOCUMENTS));
    }

    @Test
    void aboutInTheOrderOfTheFile() {
        append(DOCUMENTS, 600);
        List<String> ids = ids(DOCUMENTS);
        for (int from = 0; from < ids.size(); from += 50) {
            Collections.shuffle(ids.subList(from, from + 50), random);
        }
        assertAsLookedUp(ids);
    }

    @Test
    void fewFromAllOverTheFile() {
        append(DOCUMENTS, 6_000);
        List<String> ids = ids(DOCUMENTS);
        Collections.shuffle(ids, random);
        assertAsLookedUp(ids.subList(0, 100));
    }

    @Test
    void linesLongerThanWhatIsReadAtOnce_areFound() {
        append(3, 600);
        append("large", 5 << 20);
        append("huge", 17 << 20);
        append("small", 10);
        List<String> ids = new ArrayList<>(ids(3));
        ids.addAll(List.of("large", "huge", "small"));

        assertThat(Arrays.stream(checkpoint.findDone(ids)).map(done -> done == null ? null : done.id()))
                .as("the long ones are left to a look-up").containsExactly("doc-0", "doc-1", "doc-2", null, null, "small");
    }

    @Test
    void documentsThatAreNotDone_orNotKnown_areNull() {
        append(10, 600);
        checkpoint.append(Lines.failed("failed")).join();
        checkpoint.append(Lines.step("begun", "summary", "a summary")).join();
        checkpoint.append(Lines.done("forgotten")).join();
        checkpoint.append(Lines.forgotten("forgotten")).join();
        checkpoint.append(Lines.done("again")).join();
        checkpoint.append(Lines.failed("again")).join();
        checkpoint.append(Lines.done("again")).join();

        Done[] found = checkpoint.findDone(List.of("doc-3", "failed", "begun", "", "forgotten", "again", "unknown", "doc-3"));

        assertThat(Arrays.stream(found).map(done -> done == null ? null : done.id()))
                .containsExactly("doc-3", null, null, null, null, "again", null, "doc-3");
    }

    @Test
    void fileChangedUnderTheProcess_isNotBelieved() throws IOException {
        append(100, 600);
        byte[] bytes = Files.readAllBytes(file);
        int damaged = new String(bytes, StandardCharsets.US_ASCII).indexOf("\"doc-50\"") + 4;
        bytes[damaged] ^= 1;
        Files.write(file, bytes);

        Done[] found = checkpoint.findDone(ids(100));

        assertThat(IntStream.range(0, 100).filter(i -> found[i] == null)).containsExactly(50);
    }

    @Test
    void fileCutUnderTheProcess_whatIsLeftIsFound() throws IOException {
        append(100, 600);
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));

        Done[] found = checkpoint.findDone(ids(100));

        assertThat(found).startsWith((Done) checkpoint.find("doc-0").last()).endsWith((Done) null);
    }

    @Test
    void oncePartitionIsGivenUp_nothingIsKnown() throws IOException {
        append(100, 600);
        checkpoint.close();

        assertThat(checkpoint.findDone(ids(100))).containsOnlyNulls();
    }

    private void append(int documents, int longest) {
        List<CompletableFuture<Void>> appends = new ArrayList<>();
        for (String id : ids(documents)) {
            appends.add(checkpoint.append(Lines.done(id, Lines.TS, "x".repeat(random.nextInt(longest)))));
        }
        appends.forEach(CompletableFuture::join);
    }

    private void append(String id, int length) {
        checkpoint.append(Lines.done(id, Lines.TS, "x".repeat(length))).join();
    }

    private static List<String> ids(int documents) {
        return new ArrayList<>(IntStream.range(0, documents).mapToObj(i -> "doc-" + i).toList());
    }

    private void assertAsLookedUp(List<String> ids) {
        Done[] found = checkpoint.findDone(ids);

        assertThat(found).doesNotContainNull();
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).isEqualTo(checkpoint.find(ids.get(i)).last());
        }
    }
}
