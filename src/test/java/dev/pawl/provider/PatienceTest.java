package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.pawl.Failure;
import dev.pawl.harness.Configs;
import dev.pawl.progress.LogLimit;
import dev.pawl.provider.Patience.AbandonedException;
import io.quarkus.runtime.configuration.ConfigurationException;

@Timeout(30)
class PatienceTest {

    private final CountDownLatch leaving = new CountDownLatch(1);
    private final AtomicInteger attempts = new AtomicInteger();

    @Test
    void success_isReturnedAtOnce() throws Exception {
        assertThat(patience("1h", "1h").insist("A call", leaving, this::attempt)).isEqualTo(1);
    }

    @Test
    void failure_isTriedAgainUntilItSucceeds() throws Exception {
        int result = patience("1ms", "2ms").insist("A call", leaving, () -> {
            if (attempt() < 20) {
                throw attempts.get() % 2 == 0 ? new IOException("down") : new IllegalStateException((String) null);
            }
            return attempts.get();
        });

        assertThat(result).isEqualTo(20);
    }

    /** Full jitter: each wait is anything up to its bound, which doubles. Of ten thousand, some come close to both ends. */
    @Test
    void wait_isAnythingUpToABoundThatDoubles() {
        long[] longest = new long[5];
        long[] shortest = {Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE};
        Patience patience = patience("100ms", "500ms");
        for (int i = 0; i < 10_000; i++) {
            Backoff backoff = patience.backoff();
            for (int failure = 0; failure < 5; failure++) {
                long wait = backoff.next().toMillis();
                longest[failure] = Math.max(longest[failure], wait);
                shortest[failure] = Math.min(shortest[failure], wait);
            }
        }

        long[] bounds = {100, 200, 400, 500, 500};
        for (int failure = 0; failure < 5; failure++) {
            assertThat(longest[failure]).as("failure %d", failure).isBetween(bounds[failure] * 9 / 10, bounds[failure]);
            assertThat(shortest[failure]).as("failure %d", failure).isBetween(0L, bounds[failure] / 10);
        }
    }

    /** Unbounded, fourteen waits would take sixteen seconds on average. */
    @Test
    void wait_growsNoLongerThanMaxBackoff() throws Exception {
        long start = System.nanoTime();

        patience("1ms", "4ms").insist("A call", leaving, failing(14));

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
    }

    @Test
    void documentsFault_isThrownAtOnce() {
        Failure.Raised fault = Failure.raise(Failure.Kind.REFUSED, "no");

        assertThatThrownBy(() -> patience("1h", "1h").insist("A call", leaving, () -> {
            attempt();
            throw fault;
        })).isSameAs(fault);
        assertThat(attempts).hasValue(1);
    }

    @Test
    void documentThatIsLeft_isAttemptedOnce() throws Exception {
        leaving.countDown();

        assertThat(patience("1h", "1h").insist("An emission", leaving, this::attempt)).isEqualTo(1);
        assertThatThrownBy(() -> patience("1h", "1h").insist("An emission", leaving, failing(2))).isInstanceOf(AbandonedException.class);
        assertThat(attempts).hasValue(2);
    }

    @Test
    void leaving_endsTheWait() {
        Patience patience = patience("1h", "1h");
        CompletableFuture<Integer> insisting = CompletableFuture.supplyAsync(() -> {
            try {
                return patience.insist("A call", leaving, failing(Integer.MAX_VALUE));
            } catch (Failure.Raised | InterruptedException e) {
                throw new CompletionException(e);
            }
        });
        await().until(() -> attempts.get() == 1);

        leaving.countDown();

        assertThatThrownBy(insisting::join).hasCauseInstanceOf(AbandonedException.class);
        assertThat(attempts).hasValue(1);
    }

    @Test
    void interrupt_isPassedOn() {
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> patience("1h", "1h").insist("A call", leaving, failing(1))).isInstanceOf(InterruptedException.class);
    }

    @ParameterizedTest
    @CsvSource({"0ms, 1s, pawl.provider.backoff, from 1ms", "2s, 1s, pawl.provider.max-backoff, not below pawl.provider.backoff"})
    void waits_thatAreRefused(String backoff, String maxBackoff, String key, String allowed) {
        assertThatThrownBy(() -> patience(backoff, maxBackoff)).isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith(key + " = ").hasMessageContaining(allowed);
    }

    private int attempt() {
        return attempts.incrementAndGet();
    }

    private Patience.Attempt<Integer> failing(int times) {
        return () -> {
            if (attempt() <= times) {
                throw new IOException("down");
            }
            return attempts.get();
        };
    }

    private static Patience patience(String backoff, String maxBackoff) {
        return new Patience(Configs.of("pawl.provider.backoff", backoff, "pawl.provider.max-backoff", maxBackoff), new LogLimit());
    }
}
