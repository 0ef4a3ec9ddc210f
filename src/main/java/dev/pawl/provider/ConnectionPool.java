package dev.pawl.provider;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

import jakarta.ws.rs.ext.ContextResolver;

import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.rest.client.RestClientBuilder;
import org.eclipse.microprofile.rest.client.spi.RestClientListener;

import io.vertx.core.http.HttpClientOptions;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.runtime.annotations.RegisterResources;

/**
 * Gives the model's client what quarkus-langchain4j has no setting for: a connection for each document in flight, where it
 * opens 50 at most by itself; connections that do not outlive their endpoint; what the endpoint said where it did not
 * answer; and {@link RateLimitHeaders}. Found through {@code META-INF/services}, of which a native image holds what somebody registers.
 */
@RegisterForReflection
@RegisterResources(globs = "META-INF/services/org.eclipse.microprofile.rest.client.spi.RestClientListener")
public final class ConnectionPool implements RestClientListener {

    /** By default as long as an answer may take. A host that does not even take a connection in this time will not. */
    private static final int CONNECT_TIMEOUT_SECONDS = 5;
    /** Many servers close idle connections after 5 s or more. A call on one that is just being closed, or whose other end is gone, fails. */
    private static final int IDLE_CONNECTION_SECONDS = 4;

    /** The client's own: what is set here, where nothing else is. */
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

    @Override
    public void onNewClient(Class<?> serviceInterface, RestClientBuilder builder) {
        Config config = ConfigProvider.getConfig();
        int maxInFlight = config.getValue("pawl.max-in-flight", Integer.class);
        Duration timeout = config.getOptionalValue("quarkus.langchain4j.openai.timeout", Duration.class).orElse(DEFAULT_TIMEOUT);
        builder.property("io.quarkus.rest.client.connection-pool-size", maxInFlight);
        builder.register(RateLimitHeaders.class);
        builder.property("io.quarkus.rest.client.connection-ttl", IDLE_CONNECTION_SECONDS);
        builder.connectTimeout(CONNECT_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        builder.register(new StatusMapper(), StatusMapper.PRIORITY);
        builder.register(new ConnectionOptions((int) timeout.toSeconds() + 1));
    }

    /**
     * The client's timeout ends with an answer's first byte: one that stops in the middle would be waited for until the
     * process ends. This closes its connection.
     */
    private record ConnectionOptions(int silenceSeconds) implements ContextResolver<HttpClientOptions> {

        @Override
        public HttpClientOptions getContext(Class<?> type) {
            HttpClientOptions options = new HttpClientOptions();
            options.setIdleTimeout(silenceSeconds);
            return options;
        }
    }
}
