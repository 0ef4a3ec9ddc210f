package dev.pawl.harness;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

/**
 * A model endpoint that speaks OpenAI's {@code POST /v1/chat/completions} over real HTTP, does what a test tells it, and
 * counts every call by document and step.
 *
 * <p>Which document and step a call is for stands in its prompt, by default in a line {@code step=<name> id=<id>}. A call
 * without is answered 400 and counted under {@link #UNMATCHED}.
 *
 * <p>The life of a call, and what is counted when:
 * <pre>
 * arrived whole ──▶ held, if a gate is closed ──▶ delayed ──▶ answer chosen ──▶ written
 * calls, total, counts                                                 │        answered
 * └──────────────────────────── inAir ─────────────────────────────────┘
 * </pre>
 * A call leaves the air just before its answer is written, so that {@link #maxInAir()} never exceeds what the client had
 * open at one time. Answered means handed to the operating system: it can trail the client's view by a moment, and a
 * client killed just then may not have read it.
 *
 * <p>Takes 2,000 connections at once; a virtual thread a request. Methods may be called from any thread.
 */
public final class ScriptedModel implements AutoCloseable {

    /** The step and the ID of a call whose prompt names neither. */
    public static final String UNMATCHED = "?";

    private static final int BACKLOG = 4_096;
    private static final Pattern TARGET = Pattern.compile("step=(\\S+) id=(\\S+)");

    /** What a prompt is for. */
    public record Target(String step, String id) {
    }

    /**
     * A request that arrived whole.
     *
     * @param attempt which call for this step and document it is, from 1
     * @param prompt  the text of its last user message
     * @param headers the first value of each, by lower-case name
     */
    public record Call(String step, String id, int attempt, String prompt, JsonNode request, Map<String, String> headers,
            Instant receivedAt) {

        public String key() {
            return step + "/" + id;
        }
    }

    /** A call whose answer was written in full, whatever its status. */
    public record Answered(Call call, Instant at) {
    }

    public sealed interface Reply {

        /** A completion. The finish reason is OpenAI's: {@code stop}, {@code length}, {@code content_filter}. */
        record Text(String content, int inputTokens, int outputTokens, String finishReason) implements Reply {

            public Text(String content, int inputTokens, int outputTokens) {
                this(content, inputTokens, outputTokens, "stop");
            }

            public Text(String content) {
                this(content, 100, 10);
            }
        }

        record Status(int code, String body, Map<String, String> headers) implements Reply {

            /** With the error body OpenAI sends. */
            public Status(int code) {
                this(code, error("scripted " + code), Map.of());
            }
        }

        /** Never answers; the connection stays open until the model is closed. */
        record Hang() implements Reply {
        }

        /** Begins an answer and never ends it; the connection stays open until the model is closed. */
        record Stall() implements Reply {
        }

        /** Closes the connection without an answer. */
        record Drop() implements Reply {
        }
    }

    private record Gate(Predicate<Call> wanted, CountDownLatch opened) {
    }

    private final JsonMapper mapper = new JsonMapper();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final HttpServer server;

    private volatile Function<String, Target> matcher = ScriptedModel::targetIn;
    private volatile Function<Call, Reply> answer = ScriptedModel::usualAnswer;
    private volatile Duration delay = Duration.ZERO;

    /** Guards what follows. */
    private final Object lock = new Object();
    private final List<Call> calls = new ArrayList<>();
    private final Map<String, Integer> arrived = new TreeMap<>();
    private final List<Answered> answered = new ArrayList<>();
    private int inAir;
    private int maxInAir;
    private Gate gate;

    private ScriptedModel() {
        server = HttpServers.create(0, BACKLOG);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
    }

    /** Starts a model on a random port of 127.0.0.1. */
    public static ScriptedModel open() {
        var model = new ScriptedModel();
        model.server.start();
        return model;
    }

    /** What OPENAI_BASE_URL takes: {@code http://127.0.0.1:<port>/v1/}. */
    public String baseUrl() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1/";
    }

    // ---- What it does ----

    /**
     * Replaces what finds the step and the document in a prompt; null means the prompt names none. It is asked about the
     * user messages of a request, the last first, until it finds one.
     */
    public ScriptedModel matcher(Function<String, Target> matcher) {
        this.matcher = matcher;
        return this;
    }

    /** How long every call takes from here on. */
    public ScriptedModel delay(Duration delay) {
        this.delay = delay;
        return this;
    }

    /** What every call is answered from here on, calls in the air included; {@link #usualAnswer} is a part to build on. */
    public ScriptedModel answer(Function<Call, Reply> answer) {
        this.answer = answer;
        return this;
    }

    /** Back to {@link #usualAnswer}. */
    public ScriptedModel answerAsUsual() {
        return answer(ScriptedModel::usualAnswer);
    }

    /** Holds every call that arrives from here on, until {@link #release()}. */
    public void hold() {
        hold(_ -> true);
    }

    /** Holds the calls of this kind that arrive from here on; one gate at a time. */
    public void hold(Predicate<Call> wanted) {
        synchronized (lock) {
            if (gate != null) {
                throw new IllegalStateException("calls are held already: release() first");
            }
            gate = new Gate(wanted, new CountDownLatch(1));
        }
    }

    /** Lets every held call go on, and holds no more. */
    public void release() {
        synchronized (lock) {
            if (gate != null) {
                gate.opened.countDown();
                gate = null;
            }
        }
    }

    /** Breaks the connections, those of held and hanging calls included. */
    @Override
    public void close() {
        closed.countDown();
        release();
        server.stop(0);
        threads.shutdownNow();
    }

    // ---- What it saw ----

    /** Every call in the order of arrival. */
    public List<Call> calls() {
        synchronized (lock) {
            return List.copyOf(calls);
        }
    }

    public List<Call> calls(String step, String id) {
        return calls().stream().filter(call -> call.step.equals(step) && call.id.equals(id)).toList();
    }

    /** How many calls have arrived. */
    public int total() {
        synchronized (lock) {
            return calls.size();
        }
    }

    /** How many calls have arrived, by {@code step/id}. */
    public Map<String, Integer> counts() {
        synchronized (lock) {
            return new TreeMap<>(arrived);
        }
    }

    /** How many answers have been written in full, whatever their status. */
    public int answered() {
        synchronized (lock) {
            return answered.size();
        }
    }

    /** How many answers have been written in full, by {@code step/id}. */
    public Map<String, Integer> answeredCounts() {
        var counts = new TreeMap<String, Integer>();
        answers().forEach(answer -> counts.merge(answer.call.key(), 1, Integer::sum));
        return counts;
    }

    /** What was answered, in the order of the answers. */
    public List<Answered> answers() {
        synchronized (lock) {
            return List.copyOf(answered);
        }
    }

    /** How many calls have arrived and are not being answered yet: held, delayed or hanging. */
    public int inAir() {
        synchronized (lock) {
            return inAir;
        }
    }

    /** The most there ever were in the air. */
    public int maxInAir() {
        synchronized (lock) {
            return maxInAir;
        }
    }

    // ---- A call ----

    private void handle(HttpExchange exchange) throws IOException {
        if (!exchange.getRequestMethod().equals("POST") || !exchange.getRequestURI().getPath().equals("/v1/chat/completions")) {
            write(exchange, new Reply.Status(404));
            return;
        }
        JsonNode request;
        try {
            request = mapper.readTree(exchange.getRequestBody().readAllBytes());
        } catch (JacksonException malformed) {
            write(exchange, new Reply.Status(400));
            return;
        }
        Arrival arrival = arrive(request, exchange);
        Reply reply;
        try {
            reply = await(arrival);
        } catch (InterruptedException closing) {
            reply = new Reply.Drop();
        } catch (RuntimeException wrongScript) {
            reply = new Reply.Status(500, error("the test's own script failed: " + wrongScript), Map.of());
        } finally {
            synchronized (lock) {
                inAir--;
            }
        }
        switch (reply) {
            case Reply.Text text -> write(exchange, completion(arrival.call, text));
            case Reply.Status status -> write(exchange, status);
            case Reply.Stall _ -> {
                stall(exchange);
                return;
            }
            case Reply.Hang _, Reply.Drop _ -> {
                exchange.close();
                return;
            }
        }
        synchronized (lock) {
            answered.add(new Answered(arrival.call, Instant.now()));
        }
    }

    /** A call with the gate it met, null where it met none. */
    private record Arrival(Call call, Gate gate) {
    }

    private Arrival arrive(JsonNode request, HttpExchange exchange) {
        List<String> prompts = userMessages(request).reversed();
        Target target = prompts.stream().map(matcher).filter(found -> found != null).findFirst()
                .orElse(new Target(UNMATCHED, UNMATCHED));
        var headers = new TreeMap<String, String>();
        exchange.getRequestHeaders().forEach((name, values) -> headers.put(name.toLowerCase(), values.getFirst()));
        synchronized (lock) {
            int attempt = arrived.merge(target.step + "/" + target.id, 1, Integer::sum);
            var call = new Call(target.step, target.id, attempt, prompts.isEmpty() ? "" : prompts.getFirst(), request,
                    Map.copyOf(headers), Instant.now());
            calls.add(call);
            inAir++;
            maxInAir = Math.max(maxInAir, inAir);
            return new Arrival(call, gate);
        }
    }

    private Reply await(Arrival arrival) throws InterruptedException {
        if (arrival.gate != null && arrival.gate.wanted.test(arrival.call)) {
            arrival.gate.opened.await();
        }
        if (closed.await(delay.toNanos(), TimeUnit.NANOSECONDS)) {
            return new Reply.Drop();
        }
        if (arrival.call.step.equals(UNMATCHED)) {
            return new Reply.Status(400, error("the prompt names no step and document"), Map.of());
        }
        Reply reply = answer.apply(arrival.call);
        if (reply instanceof Reply.Hang) {
            closed.await();
        }
        return reply;
    }

    /** The completion that a text becomes, for who wants headers on it. */
    static Reply.Status completion(Call call, Reply.Text text) {
        ObjectNode body = JsonNodeFactory.instance.objectNode()
                .put("id", "chatcmpl-" + call.step + "-" + call.attempt)
                .put("object", "chat.completion")
                .put("created", Instant.now().getEpochSecond())
                .put("model", call.request.path("model").asText());
        ObjectNode choice = body.putArray("choices").addObject().put("index", 0);
        choice.putObject("message").put("role", "assistant").put("content", text.content).putNull("refusal");
        choice.putNull("logprobs").put("finish_reason", text.finishReason);
        body.putObject("usage")
                .put("prompt_tokens", text.inputTokens)
                .put("completion_tokens", text.outputTokens)
                .put("total_tokens", text.inputTokens + text.outputTokens);
        return new Reply.Status(200, body.toString(), Map.of());
    }

    private void stall(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, 1_000);
        exchange.getResponseBody().write("{\"id\":".getBytes(StandardCharsets.UTF_8));
        exchange.getResponseBody().flush();
        try {
            closed.await();
        } catch (InterruptedException closing) {
            exchange.close();
        }
    }

    private static void write(HttpExchange exchange, Reply.Status status) throws IOException {
        byte[] body = status.body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        status.headers.forEach(exchange.getResponseHeaders()::set);
        exchange.sendResponseHeaders(status.code, body.length == 0 ? -1 : body.length);
        // Closing the stream keeps the connection for the next request; closing the exchange need not.
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    // ---- Prompts and answers ----

    private static Target targetIn(String prompt) {
        Matcher found = TARGET.matcher(prompt);
        return found.find() ? new Target(found.group(1), found.group(2)) : null;
    }

    private static List<String> userMessages(JsonNode request) {
        return StreamSupport.stream(request.path("messages").spliterator(), false)
                .filter(message -> message.path("role").asText().equals("user"))
                .map(message -> text(message.path("content")))
                .toList();
    }

    /** A message's content is text, or an array of parts of which some are text. */
    private static String text(JsonNode content) {
        return content.isArray() ? String.join("\n", content.findValuesAsText("text")) : content.asText();
    }

    /**
     * {@code <step> of <id>}; where the request asks for a JSON Schema, JSON that satisfies a simple one. 100 input
     * tokens, 10 output tokens.
     */
    public static Reply usualAnswer(Call call) {
        JsonNode format = call.request.path("response_format");
        return format.path("type").asText().equals("json_schema")
                ? new Reply.Text(instance(format.path("json_schema").path("schema")).toString())
                : new Reply.Text(call.step + " of " + call.id);
    }

    private static JsonNode instance(JsonNode schema) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        if (schema.has("enum")) {
            return schema.path("enum").path(0);
        }
        // "type": ["string", "null"] is how strict schemas say optional.
        JsonNode type = schema.path("type");
        return switch (type.isArray() ? type.path(0).asText() : type.asText()) {
            case "object" -> {
                ObjectNode object = nodes.objectNode();
                schema.path("properties").forEachEntry((name, property) -> object.set(name, instance(property)));
                yield object;
            }
            case "array" -> schema.path("items").path("type").asText().equals("string")
                    ? nodes.arrayNode().add("Ada").add("Grace")
                    : nodes.arrayNode().add(instance(schema.path("items")));
            case "string" -> nodes.textNode("text");
            case "number", "integer" -> nodes.numberNode(1);
            case "boolean" -> nodes.booleanNode(true);
            default -> nodes.nullNode();
        };
    }

    private static String error(String message) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("error").put("message", message).put("type", "scripted").putNull("param").putNull("code");
        return body.toString();
    }
}
