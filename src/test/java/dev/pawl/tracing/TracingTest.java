package dev.pawl.tracing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ConnectException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.ObjectMapper;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.ContentFilteredException;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.pawl.Failure;
import dev.pawl.harness.Configs;
import dev.pawl.provider.Patience.AbandonedException;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;

class TracingTest {

    private static final ChatRequest REQUEST = ChatRequest.builder().messages(UserMessage.from("a prompt")).build();

    private final List<SpanData> spans = new ArrayList<>();

    static Stream<Arguments> errors() {
        return Stream.of(
                Arguments.of(new Failure.Raised(new Failure(Failure.Kind.INVALID_OUTPUT, "summary", "wrong", 3)), "invalid-output"),
                Arguments.of(new RuntimeException(new HttpException(503, "what the endpoint said")), "503"),
                Arguments.of(new ContentFilteredException("what the model said"), "refused"),
                Arguments.of(new RuntimeException(new ConnectException("host")), "java.net.ConnectException"),
                Arguments.of(new IllegalStateException("x"), "java.lang.IllegalStateException"));
    }

    @ParameterizedTest
    @MethodSource("errors")
    void error_isOneOfFew(Throwable thrown, String type) {
        assertThat(Tracing.errorType(thrown)).isEqualTo(type);
    }

    @Test
    void failedCall_leavesItsTypeAndNoMessage() {
        assertThatThrownBy(() -> tracing().chat(model(() -> {
            throw new HttpException(400, "what the endpoint said");
        }), REQUEST)).isInstanceOf(HttpException.class);

        assertThat(spans).singleElement().satisfies(span -> {
            assertThat(span.getName()).isEqualTo("chat a-model");
            assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
            assertThat(span.getStatus().getDescription()).isEmpty();
            assertThat(span.getEvents()).isEmpty();
            assertThat(attributes(span)).containsEntry("error.type", "400");
        });
        assertThat(spans.toString()).doesNotContain("what the endpoint said", "a prompt");
    }

    @Test
    void abandonedStep_isNoError() {
        assertThatThrownBy(() -> tracing().step("summary", () -> {
            throw new AbandonedException();
        })).isInstanceOf(AbandonedException.class);

        assertThat(spans).singleElement().satisfies(span -> {
            assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
            assertThat(attributes(span)).containsEntry("pawl.outcome", "abandoned");
        });
    }

    @Test
    void wait_isAnEventOfTheStep() throws Exception {
        Tracing tracing = tracing();
        tracing.step("summary", () -> {
            tracing.waits("status 503", Duration.ofMillis(20));
            return null;
        });

        assertThat(spans.getFirst().getEvents()).singleElement().satisfies(event -> {
            assertThat(event.getName()).isEqualTo("retry");
            assertThat(event.getAttributes().asMap().values()).contains("status 503", 20L);
        });
    }

    @Test
    void content_isCutOff() throws Exception {
        ChatRequest request = ChatRequest.builder().messages(UserMessage.from("p".repeat(Content.MAX_CHARS + 1))).build();

        tracing("pawl.tracing.content", "true").chat(model(() -> answer("a".repeat(Content.MAX_CHARS))), request);

        Map<String, Object> attributes = attributes(spans.getFirst());
        assertThat(content(attributes.get("gen_ai.input.messages"))).hasSize(Content.MAX_CHARS + 1).endsWith("p…");
        assertThat(content(attributes.get("gen_ai.output.messages"))).hasSize(Content.MAX_CHARS).endsWith("a");
    }

    @Test
    void off_workRunsUnderNoSpan() throws Exception {
        assertThat(Tracings.off().<Span, RuntimeException>step("summary", Span::current)).isSameAs(Span.getInvalid());
    }

    private Tracing tracing(String... config) {
        SdkTracerProvider tracers = SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(new Kept())).build();
        return new Tracing(Configs.of(config), OpenTelemetrySdk.builder().setTracerProvider(tracers).build(), URI.create("https://host/v1/"));
    }

    private static String content(Object messages) throws Exception {
        return new ObjectMapper().readTree((String) messages).path(0).path("parts").path(0).path("content").asText();
    }

    private static Map<String, Object> attributes(SpanData span) {
        return span.getAttributes().asMap().entrySet().stream().collect(Collectors.toMap(entry -> entry.getKey().getKey(), Map.Entry::getValue));
    }

    private static ChatResponse answer(String text) {
        return ChatResponse.builder().aiMessage(AiMessage.from(text)).build();
    }

    private interface Answer {
        ChatResponse get();
    }

    private static ChatModel model(Answer answer) {
        return new ChatModel() {
            @Override
            public ChatResponse doChat(ChatRequest request) {
                return answer.get();
            }

            @Override
            public ChatRequestParameters defaultRequestParameters() {
                return ChatRequestParameters.builder().modelName("a-model").build();
            }
        };
    }

    private final class Kept implements SpanExporter {

        @Override
        public CompletableResultCode export(Collection<SpanData> ended) {
            spans.addAll(ended);
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }
}
