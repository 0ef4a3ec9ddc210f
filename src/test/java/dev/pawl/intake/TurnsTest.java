package dev.pawl.intake;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TurnsTest {

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Turns turns = new Turns(threads);
    private final List<String> begun = Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    @Test
    void firstDelivery_runsOnItsCallersThread() {
        Thread caller = Thread.currentThread();

        assertThat(turns.take("a", () -> CompletableFuture.completedFuture(Thread.currentThread())).join()).isSameAs(caller);
    }

    @Test
    void secondDeliveryOfAnId_waitsForTheFirstAndRunsOnTheExecutor() throws Exception {
        CompletableFuture<String> firstWork = new CompletableFuture<>();
        CompletableFuture<String> first = take("a", firstWork);
        CompletableFuture<Thread> second = turns.take("a", () -> CompletableFuture.completedFuture(Thread.currentThread()));
        assertThat(second).isNotDone();

        firstWork.complete("one");

        assertThat(first.get(5, SECONDS)).isEqualTo("one");
        assertThat(second.get(5, SECONDS).isVirtual()).isTrue();
    }

    @Test
    void otherIds_doNotWait() {
        take("a", new CompletableFuture<>());

        CompletableFuture<String> other = take("b", CompletableFuture.completedFuture("done"));

        assertThat(other).isCompletedWithValue("done");
    }

    @Test
    void failedDelivery_letsTheNextOneRun() throws Exception {
        CompletableFuture<String> firstWork = new CompletableFuture<>();
        CompletableFuture<String> first = take("a", firstWork);
        CompletableFuture<String> second = turns.<String>take("a", () -> {
            throw new IllegalStateException("thrown");
        });
        CompletableFuture<String> third = take("a", CompletableFuture.completedFuture("three"));

        firstWork.completeExceptionally(new IllegalStateException("failed"));

        assertThat(third.get(5, SECONDS)).isEqualTo("three");
        assertThatThrownBy(first::join).isInstanceOf(CompletionException.class).hasRootCauseMessage("failed");
        assertThatThrownBy(second::join).isInstanceOf(CompletionException.class).hasRootCauseMessage("thrown");
    }

    @Test
    void deliveriesOfOneId_runOneAtATimeInTheirOrder() throws Exception {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger mostRunning = new AtomicInteger();
        List<CompletableFuture<Void>> ended = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            String name = "delivery " + i;
            expected.add(name);
            ended.add(turns.take("a", () -> {
                begun.add(name);
                mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
                return CompletableFuture.runAsync(running::decrementAndGet, threads);
            }));
        }

        CompletableFuture.allOf(ended.toArray(CompletableFuture[]::new)).get(10, SECONDS);

        assertThat(begun).isEqualTo(expected);
        assertThat(mostRunning).hasValue(1);
    }

    /** As many as may be in flight at once. */
    @Test
    void tenThousandDeliveriesOfOneId_doNotOverflowTheStack() throws Exception {
        CompletableFuture<String> firstWork = new CompletableFuture<>();
        take("a", firstWork);
        List<CompletableFuture<String>> waiting = IntStream.range(0, 10_000)
                .mapToObj(i -> take("a", CompletableFuture.completedFuture("done"))).toList();

        firstWork.complete("go");

        CompletableFuture.allOf(waiting.toArray(CompletableFuture[]::new)).get(20, SECONDS);
    }

    private CompletableFuture<String> take(String id, CompletableFuture<String> work) {
        return turns.take(id, () -> work);
    }
}
