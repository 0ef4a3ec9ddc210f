package dev.pawl.dev;

import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A JSON value that follows a schema: the summary wherever it wants a string, the names wherever a list of strings.
 *
 * <p>Knows {@code type}, {@code properties}, {@code items} and {@code enum}; what else a schema demands may be missed.
 */
record SchemaAnswer(String summary, List<String> names) {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    JsonNode to(JsonNode schema) {
        if (schema.path("enum").isArray()) {
            return schema.path("enum").path(0);
        }
        return switch (type(schema)) {
            case "object" -> object(schema.path("properties"));
            case "array" -> array(schema.path("items"));
            case "string" -> JSON.textNode(summary);
            case "number", "integer" -> JSON.numberNode(0);
            case "boolean" -> JSON.booleanNode(false);
            default -> JSON.nullNode();
        };
    }

    private ObjectNode object(JsonNode properties) {
        var object = JSON.objectNode();
        properties.properties().forEach(property -> object.set(property.getKey(), to(property.getValue())));
        return object;
    }

    /** Of anything but plain strings there is nothing to say: such a list stays empty. */
    private ArrayNode array(JsonNode items) {
        var array = JSON.arrayNode();
        if (type(items).equals("string") && !items.has("enum")) {
            names.forEach(array::add);
        }
        return array;
    }

    /** A schema may name several types, mostly one and {@code null}: the first is answered. */
    private static String type(JsonNode schema) {
        JsonNode type = schema.path("type");
        return type.isArray() ? type.path(0).asText() : type.asText();
    }
}
