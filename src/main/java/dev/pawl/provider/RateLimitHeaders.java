package dev.pawl.provider;

import java.util.OptionalLong;
import java.util.regex.Pattern;

import jakarta.inject.Singleton;
import jakarta.ws.rs.client.ClientRequestContext;
import jakarta.ws.rs.client.ClientRequestFilter;
import jakarta.ws.rs.client.ClientResponseContext;

import org.jboss.resteasy.reactive.client.impl.PreservesThreadClientResponseFilter;

import io.quarkus.arc.Unremovable;

/**
 * Hears what the endpoint's answers say about its limits, in the headers that OpenAI has and others took over:
 *
 * <pre>
 * x-ratelimit-limit-requests: 10000      calls a minute
 * x-ratelimit-limit-tokens: 2000000      tokens a minute
 * </pre>
 *
 * What is left of them ({@code -remaining-}, {@code -reset-}) is not used: whether that resets all at once or comes back bit by bit
 * differs from endpoint to endpoint, and calls that are paced do not come near it. Some endpoints give a limit a day
 * here; taken for a minute's it holds nothing back, and its end shows as any other does, by status 429.
 *
 * <p>A filter of the model's client, added by {@link ConnectionPool}; runs on the client's event loop. Any other kind of response
 * filter would send each answer to a thread that may block, and back.
 */
@Unremovable
@Singleton
public final class RateLimitHeaders implements ClientRequestFilter, PreservesThreadClientResponseFilter {

    private static final String REQUESTS = "x-ratelimit-limit-requests";
    private static final String TOKENS = "x-ratelimit-limit-tokens";
    private static final Pattern COUNT = Pattern.compile("[1-9]\\d{0,17}");

    private static final String BEGUN_AT_NANOS = "pawl.begun-at-nanos";
    private static final int TOO_MANY_REQUESTS = 429;
    /** What the client has for a status where the connection failed or the time was up. */
    private static final int NO_ANSWER = 0;

    private final Limits limits;

    RateLimitHeaders(Limits limits) {
        this.limits = limits;
    }

    @Override
    public void filter(ClientRequestContext request) {
        request.setProperty(BEGUN_AT_NANOS, System.nanoTime());
    }

    @Override
    public void filter(ClientRequestContext request, ClientResponseContext response) {
        if (response.getStatus() == NO_ANSWER) {
            return;
        }
        count(response.getHeaderString(REQUESTS)).ifPresent(limits::learnRequestsPerMinute);
        count(response.getHeaderString(TOKENS)).ifPresent(limits::learnTokensPerMinute);
        if (response.getStatus() == TOO_MANY_REQUESTS) {
            limits.refused((long) request.getProperty(BEGUN_AT_NANOS));
        }
    }

    /** Empty where there is no such header, or no whole number from 1 in it: some say 0 or -1 for no limit. */
    static OptionalLong count(String value) {
        return value != null && COUNT.matcher(value.strip()).matches() ? OptionalLong.of(Long.parseLong(value.strip())) : OptionalLong.empty();
    }
}
