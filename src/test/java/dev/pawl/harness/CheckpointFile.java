package dev.pawl.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;

/**
 * Reads a checkpoint file by the contract's words alone, with none of the product's code: two readers that agree are
 * evidence, one reader that agrees with itself is none.
 *
 * <pre>
 * {"id":"doc-0847", ... ,"crc":"9ae3f01b"}\n
 * |--- CRC-32C of these --|
 * </pre>
 */
public final class CheckpointFile {

    private static final String CRC = ",\"crc\":\"";
    private static final JsonMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
    private static final int TAIL_LENGTH = CRC.length() + 8 + "\"}".length();

    private CheckpointFile() {
    }

    /**
     * One line without its {@code \n}.
     *
     * @param json       what it says; a missing node where it is no JSON object in UTF-8
     * @param crcPresent whether the object has a {@code crc}
     * @param crcValid   whether {@code crc} comes last and is that of the bytes before it
     * @param terminated whether {@code \n} follows; only the last line of a file may lack it
     */
    public record Line(byte[] raw, JsonNode json, boolean crcPresent, boolean crcValid, boolean terminated) {

        /** A JSON object, whole, and not contradicted by its checksum. */
        public boolean valid() {
            return json.isObject() && terminated && (!crcPresent || crcValid);
        }

        public String id() {
            return json.path("id").asText();
        }

        public String status() {
            return json.path("status").asText();
        }

        public String text() {
            return new String(raw, StandardCharsets.UTF_8);
        }
    }

    /** Every line of the file, damaged ones included, in order. */
    public static List<Line> read(Path file) {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var lines = new ArrayList<Line>();
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                lines.add(line(Arrays.copyOfRange(bytes, start, i), true));
                start = i + 1;
            }
        }
        if (start < bytes.length) {
            lines.add(line(Arrays.copyOfRange(bytes, start, bytes.length), false));
        }
        return List.copyOf(lines);
    }

    /** {@code json}, an object with at least one member, with its {@code crc} put last, and {@code \n}. For fixtures. */
    public static String withCrc(String json) {
        String before = json.substring(0, json.lastIndexOf('}'));
        return before + CRC + crc(before.getBytes(StandardCharsets.UTF_8)) + "\"}\n";
    }

    private static Line line(byte[] raw, boolean terminated) {
        JsonNode json = parse(raw);
        return new Line(raw, json, json.has("crc"), crcValid(raw, json), terminated);
    }

    private static boolean crcValid(byte[] raw, JsonNode json) {
        int length = raw.length - TAIL_LENGTH;
        if (length < 0 || !json.has("crc")) {
            return false;
        }
        byte[] before = Arrays.copyOf(raw, length);
        String tail = new String(raw, length, TAIL_LENGTH, StandardCharsets.UTF_8);
        return tail.equals(CRC + crc(before) + "\"}");
    }

    private static String crc(byte[] bytes) {
        var crc = new CRC32C();
        crc.update(bytes);
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    private static JsonNode parse(byte[] raw) {
        try {
            // Decoded first, since Jackson would take UTF-16 as well and a new decoder reports what is not UTF-8.
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(raw)).toString();
            JsonNode json = JSON.readTree(text);
            return json.isObject() ? json : MissingNode.getInstance();
        } catch (IOException malformed) {
            return MissingNode.getInstance();
        }
    }
}
