package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(QuietLog.class)
class MirrorMarkTest {

    private static final MirrorMark NONE = new MirrorMark(MemoryMirror.TOPIC, 0, 0);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final GroupCommit groupCommit = new GroupCommit();

    @AfterEach
    void end() {
        groupCommit.close();
    }

    @Test
    void mark_countsForItsTopicAndForAFileThatIsNoShorter() throws IOException {
        MirrorMark mark = new MirrorMark(MemoryMirror.TOPIC, 847, 91234);

        mark.write(file());

        assertThat(Files.readString(MirrorMark.path(file()))).isEqualTo("{\"topic\":\"qZ0cXWB2TU6CFsJ_y5lHEw\",\"offset\":847,\"length\":91234}");
        assertThat(read(91234)).isEqualTo(mark);
        assertThat(read(91235)).isEqualTo(mark);
        assertThat(read(91233)).isEqualTo(NONE);
        assertThat(MirrorMark.read(file(), "another", 91234)).isEqualTo(new MirrorMark("another", 0, 0));
    }

    @Test
    void noMark_saysNothing() throws IOException {
        assertThat(read(91234)).isEqualTo(NONE);
    }

    /** It is not forced: a power cut may leave a part of it, or as many zeros. */
    @Test
    void tornMark_saysNothing() throws IOException {
        new MirrorMark(MemoryMirror.TOPIC, 847, 91234).write(file());
        byte[] whole = Files.readAllBytes(MirrorMark.path(file()));
        for (int length = 0; length < whole.length; length++) {
            for (byte[] torn : new byte[][] {Arrays.copyOf(whole, length), new byte[length], Arrays.copyOf(Arrays.copyOf(whole, length), whole.length)}) {
                Files.write(MirrorMark.path(file()), torn);

                assertThat(read(91234)).isEqualTo(NONE);
            }
        }
    }

    @Test
    void fileThatIsGone_takesItsMarkWithIt() throws IOException {
        new MirrorMark(MemoryMirror.TOPIC, 847, 0).write(file());

        Opening.with(groupCommit).open(file()).close();

        assertThat(MirrorMark.path(file())).doesNotExist();
    }

    @Test
    void fileThatIsCompacted_losesItsMark() throws IOException {
        Checkpoint checkpoint = Opening.with(groupCommit).open(file());
        checkpoint.append(Lines.failed("doc-1")).join();
        checkpoint.append(Lines.failed("doc-1")).join();
        new MirrorMark(MemoryMirror.TOPIC, 847, 10).write(file());

        new Compaction(checkpoint, Disk.REAL, new Retention(null, null), () -> false).run();

        assertThat(MirrorMark.path(file())).doesNotExist();
        checkpoint.close();
    }

    /** Cut off when it is opened: then the mark is of a longer file. */
    @Test
    void fileThatLostItsEnd_isComparedFromItsBeginning() throws IOException {
        MemoryMirror mirror = new MemoryMirror();
        MirroredFile owner = new MirroredFile(Opening.with(groupCommit), directory, mirror, MirroredFile.OFTEN).level(_ -> true);
        owner.append(Lines.failed("doc-1"));
        owner.append(Lines.failed("doc-2"));
        owner.close();
        try (var file = Files.newByteChannel(owner.file(), StandardOpenOption.WRITE)) {
            file.truncate(owner.checkpoint.end() - 3);
        }

        MirroredFile again = new MirroredFile(Opening.with(groupCommit), directory, mirror, MirroredFile.OFTEN);

        assertThat(again.offset()).isZero();
        again.level(_ -> true);
        assertThat(again.find("doc-2").last()).isEqualTo(Lines.failed("doc-2"));
        assertThat(again.sent).isZero();
        again.close();
    }

    private MirrorMark read(long end) throws IOException {
        return MirrorMark.read(file(), MemoryMirror.TOPIC, end);
    }

    private Path file() {
        return MirroredFile.file(directory);
    }
}
