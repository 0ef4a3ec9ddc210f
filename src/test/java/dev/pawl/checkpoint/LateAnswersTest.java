package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.LineFormat.Status;

/** What an owner that did not know it had lost the partition put into the mirror behind its successor's words. */
@Timeout(30)
@ExtendWith(QuietLog.class)
class LateAnswersTest {

    private static final String TOPIC = "qZ0cXWB2TU6CFsJ_y5lHEw";

    @TempDir
    Path directory;

    private final List<String> takenOut = new ArrayList<>();
    private GroupCommit groupCommit;
    private Path file;

    @BeforeEach
    void start() {
        groupCommit = new GroupCommit();
        file = directory.resolve("documents-3.jsonl");
    }

    @AfterEach
    void stop() {
        groupCommit.close();
    }

    @Test
    void answerBehindDoneByTheSameRecord_isTakenOutOfBoth() throws IOException {
        restored(List.of(Lines.done("doc-1").withoutResult(), Lines.step("doc-1", "summary", "late")));

        assertThat(takenOut).containsExactly("doc-1\tsummary");
        try (Reopened again = new Reopened()) {
            assertThat(again.checkpoint.find("doc-1").last()).isEqualTo(Lines.done("doc-1").withoutResult());
            assertThat(again.checkpoint.find("doc-1").journalled()).isEmpty();
            assertThat(again.checkpoint.documents(Status.STEP)).isZero();
        }
    }

    @Test
    void answerToALaterRecord_stays() throws IOException {
        Step later = Lines.step("doc-1", "summary", "by the changed chain");
        restored(List.of(Lines.done("doc-1").withoutResult(), new Step(later.id(), later.ts(), "documents-3@999", later.output())));

        assertThat(takenOut).isEmpty();
        try (Reopened again = new Reopened()) {
            assertThat(again.checkpoint.find("doc-1").journalled()).containsOnlyKeys("summary");
        }
    }

    @Test
    void answerBehindFailed_stays() throws IOException {
        restored(List.of(Lines.failed("doc-1"), Lines.step("doc-1", "summary", "kept for the next time")));

        assertThat(takenOut).isEmpty();
        try (Reopened again = new Reopened()) {
            assertThat(again.checkpoint.find("doc-1").journalled()).containsOnlyKeys("summary");
        }
    }

    private void restored(List<CheckpointLine> mirrored) throws IOException {
        Checkpoint checkpoint = Opening.with(groupCommit).openToRestore(file);
        Restoration restoration = new Restoration(checkpoint, this::take, TOPIC);
        for (CheckpointLine line : mirrored) {
            byte[] encoded = LineFormat.encode(line);
            restoration.take(Arrays.copyOf(encoded, encoded.length - 1));
        }
        restoration.finish(mirrored.size(), _ -> true);
        checkpoint.close();
    }

    private void take(byte[] key, byte[] value, Mirror.Confirmation confirmation) {
        assertThat(value).isNull();
        takenOut.add(new String(key, StandardCharsets.UTF_8));
        confirmation.confirmed(Mirror.NOWHERE, null);
    }

    private final class Reopened implements AutoCloseable {
        private final Checkpoint checkpoint = Opening.with(groupCommit).open(file);

        Reopened() throws IOException {
        }

        @Override
        public void close() throws IOException {
            checkpoint.close();
        }
    }
}
