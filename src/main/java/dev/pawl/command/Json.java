package dev.pawl.command;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** Writes one object a line, and reads what came from elsewhere. */
public final class Json {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .serializationInclusion(JsonInclude.Include.NON_NULL)
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
            .build();

    /** Numbers stay as they were written. */
    private static final JsonMapper EXACT = JsonMapper.builder(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
            .build())
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN)
            .build();

    private Json() {
    }

    public static void writeLine(OutputStream out, Object value) throws IOException {
        out.write(MAPPER.writeValueAsBytes(value));
        out.write('\n');
    }

    /** The same, harmless on a terminal whatever it holds. */
    public static void writePrintableLine(OutputStream out, Object value) throws IOException {
        String line = value instanceof JsonNode ? EXACT.writeValueAsString(value) : MAPPER.writeValueAsString(value);
        out.write((Printable.of(line) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Over several lines, as harmless. */
    public static String printable(JsonNode value) throws IOException {
        return EXACT.writerWithDefaultPrettyPrinter().writeValueAsString(value).lines().map(Printable::of).collect(Collectors.joining("\n"));
    }

    /** What came from elsewhere: one value, or a missing node where there is none. */
    public static JsonNode read(byte[] text) throws IOException {
        return EXACT.readTree(text);
    }

    /** A JSON string, or an object or array of what is in there. */
    public static byte[] bytes(Object value) throws IOException {
        return MAPPER.writeValueAsBytes(value);
    }
}
