package dev.pawl.provider;

import java.util.regex.Pattern;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

/**
 * What OpenAI's error object says besides its message, which may quote the prompt and is not kept. Each is null where it is not
 * given, or is not the short name that it should be.
 *
 * @param param the parameter of the request that is at fault
 */
record ErrorBody(String code, String type, String param) {

    static final ErrorBody NONE = new ErrorBody(null, null, null);

    private static final JsonMapper JSON = new JsonMapper();
    private static final Pattern NAME = Pattern.compile("[A-Za-z][\\w.\\[\\]-]{0,63}");

    static ErrorBody parse(String body) {
        if (body == null) {
            return NONE;
        }
        try {
            JsonNode error = JSON.readTree(body).path("error");
            return new ErrorBody(name(error.path("code")), name(error.path("type")), name(error.path("param")));
        } catch (JsonProcessingException e) {
            return NONE;
        }
    }

    private static String name(JsonNode value) {
        return value.isTextual() && NAME.matcher(value.asText()).matches() ? value.asText() : null;
    }
}
