package dev.pawl.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

class OfflineModelTest {

    private static final String DOCUMENT = "Ada Lovelace wrote to Charles Babbage about the engine.";

    private final ObjectMapper json = new ObjectMapper();

    @Test
    void textPrompt_isAnsweredWithSummaryOfItsDocument() throws Exception {
        JsonNode completion = complete(request("Sum up what stands in <document>.\n<document>" + DOCUMENT + "</document>\nBe brief.", null));

        assertThat(completion.at("/choices/0/message/content").asText()).isEqualTo(DOCUMENT);
        assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        assertThat(completion.path("object").asText()).isEqualTo("chat.completion");
        assertThat(completion.path("model").asText()).isEqualTo("pawl-offline-stand-in");
        assertThat(completion.at("/usage/completion_tokens").asInt()).isEqualTo(14);
        assertThat(completion.at("/usage/total_tokens").asInt())
                .isEqualTo(completion.at("/usage/prompt_tokens").asInt() + 14);
    }

    @Test
    void promptWithoutTags_isTheDocument() throws Exception {
        assertThat(complete(request(DOCUMENT, null)).at("/choices/0/message/content").asText()).isEqualTo(DOCUMENT);
    }

    @Test
    void objectSchema_isFollowed() throws Exception {
        assertThat(answer("""
                {"type":"object","properties":{
                  "entities":{"type":"array","items":{"type":"string"}},
                  "about":{"type":"object","properties":{"title":{"type":["string","null"]},"kind":{"enum":["letter","book"]}}},
                  "pages":{"type":"integer"},"price":{"type":"number"},"public":{"type":"boolean"},
                  "dates":{"type":"array","items":{"type":"object"}}}}"""))
                .isEqualTo(json.readTree("""
                        {"entities":["Ada Lovelace","Charles Babbage"],
                         "about":{"title":"%s","kind":"letter"},"pages":0,"price":0,"public":false,"dates":[]}"""
                        .formatted(DOCUMENT)));
    }

    @Test
    void arraySchema_isFollowed() throws Exception {
        assertThat(answer("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"))
                .isEqualTo(json.readTree("[\"Ada Lovelace\",\"Charles Babbage\"]"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "null", "[]", "{", "{\"messages\":[]}", "{\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":true}",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"response_format\":{\"type\":\"xml\"}}"})
    void malformedRequest_isRefused(String body) throws Exception {
        var response = model(0).complete(body.getBytes(StandardCharsets.UTF_8));

        assertThat(response.getStatus()).isEqualTo(400);
        assertThat(((JsonNode) response.getEntity()).at("/error/type").asText()).isEqualTo("invalid_request_error");
    }

    @Test
    void failureRate_failsThatShareOfCalls_theSameOnesEveryTime() throws Exception {
        assertThat(statuses(0.5)).contains(200, 429, 500).containsExactly(statuses(0.5));
        assertThat(statuses(1)).doesNotContain(200);
        assertThat(statuses(0)).containsOnly(200);
    }

    @Test
    void failureRateOutOfRange_isRefused() {
        assertThatThrownBy(() -> model(1.5)).hasMessageContaining("pawl.dev.offline-model.failure-rate is 1.5");
    }

    private Integer[] statuses(double failureRate) {
        var model = model(failureRate);
        byte[] request = request(DOCUMENT, null);
        return IntStream.range(0, 50).mapToObj(call -> {
            try {
                return model.complete(request).getStatus();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }).toArray(Integer[]::new);
    }

    private JsonNode answer(String schema) throws Exception {
        return json.readTree(complete(request("<document>" + DOCUMENT + "</document>", schema)).at("/choices/0/message/content").asText());
    }

    private JsonNode complete(byte[] request) throws Exception {
        var response = model(0).complete(request);
        assertThat(response.getStatus()).isEqualTo(200);
        return (JsonNode) response.getEntity();
    }

    private byte[] request(String prompt, String schema) {
        try {
            var request = json.createObjectNode().put("model", "gpt-4o-mini");
            request.putArray("messages").addObject().put("role", "user").put("content", prompt);
            if (schema != null) {
                request.putObject("response_format").put("type", "json_schema")
                        .putObject("json_schema").put("name", "answer").set("schema", json.readTree(schema));
            }
            return json.writeValueAsBytes(request);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private OfflineModel model(double failureRate) {
        return new OfflineModel(new DevConfig() {
            @Override
            public Path samples() {
                return Path.of("samples");
            }

            @Override
            public Kafka kafka() {
                throw new UnsupportedOperationException();
            }

            @Override
            public OfflineModel offlineModel() {
                return new OfflineModel() {
                    @Override
                    public Duration delay() {
                        return Duration.ZERO;
                    }

                    @Override
                    public double failureRate() {
                        return failureRate;
                    }
                };
            }
        }, json);
    }
}
