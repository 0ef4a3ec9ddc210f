package dev.pawl.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.harness.CheckpointFile.Line;

class CheckpointFileTest {

    @TempDir
    Path directory;

    /** The checksums come from a bitwise CRC-32C elsewhere, which gave e3069283 for "123456789", the standard's check value. */
    @Test
    void crc_isCrc32cInEightLowerCaseHexDigits() throws IOException {
        assertThat(CheckpointFile.withCrc("{\"id\":\"doc-0847\"}")).isEqualTo("{\"id\":\"doc-0847\",\"crc\":\"7a0d5871\"}\n");
        assertThat(only("{\"id\":\"doc-7\",\"crc\":\"082d6232\"}\n").crcValid()).isTrue();
        assertThat(only("{\"id\":\"doc-7\",\"crc\":\"82d6232\"}\n").crcValid()).isFalse();
        assertThat(only("{\"id\":\"doc-7\",\"crc\":\"082D6232\"}\n").crcValid()).isFalse();
    }

    @Test
    void wholeLine_isValid() throws IOException {
        Line line = only(CheckpointFile.withCrc("{\"id\":\"é-1\",\"status\":\"done\",\"result\":{\"a\":1,\"crc\":\"no\"}}"));

        assertThat(line.id()).isEqualTo("é-1");
        assertThat(line.status()).isEqualTo("done");
        assertThat(line.crcPresent()).isTrue();
        assertThat(line.crcValid()).isTrue();
        assertThat(line.valid()).isTrue();
    }

    @Test
    void changedByte_isNotValid() throws IOException {
        Line line = only(CheckpointFile.withCrc("{\"id\":\"doc-1\"}").replace("doc-1", "doc-2"));

        assertThat(line.json().isObject()).isTrue();
        assertThat(line.crcPresent()).isTrue();
        assertThat(line.crcValid()).isFalse();
        assertThat(line.valid()).isFalse();
    }

    @Test
    void lineByHand_hasNoCrcAndIsValid() throws IOException {
        Line line = only("{\"id\":\"doc-1\",\"result\":{\"a\":1,\"crc\":\"00000000\"}}\n");

        assertThat(line.crcPresent()).isFalse();
        assertThat(line.valid()).isTrue();
    }

    @Test
    void damagedFile_isReadToItsEnd() throws IOException {
        String good = CheckpointFile.withCrc("{\"id\":\"doc-1\"}");
        List<Line> lines = lines(good + "no JSON\n" + "\n" + "{\"id\":\"a\"} {\"id\":\"b\"}\n" + good + good.substring(0, 9));

        assertThat(lines).extracting(Line::valid).containsExactly(true, false, false, false, true, false);
        assertThat(lines.getLast().terminated()).isFalse();
        assertThat(lines.getLast().text()).isEqualTo(good.substring(0, 9));
    }

    @Test
    void bytesThatAreNotUtf8_areNotValid() throws IOException {
        Path file = directory.resolve("documents-0.jsonl");
        Files.write(file, "{\"id\":\"\u00e9\"}\n".getBytes(StandardCharsets.ISO_8859_1));

        assertThat(CheckpointFile.read(file)).extracting(Line::valid).containsExactly(false);
    }

    private Line only(String content) throws IOException {
        List<Line> lines = lines(content);
        assertThat(lines).hasSize(1);
        return lines.getFirst();
    }

    private List<Line> lines(String content) throws IOException {
        Path file = directory.resolve("documents-0.jsonl");
        Files.writeString(file, content);
        return CheckpointFile.read(file);
    }
}
