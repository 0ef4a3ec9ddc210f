package dev.pawl.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinesTest {

    private static final int MAX_BYTES = 20;

    @Test
    void lines_endWithANewlineOrTheBody() throws IOException {
        assertThat(texts("a\nb\r\n\n  \nc")).containsExactly("a", "b", "", "  ", "c");
        assertThat(texts("a\n")).containsExactly("a");
        assertThat(texts("\n")).containsExactly("");
        assertThat(texts("")).isEmpty();
    }

    @Test
    void byteOrderMark_isNoPartOfTheFirstLine() throws IOException {
        assertThat(texts("\uFEFFa\n\uFEFFb")).containsExactly("a", "\uFEFFb");
    }

    @Test
    void lineOfTheGreatestLength_isRead_andALongerOneToldAndPassedOver() throws IOException {
        List<Lines.Line> lines = lines("x".repeat(MAX_BYTES) + "\n" + "y".repeat(MAX_BYTES + 1) + "\n" + "z".repeat(100_000) + "\nlast", Integer.MAX_VALUE);

        assertThat(lines).extracting(Lines.Line::number).containsExactly(1L, 2L, 3L, 4L);
        assertThat(lines.get(0).text()).hasSize(MAX_BYTES);
        assertThat(lines.get(1).wrong()).contains("pawl.http.max-line-size, 20 bytes");
        assertThat(lines.get(2).text()).isNull();
        assertThat(lines.get(3).text()).isEqualTo("last");
    }

    @Test
    void longLineAtTheEnd_isTold() throws IOException {
        assertThat(lines("z".repeat(50), Integer.MAX_VALUE)).singleElement().satisfies(line -> assertThat(line.wrong()).isNotNull());
    }

    @Test
    void bytesThatAreNoText_areToldOfTheirLineOnly() throws IOException {
        Lines lines = new Lines(new ByteArrayInputStream(new byte[] { 'a', '\n', (byte) 0xc3, '\n', 'b' }), MAX_BYTES);

        assertThat(lines.next().text()).isEqualTo("a");
        assertThat(lines.next().wrong()).isEqualTo("the line is not UTF-8");
        assertThat(lines.next().text()).isEqualTo("b");
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3, 7 })
    void linesThatComeInPieces_areTheSame(int pieceBytes) throws IOException {
        assertThat(lines("ä\nünï\r\n\n€ 5\n", pieceBytes)).extracting(Lines.Line::text).containsExactly("ä", "ünï", "", "€ 5");
    }

    private static List<String> texts(String body) throws IOException {
        return lines(body, Integer.MAX_VALUE).stream().map(Lines.Line::text).toList();
    }

    private static List<Lines.Line> lines(String body, int pieceBytes) throws IOException {
        Lines lines = new Lines(new InPieces(body.getBytes(UTF_8), pieceBytes), MAX_BYTES);
        List<Lines.Line> all = new ArrayList<>();
        for (Lines.Line line = lines.next(); line != null; line = lines.next()) {
            all.add(line);
        }
        return all;
    }

    private static final class InPieces extends InputStream {

        private final InputStream all;
        private final int pieceBytes;

        InPieces(byte[] bytes, int pieceBytes) {
            this.all = new ByteArrayInputStream(bytes);
            this.pieceBytes = pieceBytes;
        }

        @Override
        public int read() throws IOException {
            return all.read();
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            return all.read(target, offset, Math.min(pieceBytes, length));
        }
    }
}
