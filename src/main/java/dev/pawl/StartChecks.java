package dev.pawl;

import java.util.regex.Pattern;

import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import org.eclipse.microprofile.config.inject.ConfigProperty;

import dev.pawl.chain.Chain;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.document.DocumentReader;
import dev.pawl.intake.Intake;
import dev.pawl.provider.Patience;
import io.quarkus.runtime.StartupEvent;

/**
 * Refuses a configuration that can't work before the first connection to Kafka is made. Each part checks its own when it
 * is made, which injecting it here brings about; the process ends with one sentence and status 1.
 */
@Singleton
final class StartChecks {

    private static final Pattern HOST_AND_PORT = Pattern.compile("([A-Z_]+://)?([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+]):(\\d{1,5})");
    private static final int MAX_PORT = 65_535;

    private final PawlConfig config;
    private final String brokers;

    StartChecks(PawlConfig config, @ConfigProperty(name = "kafka.bootstrap.servers") String brokers, Checkpoints checkpoints, Chain chain,
            DocumentReader reader, Patience patience) {
        this.config = config;
        this.brokers = brokers;
    }

    /** Before the messaging library's own start. */
    void check(@Observes @Priority(1) StartupEvent event) {
        Intake.check(config);
        checkTopic("documents", config.topics().documents());
        checkTopic("results", config.topics().results());
        checkTopic("dead-letters", config.topics().deadLetters());
        for (String broker : brokers.split(",")) {
            var hostAndPort = HOST_AND_PORT.matcher(broker.strip());
            if (!hostAndPort.matches() || Integer.parseInt(hostAndPort.group(3)) > MAX_PORT) {
                throw PawlConfig.refusal("KAFKA_BOOTSTRAP_SERVERS (kafka.bootstrap.servers)", brokers,
                        "each broker is host:port, several with commas between, such as kafka-1:9092,kafka-2:9092");
            }
        }
    }

    private static void checkTopic(String key, String name) {
        if (!name.matches("[a-zA-Z0-9._-]{1,249}") || name.equals(".") || name.equals("..")) {
            throw PawlConfig.refusal("pawl.topics." + key, name, "a topic's name is 1 to 249 letters, digits, ., _ or -, and not . or ..");
        }
    }
}
