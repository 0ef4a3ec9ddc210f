package dev.pawl.provider;

import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToDoubleFunction;

import jakarta.inject.Singleton;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.pawl.PawlConfig;
import dev.pawl.Usage;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

/**
 * Makes calls no faster than the endpoint permits: requests a minute, tokens a minute, calls at once. The first two are known from
 * {@code pawl.provider.limits} or from the endpoint's headers ({@link RateLimitHeaders}), the lower of both where both say
 * something; the third is found out ({@link Concurrency}). For the whole process. Thread-safe.
 *
 * <p>A call's tokens are known when it is answered. Before, an estimate is taken; then the difference is taken or given back.
 * A call without an answer keeps what it took: endpoints count refused calls, too.
 */
@Singleton
public final class Limits {

    /** So that a slip of the provider's does not stop everything for good. */
    private static final Duration LONGEST_HOLD = Duration.ofHours(1);
    private static final long NOT_HELD = 0;

    private final Pace requests;
    private final Pace tokens;
    private final Concurrency concurrency;
    private final TokenEstimates estimates = new TokenEstimates();
    private final Turnstile turnstile = new Turnstile();
    /** No call begins before this {@link System#nanoTime}, unless it is {@link #NOT_HELD}. */
    private final AtomicLong heldUntilNanos = new AtomicLong(NOT_HELD);

    Limits(PawlConfig config, MeterRegistry meters) {
        PawlConfig.Provider.Limits limits = config.provider().limits();
        checkFromOne("requests-per-minute", limits.requestsPerMinute());
        checkFromOne("tokens-per-minute", limits.tokensPerMinute());
        checkFromOne("max-concurrency", limits.maxConcurrency());
        if (!(limits.share() > 0 && limits.share() <= 1)) {
            throw PawlConfig.refusal("pawl.provider.limits.share", limits.share(), "a number above 0 and at most 1");
        }
        this.requests = new Pace(limits.requestsPerMinute(), limits.share());
        this.tokens = new Pace(limits.tokensPerMinute(), limits.share());
        this.concurrency = new Concurrency(Math.min(config.maxInFlight(), limits.maxConcurrency().orElse(Integer.MAX_VALUE)));
        gauge(meters, "pawl.provider.limit.requests", "What this process may use a minute; NaN while nobody has said",
                self -> orNaN(self.requests));
        gauge(meters, "pawl.provider.limit.tokens", "What this process may use a minute; NaN while nobody has said",
                self -> orNaN(self.tokens));
        gauge(meters, "pawl.provider.limit.concurrency", "The most model calls that may be in the air now", self -> self.concurrency.limit());
        gauge(meters, "pawl.provider.calls.in.air", "Model calls in the air", self -> self.concurrency.inAir());
        gauge(meters, "pawl.provider.calls.waiting", "Model calls that wait for a limit", self -> self.turnstile.waiting());
    }

    private static void checkFromOne(String key, OptionalInt value) {
        if (value.isPresent() && value.getAsInt() < 1) {
            throw PawlConfig.refusal("pawl.provider.limits." + key, value.getAsInt(), "a whole number from 1");
        }
    }

    private void gauge(MeterRegistry meters, String name, String description, ToDoubleFunction<Limits> value) {
        Gauge.builder(name, this, value).description(description).register(meters);
    }

    private static double orNaN(Pace pace) {
        return pace.isKnown() ? pace.perMinute() : Double.NaN;
    }

    @FunctionalInterface
    interface Call<E extends Exception> {
        ChatResponse make() throws E, InterruptedException;
    }

    /**
     * Waits for its turn, then makes the call; call it on a virtual thread.
     *
     * @param call null where it was not made after all: its turn came too late
     * @throws Patience.AbandonedException where {@code leaving} reached zero before its turn came
     */
    <E extends Exception> ChatResponse call(String step, ChatRequest request, CountDownLatch leaving, Call<E> call)
            throws E, InterruptedException {
        return make(step, request, begin(step, request, leaving), call);
    }

    /** Makes a call that does not wait for its turn, but counts: one a time, to find out whether the endpoint is back. */
    <E extends Exception> ChatResponse callAtOnce(String step, ChatRequest request, Call<E> call) throws E, InterruptedException {
        concurrency.enter();
        long estimate = tokens.isKnown() ? estimates.estimate(step, request) : 0;
        requests.take(1);
        tokens.take(estimate);
        return make(step, request, estimate, call);
    }

    private <E extends Exception> ChatResponse make(String step, ChatRequest request, long taken, Call<E> call)
            throws E, InterruptedException {
        long begunAtNanos = System.nanoTime();
        try {
            ChatResponse response = call.make();
            if (response == null) {
                requests.giveBack(1);
                tokens.giveBack(taken);
                return null;
            }
            concurrency.answered(begunAtNanos);
            if (tokens.isKnown()) {
                settle(step, request, ModelEndpoint.usage(response), taken);
            }
            return response;
        } finally {
            concurrency.leave();
            turnstile.wake();
        }
    }

    /** Returns how many tokens were taken. */
    private long begin(String step, ChatRequest request, CountDownLatch leaving) throws InterruptedException {
        boolean free = !requests.isKnown() && !tokens.isKnown() && heldUntilNanos.get() == NOT_HELD && turnstile.waiting() == 0;
        if (free && concurrency.tryEnter()) {
            return 0;
        }
        AtomicLong taken = new AtomicLong();
        turnstile.pass(leaving, () -> take(step, request, taken));
        return taken.get();
    }

    /** Estimates the call when its turn has come: more answers are known then. */
    private long take(String step, ChatRequest request, AtomicLong taken) {
        long nanos = Math.max(nanosHeld(), Math.max(requests.nanosUntilFree(), tokens.nanosUntilFree()));
        if (nanos > 0) {
            return nanos;
        }
        if (!concurrency.tryEnter()) {
            return Turnstile.Way.UNTIL_WOKEN;
        }
        requests.take(1);
        if (tokens.isKnown()) {
            taken.set(estimates.estimate(step, request));
            tokens.take(taken.get());
        }
        return 0;
    }

    private void settle(String step, ChatRequest request, Usage usage, long taken) {
        long used = usage.inputTokens() + usage.outputTokens();
        if (used > 0) {
            estimates.learn(step, request, usage);
        }
        if (used > 0 && taken > 0) {
            tokens.take(used - taken);
            tokens.giveBack(taken - used);
        }
    }

    private long nanosHeld() {
        long until = heldUntilNanos.get();
        if (until == NOT_HELD) {
            return 0;
        }
        long nanos = until - System.nanoTime();
        if (nanos <= 0) {
            heldUntilNanos.compareAndSet(until, NOT_HELD);
        }
        return Math.max(0, nanos);
    }

    /** The endpoint wants no call for so long: none begins before, for whichever document. Those in the air go on. */
    public void refused(Duration retryAfter) {
        Duration hold = retryAfter.compareTo(LONGEST_HOLD) > 0 ? LONGEST_HOLD : retryAfter;
        long until = System.nanoTime() + hold.toNanos();
        heldUntilNanos.accumulateAndGet(until == NOT_HELD ? 1 : until, (before, now) -> before != NOT_HELD && before - now > 0 ? before : now);
    }

    /** The endpoint refused a call, begun then, for being one too many. */
    void refused(long begunAtNanos) {
        concurrency.refused(begunAtNanos);
    }

    void learnRequestsPerMinute(long perMinute) {
        if (requests.learn(perMinute)) {
            turnstile.wake();
        }
    }

    void learnTokensPerMinute(long perMinute) {
        if (tokens.learn(perMinute)) {
            turnstile.wake();
        }
    }

    /**
     * What holds calls back now, for {@code GET /progress}.
     *
     * @param requestsPerMinute what this process may use; null while nobody has said
     * @param tokensPerMinute likewise
     * @param maxConcurrency calls that may be in the air at once
     * @param heldMs for how long the endpoint wants no call at all
     */
    public record State(Double requestsPerMinute, Double tokensPerMinute, int maxConcurrency, int inAir, int waiting, long heldMs) {}

    public State state() {
        return new State(orNull(requests), orNull(tokens), concurrency.limit(), concurrency.inAir(), turnstile.waiting(),
                nanosHeld() / 1_000_000);
    }

    private static Double orNull(Pace pace) {
        return pace.isKnown() ? (Double) pace.perMinute() : null;
    }
}
