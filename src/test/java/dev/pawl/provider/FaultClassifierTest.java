package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import javax.net.ssl.SSLHandshakeException;

import jakarta.ws.rs.ProcessingException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;

import com.fasterxml.jackson.core.JsonParseException;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.ContentFilteredException;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnresolvedModelServerException;
import dev.langchain4j.internal.ExceptionMapper;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.pawl.Failure.Kind;
import io.netty.channel.ConnectTimeoutException;
import io.quarkiverse.langchain4j.openai.common.OpenAiApiException;
import io.vertx.core.http.HttpClosedException;

/** The table of {@link FaultClassifier}, row by row and status by status. */
class FaultClassifierTest {

    private static final String SECRET = "What the prompt said";
    private static final Set<Integer> OF_THE_DOCUMENT = Set.of(400, 413, 422, 451);

    static IntStream statuses() {
        return IntStream.concat(IntStream.rangeClosed(100, 199), IntStream.rangeClosed(300, 599));
    }

    @ParameterizedTest
    @MethodSource("statuses")
    void status_withoutAnErrorBody(int status) {
        Fault fault = classify(status, ErrorBody.NONE);

        Class<? extends Fault> expected = OF_THE_DOCUMENT.contains(status) ? Fault.OfDocument.class
                : status == 429 ? Fault.RateLimit.class
                : status == 408 || status >= 500 ? Fault.Unclear.class
                : Fault.OfProvider.class;
        assertThat(fault).isInstanceOf(expected);
        switch (fault) {
            case Fault.OfDocument(Kind kind, String message) -> {
                assertThat(kind).isEqualTo(Kind.REFUSED);
                assertThat(message).contains(Integer.toString(status));
            }
            case Fault.OfProvider(String what, Duration retryAfter) -> {
                assertThat(what).contains(Integer.toString(status));
                assertThat(retryAfter).isEqualTo(Duration.ofSeconds(7));
            }
            case Fault.Unclear(Kind kind, String what, Duration retryAfter) -> {
                assertThat(kind).isEqualTo(Kind.UNANSWERED);
                assertThat(what).isEqualTo("status " + status);
                assertThat(retryAfter).isEqualTo(Duration.ofSeconds(7));
            }
            case Fault.RateLimit(Duration retryAfter) -> assertThat(retryAfter).isEqualTo(Duration.ofSeconds(7));
        }
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
            "400, context_length_exceeded, invalid_request_error, messages, context-length-exceeded",
            "400, string_above_max_length, invalid_request_error, messages[0].content, context-length-exceeded",
            "400, -, exceed_context_size_error, -, context-length-exceeded",
            "413, context_length_exceeded, -, -, context-length-exceeded",
            "400, content_filter, -, prompt, content-filtered",
            "400, content_policy_violation, invalid_request_error, -, content-filtered",
            "400, invalid_prompt, invalid_request_error, -, content-filtered",
            "403, content_filter, -, -, content-filtered",
            "400, -, invalid_request_error, -, refused",
            "400, -, invalid_request_error, messages.[0].content, refused",
            "422, something_else, -, messages, refused",
            "400, unsupported_parameter, invalid_request_error, max_tokens, provider",
            "400, unsupported_value, invalid_request_error, temperature, provider",
            "400, -, invalid_request_error, response_format, provider",
            "422, -, -, model, provider",
            "404, model_not_found, invalid_request_error, model, provider",
            "401, invalid_api_key, invalid_request_error, -, provider",
            "403, unsupported_country_region_territory, -, -, provider",
            "429, insufficient_quota, insufficient_quota, -, provider",
            "429, -, insufficient_quota, -, provider",
            "429, billing_hard_limit_reached, -, -, provider",
            "429, rate_limit_exceeded, tokens, -, rate-limit",
            "500, context_length_exceeded, -, -, unclear",
            "503, content_filter, -, -, unclear"})
    void status_withAnErrorBody(int status, String code, String type, String param, String expected) {
        Fault fault = classify(status, new ErrorBody(code, type, param));

        assertThat(switch (fault) {
            case Fault.OfDocument(Kind kind, String _) -> kind.text();
            case Fault.OfProvider _ -> "provider";
            case Fault.RateLimit _ -> "rate-limit";
            case Fault.Unclear _ -> "unclear";
        }).isEqualTo(expected);
    }

    static Stream<Arguments> exceptions() throws Exception {
        Fault noHost = new Fault.OfProvider("no host of the endpoint's name", null);
        Fault noConnection = new Fault.OfProvider("no connection", null);
        Fault broken = new Fault.Unclear(Kind.UNANSWERED, "the connection broke off", null);
        Fault unusable = new Fault.Unclear(Kind.INVALID_OUTPUT, "an answer that the client can't use", null);
        return Stream.of(
                Arguments.of(new ProcessingException(new ConnectException(SECRET)), noConnection),
                Arguments.of(new ProcessingException(new ConnectTimeoutException(SECRET)), noConnection),
                Arguments.of(new ProcessingException(new UnknownHostException(SECRET)), noHost),
                Arguments.of(new UnresolvedModelServerException(new UnresolvedAddressException()), noHost),
                Arguments.of(new ProcessingException(new SSLHandshakeException(SECRET)),
                        new Fault.OfProvider("no secure connection (TLS)", null)),
                Arguments.of(new ProcessingException(new TimeoutException(SECRET)),
                        new Fault.Unclear(Kind.UNANSWERED, "no answer in time", null)),
                Arguments.of(new ProcessingException(new SocketException(SECRET)), broken),
                Arguments.of(new ProcessingException(new IOException(SECRET)), broken),
                Arguments.of(new ProcessingException(new ExecutionException(new HttpClosedException(SECRET))), broken),
                Arguments.of(new ProcessingException(new JsonParseException(null, SECRET)),
                        new Fault.Unclear(Kind.INVALID_OUTPUT, "an answer that is not the protocol's JSON", null)),
                Arguments.of(new InternalServerException(SECRET), unusable),
                Arguments.of(new OpenAiApiException(String.class), unusable),
                Arguments.of(new NullPointerException(SECRET), unusable),
                Arguments.of(new IllegalArgumentException(SECRET), unusable),
                Arguments.of(new ContentFilteredException(SECRET), new Fault.OfDocument(Kind.REFUSED, "the model refused to answer")),
                Arguments.of(new InvalidRequestException(new HttpException(400, SECRET)),
                        new Fault.OfDocument(Kind.REFUSED, "the provider refused the prompt with status 400")));
    }

    @ParameterizedTest
    @MethodSource("exceptions")
    void exception_ofTheClient(RuntimeException exception, Fault expected) {
        assertThat(FaultClassifier.classify(exception)).isEqualTo(expected);
        assertThat(expected.toString()).doesNotContain(SECRET);
    }

    @ParameterizedTest
    @NullSource
    @EnumSource(FinishReason.class)
    void finishReason(FinishReason reason) {
        ChatResponse response = ChatResponse.builder().aiMessage(AiMessage.from("half")).finishReason(reason).build();

        Kind expected = switch (reason) {
            case CONTENT_FILTER -> Kind.CONTENT_FILTERED;
            case LENGTH -> Kind.TRUNCATED_OUTPUT;
            case STOP, TOOL_EXECUTION, OTHER -> null;
            case null -> null;
        };
        assertThat(FaultClassifier.faultIn(response).map(Fault.OfDocument::kind).orElse(null)).isEqualTo(expected);
    }

    @Test
    void errorBody_isReadAsFarAsItHoldsNames() {
        assertThat(ErrorBody.parse("{\"error\":{\"message\":\"%s\",\"code\":\"a_b\",\"type\":\"t-1\",\"param\":\"messages[0].x\"}}".formatted(SECRET)))
                .isEqualTo(new ErrorBody("a_b", "t-1", "messages[0].x"));
        for (String body : List.of("", "{}", "[]", "null", "no JSON", "{\"error\":\"text\"}", "{\"error\":{\"code\":400,\"type\":null}}",
                "{\"error\":{\"code\":\"%s\"}}".formatted(SECRET), "{\"error\":{\"code\":\"%s\"}}".formatted("x".repeat(65)))) {
            assertThat(ErrorBody.parse(body)).as(body).isEqualTo(ErrorBody.NONE);
        }
        assertThat(ErrorBody.parse(null)).isEqualTo(ErrorBody.NONE);
    }

    /** As the client wraps it. */
    private static Fault classify(int status, ErrorBody error) {
        StatusException exception = new StatusException(status, error, Duration.ofSeconds(7));
        return FaultClassifier.classify(ExceptionMapper.DEFAULT.mapException(new ProcessingException(exception)));
    }
}
