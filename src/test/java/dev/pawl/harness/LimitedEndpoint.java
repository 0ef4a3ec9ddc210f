package dev.pawl.harness;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToIntFunction;

import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.ScriptedModel.Reply;

/**
 * What a {@link ScriptedModel} answers that permits so many requests and tokens a minute, as OpenAI does, and refuses the rest with
 * status 429 and {@code Retry-After: 1}. A call is counted when it arrives, with all the tokens it will take; a refused one is not counted.
 *
 * <p>By default with two buckets that fill steadily and hold two seconds' worth; or by what the last seconds saw, as an endpoint
 * does that counts in a sliding window.
 */
public final class LimitedEndpoint implements Function<Call, Reply> {

    /**
     * A call as the endpoint saw it.
     *
     * @param tokens what it took, or would have taken
     */
    public record Seen(long atNanos, int tokens, boolean refused) {
    }

    private static final Duration BUCKET = Duration.ofSeconds(2);
    private static final double NANOS_PER_MINUTE = 60e9;

    private final long requestsPerMinute;
    private final long tokensPerMinute;
    private ToIntFunction<Call> cost = _ -> 110;
    private Function<Call, Duration> time = _ -> Duration.ZERO;
    private boolean headers = true;
    private Duration window;

    /** Guards what follows. */
    private final Object lock = new Object();
    private final List<Seen> seen = new ArrayList<>();
    private final Deque<Seen> inWindow = new ArrayDeque<>();
    private double requestsLeft;
    private double tokensLeft;
    private long filledAtNanos = System.nanoTime();

    public LimitedEndpoint(long requestsPerMinute, long tokensPerMinute) {
        this.requestsPerMinute = requestsPerMinute;
        this.tokensPerMinute = tokensPerMinute;
        requestsLeft = capacity(requestsPerMinute);
        tokensLeft = capacity(tokensPerMinute);
    }

    /** Tokens a call takes, from 2; 110 otherwise. */
    public LimitedEndpoint cost(ToIntFunction<Call> cost) {
        this.cost = cost;
        return this;
    }

    /** How long a call takes that is not refused. */
    public LimitedEndpoint time(Function<Call, Duration> time) {
        this.time = time;
        return this;
    }

    /** Keeps its limits to itself. */
    public LimitedEndpoint withoutHeaders() {
        headers = false;
        return this;
    }

    /** Permits in any {@code window} as much of the limits as it is of a minute. */
    public LimitedEndpoint slidingWindow(Duration window) {
        this.window = window;
        return this;
    }

    /** The tokens that this call takes. */
    public int cost(Call call) {
        return cost.applyAsInt(call);
    }

    public List<Seen> seen() {
        synchronized (lock) {
            return List.copyOf(seen);
        }
    }

    @Override
    public Reply apply(Call call) {
        int tokens = cost(call);
        Map<String, String> headers;
        boolean permitted;
        synchronized (lock) {
            long now = System.nanoTime();
            permitted = window == null ? takeFromBuckets(now, tokens) : takeFromWindow(now, tokens);
            seen.add(new Seen(now, tokens, !permitted));
            headers = this.headers ? headers() : Map.of();
        }
        if (!permitted) {
            var refusal = new HashMap<>(headers);
            refusal.put("Retry-After", "1");
            return new Reply.Status(429, new Reply.Status(429).body(), refusal);
        }
        try {
            Thread.sleep(time.apply(call));
        } catch (InterruptedException closing) {
            return new Reply.Drop();
        }
        Reply.Text usual = (Reply.Text) ScriptedModel.usualAnswer(call);
        Reply.Text text = new Reply.Text(usual.content(), tokens - tokens / 2, tokens / 2);
        return new Reply.Status(200, ScriptedModel.completion(call, text).body(), headers);
    }

    private boolean takeFromBuckets(long now, int tokens) {
        double minutes = (now - filledAtNanos) / NANOS_PER_MINUTE;
        filledAtNanos = now;
        requestsLeft = Math.min(capacity(requestsPerMinute), requestsLeft + minutes * requestsPerMinute);
        tokensLeft = Math.min(capacity(tokensPerMinute), tokensLeft + minutes * tokensPerMinute);
        if (requestsLeft < 1 || tokensLeft < tokens) {
            return false;
        }
        requestsLeft--;
        tokensLeft -= tokens;
        return true;
    }

    private boolean takeFromWindow(long now, int tokens) {
        while (!inWindow.isEmpty() && now - inWindow.getFirst().atNanos > window.toNanos()) {
            inWindow.removeFirst();
        }
        double share = window.toNanos() / NANOS_PER_MINUTE;
        requestsLeft = requestsPerMinute * share - inWindow.size();
        tokensLeft = tokensPerMinute * share - inWindow.stream().mapToInt(Seen::tokens).sum();
        if (requestsLeft < 1 || tokensLeft < tokens) {
            return false;
        }
        inWindow.add(new Seen(now, tokens, false));
        return true;
    }

    private static double capacity(long perMinute) {
        return Math.max(1, perMinute * BUCKET.toNanos() / NANOS_PER_MINUTE);
    }

    private Map<String, String> headers() {
        return Map.of(
                "x-ratelimit-limit-requests", Long.toString(requestsPerMinute),
                "x-ratelimit-remaining-requests", Long.toString((long) requestsLeft),
                "x-ratelimit-reset-requests", "%dms".formatted(BUCKET.toMillis()),
                "x-ratelimit-limit-tokens", Long.toString(tokensPerMinute),
                "x-ratelimit-remaining-tokens", Long.toString((long) tokensLeft),
                "x-ratelimit-reset-tokens", "6m0s");
    }

    /**
     * What happened from one time to another, in parts of what is permitted in that time; a little more than all where calls that were
     * late before come then.
     *
     * @param refused calls, of all calls
     */
    public record Use(double requests, double tokens, double refused) {
    }

    /** The use made of it between two times of {@link System#nanoTime}. */
    public Use use(long fromNanos, long toNanos) {
        List<Seen> then = seen().stream().filter(call -> call.atNanos - fromNanos >= 0 && call.atNanos - toNanos < 0).toList();
        double minutes = (toNanos - fromNanos) / NANOS_PER_MINUTE;
        long refused = then.stream().filter(Seen::refused).count();
        return new Use(
                (then.size() - refused) / (requestsPerMinute * minutes),
                then.stream().filter(call -> !call.refused).mapToInt(Seen::tokens).sum() / (tokensPerMinute * minutes),
                then.isEmpty() ? 0 : (double) refused / then.size());
    }
}
