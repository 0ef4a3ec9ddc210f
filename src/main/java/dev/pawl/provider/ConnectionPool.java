package dev.pawl.provider;

import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.rest.client.RestClientBuilder;
import org.eclipse.microprofile.rest.client.spi.RestClientListener;

/**
 * Gives the model's client a connection for each document in flight, and {@link RateLimitHeaders}. It opens 50 at most by itself,
 * and quarkus-langchain4j has no setting that reaches it. Found through {@code META-INF/services}.
 */
public final class ConnectionPool implements RestClientListener {

    @Override
    public void onNewClient(Class<?> serviceInterface, RestClientBuilder builder) {
        int maxInFlight = ConfigProvider.getConfig().getValue("pawl.max-in-flight", Integer.class);
        builder.property("io.quarkus.rest.client.connection-pool-size", maxInFlight);
        builder.register(RateLimitHeaders.class);
    }
}
