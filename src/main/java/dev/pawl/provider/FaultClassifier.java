package dev.pawl.provider;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeoutException;

import javax.net.ssl.SSLException;

import com.fasterxml.jackson.core.JsonProcessingException;

import dev.langchain4j.exception.ContentFilteredException;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.pawl.Failure.Kind;
import io.vertx.core.VertxException;

/**
 * Who is to blame for a call without an answer that can be used. Bodies may quote prompts: all that is read of them is
 * {@code error.code}, {@code error.type} and {@code error.param}.
 *
 * <pre>
 * the client reports                                        class       kind                     what happens
 * ────────────────────────────────────────────────────────  ──────────  ───────────────────────  ─────────────────────────────────
 * finish reason content_filter                              document    content-filtered         a dead letter, after this call
 * finish reason length                                      document    truncated-output         a dead letter: with the same limit
 *                                                                                                the next answer is cut off as well
 * finish reason stop, tool_calls, function_call, another    none                                 the step's output format judges the
 * one, none                                                                                      text; an empty or invalid one is sent
 *                                                                                                back, up to the step's attempts, then
 *                                                                                                a dead letter of kind invalid-output
 * a refusal in place of an answer                           document    refused                  a dead letter, after this call
 * 4xx, code content_filter, content_policy_violation, …     document    content-filtered         a dead letter, after this call
 * 4xx, code context_length_exceeded, …                      document    context-length-exceeded  a dead letter, after this call
 * 400, 422 about a parameter other than the messages        provider                             tried again until it is over: the
 *                                                                                                chain's configuration is at fault
 * 400, 413, 422, 451 otherwise                              document    refused                  a dead letter, after this call
 * 429, code insufficient_quota, …                           provider                             until someone pays
 * 429 otherwise                                             rate limit                           later, when the endpoint says so
 * 408, 5xx                                                  unclear     unanswered               as the provider's, unless only this
 *                                                                                                document has it ({@link Suspicion})
 * every other 4xx (401 key, 402 money, 403, 404 model or    provider                             tried again until it is over
 * address, …), every 3xx and 1xx
 * connection refused, unknown host, TLS                     provider                             tried again until it is over
 * no answer in time, connection broken in the middle        unclear     unanswered               as 5xx
 * 2xx without choices, without an ID, not JSON, anything    unclear     invalid-output           as 5xx, with proof sooner: the
 * else the client can't make sense of                                                            endpoint did answer
 * ────────────────────────────────────────────────────────  ──────────  ───────────────────────  ─────────────────────────────────
 * </pre>
 *
 * A fault of the provider, an unclear one included, that befalls call after call makes an {@link Outage}.
 */
final class FaultClassifier {

    private static final Set<String> CONTENT = Set.of("content_filter", "content_policy_violation", "moderation_blocked",
            "invalid_prompt", "ResponsibleAIPolicyViolation");
    /** OpenAI's, and those of servers that speak its protocol: llama.cpp, Groq. */
    private static final Set<String> CONTEXT = Set.of("context_length_exceeded", "string_above_max_length",
            "exceed_context_size_error");
    private static final Set<String> QUOTA = Set.of("insufficient_quota", "billing_hard_limit_reached", "billing_not_active");

    private FaultClassifier() {
    }

    /** The fault in an answer that arrived; none where the text is to be judged. */
    static Optional<Fault.OfDocument> faultIn(ChatResponse response) {
        FinishReason reason = response.finishReason();
        if (reason == FinishReason.CONTENT_FILTER) {
            return Optional.of(new Fault.OfDocument(Kind.CONTENT_FILTERED, "the provider's content filter cut the answer off"));
        }
        if (reason == FinishReason.LENGTH) {
            return Optional.of(new Fault.OfDocument(Kind.TRUNCATED_OUTPUT,
                    "the answer reached the limit of output tokens and was cut off; raise the step's max-output-tokens"));
        }
        return Optional.empty();
    }

    /** The fault that an exception of the client's stands for. */
    static Fault classify(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            Fault fault = switch (cause) {
                case StatusException status -> ofStatus(status.statusCode(), status.error(), status.retryAfter());
                case HttpException status -> ofStatus(status.statusCode(), ErrorBody.NONE, null);
                case ContentFilteredException _ -> new Fault.OfDocument(Kind.REFUSED, "the model refused to answer");
                case UnknownHostException _, UnresolvedAddressException _ ->
                    new Fault.OfProvider("no host of the endpoint's name", null);
                case ConnectException _ -> new Fault.OfProvider("no connection", null);
                case SSLException _ -> new Fault.OfProvider("no secure connection (TLS)", null);
                case TimeoutException _ -> new Fault.Unclear(Kind.UNANSWERED, "no answer in time", null);
                case JsonProcessingException _ -> new Fault.Unclear(Kind.INVALID_OUTPUT, "an answer that is not the protocol's JSON", null);
                case IOException _, VertxException _ -> new Fault.Unclear(Kind.UNANSWERED, "the connection broke off", null);
                default -> null;
            };
            if (fault != null) {
                return fault;
            }
        }
        return new Fault.Unclear(Kind.INVALID_OUTPUT, "an answer that the client can't use", null);
    }

    private static Fault ofStatus(int status, ErrorBody error, Duration retryAfter) {
        if (status / 100 == 4 && says(error, CONTENT)) {
            return new Fault.OfDocument(Kind.CONTENT_FILTERED, "the provider's content filter refused the prompt with status " + status);
        }
        if (status / 100 == 4 && says(error, CONTEXT)) {
            return new Fault.OfDocument(Kind.CONTEXT_LENGTH_EXCEEDED, "the prompt is longer than the model's context");
        }
        return switch (status) {
            case 400, 413, 422, 451 -> isConfigured(status, error.param())
                    ? new Fault.OfProvider("the endpoint does not take the parameter %s: %d".formatted(error.param(), status), retryAfter)
                    : new Fault.OfDocument(Kind.REFUSED, "the provider refused the prompt with status " + status);
            case 429 -> says(error, QUOTA)
                    ? new Fault.OfProvider("nothing left to pay with: 429", retryAfter)
                    : new Fault.RateLimit(retryAfter);
            case 401 -> new Fault.OfProvider("wrong key: 401", retryAfter);
            case 402 -> new Fault.OfProvider("nothing left to pay with: 402", retryAfter);
            case 403 -> new Fault.OfProvider("the key may not do this: 403", retryAfter);
            case 404 -> new Fault.OfProvider("no such model or address: 404", retryAfter);
            case 408 -> new Fault.Unclear(Kind.UNANSWERED, "status 408", retryAfter);
            default -> status >= 500
                    ? new Fault.Unclear(Kind.UNANSWERED, "status " + status, retryAfter)
                    : new Fault.OfProvider("status " + status, retryAfter);
        };
    }

    /** Everything in a request but its messages comes from the configuration, and is the same for every document. */
    private static boolean isConfigured(int status, String param) {
        return (status == 400 || status == 422) && param != null && !param.startsWith("messages") && !param.equals("prompt");
    }

    private static boolean says(ErrorBody error, Set<String> names) {
        return error.code() != null && names.contains(error.code()) || error.type() != null && names.contains(error.type());
    }
}
