package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.checkpoint.LineFormat.Status;

/** Whatever was read ahead, each line is what the file has at its place. */
class LineReaderTest {

    @TempDir
    Path directory;

    private final List<Long> positions = new ArrayList<>();
    private final List<String> lines = new ArrayList<>();
    private Path file;
    private LineReader reader;

    @BeforeEach
    void open() throws IOException {
        file = Files.createFile(directory.resolve("documents-3.jsonl"));
        reader = new LineReader(file);
    }

    @AfterEach
    void close() throws IOException {
        reader.close();
    }

    @Test
    void linesInTheirOrder_areReadAsTheyAre() throws IOException {
        Random random = new Random(847);
        for (int i = 0; i < 2_000; i++) {
            add(line(i, random.nextInt(700)));
        }
        assertAllAreRead();
    }

    @Test
    void linesInAnyOrder_areReadAsTheyAre() throws IOException {
        Random random = new Random(847);
        for (int i = 0; i < 2_000; i++) {
            add(line(i, random.nextInt(700)));
        }
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            order.add(i);
        }
        Collections.shuffle(order, random);
        for (int i : order) {
            assertThat(read(i)).isEqualTo(lines.get(i));
        }
    }

    @Test
    void longLines_areReadAsTheyAre() throws IOException {
        for (int length : new int[] { 10, 65_535, 65_536, 65_537, 10, 17 << 20, 200_000, 10 }) {
            add(line(lines.size(), length));
        }
        assertAllAreRead();
        assertAllAreRead();
    }

    /** What was read ahead ended where the file did. */
    @Test
    void lineThatIsAddedBehindWhatWasRead_isFound() throws IOException {
        for (int i = 0; i < 300; i++) {
            add(line(i, i));
            assertThat(read(i)).isEqualTo(lines.get(i));
        }
        assertAllAreRead();
    }

    @Test
    void bytesThatWereTakenAway_areForgotten() throws IOException {
        add(line(0, 10));
        add(line(1, 10));
        long end = Files.size(file);
        Files.writeString(file, "torn".repeat(100), StandardOpenOption.APPEND);
        assertAllAreRead();

        try (var channel = Files.newByteChannel(file, StandardOpenOption.WRITE)) {
            channel.truncate(end);
        }
        reader.forget();
        add(line(2, 10));

        assertAllAreRead();
    }

    @Test
    void readThatFailed_isNoReasonToAnswerWithWhatWasReadBefore() throws IOException {
        for (int i = 0; i < 100; i++) {
            add(line(i, 1_000));
        }
        read(0);
        assertThat(read(1)).as("read with some 60 behind it").isEqualTo(lines.get(1));
        reader.channel().close();

        assertThatThrownBy(() -> read(66)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> read(66)).isInstanceOf(IOException.class);
    }

    @Test
    void closedReader_saysSo() throws IOException {
        add(line(0, 10));
        assertAllAreRead();

        reader.close();

        assertThatThrownBy(() -> read(0)).isInstanceOf(LineReader.ClosedException.class);
    }

    private static String line(int number, int length) {
        return "%d:%s".formatted(number, Character.toString('a' + number % 26).repeat(length));
    }

    private void add(String line) throws IOException {
        positions.add(LinePosition.of(Files.size(file), line.length(), Status.DONE, 0));
        lines.add(line);
        Files.writeString(file, line + "\n", StandardOpenOption.APPEND);
    }

    private void assertAllAreRead() throws IOException {
        for (int i = 0; i < lines.size(); i++) {
            assertThat(read(i)).isEqualTo(lines.get(i));
        }
    }

    private String read(int number) throws IOException {
        return new String(reader.read(positions.get(number)), StandardCharsets.UTF_8);
    }
}
