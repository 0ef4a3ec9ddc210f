package dev.pawl.checkpoint.command;

import java.io.IOException;
import java.io.OutputStream;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** Writes one object a line. */
final class Json {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .serializationInclusion(JsonInclude.Include.NON_NULL)
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
            .build();

    private Json() {
    }

    static void writeLine(OutputStream out, Object value) throws IOException {
        out.write(MAPPER.writeValueAsBytes(value));
        out.write('\n');
    }
}
