package dev.pawl.speed;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;

/**
 * An endpoint that speaks OpenAI's {@code POST /v1/chat/completions}, gives the same answer to every call after a fixed delay and
 * counts calls by document and step, with as little work as possible: one event loop, no JSON. A prompt begins
 * {@code step=<name> id=doc-<number>}. Methods may be called from any thread.
 */
final class Endpoint implements AutoCloseable {

    /** The steps of a chain, in their order. */
    static final List<String> STEPS = List.of("first", "second");

    private static final byte[] STEP = "step=".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ID = " id=doc-".getBytes(StandardCharsets.US_ASCII);
    private static final int BACKLOG = 8_192;
    private static final Buffer ANSWER = Buffer.buffer("""
            {"id":"chatcmpl-1","object":"chat.completion","created":1764000000,"model":"gpt-4o-mini","choices":[{"index":0,\
            "message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],\
            "usage":{"prompt_tokens":100,"completion_tokens":40,"total_tokens":140}}"""
            .formatted("Ada Byron met Grace Hopper in Turin and described the Analytical Engine to her. ".repeat(2).strip()));

    private final Vertx vertx;
    private final HttpServer server;
    private final int documents;
    private final AtomicIntegerArray arrived;
    private final AtomicIntegerArray answered;
    private final AtomicLong calls = new AtomicLong();
    private final AtomicLong answers = new AtomicLong();
    private final AtomicLong answersRepeated = new AtomicLong();
    private volatile long delayMs;
    private volatile long firstNewCallNs;
    private volatile int mostInAir;

    /** @param documents how many there are at most; their numbers are below */
    Endpoint(int documents) {
        this.documents = documents;
        this.arrived = new AtomicIntegerArray(documents * STEPS.size());
        this.answered = new AtomicIntegerArray(documents * STEPS.size());
        vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setWorkerPoolSize(1).setInternalBlockingPoolSize(1));
        server = vertx.createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(0).setAcceptBacklog(BACKLOG))
                .requestHandler(request -> request.body().onSuccess(body -> handle(request, body)));
        server.listen().toCompletionStage().toCompletableFuture().join();
    }

    String baseUrl() {
        return "http://127.0.0.1:%d/v1/".formatted(server.actualPort());
    }

    /** Of calls that arrive from now on. */
    Endpoint delay(Duration delay) {
        delayMs = delay.toMillis();
        return this;
    }

    /** Forgets all calls. Not while there are some in the air. */
    void reset() {
        for (int i = 0; i < arrived.length(); i++) {
            arrived.set(i, 0);
            answered.set(i, 0);
        }
        List.of(calls, answers, answersRepeated).forEach(count -> count.set(0));
        mostInAir = 0;
    }

    long calls() {
        return calls.get();
    }

    long answers() {
        return answers.get();
    }

    /** Calls for a step that had been called before: of some it is not known whether the first caller got its answer. */
    long repeated() {
        long repeated = 0;
        for (int i = 0; i < arrived.length(); i++) {
            repeated += Math.max(0, arrived.get(i) - 1);
        }
        return repeated;
    }

    /** Calls for a step that had been answered before: these were paid for twice and could have been kept. */
    long answeredBefore() {
        return answersRepeated.get();
    }

    int mostInAir() {
        return mostInAir;
    }

    /** From now on the next call counts as the first new one whose step has no answer yet. */
    void awaitNewCall() {
        firstNewCallNs = 0;
    }

    /** {@link System#nanoTime()} of that call; 0 while there was none. */
    long firstNewCallNs() {
        return firstNewCallNs;
    }

    private void handle(HttpServerRequest request, Buffer body) {
        int call = callIn(body.getBytes());
        if (call < 0) {
            request.response().setStatusCode(400).end();
            return;
        }
        calls.incrementAndGet();
        arrived.incrementAndGet(call);
        if (answered.get(call) > 0) {
            answersRepeated.incrementAndGet();
        } else if (firstNewCallNs == 0) {
            firstNewCallNs = System.nanoTime();
        }
        mostInAir = Math.max(mostInAir, (int) (calls.get() - answers.get()));
        if (delayMs == 0) {
            answer(request, call);
        } else {
            vertx.setTimer(delayMs, _ -> answer(request, call));
        }
    }

    private void answer(HttpServerRequest request, int call) {
        answers.incrementAndGet();
        // A killed client has got no answer.
        if (!request.response().closed()) {
            answered.incrementAndGet(call);
            request.response().putHeader("content-type", "application/json").end(ANSWER);
        }
    }

    /** Which call it is for, as an index of the counts; -1 where the prompt does not say. */
    private int callIn(byte[] body) {
        int at = after(STEP, body, 0);
        int id = at < 0 ? -1 : after(ID, body, at);
        if (id < 0) {
            return -1;
        }
        int step = body[at] == 'f' ? 0 : 1;
        int number = 0;
        for (int i = id; i < body.length && body[i] >= '0' && body[i] <= '9'; i++) {
            number = number * 10 + body[i] - '0';
        }
        return number < documents ? step * documents + number : -1;
    }

    private static int after(byte[] wanted, byte[] bytes, int from) {
        for (int i = from; i <= bytes.length - wanted.length; i++) {
            int matched = 0;
            while (matched < wanted.length && bytes[i + matched] == wanted[matched]) {
                matched++;
            }
            if (matched == wanted.length) {
                return i + matched;
            }
        }
        return -1;
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
