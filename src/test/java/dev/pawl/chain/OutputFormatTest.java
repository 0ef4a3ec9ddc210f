package dev.pawl.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.TextNode;

import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.pawl.chain.OutputFormat.InvalidOutputException;

class OutputFormatTest {

    private static final String OBJECT = """
            {"type":"object","properties":{"name":{"type":"string","maxLength":5},"age":{"type":"integer"}},
             "required":["name"],"additionalProperties":false}""";
    private static final String ARRAY = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}";

    @Nested
    class Text {

        private final OutputFormat format = new OutputFormat.Text();

        @Test
        void answer_isTakenWithoutTheSpaceAroundIt() throws InvalidOutputException {
            assertThat(format.read(" Grüße,\nWelt \n")).isEqualTo(TextNode.valueOf("Grüße,\nWelt"));
        }

        @ParameterizedTest
        @NullSource
        @ValueSource(strings = {"", " \n\u2003"})
        void noAnswer_isInvalid(String answer) {
            assertThatThrownBy(() -> format.read(answer)).isInstanceOf(InvalidOutputException.class).hasMessage("the answer was empty");
        }

        @Test
        void request_saysNothingOfAFormat() {
            assertThat(format.responseFormat()).isNull();
        }
    }

    @Nested
    class Json {

        @Test
        void objectSchema_goesOutAsItIs() throws Exception {
            assertThat(sent(OBJECT)).isEqualTo(json(OBJECT));
        }

        @Test
        void arraySchema_goesOutInsideAnObject() throws Exception {
            assertThat(sent(ARRAY)).isEqualTo(json("""
                    {"type":"object","properties":{"entities":%s},"required":["entities"],"additionalProperties":false}""".formatted(ARRAY)));
        }

        @ParameterizedTest
        @ValueSource(strings = {
            "{\"name\":\"Ann\"}",
            " {\"name\":\"Ann\"}\n",
            "```json\n{\"name\":\"Ann\"}\n```",
            "```\n{\"name\":\n\"Ann\"}\n```",
            " ```json \n{\"name\":\"Ann\"}\n``` "})
        void objectThatFits_isTaken(String answer) throws Exception {
            assertThat(format(OBJECT).read(answer)).isEqualTo(json("{\"name\":\"Ann\"}"));
        }

        @ParameterizedTest
        @ValueSource(strings = {"[\"a\",\"b\"]", "{\"entities\":[\"a\",\"b\"]}", "```json\n{\"entities\":[\"a\",\"b\"]}\n```"})
        void arrayThatFits_isTakenOutOfItsObject(String answer) throws Exception {
            assertThat(format(ARRAY).read(answer)).isEqualTo(json("[\"a\",\"b\"]"));
        }

        @ParameterizedTest
        @ValueSource(strings = {"{\"entities\":[1]}", "{\"entities\":[\"a\"],\"more\":1}", "{\"others\":[\"a\"]}", "{}", "null", "[1]"})
        void arrayThatDoesNotFit_isInvalid(String answer) {
            assertThatThrownBy(() -> format(ARRAY).read(answer)).isInstanceOf(InvalidOutputException.class)
                    .hasMessageStartingWith("the answer does not fit the JSON Schema: ");
        }

        @Test
        void violations_areNamedWithoutTheirValues() {
            assertThatThrownBy(() -> format(OBJECT).read("{\"name\":\"Annabella\",\"age\":\"secret\"}"))
                    .isInstanceOf(InvalidOutputException.class)
                    .hasMessageContainingAll("/name violates maxLength", "/age violates type")
                    .message().doesNotContain("Annabella", "secret");
        }

        @Test
        void missingMember_isNamedByItsRule() {
            assertThatThrownBy(() -> format(OBJECT).read("{\"age\":5}")).hasMessageContaining("violates required");
        }

        @Test
        void manyViolations_areCutShort() {
            assertThatThrownBy(() -> format(ARRAY).read("[" + "1,".repeat(500) + "1]"))
                    .message().hasSizeLessThan(300).contains("/4 violates type").doesNotContain("/5 ");
        }

        @ParameterizedTest
        @ValueSource(strings = {"Here it is: {\"name\":\"Ann\"}", "{\"name\":\"Ann\"", "{\"name\":\"Ann\"} {\"name\":\"Bob\"}", "{name:1}", "```\n```"})
        void answerThatIsNotJson_isInvalid(String answer) {
            assertThatThrownBy(() -> format(OBJECT).read(answer)).isInstanceOf(InvalidOutputException.class).hasMessage("the answer is not JSON");
        }

        @ParameterizedTest
        @NullSource
        @ValueSource(strings = {"", " \n"})
        void noAnswer_isInvalid(String answer) {
            assertThatThrownBy(() -> format(OBJECT).read(answer)).isInstanceOf(InvalidOutputException.class).hasMessage("the answer was empty");
        }

        /** Accepted, it could not be appended: a paid document that never ends. */
        @Test
        void nestingWithoutEnd_isInvalid() {
            assertThatThrownBy(() -> format("{\"type\":\"array\"}").read("[".repeat(800) + "]".repeat(800)))
                    .isInstanceOf(InvalidOutputException.class);
        }

        @Test
        void schemaThatIsNotJson_isRefused() {
            assertThatThrownBy(() -> format("{\"type\":")).isInstanceOf(JsonProcessingException.class);
        }

        @ParameterizedTest
        @ValueSource(strings = {
            "[]", "5", "{\"type\":\"strin\"}", "{\"type\":5}", "{\"required\":\"name\"}", "{\"$schema\":\"https://host/unknown\"}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/none\"}}}",
            "{\"type\":\"string\",\"pattern\":\"(\"}"})
        void schemaThatIsNone_isRefused(String schema) {
            assertThatThrownBy(() -> format(schema)).isInstanceOf(RuntimeException.class);
        }

        /** Inside an object they would lead nowhere. */
        @Test
        void definitionsOfAnArraySchema_stayWhereReferencesLookForThem() throws Exception {
            String schema = "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/e\"},\"$defs\":{\"e\":{\"type\":\"string\"}}}";

            assertThat(sent(schema).at("/$defs/e")).isEqualTo(json("{\"type\":\"string\"}"));
            assertThat(format(schema).read("{\"entities\":[\"a\"]}")).isEqualTo(json("[\"a\"]"));
            assertThatThrownBy(() -> format(schema).read("{\"entities\":[5]}")).isInstanceOf(InvalidOutputException.class);
        }

        private static OutputFormat format(String schema) throws JsonProcessingException {
            return new OutputFormat.Json("entities", schema);
        }

        private static JsonNode sent(String schema) throws JsonProcessingException {
            var format = format(schema).responseFormat();
            assertThat(format.type()).isEqualTo(ResponseFormatType.JSON);
            assertThat(format.jsonSchema().name()).isEqualTo("entities");
            return json(((JsonRawSchema) format.jsonSchema().rootElement()).schema());
        }
    }

    private static JsonNode json(String json) throws JsonProcessingException {
        return new JsonMapper().readTree(json);
    }
}
