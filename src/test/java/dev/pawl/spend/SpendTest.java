package dev.pawl.spend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.net.ConnectException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import com.fasterxml.jackson.databind.node.NullNode;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.TokenUsage;
import dev.pawl.Usage;
import dev.pawl.checkpoint.Answer;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import dev.pawl.harness.Configs;
import dev.pawl.intake.Gate;
import dev.pawl.intake.Gates;
import dev.pawl.provider.Patience.AbandonedException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.ConfigurationException;

@Timeout(60)
class SpendTest {

    @TempDir
    Path directory;

    private final Map<String, String> config = new HashMap<>();
    private final Gate gate = Gates.fresh();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final CountDownLatch leaving = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Spend> opened = new ArrayList<>();

    private final AtomicInteger begun = new AtomicInteger();
    private final Semaphore answers = new Semaphore(0);
    private volatile int outputTokens = 10;

    @BeforeEach
    void configure() {
        config.put("pawl.checkpoint.directory", directory.toString());
        config.put("pawl.chain.steps", "summary,entities");
        config.put("pawl.chain.step.summary.prompt", "summary.txt");
        config.put("pawl.chain.step.entities.prompt", "entities.txt");
    }

    @AfterEach
    void close() {
        leaving.countDown();
        answers.release(1_000_000);
        threads.close();
        opened.forEach(Spend::close);
    }

    // ---- The ceiling ----

    @ParameterizedTest(name = "{0} = {1}")
    @CsvSource({
            "pawl.budget.max-tokens, 11000,   100",
            "pawl.budget.max-tokens, 11109,   100",
            "pawl.budget.max-tokens, 10999,   99",
            "pawl.budget.max-tokens, 110,     1",
            // 100 tokens in for 0.0001 and 10 out for 0.00002.
            "pawl.budget.max-cost,   0.0120,  100",
            "pawl.budget.max-cost,   0.01199, 99",
    })
    void call_manyInTheAir_noneBeginsBeyondTheCeiling(String key, String ceiling, int calls) {
        prices("1", "2");
        config.put(key, ceiling);
        Spend spend = open();
        answers.release(1_000);

        makeCalls(spend, "summary", 150);

        await().untilAsserted(() -> assertThat(spend.report().spent().calls()).isEqualTo(calls));
        await().until(() -> waiting() == 150 - calls);
        assertThat(begun).hasValue(calls);
        assertThat(spend.report().inAir()).isEqualTo(Tally.NONE);
        assertThat(gate.closed()).singleElement().satisfies(closed -> {
            assertThat(closed.reason()).isEqualTo(Gate.Reason.BUDGET);
            assertThat(closed.detail()).startsWith(key + " = " + ceiling + " leaves no room for a call");
        });
        assertThat(spend.report().budget().usedUp()).isEqualTo(gate.closed().getFirst().detail());
    }

    @Test
    void call_ofAStepNeverAnswered_isInTheAirAloneUntilItIs() {
        config.put("pawl.budget.max-tokens", "100000");
        Spend spend = open();

        makeCalls(spend, "summary", 20);
        makeCalls(spend, "entities", 20);

        await().until(() -> begun.get() == 2 && waiting() == 38);
        assertThat(gate.isOpen()).isTrue();
        answers.release(2);
        await().until(() -> begun.get() == 40);
        assertThat(spend.report().inAir()).isEqualTo(new Tally(38, 3_800, 380));
    }

    /** Else those that waited for it would sleep, with the gate open, and look stuck. */
    @Test
    void firstAnswerOfAStepThatUsesTheCeilingUp_closesTheGate() {
        config.put("pawl.budget.max-tokens", "110");
        Spend spend = open();
        makeCalls(spend, "summary", 20);
        await().until(() -> begun.get() == 1 && waiting() == 19);

        answers.release();

        await().untilAsserted(() -> assertThat(gate.closed()).singleElement().satisfies(closed ->
                assertThat(closed.reason()).isEqualTo(Gate.Reason.BUDGET)));
        assertThat(begun).hasValue(1);
    }

    @Test
    void call_withoutACeiling_waitsForNothing() {
        Spend spend = open();

        makeCalls(spend, "summary", 20);

        await().until(() -> begun.get() == 20);
        assertThat(spend.report().budget()).isNull();
    }

    /** One answer is known; of the rest, as many are in the air as there is room for, and each that costs less makes some. */
    @Test
    void call_nearTheCeiling_fewerAndFewerAreInTheAir() {
        config.put("pawl.budget.max-tokens", "1100");
        Spend spend = open();
        answers.release();
        makeCalls(spend, "summary", 1);
        await().until(() -> spend.report().spent().calls() == 1);

        makeCalls(spend, "summary", 20);

        await().until(() -> begun.get() == 10 && waiting() == 11);
        assertThat(gate.isOpen()).isFalse();
        outputTokens = 0;
        answers.release(1_000);
        await().untilAsserted(() -> assertThat(spend.report().spent().calls()).isEqualTo(10));
        // 1,010 tokens are spent: no room for another.
        assertThat(spend.report().budget().tokensLeft()).isEqualTo(90);
        assertThat(gate.isOpen()).isFalse();
    }

    @Test
    void call_thatFailed_leavesItsRoomToAnother() {
        config.put("pawl.budget.max-tokens", "220");
        Spend spend = open();
        answers.release();
        makeCalls(spend, "summary", 1);
        await().until(() -> spend.report().spent().calls() == 1);
        CompletableFuture<Void> failing = new CompletableFuture<>();
        threads.execute(() -> callFailing(spend, failing));
        await().until(() -> spend.report().inAir().calls() == 1);
        makeCalls(spend, "summary", 1);
        await().until(() -> !gate.isOpen());

        failing.completeExceptionally(new HttpException(503, "down"));

        await().until(() -> begun.get() == 2);
        assertThat(gate.isOpen()).isTrue();
    }

    private void callFailing(Spend spend, CompletableFuture<Void> failing) {
        assertThatThrownBy(() -> spend.call("summary", leaving, () -> {
            failing.join();
            return null;
        })).hasRootCauseInstanceOf(HttpException.class);
    }

    @Test
    void leaving_endsTheWait() throws Exception {
        config.put("pawl.budget.max-tokens", "110");
        Spend spend = open();
        answers.release(2);
        makeCalls(spend, "summary", 1);
        await().until(() -> spend.report().spent().calls() == 1);
        CompletableFuture<Throwable> ended = new CompletableFuture<>();
        threads.execute(() -> {
            try {
                spend.call("summary", leaving, this::answer);
            } catch (AbandonedException | InterruptedException e) {
                ended.complete(e);
            }
        });
        await().until(() -> !gate.isOpen());

        leaving.countDown();

        assertThat(ended.join()).isInstanceOf(AbandonedException.class);
        assertThat(begun).hasValue(1);
    }

    @Test
    void restart_withTheCeilingReached_closesTheGateAtOnce() {
        config.put("pawl.budget.max-tokens", "110");
        answers.release(10);
        Spend first = open();
        makeCalls(first, "summary", 1);
        await().until(() -> first.report().spent().calls() == 1);
        first.close();
        gate.open(Gate.Reason.BUDGET);

        open();
        assertThat(gate.isOpen()).isFalse();
        opened.getLast().close();
        gate.open(Gate.Reason.BUDGET);

        config.put("pawl.budget.max-tokens", "220");
        Spend raised = open();
        assertThat(gate.isOpen()).isTrue();
        makeCalls(raised, "summary", 3);
        await().until(() -> raised.report().spent().calls() == 2);
        await().until(() -> waiting() == 2);
        assertThat(begun).hasValue(2);
    }

    /** What may have been paid counts: a ceiling that leaves it out may be passed. */
    @Test
    void possiblyPaid_countsTowardTheCeiling() {
        config.put("pawl.budget.max-tokens", "330");
        Spend spend = open();
        answers.release(10);
        makeCalls(spend, "summary", 1);
        await().until(() -> spend.report().spent().calls() == 1);
        assertThatThrownBy(() -> spend.call("summary", leaving, () -> {
            throw new IllegalStateException(new TimeoutException());
        })).hasRootCauseInstanceOf(TimeoutException.class);

        makeCalls(spend, "summary", 5);

        await().until(() -> waiting() == 4);
        assertThat(spend.report().spent().calls()).isEqualTo(2);
        assertThat(spend.report().possiblyPaidTwice()).isEqualTo(new Tally(1, 100, 10));
    }

    @Test
    void call_inSeveralProcesses_noneBeginsBeyondTheCeilingOfAll() {
        config.put("pawl.budget.max-tokens", Integer.toString(110 * 100));
        answers.release(1_000);
        Spend first = open();
        makeCalls(first, "summary", 1);
        await().until(() -> first.report().spent().calls() == 1);
        List<Spend> processes = List.of(first, open(), open());

        processes.forEach(spend -> makeCalls(spend, "summary", 80));

        Spend last = processes.getLast();
        await().untilAsserted(() -> assertThat(last.report().spent().calls()).isEqualTo(100));
        await().until(() -> waiting() == 141);
        assertThat(begun).hasValue(100);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            pawl.budget.max-tokens | 0  | pawl.budget.max-tokens = 0 is not allowed: a whole number from 1
            pawl.budget.max-cost   | 0  | pawl.budget.max-cost = 0 is not allowed: a number above 0
            pawl.budget.max-cost   | 10 | pawl.budget.max-cost = 10 is not allowed: it needs the price of gpt-4o-mini, the model of step summary
            """)
    void ceilings_thatCantBeKept_areRefused(String key, String value, String message) {
        config.put(key, value);

        assertThatThrownBy(this::open).isInstanceOf(ConfigurationException.class).hasMessageStartingWith(message);
    }

    // ---- What it tells ----

    @Test
    void restart_keepsTheFigures() throws Exception {
        prices("1", "2");
        answers.release(10);
        Spend first = open();
        first.call("summary", leaving, this::answer);
        first.call("entities", leaving, this::answer);
        first.saved(List.of(done(new Usage(2, 200, 20))), new Usage(2, 200, 20));
        Spend.Report before = first.report();
        first.close();

        assertThat(open().report()).isEqualTo(before);
        assertThat(before.spent()).isEqualTo(new Tally(2, 200, 20));
        assertThat(before.saved()).isEqualTo(new Tally(2, 200, 20));
        assertThat(before.cost().spent()).isEqualByComparingTo("0.00024");
        assertThat(before.cost().saved()).isEqualByComparingTo("0.00024");
        assertThat(meters.get("pawl.cost").tags("direction", "spent", "currency", "USD").gauge().value()).isEqualTo(0.00024);
        assertThat(meters.get("pawl.ledger.tokens").tags("direction", "saved", "kind", "input").gauge().value()).isEqualTo(200);
    }

    @Test
    void cost_ofModelsWithoutAPrice_isNotHidden() throws Exception {
        config.put("pawl.prices.model.llama.input-per-million", "1");
        config.put("pawl.prices.model.llama.output-per-million", "1");
        answers.release();
        Spend spend = open();

        spend.call("summary", leaving, this::answer);

        assertThat(spend.report().cost().spent()).isZero();
        assertThat(spend.report().cost().unpricedTokens()).isEqualTo(110);
    }

    /** Where steps have models of several prices, a skipped document's line says which answered. */
    @Test
    void saved_byAChainOfSeveralModels_isPricedByEach() {
        config.put("pawl.chain.step.entities.model", "gpt-4o");
        config.put("pawl.prices.model.gpt-4o.input-per-million", "10");
        config.put("pawl.prices.model.gpt-4o.output-per-million", "10");
        config.put("pawl.prices.model.gpt-4o-mini.input-per-million", "1");
        config.put("pawl.prices.model.gpt-4o-mini.output-per-million", "1");
        Spend spend = open();

        spend.saved(List.of(done(new Usage(2, 200, 20))), new Usage(2, 200, 20));

        assertThat(spend.report().saved()).isEqualTo(new Tally(2, 200, 20));
        assertThat(spend.report().cost().saved()).isEqualByComparingTo("0.00121");
    }

    private static Done done(Usage usage) {
        Usage half = new Usage(usage.calls() / 2, usage.inputTokens() / 2, usage.outputTokens() / 2);
        return new Done("doc-1", Instant.EPOCH, "documents-0@1", "f", new Answer(List.of(
                new StepOutput("summary", "f", "gpt-4o-mini-2024-07-18", NullNode.instance, half),
                new StepOutput("entities", "f", "gpt-4o-2024-11-20", NullNode.instance, half)), NullNode.instance), usage, 1);
    }

    @Test
    void mayBePaid_onlyWhereTheEndpointMayHaveWorked() {
        assertThat(Spend.mayBePaid(new RuntimeException(new HttpException(500, "")))).isFalse();
        assertThat(Spend.mayBePaid(new RuntimeException(new ConnectException("refused")))).isFalse();
        assertThat(Spend.mayBePaid(new RuntimeException(new TimeoutException()))).isTrue();
        assertThat(Spend.mayBePaid(new RuntimeException("connection was closed"))).isTrue();
    }

    // ---- Helpers ----

    private void prices(String input, String output) {
        config.put("pawl.prices.input-per-million", input);
        config.put("pawl.prices.output-per-million", output);
    }

    private Spend open() {
        Spend spend = Spends.of(Configs.of(config), gate, meters);
        opened.add(spend);
        return spend;
    }

    private final AtomicInteger unanswered = new AtomicInteger();
    private final AtomicInteger inAir = new AtomicInteger();

    private int waiting() {
        return unanswered.get() - inAir.get();
    }

    private void makeCalls(Spend spend, String step, int calls) {
        for (int i = 0; i < calls; i++) {
            unanswered.incrementAndGet();
            threads.execute(() -> {
                try {
                    spend.call(step, leaving, this::answer);
                    unanswered.decrementAndGet();
                } catch (AbandonedException | InterruptedException e) {
                    // The test is over.
                }
            });
        }
    }

    private ChatResponse answer() {
        begun.incrementAndGet();
        inAir.incrementAndGet();
        answers.acquireUninterruptibly();
        inAir.decrementAndGet();
        return ChatResponse.builder().aiMessage(AiMessage.from("answer")).modelName("gpt-4o-mini-2024-07-18")
                .tokenUsage(new TokenUsage(100, outputTokens)).build();
    }
}
