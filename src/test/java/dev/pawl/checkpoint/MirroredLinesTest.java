package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A line is answered when the mirror has it, and the mark never claims more than that. */
@Timeout(60)
class MirroredLinesTest {

    private static final Duration LONG = Duration.ofMinutes(1);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final GroupCommit groupCommit = new GroupCommit();
    private final MemoryMirror mirror = new MemoryMirror();
    private MirroredFile owner;

    @BeforeEach
    void open() throws IOException {
        owner = open(MirroredFile.OFTEN);
        owner.way.held = true;
    }

    private MirroredFile open(Duration markEvery) throws IOException {
        return new MirroredFile(Opening.with(groupCommit), directory, mirror, markEvery).level(_ -> true);
    }

    @AfterEach
    void end() throws IOException {
        owner.way.kill(0);
        owner.close();
        groupCommit.close();
    }

    @Test
    void line_isSentOnceItIsDurableAndAnsweredOnceItIsThere() throws Exception {
        CompletableFuture<Void> first = append(Lines.step("doc-1", "summary", "one"));
        CompletableFuture<Void> second = append(Lines.done("doc-2"));

        assertThat(Files.readString(owner.file())).contains("doc-1").contains("doc-2");
        assertThat(owner.checkpoint.find("doc-1").isEmpty()).isFalse();
        assertThat(first).isNotDone();
        owner.way.confirm(1);
        assertThat(first).isCompleted();
        assertThat(second).isNotDone();
        owner.way.confirm(1);
        assertThat(second).isCompleted();
        assertThat(mark()).isEqualTo(new MirrorMark(MemoryMirror.TOPIC, 2, owner.checkpoint.end()));
    }

    @Test
    void forgottenLine_isAnsweredWithItsLastEntry() throws Exception {
        owner.way.held = false;
        owner.append(Lines.step("doc-1", "summary", "one"));
        owner.append(Lines.step("doc-1", "entities", "two"));
        owner.way.held = true;
        long before = owner.checkpoint.end();
        CompletableFuture<Void> forgotten = append(Lines.forgotten("doc-1"));

        owner.way.confirm(3);

        assertThat(forgotten).isNotDone();
        assertThat(mark()).isEqualTo(new MirrorMark(MemoryMirror.TOPIC, 5, before));
        owner.way.confirm(1);
        assertThat(forgotten).isCompleted();
        assertThat(mark()).isEqualTo(new MirrorMark(MemoryMirror.TOPIC, 6, owner.checkpoint.end()));
    }

    @Test
    void entryOfAnotherProcess_holdsTheOffsetAndNotTheLength() throws Exception {
        owner.way.held = false;
        owner.append(Lines.step("doc-1", "summary", "one"));
        mirror.writeAppended(Lines.failed("doc-9"));

        owner.append(Lines.step("doc-2", "summary", "two"));
        owner.append(Lines.step("doc-3", "summary", "three"));

        assertThat(mark()).isEqualTo(new MirrorMark(MemoryMirror.TOPIC, 1, owner.checkpoint.end()));
        owner.close();
        owner = open(MirroredFile.OFTEN);
        assertThat(owner.find("doc-9").last()).isEqualTo(Lines.failed("doc-9"));
        assertThat(mark()).isEqualTo(new MirrorMark(MemoryMirror.TOPIC, 4, owner.checkpoint.end()));
    }

    @Test
    void entryThatFails_failsItsLineAndKeepsTheMarkBeforeIt() throws Exception {
        long before = owner.checkpoint.end();
        CompletableFuture<Void> failing = append(Lines.step("doc-1", "summary", "one"));
        CompletableFuture<Void> later = append(Lines.step("doc-2", "summary", "two"));

        owner.way.fail();
        owner.way.confirm(1);

        assertThatThrownBy(failing::join).isInstanceOf(CompletionException.class).hasCauseInstanceOf(IOException.class);
        assertThat(later).isCompleted();
        assertThat(mark().length()).isEqualTo(before);
        owner.close();
        assertThat(mark().length()).isEqualTo(before);
        owner = open(MirroredFile.OFTEN);
        assertThat(owner.sent).as("those behind it, too").isEqualTo(2);
        assertThat(mirror.content().keySet()).containsExactlyInAnyOrder("doc-1\tsummary", "doc-2\tsummary");
    }

    /** The producer takes such a one away before it tells of those that it sent before. */
    @Test
    void entryThatIsTooLarge_doesNotSpeakForThoseBefore() throws Exception {
        long before = owner.checkpoint.end();
        append(Lines.step("doc-1", "summary", "one"));
        CompletableFuture<Void> large = append(Lines.step("doc-2", "summary", "two"));

        owner.way.refuseLastForItsSize();

        assertThat(large).isCompleted();
        assertThat(mark().length()).isEqualTo(before);
        owner.way.confirm(1);
        assertThat(mark().length()).isEqualTo(owner.checkpoint.end());
    }

    @Test
    void compaction_waitsForThoseThatWereOnTheirWay() throws Exception {
        owner.way.held = false;
        owner.append(Lines.failed("doc-0"));
        owner.append(Lines.failed("doc-0"));
        owner.way.held = true;
        append(Lines.step("doc-1", "summary", "one"));
        append(Lines.step("doc-2", "summary", "two"));

        compact();

        long compacted = owner.checkpoint.end();
        assertThat(MirrorMark.path(owner.file())).doesNotExist();
        owner.way.confirm(1);
        Opening.awaitUpkeep();
        assertThat(MirrorMark.path(owner.file())).doesNotExist();
        append(Lines.step("doc-3", "summary", "three"));
        owner.way.confirm(1);
        assertThat(mark()).isEqualTo(new MirrorMark(MemoryMirror.TOPIC, 4, compacted));
        owner.way.confirm(1);
        assertThat(mark()).isEqualTo(new MirrorMark(MemoryMirror.TOPIC, 5, owner.checkpoint.end()));
    }

    @Test
    void compactionWithNothingOnItsWay_isLevelAtOnce() throws Exception {
        owner.way.held = false;
        owner.append(Lines.failed("doc-0"));
        owner.append(Lines.failed("doc-0"));
        compact();

        owner.close();

        assertThat(mark()).isEqualTo(new MirrorMark(MemoryMirror.TOPIC, 2, owner.checkpoint.end()));
    }

    @Test
    void compactionAfterAFailure_keepsTheMarkAway() throws Exception {
        append(Lines.failed("doc-0"));
        owner.way.fail();
        compact();
        append(Lines.failed("doc-1"));
        owner.way.confirm(1);

        owner.close();

        assertThat(MirrorMark.path(owner.file())).doesNotExist();
    }

    @Test
    void closing_waitsForWhatIsUnderWay() throws Exception {
        owner.close();
        owner = open(LONG);
        owner.lastWord = LONG;
        owner.way.held = true;
        append(Lines.step("doc-1", "summary", "one"));

        CompletableFuture<Void> closing = CompletableFuture.runAsync(() -> {
            try {
                owner.close();
            } catch (IOException e) {
                throw new CompletionException(e);
            }
        });

        assertThatThrownBy(() -> closing.get(50, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        owner.way.confirm(1);
        closing.join();
        assertThat(mark()).isEqualTo(new MirrorMark(MemoryMirror.TOPIC, 1, owner.checkpoint.end()));
    }

    @Test
    void closing_saysWhatDidNotGetThere() throws Exception {
        append(Lines.step("doc-1", "summary", "one"));
        append(Lines.step("doc-2", "summary", "two"));
        List<String> said = new ArrayList<>();
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                said.add(line.getMessage());
            }

            @Override
            public void flush() { }

            @Override
            public void close() { }
        };
        Logger log = Logger.getLogger(MirroredLines.class.getName());
        // A test that runs beside this one may have silenced the package.
        log.setLevel(Level.WARNING);
        log.addHandler(handler);
        try {
            owner.close();
        } finally {
            log.removeHandler(handler);
            log.setLevel(null);
        }

        assertThat(said).anySatisfy(line -> assertThat(line).contains("has not confirmed 2 entries"));
        assertThat(mark().length()).isZero();
    }

    /** The file may be another owner's by then, and another file. */
    @Test
    void whatIsConfirmedAfterClosing_isAnsweredAndLeavesNoMark() throws Exception {
        CompletableFuture<Void> late = append(Lines.step("doc-1", "summary", "one"));
        owner.close();
        Files.delete(MirrorMark.path(owner.file()));

        owner.way.confirm(1);

        assertThat(late).isCompleted();
        Opening.awaitUpkeep();
        assertThat(MirrorMark.path(owner.file())).doesNotExist();
    }

    @Test
    void emissionAfterClosing_isNotTold() throws Exception {
        owner.close();

        assertThatThrownBy(() -> owner.checkpoint.emitted(Lines.done("doc-1")).join()).hasCauseInstanceOf(Checkpoint.ClosedException.class);
        assertThat(owner.way.underWay()).isZero();
    }

    /** It was given to the file before there was a mirror. Nothing vouches for it until the next start has looked. */
    @Test
    void lineWithoutEntries_isAnsweredAndKeepsTheMarkBeforeIt() throws Exception {
        long before = owner.checkpoint.end();
        CheckpointLine line = Lines.failed("doc-1");
        CompletableFuture<Void> appended = new CompletableFuture<>();
        owner.checkpoint.appendRestored(LineFormat.Head.of(line), LineFormat.encode(line), appended);
        append(Lines.failed("doc-2"));
        owner.way.confirm(1);

        appended.join();
        assertThat(mark().length()).isEqualTo(before);
    }

    /** What was there when it was attached is vouched for by what levels it, and by nothing else. */
    @Test
    void lineAppendedWhileTheFileIsBroughtLevel_waitsForThat() throws Exception {
        owner.way.kill(0);
        owner.close();
        Files.delete(MirrorMark.path(owner.file()));
        Checkpoint plain = Opening.with(groupCommit).openToRestore(owner.file());
        try {
            plain.append(Lines.failed("doc-1")).join();
            MirroredLines lines = plain.mirrored(mirror.way(), MemoryMirror.TOPIC, MirroredFile.OFTEN, mirror.end());
            plain.append(Lines.failed("doc-2")).join();
            Opening.awaitUpkeep();
            assertThat(MirrorMark.path(owner.file())).doesNotExist();

            lines.level();

            assertThat(mark().length()).isEqualTo(plain.end());
        } finally {
            plain.close();
        }
    }

    /** Returns when it was sent. */
    private CompletableFuture<Void> append(CheckpointLine line) {
        CompletableFuture<Void> appended = owner.checkpoint.append(line);
        groupCommit.await(() -> { });
        return appended;
    }

    /** No mark is written meanwhile: upkeep does the one after the other. */
    private void compact() throws Exception {
        Opening.awaitUpkeep();
        new Compaction(owner.checkpoint, Disk.REAL, new Retention(null, null), () -> false).run();
    }

    private MirrorMark mark() throws Exception {
        Opening.awaitUpkeep();
        return MirrorMark.read(owner.file(), MemoryMirror.TOPIC, Files.size(owner.file()));
    }
}
