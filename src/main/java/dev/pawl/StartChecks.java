package dev.pawl;

import java.util.Optional;
import java.util.regex.Pattern;

import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import org.eclipse.microprofile.config.inject.ConfigProperty;

import dev.pawl.chain.Chain;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.document.DocumentReader;
import dev.pawl.http.BodyLimits;
import dev.pawl.intake.Intake;
import dev.pawl.provider.Patience;
import dev.pawl.spend.Spend;
import io.quarkus.runtime.StartupEvent;

/**
 * Refuses a configuration that can't work before the first connection to Kafka is made. The process ends with one sentence
 * and status 1. {@link ConfigKeys} has checked names and types before.
 */
@Singleton
final class StartChecks {

    private static final Pattern HOST_AND_PORT = Pattern.compile("([A-Z_]+://)?([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+]):(\\d{1,5})");
    private static final int MAX_PORT = 65_535;

    private static final String OPEN_AI = "https://api.openai.com/v1/";
    /** What application.properties puts in the place of no key. */
    private static final String NO_KEY = "none";

    private final PawlConfig config;
    private final String brokers;
    private final String modelKey;
    private final String modelBaseUrl;

    StartChecks(PawlConfig config, @ConfigProperty(name = "kafka.bootstrap.servers") Optional<String> brokers,
            @ConfigProperty(name = "quarkus.langchain4j.openai.api-key") String modelKey,
            @ConfigProperty(name = "quarkus.langchain4j.openai.base-url") String modelBaseUrl) {
        this.config = config;
        this.brokers = brokers.orElse("(nothing)");
        this.modelKey = modelKey;
        this.modelBaseUrl = modelBaseUrl;
    }

    /** Before the parts are made, which take these values for good. */
    void check(@Observes @Priority(1) StartupEvent event) {
        Intake.check(config);
        checkTopic("documents", config.topics().documents());
        checkTopic("results", config.topics().results());
        checkTopic("dead-letters", config.topics().deadLetters());
        checkTopic("checkpoint", config.topics().checkpoint());
        for (String broker : brokers.split(",", -1)) {
            var hostAndPort = HOST_AND_PORT.matcher(broker.strip());
            if (!hostAndPort.matches() || Integer.parseInt(hostAndPort.group(3)) > MAX_PORT) {
                throw PawlConfig.refusal("KAFKA_BOOTSTRAP_SERVERS (kafka.bootstrap.servers)", brokers,
                        "each broker is host:port, several with commas between, such as kafka-1:9092,kafka-2:9092");
            }
        }
        if (modelKey.equals(NO_KEY) && modelBaseUrl.equals(OPEN_AI)) {
            throw PawlConfig.refusal("OPENAI_API_KEY (quarkus.langchain4j.openai.api-key)", "(nothing)",
                    "OpenAI needs a key; set it, or set OPENAI_BASE_URL to an endpoint that needs none");
        }
    }

    /** Each part checks its own configuration when it is made. Before the messaging library's own start. */
    void makeParts(@Observes @Priority(2) StartupEvent event, Checkpoints checkpoints, Chain chain, DocumentReader reader,
            Patience patience, Spend spend, BodyLimits limits) {
    }

    private static void checkTopic(String key, String name) {
        if (!name.matches("[a-zA-Z0-9._-]{1,249}") || name.equals(".") || name.equals("..")) {
            throw PawlConfig.refusal("pawl.topics." + key, name, "a topic's name is 1 to 249 letters, digits, ., _ or -, and not . or ..");
        }
    }
}
