package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import dev.pawl.provider.Patience.AbandonedException;
import dev.pawl.provider.Turnstile.Way;

@Timeout(30)
class TurnstileTest {

    private final Turnstile turnstile = new Turnstile();
    private final AtomicInteger free = new AtomicInteger();
    private final List<Integer> passed = Collections.synchronizedList(new ArrayList<>());
    private final AtomicInteger abandoned = new AtomicInteger();
    private final CountDownLatch staying = new CountDownLatch(1);

    @Test
    void callers_passInTheOrderTheyCame() {
        IntStream.range(0, 200).forEach(i -> join(i, staying));
        assertThat(passed).isEmpty();

        free.set(200);
        turnstile.wake();

        await().until(() -> passed.size() == 200);
        assertThat(passed).isSorted();
        assertThat(turnstile.waiting()).isZero();
    }

    @Test
    void oneIsFree_onePasses() {
        join(0, staying);
        join(1, staying);

        free.set(1);
        turnstile.wake();

        await().until(() -> turnstile.waiting() == 1);
        assertThat(passed).containsExactly(0);
    }

    /** Nobody wakes it: it asks again by itself when it was told to. */
    @Test
    void toldHowLong_asksAgainThen() throws Exception {
        long start = System.nanoTime();

        turnstile.pass(staying, () -> Math.max(0, start + TimeUnit.MILLISECONDS.toNanos(50) - System.nanoTime()));

        assertThat(System.nanoTime() - start).isBetween(TimeUnit.MILLISECONDS.toNanos(50), TimeUnit.SECONDS.toNanos(5));
    }

    @Test
    void leaving_endsTheWaitOfItsDocumentsAlone() {
        CountDownLatch leaving = new CountDownLatch(1);
        IntStream.range(0, 100).forEach(i -> join(i, i % 2 == 0 ? leaving : staying));

        leaving.countDown();
        await().until(() -> turnstile.waiting() == 50);
        free.set(100);
        turnstile.wake();

        await().until(() -> passed.size() == 50);
        assertThat(passed).allMatch(i -> i % 2 == 1).isSorted();
        assertThat(abandoned).hasValue(50);
    }

    @Test
    void leftAlready_doesNotWait() {
        CountDownLatch leaving = new CountDownLatch(0);

        Thread.ofVirtual().start(() -> pass(0, leaving));

        await().until(() -> abandoned.get() == 1);
        assertThat(turnstile.waiting()).isZero();
    }

    @Test
    void interrupted_endsTheWait() throws Exception {
        Thread caller = join(0, staying);
        join(1, staying);

        caller.interrupt();
        caller.join();
        free.set(1);
        turnstile.wake();

        await().until(() -> passed.equals(List.of(1)));
    }

    /** Returns when it stands in the queue. */
    private Thread join(int number, CountDownLatch leaving) {
        int before = turnstile.waiting();
        Thread thread = Thread.ofVirtual().start(() -> pass(number, leaving));
        await().pollDelay(0, TimeUnit.MILLISECONDS).pollInterval(1, TimeUnit.MILLISECONDS).until(() -> turnstile.waiting() == before + 1);
        return thread;
    }

    private void pass(int number, CountDownLatch leaving) {
        try {
            turnstile.pass(leaving, () -> take(number));
        } catch (AbandonedException e) {
            abandoned.incrementAndGet();
        } catch (InterruptedException e) {
            // Not passed.
        }
    }

    private long take(int number) {
        if (free.get() == 0) {
            return Way.UNTIL_WOKEN;
        }
        free.decrementAndGet();
        passed.add(number);
        return 0;
    }
}
