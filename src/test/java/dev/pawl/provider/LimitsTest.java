package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import com.fasterxml.jackson.databind.node.MissingNode;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.TokenUsage;
import dev.pawl.harness.Configs;
import dev.pawl.harness.LimitedEndpoint;
import dev.pawl.harness.LimitedEndpoint.Use;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.provider.Patience.AbandonedException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.ConfigurationException;

/** Calls that are made here, without HTTP; {@code LimitsIT} has the whole way. */
@Timeout(60)
@Isolated("It measures.")
class LimitsTest {

    private static final ChatRequest REQUEST = ChatRequest.builder().messages(UserMessage.from("a".repeat(400))).build();

    private static final double LEAST_USE = 0.9;
    /** A fifth of a second's worth may have been saved up before. The endpoint's own bucket would let more pass for a while. */
    private static final double MOST_USE = 1.12;
    private static final double MOST_REFUSED = 0.01;

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final CountDownLatch leaving = new CountDownLatch(1);
    private final CountDownLatch answer = new CountDownLatch(1);
    private final CountDownLatch stop = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void end() throws InterruptedException {
        stop.countDown();
        answer.countDown();
        leaving.countDown();
        threads.shutdown();
        assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).as("all calls have ended").isTrue();
    }

    @Test
    void nothingKnown_allCallsAreInTheAirAtOnce() {
        Limits limits = limits("pawl.max-in-flight", "1000");

        start(limits, 1_000, held());

        await().until(() -> limits.state().inAir() == 1_000);
        assertThat(limits.state().waiting()).isZero();
        assertThat(limits.state().requestsPerMinute()).isNull();
        assertThat(gauge("pawl.provider.limit.requests")).isNaN();
        assertThat(gauge("pawl.provider.limit.concurrency")).isEqualTo(1_000);
    }

    @Test
    void maxConcurrency_isKept() {
        Limits limits = limits("pawl.provider.limits.max-concurrency", "10");

        CompletableFuture<?> all = start(limits, 40, held());

        await().until(() -> limits.state().waiting() == 30);
        assertThat(limits.state().inAir()).isEqualTo(10);
        assertThat(gauge("pawl.provider.calls.waiting")).isEqualTo(30);
        answer.countDown();
        all.join();
        assertThat(limits.state().inAir()).isZero();
    }

    @Test
    void refused_lowersWhatMayBeInTheAir() {
        Limits limits = limits("pawl.max-in-flight", "100");
        limits.refused(System.nanoTime());

        start(limits, 100, held());

        await().until(() -> limits.state().waiting() == 30);
        assertThat(limits.state().inAir()).isEqualTo(70);
    }

    @Test
    void retryAfter_holdsEveryCallBack() throws Exception {
        Limits limits = limits();
        long start = System.nanoTime();
        limits.refused(Duration.ofSeconds(1));
        limits.refused(Duration.ofMillis(1));

        assertThat(limits.state().heldMs()).isBetween(1L, 1_000L);
        limits.call("summary", REQUEST, leaving, () -> response(1, 1));

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(Duration.ofMillis(980), Duration.ofSeconds(10));
        assertThat(limits.state().heldMs()).isZero();
    }

    @Test
    void leaving_endsTheWaitForALimit() {
        Limits limits = limits("pawl.provider.limits.requests-per-minute", "1");
        CompletableFuture<?> all = start(limits, 20, () -> response(1, 1));
        await().until(() -> limits.state().waiting() == 19);

        leaving.countDown();

        assertThatThrownBy(all::join).hasCauseInstanceOf(AbandonedException.class);
        await().until(() -> limits.state().waiting() == 0);
        assertThat(limits.state().inAir()).isZero();
    }

    @Test
    void callAtOnce_doesNotQueue() throws Exception {
        Limits limits = limits("pawl.provider.limits.requests-per-minute", "1");
        start(limits, 20, () -> response(1, 1));
        await().until(() -> limits.state().waiting() == 19);

        assertThat(limits.callAtOnce("summary", REQUEST, () -> response(1, 1))).isNotNull();

        assertThat(limits.state().waiting()).isEqualTo(19);
        assertThat(limits.state().inAir()).isZero();
    }

    /** One a minute: if the first counted, the second would have to wait for it. */
    @Test
    void callThatIsNotMade_doesNotCount() throws Exception {
        Limits limits = limits("pawl.provider.limits.requests-per-minute", "1", "pawl.provider.limits.tokens-per-minute", "100");

        assertThat(limits.call("summary", REQUEST, leaving, () -> null)).isNull();

        assertThat(limits.call("summary", REQUEST, leaving, () -> response(1, 1))).isNotNull();
    }

    @Test
    void exception_isPassedOnAndTheCallIsOver() {
        Limits limits = limits();

        assertThatThrownBy(() -> limits.call("summary", REQUEST, leaving, () -> {
            throw new IllegalStateException("scripted");
        })).isInstanceOf(IllegalStateException.class);

        assertThat(limits.state().inAir()).isZero();
    }

    /** Two processes with a half each. */
    @Test
    void requests_configured_arePermittedAllAndNoneRefused() throws Exception {
        LimitedEndpoint endpoint = new LimitedEndpoint(6_000, 100_000_000);
        Limits one = limits("pawl.provider.limits.requests-per-minute", "6000", "pawl.provider.limits.share", "0.5");
        Limits other = limits("pawl.provider.limits.requests-per-minute", "6000", "pawl.provider.limits.share", "0.5");

        use(one, endpoint);
        use(other, endpoint);
        double used = measure("requests configured", endpoint, Duration.ofMillis(500), Duration.ofSeconds(2), Use::requests);

        assertThat(used).isGreaterThanOrEqualTo(LEAST_USE);
    }

    /** Answers differ by a factor of seven and take their time; the first guess at them is wrong. */
    @Test
    void tokens_configured_arePermittedAllAndNoneRefused() throws Exception {
        LimitedEndpoint endpoint = new LimitedEndpoint(1_000_000, 6_000_000)
                .cost(call -> 200 + Math.floorMod(call.id().hashCode() * 31, 1_200))
                .time(_ -> Duration.ofMillis(100));
        Limits limits = limits("pawl.provider.limits.tokens-per-minute", "6000000");

        use(limits, endpoint);
        double used = measure("tokens configured", endpoint, Duration.ofMillis(1_000), Duration.ofSeconds(3), Use::tokens);

        assertThat(used).isGreaterThanOrEqualTo(LEAST_USE);
        assertThat(gauge("pawl.provider.limit.tokens")).isEqualTo(6_000_000);
    }

    @Test
    void nothingKnown_costsNothing() throws Exception {
        Limits limits = limits();
        ChatResponse response = response(1, 1);
        int calls = 300_000;
        for (int i = 0; i < calls; i++) {
            limits.call("summary", REQUEST, leaving, () -> response);
        }
        long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();

        for (int i = 0; i < calls; i++) {
            limits.call("summary", REQUEST, leaving, () -> response);
        }

        double nanos = (double) (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start) / calls;
        System.out.printf("a call through unknown limits: %.0f ns of processor time%n", nanos);
        assertThat(nanos).isLessThan(1_000);
    }

    @ParameterizedTest
    @CsvSource({"requests-per-minute, 0, from 1", "tokens-per-minute, -5, from 1", "max-concurrency, 0, from 1",
            "share, 0.0, above 0", "share, 1.01, at most 1", "share, NaN, at most 1"})
    void values_thatAreRefused(String key, String value, String allowed) {
        assertThatThrownBy(() -> limits("pawl.provider.limits." + key, value)).isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("pawl.provider.limits." + key + " = " + value).hasMessageContaining(allowed);
    }

    private Limits limits(String... config) {
        return new Limits(Configs.of(config), meters);
    }

    private double gauge(String name) {
        return meters.get(name).gauge().value();
    }

    private Supplier<ChatResponse> held() {
        return () -> {
            try {
                answer.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return response(1, 1);
        };
    }

    private CompletableFuture<?> start(Limits limits, int calls, Supplier<ChatResponse> call) {
        return CompletableFuture.allOf(IntStream.range(0, calls)
                .mapToObj(_ -> CompletableFuture.runAsync(() -> call(limits, call), threads)).toArray(CompletableFuture[]::new));
    }

    private void call(Limits limits, Supplier<ChatResponse> call) {
        try {
            limits.call("summary", REQUEST, leaving, call::get);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Two hundred documents, one call after the other. */
    private void use(Limits limits, LimitedEndpoint endpoint) {
        for (int i = 0; i < 200; i++) {
            int number = i;
            threads.execute(() -> {
                for (int j = 0; stop.getCount() > 0 && leaving.getCount() > 0; j++) {
                    String id = number + "/" + j;
                    callUnlessLeft(limits, () -> answerOf(endpoint, id));
                }
            });
        }
    }

    private void callUnlessLeft(Limits limits, Supplier<ChatResponse> call) {
        try {
            call(limits, call);
        } catch (AbandonedException e) {
            // The test is over.
        }
    }

    /** The best of up to three times: the machine may stand still for a moment. More than is permitted would show in each. */
    private double measure(String what, LimitedEndpoint endpoint, Duration warmUp, Duration time, ToDoubleFunction<Use> part)
            throws InterruptedException {
        long from = System.nanoTime() + warmUp.toNanos();
        double best = 0;
        for (int window = 0; window < 3 && best < LEAST_USE; window++) {
            long to = from + time.toNanos();
            stop.await(to - System.nanoTime(), TimeUnit.NANOSECONDS);
            Use use = endpoint.use(from, to);
            System.out.println(what + ": " + use);
            assertThat(part.applyAsDouble(use)).isLessThanOrEqualTo(MOST_USE);
            assertThat(use.refused()).isLessThan(MOST_REFUSED);
            best = Math.max(best, part.applyAsDouble(use));
            from = to;
        }
        return best;
    }

    private ChatResponse answerOf(LimitedEndpoint endpoint, String id) {
        Call call = new Call("summary", id, 1, "", MissingNode.getInstance(), Map.of(), Instant.now());
        Reply.Status reply = (Reply.Status) endpoint.apply(call);
        int tokens = reply.code() == 200 ? endpoint.cost(call) : 0;
        return response(tokens - tokens / 2, tokens / 2);
    }

    private static ChatResponse response(int inputTokens, int outputTokens) {
        return ChatResponse.builder().aiMessage(AiMessage.from("fine")).tokenUsage(new TokenUsage(inputTokens, outputTokens)).build();
    }
}
