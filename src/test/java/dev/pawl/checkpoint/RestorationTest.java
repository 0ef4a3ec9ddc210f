package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

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

/** Every row of {@link Restoration}'s table, and what a kill leaves in between. */
@ExtendWith(QuietLog.class)
class RestorationTest {

    private static final String ID = "doc-0847";
    private static final Predicate<String> ACKNOWLEDGED = _ -> true;
    private static final Predicate<String> NOTHING_ACKNOWLEDGED = _ -> false;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final GroupCommit groupCommit = new GroupCommit();
    private final MemoryMirror mirror = new MemoryMirror();
    private final List<MirroredFile> open = new ArrayList<>();
    private int disks;

    @AfterEach
    void end() throws IOException {
        for (MirroredFile file : open) {
            file.way.kill(0);
            file.close();
        }
        groupCommit.close();
    }

    @Test
    void emptyDisk_knowsAllThatTheMirrorKnows() throws IOException {
        mirror.writeAppended(step("doc-1", "summary", 1, 1));
        mirror.writeAppended(step("doc-2", "summary", 1, 2));
        mirror.writeAppended(done("doc-2", 2, 2));
        mirror.writeEmitted(done("doc-2", 2, 2));
        mirror.writeAppended(failed("doc-3", 3, 3));
        mirror.writeAppended(done("doc-4", 4, 4));
        mirror.writeAppended(forgotten("doc-4", 5, 5));

        MirroredFile owner = level(emptyDisk());

        assertThat(owner.find("doc-1").journalled().keySet()).containsExactly("summary");
        assertThat(owner.find("doc-2").last()).isEqualTo(done("doc-2", 2, 2).withoutResult());
        assertThat(owner.find("doc-2").journalled()).isEmpty();
        assertThat(owner.find("doc-3").last()).isEqualTo(failed("doc-3", 3, 3));
        assertThat(owner.find("doc-4")).isEqualTo(new History(forgotten("doc-4", 5, 5), Map.of()));
        assertThat(owner.sent).isZero();
    }

    @Test
    void diskCanNotForceWhatWasRestored_nothingCountsAsLevel() throws IOException {
        mirror.writeEmitted(done("doc-1", 1, 1));
        FaultyDisk disk = new FaultyDisk();
        MirroredFile owner = new MirroredFile(Opening.with(groupCommit).with(disk), emptyDisk(), mirror, MirroredFile.OFTEN);
        open.add(owner);
        owner.take(mirror.end());
        disk.forceFails = true;

        assertThatThrownBy(() -> owner.level(ACKNOWLEDGED)).isInstanceOf(IOException.class);

        assertThat(MirrorMark.path(owner.file())).doesNotExist();
    }

    @Test
    void diskThatWasAway_readsWhatHappenedMeanwhileAndNothingElse() throws IOException {
        MirroredFile first = level(emptyDisk());
        first.append(step(ID, "summary", 1, 847));
        first.close();
        long end = mirror.end();
        mirror.writeAppended(done(ID, 5, 847));
        mirror.writeEmitted(done(ID, 5, 847));

        MirroredFile again = reopen(first);

        assertThat(again.offset()).isEqualTo(end);
        assertThat(again.isLevel()).isFalse();
        again.level(ACKNOWLEDGED);
        assertThat(again.find(ID).last()).isInstanceOf(Done.class);
        assertThat(again.sent).isZero();
        again.close();
        assertThat(reopen(again).isLevel()).isTrue();
    }

    /** An entry of somebody else's keeps the mark where it is, so that the next start reads again what this one has sent. */
    @Test
    void doneLineBeforeTheMark_keepsItsResult() throws IOException {
        MirroredFile first = level(emptyDisk());
        mirror.writeAppended(failed("doc-9", 1, 1));
        first.append(step(ID, "summary", 1, 847));
        first.append(done(ID, 2, 847));
        first.checkpoint.emitted(done(ID, 2, 847)).join();
        first.append(done("doc-not-emitted", 2, 848));
        first.close();

        MirroredFile again = reopen(first).level(ACKNOWLEDGED);

        assertThat(again.find(ID)).isEqualTo(new History(done(ID, 2, 847), Map.of()));
        assertThat(again.find("doc-not-emitted")).isEqualTo(new History(done("doc-not-emitted", 2, 848), Map.of()));
        assertThat(again.checkpoint.documents(LineFormat.Status.STEP)).isZero();
    }

    /** The mirror's order counts there, whatever the clocks of its owners say. */
    @Test
    void lineBeforeTheMark_givesWayToAnotherOwnersWord() throws IOException {
        MirroredFile first = level(emptyDisk());
        first.append(failed(ID, 9, 847));
        first.close();
        mirror.writeEmitted(done(ID, 5, 901));

        MirroredFile again = reopen(first).level(ACKNOWLEDGED);

        assertThat(again.find(ID).last()).isInstanceOf(Done.class);
    }

    @Test
    void lineAfterTheMarkThatTheMirrorHas_isNeitherAppendedNorSent() throws IOException {
        MirroredFile first = level(emptyDisk());
        appendAll(first);
        MirroredFile killed = kill(first, 0);
        long length = Files.size(killed.file());
        long end = mirror.end();

        killed.level(NOTHING_ACKNOWLEDGED);

        assertThat(killed.offset()).isZero();
        assertThat(killed.sent).isZero();
        assertThat(Files.size(killed.file())).isEqualTo(length);
        assertThat(mirror.end()).isEqualTo(end);
        assertThat(killed.find("doc-2").last()).isEqualTo(done("doc-2", 2, 2));
    }

    private static void appendAll(MirroredFile owner) {
        owner.append(step("doc-1", "summary", 1, 1));
        owner.append(step("doc-2", "summary", 1, 2));
        owner.append(done("doc-2", 2, 2));
        owner.append(failed("doc-3", 3, 3));
        owner.append(done("doc-4", 4, 4));
        owner.append(forgotten("doc-4", 5, 5));
    }

    @Test
    void lineAfterTheMark_givesWayToALaterOne() throws IOException {
        MirroredFile killed = killedWithUnmirrored(step(ID, "summary", 1, 847));
        mirror.writeAppended(new Step(ID, at(2), "documents-3@847", output("summary", "another answer")));

        killed.level(NOTHING_ACKNOWLEDGED);

        assertThat(killed.find(ID).steps().get("summary").output()).isEqualTo(TextNode.valueOf("another answer"));
        assertThat(killed.sent).isZero();
    }

    @Test
    void lineAfterTheMark_winsAgainstAnEarlierOneAndOneOfTheSameTime() throws IOException {
        for (int second : List.of(1, 2)) {
            MirroredFile killed = killedWithUnmirrored(failed(ID, 2, 847));
            mirror.writeEmitted(done(ID, second, 846));

            killed.level(NOTHING_ACKNOWLEDGED);

            assertThat(killed.find(ID).last()).isEqualTo(failed(ID, 2, 847));
            assertThat(killed.sent).isEqualTo(1);
        }
    }

    @Test
    void lineThatTheMirrorNeverHad_isSentAfterAKill() throws IOException {
        for (CheckpointLine line : List.of(step("doc-1", "summary", 1, 1), failed("doc-2", 1, 2), done("doc-3", 1, 3), forgotten("doc-4", 1, 4))) {
            MirroredFile killed = killedWithUnmirrored(line);

            killed.level(NOTHING_ACKNOWLEDGED);

            assertThat(killed.sent).as("%s", line).isEqualTo(1);
            assertThat(level(emptyDisk()).find(line.id()).steps()).as("%s", line).isEqualTo(killed.find(line.id()).steps());
        }
    }

    @Test
    void fileWithoutMirror_isCopiedThere() throws IOException {
        Path disk = emptyDisk();
        Checkpoint plain = Opening.with(groupCommit).open(MirroredFile.file(disk));
        plain.append(step("doc-1", "summary", 1, 1)).join();
        plain.append(done("doc-2", 2, 2)).join();
        plain.append(done("doc-3", 3, 3)).join();
        plain.append(failed("doc-4", 4, 4)).join();
        plain.append(forgotten("doc-5", 5, 5)).join();
        plain.close();
        Files.writeString(MirroredFile.file(disk), "{\"id\":\"by-hand\"}\n", StandardOpenOption.APPEND);

        MirroredFile owner = openFile(disk).level("documents-3@2"::equals);

        assertThat(owner.sent).isEqualTo(6);
        assertThat(mirror.content().keySet()).containsExactlyInAnyOrder("doc-1\tsummary", "doc-2", "doc-3\tsummary", "doc-3\tentities",
                "doc-4", "doc-5", "doc-5\t\tforgotten", "by-hand");
        MirroredFile next = level(emptyDisk());
        assertThat(next.find("doc-2").last()).isInstanceOf(Done.class);
        assertThat(next.find("doc-3")).isEqualTo(new History(null, Map.of(
                "summary", output("summary", "a summary"), "entities", output("entities", "some entities"))));
        assertThat(next.find("by-hand").last()).isInstanceOf(Done.class);
    }

    /** An emitted done line took its steps out of the mirror; then the chain changed in its second step. */
    @Test
    void stepReusedFromAnEarlierCompletion_isKnownElsewhereWithTheLaterOne() throws IOException {
        MirroredFile first = level(emptyDisk());
        first.append(step(ID, "summary", 1, 847));
        first.append(done(ID, 2, 847));
        first.checkpoint.emitted(done(ID, 2, 847)).join();
        first.append(done(ID, 9, 901));
        kill(first, 0);

        assertThat(level(emptyDisk()).find(ID).steps().keySet()).containsExactlyInAnyOrder("summary", "entities");
    }

    @Test
    void doneLineThatTheMirrorKnowsAsItsSteps_isNotSentAgain() throws IOException {
        for (Predicate<String> isAcknowledged : List.of(ACKNOWLEDGED, NOTHING_ACKNOWLEDGED)) {
            MirroredFile first = level(emptyDisk());
            first.append(step(ID, "summary", 1, 847));
            first.append(done(ID, 2, 847));

            MirroredFile killed = kill(first, 0).level(isAcknowledged);

            assertThat(killed.sent).isZero();
            assertThat(killed.find(ID).last()).isEqualTo(done(ID, 2, 847));
            killed.append(forgotten(ID, 3, 848));
        }
    }

    @Test
    void answerOfAForgottenDocument_doesNotComeBackWithADiskThatWasAway() throws IOException {
        MirroredFile first = level(emptyDisk());
        first.append(step(ID, "summary", 1, 847));
        first.close();
        mirror.writeAppended(forgotten(ID, 5, 850));

        MirroredFile again = reopen(first).level(ACKNOWLEDGED);

        assertThat(again.find(ID).steps()).isEmpty();
        assertThat(again.find(ID).last()).isInstanceOf(Forgotten.class);
    }

    /** A failed line must not hide from it that the document was forgotten before. */
    @Test
    void answerOfAForgottenDocumentThatFailedSince_doesNotComeBackEither() throws IOException {
        MirroredFile first = level(emptyDisk());
        first.append(step(ID, "summary", 1, 847));
        first.close();
        MirroredFile other = level(emptyDisk());
        other.append(forgotten(ID, 5, 850));
        other.append(failed(ID, 6, 851));
        mirror.compact();

        MirroredFile again = reopen(first).level(ACKNOWLEDGED);

        assertThat(again.find(ID)).isEqualTo(new History(failed(ID, 6, 851), Map.of()));
        other.append(forgotten(ID, 7, 852));
        mirror.compact();
        assertThat(mirror.content().keySet()).containsExactlyInAnyOrder(ID, ID + "\t\tforgotten");
    }

    /** It was paused, and its last entries got there when its successor had gone on for a while. */
    @Test
    void entryOfAnOwnerThatHadLostThePartition_doesNotUndoForgetting() throws IOException {
        for (CheckpointLine late : List.of(step(ID, "summary", 2, 847), failed(ID, 2, 847), done(ID, 2, 847), done(ID, 8, 847))) {
            MirroredFile successor = level(emptyDisk());
            successor.append(forgotten(ID, 5, 901));
            if (late instanceof Done done) {
                mirror.writeEmitted(done);
            } else {
                mirror.writeAppended(late);
            }
            successor.close();
            mirror.compact();

            for (MirroredFile next : List.of(level(emptyDisk()), reopen(successor).level(ACKNOWLEDGED))) {
                assertThat(next.find(ID).last()).as("%s", late).isInstanceOf(Forgotten.class);
                assertThat(next.find(ID).steps()).as("%s", late).isEmpty();
                next.way.kill(0);
            }
        }
    }

    /** A broker may lose what it has confirmed. */
    @Test
    void mirrorThatLostItsEnd_getsItAgain() throws IOException {
        MirroredFile first = level(emptyDisk());
        appendAll(first);
        first.close();
        Map<String, String> content = mirror.content();
        mirror.loseFrom(3);

        MirroredFile again = reopen(first);

        assertThat(again.isBehind()).isTrue();
        again.compareAll().level(NOTHING_ACKNOWLEDGED);
        assertThat(mirror.content()).containsAllEntriesOf(content);
        again.close();
        assertThat(reopen(again).isLevel()).isTrue();
    }

    /** The documents topic was made anew: offsets begin at 0 again, and a step that was answered there is answered. */
    @Test
    void stepOfAnEarlierOffsetAndALaterTime_isNoStaleOne() throws IOException {
        mirror.writeAppended(forgotten(ID, 5, 901));
        mirror.writeAppended(step(ID, "summary", 9, 3));

        assertThat(level(emptyDisk()).find(ID).steps().keySet()).containsExactly("summary");
    }

    @Test
    void entriesThatAreNoLines_arePassedOver() throws IOException {
        mirror.write("rubbish", "no line".getBytes());
        mirror.write("empty", new byte[0]);
        mirror.write(ID, "{\"id\":\"doc-0847\",\"ts\":\"2026-11-23T09:35:12.345Z\",\"status\":\"done\",\"crc\":\"00000000\"}".getBytes());
        mirror.writeAppended(failed("doc-1", 1, 1));
        mirror.write("tombstone", null);

        MirroredFile owner = level(emptyDisk());

        assertThat(owner.find("doc-1").last()).isInstanceOf(Failed.class);
        assertThat(owner.find(ID)).isEqualTo(History.NONE);
        owner.close();
        assertThat(reopen(owner).isLevel()).isTrue();
    }

    /** Written by another version, or by hand. */
    @Test
    void doneLineWithStepsAndWithoutTheirAnswers_isSentAsDone() throws IOException {
        Path disk = emptyDisk();
        Files.writeString(MirroredFile.file(disk), """
                {"id":"doc-0847","source":"documents-3@1","steps":[{"step":"summary","fingerprint":"5b1e"}]}
                """);

        assertThat(openFile(disk).level(NOTHING_ACKNOWLEDGED).sent).isEqualTo(1);
        assertThat(level(emptyDisk()).find(ID).last()).isInstanceOf(Done.class);
    }

    /** Whatever of it a kill leaves, the next one comes to the same. */
    @Test
    void killedBetweenAnyTwoEntries_isRepeated() throws IOException {
        MirroredFile other = level(emptyDisk());
        appendAll(other);
        other.append(forgotten("doc-1", 6, 6));
        other.append(failed("doc-1", 7, 7));
        for (long end = 0; end <= mirror.end(); end++) {
            MirroredFile owner = openFile(emptyDisk()).take(end);

            MirroredFile killed = kill(owner, 0).level(NOTHING_ACKNOWLEDGED);

            assertThat(killed.sent).isZero();
            for (int document = 1; document <= 4; document++) {
                assertThat(killed.find("doc-" + document).steps()).isEqualTo(other.find("doc-" + document).steps());
            }
            assertThat(killed.find("doc-1")).isEqualTo(other.find("doc-1"));
            killed.close();
            assertThat(reopen(killed).isLevel()).isTrue();
        }
    }

    @Test
    void killedBetweenAnyTwoSentLines_sendsTheOthers() throws IOException {
        Path disk = emptyDisk();
        Checkpoint plain = Opening.with(groupCommit).open(MirroredFile.file(disk));
        for (int document = 0; document < 3; document++) {
            plain.append(step("doc-" + document, "summary", 1, 1)).join();
            plain.append(failed("doc-" + document, 2, 2)).join();
        }
        plain.close();
        MirroredFile owner = openFile(disk);
        for (int there = 0; there < 6; there++) {
            MirroredFile sending = owner;
            sending.way.held = true;
            CompletableFuture<Void> levelling = CompletableFuture.runAsync(() ->
                    assertThatThrownBy(() -> sending.level(NOTHING_ACKNOWLEDGED)).isInstanceOf(IOException.class));
            int missing = 6 - there;
            await().until(() -> sending.way.underWay() == missing);

            owner = kill(owner, 1);
            levelling.join();
        }

        assertThat(owner.level(NOTHING_ACKNOWLEDGED).sent).isZero();
        assertThat(mirror.end()).isEqualTo(6);
        assertThat(mirror.content()).hasSize(6);
    }

    /** A process that was killed before the mirror had this line. */
    private MirroredFile killedWithUnmirrored(CheckpointLine line) throws IOException {
        MirroredFile first = level(emptyDisk());
        first.way.held = true;
        first.checkpoint.append(line);
        groupCommit.await(() -> { });
        return kill(first, 0);
    }

    private MirroredFile kill(MirroredFile owner, int arriving) throws IOException {
        Path left = emptyDisk();
        owner.kill(arriving, left);
        return openFile(left);
    }

    private MirroredFile reopen(MirroredFile closed) throws IOException {
        return openFile(closed.disk);
    }

    private MirroredFile level(Path disk) throws IOException {
        return openFile(disk).level(NOTHING_ACKNOWLEDGED);
    }

    private MirroredFile openFile(Path disk) throws IOException {
        MirroredFile owner = new MirroredFile(Opening.with(groupCommit), disk, mirror, MirroredLines.MARK_EVERY);
        open.add(owner);
        return owner;
    }

    private Path emptyDisk() throws IOException {
        return Files.createDirectories(directory.resolve("disk-" + disks++));
    }

    private static Instant at(int second) {
        return Instant.ofEpochSecond(1_800_000_000L + second);
    }

    private static StepOutput output(String step, String answer) {
        return new StepOutput(step, "5b1e", "gpt-4o-mini", TextNode.valueOf(answer), new Usage(1, 700, 60));
    }

    private static Step step(String id, String step, int second, int offset) {
        return new Step(id, at(second), "documents-3@" + offset, output(step, "a " + step));
    }

    private static Done done(String id, int second, int offset) {
        List<StepOutput> outputs = List.of(output("summary", "a summary"), output("entities", "some entities"));
        ObjectNode result = JsonNodeFactory.instance.objectNode();
        outputs.forEach(output -> result.set(output.step(), output.output()));
        return new Done(id, at(second), "documents-3@" + offset, "7f3a", new Answer(outputs, result), new Usage(2, 1400, 120), 2790);
    }

    private static Failed failed(String id, int second, int offset) {
        return new Failed(id, at(second), "documents-3@" + offset, new Failure(Failure.Kind.INVALID_OUTPUT, "entities", "not JSON", 3));
    }

    private static Forgotten forgotten(String id, int second, int offset) {
        return new Forgotten(id, at(second), "documents-3@" + offset);
    }
}
