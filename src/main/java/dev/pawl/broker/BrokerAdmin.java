package dev.pawl.broker;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;

import io.smallrye.common.annotation.Identifier;

/** The one admin client of this process, made for the first who asks: a broker that can't be reached when the process starts stops nothing. Thread-safe. */
@Singleton
public final class BrokerAdmin {

    private static final int TIMEOUT_MS = 10_000;

    private final Map<String, Object> connection;
    private Admin admin;

    public BrokerAdmin(@Identifier("default-kafka-broker") Map<String, Object> connection) {
        this.connection = connection;
    }

    /** Its answers come within {@value #TIMEOUT_MS} ms, or fail. */
    public synchronized Admin get() {
        if (admin == null) {
            Map<String, Object> config = new HashMap<>(connection);
            config.keySet().retainAll(AdminClientConfig.configNames());
            config.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TIMEOUT_MS);
            config.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, TIMEOUT_MS);
            admin = Admin.create(config);
        }
        return admin;
    }

    @PreDestroy
    synchronized void close() {
        if (admin != null) {
            // Nobody waits for its answers any more.
            admin.close(Duration.ZERO);
        }
    }
}
