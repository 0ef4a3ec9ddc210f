package dev.pawl.provider;

import java.time.Duration;
import java.util.OptionalInt;

import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.TokensInheritanceStrategy;

/**
 * What the endpoint permits a minute, in requests or in tokens: a bucket that fills steadily and holds very little, so that calls
 * are spread evenly, as an endpoint wants them that counts by the second, by the minute or with a bucket of its own. What is
 * taken may exceed what is there; the next call then waits until the debt is paid off. Thread-safe.
 */
final class Pace {

    static final double UNKNOWN = Double.POSITIVE_INFINITY;

    /** Clocks differ and answers take their time on the way: what is aimed at lies a little below the limit. */
    private static final double AIM = 0.98;
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final double MANY = 1_000;
    /** The bucket holds a fifth of a second's worth: enough to make up for a thread that wakes late. */
    private static final double BURSTS_PER_MINUTE = 300;
    /** Calls to several models hear of several limits: the lowest counts, until nobody has said it for so long. */
    private static final Duration LEARNT_FOR = MINUTE;

    private final double configured;
    private final double share;

    private double learnt = UNKNOWN;
    private long learntAtNanos;
    private double limit = UNKNOWN;
    private volatile Bucket bucket;

    /**
     * @param configured a minute; none where the endpoint alone decides
     * @param share the part of either that this process may use, above 0, at most 1
     */
    Pace(OptionalInt configured, double share) {
        this.configured = configured.isPresent() ? configured.getAsInt() : UNKNOWN;
        this.share = share;
        apply();
    }

    boolean isKnown() {
        return bucket != null;
    }

    /** What this process may use a minute; {@link #UNKNOWN} where nobody has said. */
    synchronized double perMinute() {
        return limit;
    }

    /** The endpoint said that it permits so many a minute. Returns whether that changed anything. */
    synchronized boolean learn(long perMinute) {
        long now = System.nanoTime();
        if (perMinute > learnt && now - learntAtNanos < LEARNT_FOR.toNanos()) {
            return false;
        }
        learntAtNanos = now;
        learnt = perMinute;
        return apply();
    }

    private boolean apply() {
        double before = limit;
        limit = Math.min(configured, learnt) * share;
        if (limit == before) {
            return false;
        }
        Bandwidth bandwidth = bandwidth(limit);
        if (bucket == null) {
            bucket = Bucket.builder().addLimit(bandwidth).withNanosecondPrecision().build();
        } else {
            bucket.replaceConfiguration(BucketConfiguration.builder().addLimit(bandwidth).build(), TokensInheritanceStrategy.AS_IS);
        }
        return true;
    }

    /** The library counts in whole numbers: of calls or tokens a minute where they are many, of nanoseconds for one where they are few. */
    private static Bandwidth bandwidth(double perMinute) {
        double aim = perMinute * AIM;
        var capacity = Bandwidth.builder().capacity((long) (1 + perMinute / BURSTS_PER_MINUTE));
        return (aim < MANY
                ? capacity.refillGreedy(1, Duration.ofNanos((long) (MINUTE.toNanos() / aim)))
                : capacity.refillGreedy((long) aim, MINUTE)).build();
    }

    /** How long a call has to wait by this limit; 0 for no time. */
    long nanosUntilFree() {
        Bucket bucket = this.bucket;
        return bucket == null ? 0 : bucket.estimateAbilityToConsume(1).getNanosToWaitForRefill();
    }

    /** Takes so much, whether it is there or not. */
    void take(long amount) {
        Bucket bucket = this.bucket;
        if (bucket != null && amount > 0) {
            bucket.consumeIgnoringRateLimits(amount);
        }
    }

    /** What was taken in vain. */
    void giveBack(long amount) {
        Bucket bucket = this.bucket;
        if (bucket != null && amount > 0) {
            bucket.addTokens(amount);
        }
    }
}
