package dev.pawl.document;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Random;

import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.json.JsonMapper;

class RecordDecoderTest {

    private static final String EVENT = "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\",\"id\":\"event-1\",%s}";

    @ParameterizedTest
    @ValueSource(strings = {
        "doc-0847",
        "\"doc-0847\"",
        " \"doc-0847\"\n",
        "{\"id\":\"doc-0847\"}",
        "\n { \"id\" : \"doc-0847\", \"unknown\" : [1] } ",
        "{\"id\":\"doc-0847\",\"text\":null,\"uri\":null,\"metadata\":null}"})
    void idAlone_isADocument(String value) {
        assertThat(decode(value)).isEqualTo(new Decoded.Run(new Document("doc-0847", null, null, null)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"847", "true", "null", "a b", "a/b/../c", "Überblick", "文書", "-", "a{b", "a\"b", "  ", "http://host/doc"})
    void textThatDoesNotBeginLikeJson_isTheIdAsItIs(String value) {
        assertThat(decode(value)).isEqualTo(new Decoded.Run(new Document(value, null, null, null)));
    }

    @Test
    void object_bringsTextUriAndMetadata() throws Exception {
        Decoded decoded = decode("{\"id\":\"doc-1\",\"text\":\"Grüße\",\"uri\":\"https://host/a%20b\",\"metadata\":{\"a\":[1]}}");

        assertThat(decoded).isEqualTo(new Decoded.Run(new Document("doc-1", "Grüße", URI.create("https://host/a%20b"),
                new JsonMapper().readTree("{\"a\":[1]}"))));
    }

    @Test
    void emptyText_isATextNonetheless() {
        assertThat(decode("{\"id\":\"doc-1\",\"text\":\"\"}")).isEqualTo(new Decoded.Run(new Document("doc-1", "", null, null)));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "\"data\":\"doc-0847\"",
        "\"data\":{\"id\":\"doc-0847\"}",
        "\"datacontenttype\":\"application/json\",\"data\":{\"id\":\"doc-0847\"}"})
    void structuredEvent_isItsData(String data) {
        String event = EVENT.formatted(data);

        assertThat(decode(event)).as("without headers").isEqualTo(run("doc-0847"));
        assertThat(decode(event, "content-type", "application/cloudevents+json; charset=UTF-8")).isEqualTo(run("doc-0847"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"doc-0847", "{\"id\":\"doc-0847\"}", "\"doc-0847\""})
    void structuredEventWithBinaryData_isThatData(String data) {
        String base64 = Base64.getEncoder().encodeToString(data.getBytes(UTF_8));

        assertThat(decode(EVENT.formatted("\"data_base64\":\"" + base64 + "\""))).isEqualTo(run("doc-0847"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"doc-0847", "{\"id\":\"doc-0847\"}", "\"doc-0847\""})
    void binaryEvent_isItsValueAndNeverItsId(String value) {
        assertThat(decode(value, "ce_specversion", "1.0", "ce_id", "event-1", "ce_type", "t", "ce_source", "/s",
                "content-type", "application/json")).isEqualTo(run("doc-0847"));
    }

    @Test
    void objectThatOnlyLooksABitLikeAnEvent_isADocument() {
        assertThat(decode("{\"id\":\"doc-1\",\"type\":\"t\",\"source\":\"/s\"}")).isEqualTo(run("doc-1"));
    }

    @Test
    void nothingUnderAKey_isATombstone() {
        assertThat(RecordDecoder.decode("doc-0847".getBytes(UTF_8), null, headers())).isEqualTo(new Decoded.Forget("doc-0847"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"id":5}                                     | the object's id is not a string
            {"id":null}                                  | the object has no id; it must be a string
            {}                                           | the object has no id; it must be a string
            {"id":""}                                    | the document ID is empty; it must be 1 to 512 bytes of UTF-8
            {"id":"a\\nb"}                               | the document ID holds a control character; none is allowed
            {"id":"a\\u0085b"}                           | the document ID holds a control character; none is allowed
            {"id":"a\\ud83d"}                            | the document ID holds half a surrogate pair, which has no UTF-8
            {"id":"a","text":5}                          | the object's text is not a string
            {"id":"a","uri":["x"]}                       | the object's uri is not a string
            {"id":"a","uri":"http://[broken"}            | the object's uri is not a URI
            {"id":"a","metadata":"m"}                    | the object's metadata is not an object
            {"id":"a","metadata":[1]}                    | the object's metadata is not an object
            ""                                           | the document ID is empty; it must be 1 to 512 bytes of UTF-8
            [{"id":"a"}]                                 | the value is JSON, and neither a string nor an object with an id
            {"id":"a"                                    | the value begins like JSON and is broken
            {"id":"a"} {"id":"b"}                        | the value begins like JSON and is broken
            "a" b                                        | the value begins like JSON and is broken""")
    void value_thatIsNoDocument(String value, String reason) {
        assertThat(decode(value)).isEqualTo(new Decoded.Invalid(reason));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
            "data":null             | the CloudEvent has no data; it must hold a document ID or an object with an id
            "x":1                   | the CloudEvent has no data; it must hold a document ID or an object with an id
            "data":5                | the value is JSON, and neither a string nor an object with an id
            "data":{"name":"a"}     | the object has no id; it must be a string
            "data_base64":"%%%"     | the CloudEvent's data_base64 is not Base64
            "data_base64":5         | the CloudEvent's data_base64 is not Base64
            "data_base64":{"a":1}   | the CloudEvent's data_base64 is not Base64
            "data_base64":"/w=="    | the CloudEvent's data is not UTF-8
            "data_base64":""        | the document ID is empty; it must be 1 to 512 bytes of UTF-8""")
    void event_thatBringsNoDocument(String data, String reason) {
        assertThat(decode(EVENT.replace("%s", data))).isEqualTo(new Decoded.Invalid(reason));
    }

    @Test
    void eventsByContentTypeThatAreNone_areInvalid() {
        for (String value : new String[] {"doc-1", "[]", "5", "{}", "{\"id\":\"doc-1\"}", "  "}) {
            assertThat(decode(value, "content-type", "application/cloudevents+json")).isInstanceOf(Decoded.Invalid.class);
        }
    }

    @Test
    void emptyValue_isNoTombstone() {
        assertThat(decode("")).isInstanceOfSatisfying(Decoded.Invalid.class, invalid -> assertThat(invalid.reason()).startsWith("the value is empty"));
    }

    @Test
    void binaryEventWithoutData_isNoTombstone() {
        Decoded decoded = RecordDecoder.decode("doc-1".getBytes(UTF_8), null, headers("ce_specversion", "1.0"));

        assertThat(decoded).isInstanceOfSatisfying(Decoded.Invalid.class, invalid -> assertThat(invalid.reason()).startsWith("the CloudEvent has no data"));
    }

    @Test
    void tombstoneWithoutAUsableKey_isInvalid() {
        byte[] latin1 = "é".getBytes(StandardCharsets.ISO_8859_1);

        assertThat(RecordDecoder.decode(null, null, headers())).isInstanceOf(Decoded.Invalid.class);
        assertThat(RecordDecoder.decode(new byte[0], null, headers())).isInstanceOf(Decoded.Invalid.class);
        assertThat(RecordDecoder.decode(latin1, null, headers())).isEqualTo(new Decoded.Invalid("the key is not UTF-8"));
    }

    @Test
    void valueThatIsNotUtf8_isInvalid() {
        assertThat(RecordDecoder.decode(null, new byte[] {'a', (byte) 0xFF}, headers())).isEqualTo(new Decoded.Invalid("the value is not UTF-8"));
    }

    @Test
    void idOf512Bytes_isTheLongest() {
        String longest = "é".repeat(256);

        assertThat(decode(longest)).isEqualTo(run(longest));
        assertThat(decode(longest + "x")).isEqualTo(new Decoded.Invalid("the document ID has 513 bytes of UTF-8; at most 512 are allowed"));
    }

    @Test
    void nestingWithoutEnd_isInvalid() {
        assertThat(decode("[".repeat(100_000))).isInstanceOf(Decoded.Invalid.class);
        assertThat(decode("{\"a\":".repeat(100_000))).isInstanceOf(Decoded.Invalid.class);
    }

    /** Whatever bytes a publisher sends, and whatever header it puts beside them. */
    @Test
    void decoding_neverThrows() {
        var random = new Random(847);
        String[] words = {"{", "}", "[", "]", "\"", ":", ",", "id", "data", "data_base64", "specversion", "type", "source", "text", "uri",
            "metadata", "1", "null", "a", "\\", "\0", "é"};
        for (int i = 0; i < 20_000; i++) {
            StringBuilder value = new StringBuilder();
            random.ints(random.nextInt(12), 0, words.length).forEach(word -> value.append(words[word]));
            assertThat(decode(value.toString())).isNotNull();
            assertThat(decode(value.toString(), "content-type", "application/cloudevents+json")).isNotNull();
        }
    }

    private static Decoded run(String id) {
        return new Decoded.Run(new Document(id, null, null, null));
    }

    private static Decoded decode(String value, String... namesAndValues) {
        return RecordDecoder.decode(null, value.getBytes(UTF_8), headers(namesAndValues));
    }

    private static Headers headers(String... namesAndValues) {
        RecordHeaders headers = new RecordHeaders();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            headers.add(namesAndValues[i], namesAndValues[i + 1].getBytes(UTF_8));
        }
        return headers;
    }
}
