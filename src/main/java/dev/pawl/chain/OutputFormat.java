package dev.pawl.chain;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;

import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;

/** What a step's answer must look like, how the model is told, and how an answer becomes the step's output. */
sealed interface OutputFormat {

    /** For the step's fingerprint. */
    String definition();

    /** What goes with the request; null where the model may write as it likes. */
    ResponseFormat responseFormat();

    /** The step's output. */
    JsonNode read(String answer) throws InvalidOutputException;

    /** An answer that does not fit. The message tells the model what was wrong, and quotes nothing of the answer. */
    final class InvalidOutputException extends Exception {
        InvalidOutputException(String message) {
            super(message, null, false, false);
        }
    }

    record Text() implements OutputFormat {

        @Override
        public String definition() {
            return "text";
        }

        @Override
        public ResponseFormat responseFormat() {
            return null;
        }

        @Override
        public JsonNode read(String answer) throws InvalidOutputException {
            if (answer == null || answer.isBlank()) {
                throw new InvalidOutputException("the answer was empty");
            }
            return JsonNodeFactory.instance.textNode(answer.strip());
        }
    }

    /**
     * JSON that a schema describes. Providers want an object at the root: a schema of anything else goes out as the one
     * property, named like the step, of an object, and the answer is taken out of it again.
     */
    final class Json implements OutputFormat {

        /** Half of what Jackson reads and writes: an answer is an inner part of a checkpoint line and of a result. */
        private static final int MAX_NESTING = 500;

        private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_NESTING).build())
                .build())
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
        private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
        /** Some models fence their JSON however they are asked. */
        private static final Pattern FENCED = Pattern.compile("\\A```(?:json)?\\s*\\n(.*)\\n```\\z", Pattern.DOTALL);
        private static final int MAX_ERRORS = 5;
        /** References look for them at the root. */
        private static final List<String> DEFINITIONS = List.of("$defs", "definitions");

        private final String step;
        private final JsonNode definition;
        private final Schema schema;
        private final ResponseFormat responseFormat;

        /**
         * @throws JsonProcessingException where the text is not JSON
         * @throws IllegalArgumentException where it is JSON and no JSON Schema
         */
        Json(String step, String schemaText) throws JsonProcessingException {
            this.step = step;
            this.definition = JSON.readTree(schemaText);
            checkSchema();
            this.schema = SCHEMAS.getSchema(definition);
            schema.initializeValidators();
            this.responseFormat = ResponseFormat.builder()
                    .type(ResponseFormatType.JSON)
                    .jsonSchema(JsonSchema.builder().name(step).rootElement(JsonRawSchema.from(rootObject().toString())).build())
                    .build();
        }

        private void checkSchema() {
            if (!definition.isObject()) {
                throw new IllegalArgumentException("a JSON Schema is an object");
            }
            JsonNode dialect = definition.get("$schema");
            SpecificationVersion version = dialect == null ? SpecificationVersion.DRAFT_2020_12
                    : SpecificationVersion.fromDialectId(dialect.asText())
                            .orElseThrow(() -> new IllegalArgumentException("its $schema is not known"));
            List<Error> errors = SCHEMAS.getSchema(SchemaLocation.of(version.getDialectId())).validate(definition);
            if (!errors.isEmpty()) {
                throw new IllegalArgumentException(describe(errors));
            }
        }

        private JsonNode rootObject() {
            if ("object".equals(definition.path("type").asText())) {
                return definition;
            }
            ObjectNode root = JSON.createObjectNode().put("type", "object");
            ObjectNode inner = definition.deepCopy();
            for (String definitions : DEFINITIONS) {
                if (inner.has(definitions)) {
                    root.set(definitions, inner.remove(definitions));
                }
            }
            root.putObject("properties").set(step, inner);
            root.putArray("required").add(step);
            return root.put("additionalProperties", false);
        }

        @Override
        public String definition() {
            return definition.toString();
        }

        @Override
        public ResponseFormat responseFormat() {
            return responseFormat;
        }

        @Override
        public JsonNode read(String answer) throws InvalidOutputException {
            JsonNode json = parse(answer == null ? "" : answer.strip());
            List<Error> errors = schema.validate(json);
            if (errors.isEmpty()) {
                return json;
            }
            JsonNode inner = json.size() == 1 ? json.get(step) : null;
            if (inner != null) {
                errors = schema.validate(inner);
                if (errors.isEmpty()) {
                    return inner;
                }
            }
            throw new InvalidOutputException("the answer does not fit the JSON Schema: " + describe(errors));
        }

        private static JsonNode parse(String answer) throws InvalidOutputException {
            Matcher fenced = FENCED.matcher(answer);
            try {
                JsonNode json = JSON.readTree(fenced.matches() ? fenced.group(1) : answer);
                if (!json.isMissingNode()) {
                    return json;
                }
            } catch (JsonProcessingException e) {
                throw new InvalidOutputException("the answer is not JSON");
            }
            throw new InvalidOutputException("the answer was empty");
        }

        /** Where and which rule, never the values: an answer repeats the document. */
        private static String describe(List<Error> errors) {
            return errors.stream().limit(MAX_ERRORS)
                    .map(error -> "%s violates %s".formatted(error.getInstanceLocation(), error.getKeyword()))
                    .collect(Collectors.joining("; "));
        }
    }
}
