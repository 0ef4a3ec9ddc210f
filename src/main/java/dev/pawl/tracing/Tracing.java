package dev.pawl.tracing;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import jakarta.annotation.PreDestroy;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.inject.ConfigProperty;

import dev.langchain4j.exception.ContentFilteredException;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.pawl.Failure;
import dev.pawl.Outcome;
import dev.pawl.PawlConfig;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import dev.pawl.intake.Delivery;
import dev.pawl.provider.Patience.AbandonedException;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.sdk.OpenTelemetrySdk;

/**
 * A document's work as OpenTelemetry spans, where an endpoint for them is configured ({@link Otlp}); nothing at all where there is none:
 *
 * <pre>
 * process documents        one a delivery that has steps to run; its parent is the record's traceparent
 * ├─ step summary          one a step that has to be called; each wait before another attempt is an event
 * │  ├─ chat gpt-4o-mini   one a call, failed ones included
 * │  └─ chat gpt-4o-mini
 * └─ step entities
 *    └─ chat gpt-4o-mini
 * </pre>
 *
 * Spans carry the document's ID, and no text but with {@code pawl.tracing.content}. What they are called and say follows
 * OpenTelemetry's conventions for messaging and for generative AI. A span is the current one of the thread that its work runs on.
 *
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/">the conventions for calls of a model</a>
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/messaging/kafka/">the conventions for Kafka</a>
 */
@Singleton
public final class Tracing {

    private static final String SCOPE = "dev.pawl";
    /** How long the end of the process waits for the last spans to be taken. */
    private static final Duration LAST_EXPORT = Duration.ofSeconds(3);
    private static final int HTTPS = 443;
    private static final int HTTP = 80;

    private static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");
    private static final AttributeKey<List<String>> FINISH_REASONS = AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");
    private static final AttributeKey<List<String>> REUSED_STEPS = AttributeKey.stringArrayKey("pawl.steps.reused");
    private static final AttributeKey<String> REASON = AttributeKey.stringKey("pawl.reason");
    private static final AttributeKey<Long> WAIT_MS = AttributeKey.longKey("pawl.wait_ms");

    private final OpenTelemetry telemetry;
    private final boolean on;
    private final boolean content;
    private final Tracer tracer;
    private final String consumerGroup;
    private final URI model;

    @Inject
    Tracing(PawlConfig config, Config settings, @ConfigProperty(name = "quarkus.langchain4j.openai.base-url") URI model) {
        this(config, Otlp.configured(settings), model);
    }

    /** @param telemetry {@link OpenTelemetry#noop()} where nothing is to be traced */
    Tracing(PawlConfig config, OpenTelemetry telemetry, URI model) {
        this.telemetry = telemetry;
        this.on = telemetry != OpenTelemetry.noop();
        this.content = config.tracing().content();
        this.tracer = telemetry.getTracer(SCOPE);
        this.consumerGroup = config.consumerGroup();
        this.model = model;
    }

    @FunctionalInterface
    public interface Work<T, E extends Exception, F extends Exception> {
        T run() throws E, F;
    }

    /** Runs what there is to do for a delivery. */
    public <E extends Exception> Outcome document(Delivery delivery, String id, Work<Outcome, E, InterruptedException> work)
            throws E, InterruptedException {
        if (!on) {
            return work.run();
        }
        Span span = tracer.spanBuilder("process " + delivery.topic())
                .setSpanKind(SpanKind.CONSUMER)
                .setParent(received(delivery))
                .setAttribute("messaging.system", "kafka")
                .setAttribute("messaging.operation.name", "process")
                .setAttribute("messaging.operation.type", "process")
                .setAttribute("messaging.destination.name", delivery.topic())
                .setAttribute("messaging.destination.partition.id", Integer.toString(delivery.partition()))
                .setAttribute("messaging.kafka.offset", delivery.offset())
                .setAttribute("messaging.consumer.group.name", consumerGroup)
                .setAttribute("pawl.document.id", id)
                .setAttribute("pawl.source", delivery.source())
                .startSpan();
        return in(span, work, outcome -> {
            span.setAttribute("pawl.outcome", outcome.getClass().getSimpleName().toLowerCase(Locale.ROOT));
            if (outcome instanceof Outcome.Failed(Failure failure)) {
                failed(span, failure.kind().text());
            }
            if (outcome instanceof Outcome.Completed completed) {
                span.setAttribute(REUSED_STEPS, completed.reused().stream().map(StepOutput::step).toList());
            }
        });
    }

    /** Makes the calls of one step. */
    public <T, E extends Exception> T step(String name, Work<T, E, InterruptedException> work) throws E, InterruptedException {
        if (!on) {
            return work.run();
        }
        return in(tracer.spanBuilder("step " + name).setAttribute("pawl.step", name).startSpan(), work, _ -> { });
    }

    /** The step waits before it calls again. */
    public void waits(String reason, Duration wait) {
        if (on) {
            Span.current().addEvent("retry", Attributes.of(REASON, reason, WAIT_MS, wait.toMillis()));
        }
    }

    /** Makes one call. */
    public ChatResponse chat(ChatModel model, ChatRequest request) {
        if (!on) {
            return model.chat(request);
        }
        ChatRequestParameters parameters = model.defaultRequestParameters().overrideWith(request.parameters());
        SpanBuilder builder = tracer.spanBuilder("chat " + parameters.modelName())
                .setSpanKind(SpanKind.CLIENT)
                .setAttribute("gen_ai.operation.name", "chat")
                // Whose protocol it is; server.address says who answers.
                .setAttribute("gen_ai.provider.name", "openai")
                .setAttribute("gen_ai.request.model", parameters.modelName())
                .setAttribute("server.address", this.model.getHost())
                .setAttribute("server.port", port());
        if (parameters.temperature() != null) {
            builder.setAttribute("gen_ai.request.temperature", parameters.temperature());
        }
        if (parameters.maxOutputTokens() != null) {
            builder.setAttribute("gen_ai.request.max_tokens", parameters.maxOutputTokens());
        }
        if (content) {
            builder.setAttribute("gen_ai.input.messages", Content.input(request));
        }
        Span span = builder.startSpan();
        return in(span, () -> model.chat(request), response -> answered(span, response));
    }

    private void answered(Span span, ChatResponse response) {
        span.setAttribute("gen_ai.response.id", response.id());
        span.setAttribute("gen_ai.response.model", response.modelName());
        if (response.finishReason() != null) {
            span.setAttribute(FINISH_REASONS, List.of(Content.finishReason(response)));
        }
        if (response.tokenUsage() != null) {
            setCount(span, "gen_ai.usage.input_tokens", response.tokenUsage().inputTokenCount());
            setCount(span, "gen_ai.usage.output_tokens", response.tokenUsage().outputTokenCount());
        }
        if (content) {
            span.setAttribute("gen_ai.output.messages", Content.output(response));
        }
    }

    private static void setCount(Span span, String name, Integer count) {
        if (count != null) {
            span.setAttribute(name, count);
        }
    }

    private int port() {
        return model.getPort() != -1 ? model.getPort() : "http".equals(model.getScheme()) ? HTTP : HTTPS;
    }

    private static <T, E extends Exception, F extends Exception> T in(Span span, Work<T, E, F> work, Consumer<T> ended) throws E, F {
        try (Scope _ = span.makeCurrent()) {
            T result = work.run();
            ended.accept(result);
            return result;
        } catch (Throwable e) {
            if (e instanceof AbandonedException || e instanceof InterruptedException) {
                span.setAttribute("pawl.outcome", "abandoned");
            } else {
                failed(span, errorType(e));
            }
            throw e;
        } finally {
            span.end();
        }
    }

    /** No message: one may say where in an answer a rule was violated. */
    private static void failed(Span span, String errorType) {
        span.setAttribute(ERROR_TYPE, errorType);
        span.setStatus(StatusCode.ERROR);
    }

    /** The document's fault, the status that the endpoint answered with, or the class of what went wrong. */
    static String errorType(Throwable thrown) {
        Throwable root = thrown;
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            switch (cause) {
                case Failure.Raised raised -> {
                    return raised.failure().kind().text();
                }
                case HttpException answered -> {
                    return Integer.toString(answered.statusCode());
                }
                case ContentFilteredException _ -> {
                    return Failure.Kind.REFUSED.text();
                }
                default -> root = cause;
            }
        }
        return root.getClass().getName();
    }

    // ---- From the record to the result ----

    /** The trace that a record belongs to, by its headers or by its CloudEvent's. */
    public Context received(Delivery delivery) {
        return telemetry.getPropagators().getTextMapPropagator().extract(Context.root(), delivery.headers(), RecordHeaders.INSTANCE);
    }

    /** Lets a record belong to a trace, by its own headers and by its CloudEvent's. Nothing where nothing is traced. */
    public void send(Context trace, Headers headers) {
        telemetry.getPropagators().getTextMapPropagator().inject(trace, headers, (_, name, value) -> {
            headers.add(name, value.getBytes(StandardCharsets.UTF_8));
            headers.add(RecordHeaders.CLOUD_EVENT + name, value.getBytes(StandardCharsets.UTF_8));
        });
    }

    private enum RecordHeaders implements TextMapGetter<Headers> {

        INSTANCE;

        static final String CLOUD_EVENT = "ce_";

        @Override
        public Iterable<String> keys(Headers headers) {
            return List.of();
        }

        @Override
        public String get(Headers headers, String name) {
            Header own = headers.lastHeader(name);
            Header header = own == null ? headers.lastHeader(CLOUD_EVENT + name) : own;
            return header == null || header.value() == null ? null : new String(header.value(), StandardCharsets.UTF_8);
        }
    }

    @PreDestroy
    void close() {
        if (telemetry instanceof OpenTelemetrySdk sdk) {
            sdk.shutdown().join(LAST_EXPORT.toMillis(), TimeUnit.MILLISECONDS);
        }
    }
}
