package dev.pawl.dev;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What the stand-in reads of an OpenAI chat completion request.
 *
 * @param document the document in the last user message
 * @param promptCharacters the length of all messages together
 * @param schema the JSON Schema the answer has to follow, where the request brings one
 */
record CompletionRequest(String document, int promptCharacters, Optional<JsonNode> schema) {

    private static final String OPENING_TAG = "<document>";
    private static final String CLOSING_TAG = "</document>";

    /** @throws IllegalArgumentException where the body is no such request; its message is for the caller */
    static CompletionRequest parse(ObjectMapper json, byte[] body) {
        JsonNode request = read(json, body);
        if (!request.path("messages").isArray() || request.path("messages").isEmpty()) {
            throw new IllegalArgumentException("'messages' must be an array with at least one message");
        }
        if (request.path("stream").asBoolean()) {
            throw new IllegalArgumentException("The offline stand-in doesn't stream: leave 'stream' out");
        }
        List<JsonNode> messages = StreamSupport.stream(request.path("messages").spliterator(), false).toList();
        String prompt = messages.stream()
                .filter(message -> message.path("role").asText().equals("user"))
                .reduce((earlier, later) -> later)
                .map(CompletionRequest::text)
                .orElseThrow(() -> new IllegalArgumentException("'messages' must hold a message of role 'user'"));
        int characters = messages.stream().mapToInt(message -> text(message).length()).sum();
        return new CompletionRequest(documentIn(prompt), characters, schema(request.path("response_format")));
    }

    /** What stands between the document tags, as in the prompts that come with Pawl; without them, the whole prompt. */
    private static String documentIn(String prompt) {
        int end = prompt.lastIndexOf(CLOSING_TAG);
        int start = prompt.lastIndexOf(OPENING_TAG, end);
        return start < 0 ? prompt : prompt.substring(start + OPENING_TAG.length(), end);
    }

    private static JsonNode read(ObjectMapper json, byte[] body) {
        try {
            return json.readTree(body);
        } catch (IOException e) {
            throw new IllegalArgumentException("The body is not JSON", e);
        }
    }

    /** A message's content is a string, or a list of parts of which some are text. */
    private static String text(JsonNode message) {
        JsonNode content = message.path("content");
        if (content.isArray()) {
            return StreamSupport.stream(content.spliterator(), false)
                    .map(part -> part.path("text").asText())
                    .collect(Collectors.joining("\n"));
        }
        return content.asText();
    }

    private static Optional<JsonNode> schema(JsonNode format) {
        return switch (format.path("type").asText("text")) {
            case "text" -> Optional.empty();
            case "json_schema" -> Optional.of(format.path("json_schema").path("schema"));
            default -> throw new IllegalArgumentException("'response_format.type' must be 'text' or 'json_schema'");
        };
    }
}
