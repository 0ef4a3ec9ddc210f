package dev.pawl.dev;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.logging.Level;

import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.context.BeforeDestroyed;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

import io.quarkus.arc.profile.IfBuildProfile;
import io.quarkus.runtime.StartupEvent;

/**
 * Dev mode's Kafka: an {@link EmbeddedBroker} with Pawl's topics, unless somebody names brokers of their own.
 *
 * <p>It is up before the first channel connects and down after the last one has closed, at every live reload as well.
 * Both happen on the thread that starts and stops the application.
 */
@Singleton
@IfBuildProfile("dev")
final class DevBroker {

    private static final Logger log = Logger.getLogger(DevBroker.class);
    private static final java.util.logging.Logger connections =
            java.util.logging.Logger.getLogger("org.apache.kafka.clients.NetworkClient");

    private static final String BOOTSTRAP_SERVERS = "kafka.bootstrap.servers";
    private static final short ONE_REPLICA = 1;

    private final DevConfig.Kafka config;
    private final Optional<String> ownBrokers;
    private final String consumerGroup;
    private final List<NewTopic> topics;
    private EmbeddedBroker broker;

    DevBroker(DevConfig config,
            @ConfigProperty(name = "KAFKA_BOOTSTRAP_SERVERS") Optional<String> ownBrokers,
            @ConfigProperty(name = "pawl.consumer-group", defaultValue = "pawl") String consumerGroup,
            @ConfigProperty(name = "pawl.topics.documents", defaultValue = "documents") String documents,
            @ConfigProperty(name = "pawl.topics.results", defaultValue = "document-results") String results,
            @ConfigProperty(name = "pawl.topics.dead-letters", defaultValue = "document-dead-letters") String deadLetters) {
        this.config = config.kafka();
        this.ownBrokers = ownBrokers.or(() -> Optional.ofNullable(System.getProperty(BOOTSTRAP_SERVERS)));
        this.consumerGroup = consumerGroup;
        this.topics = List.of(
                new NewTopic(documents, 4, ONE_REPLICA),
                new NewTopic(results, 4, ONE_REPLICA),
                new NewTopic(deadLetters, 1, ONE_REPLICA));
    }

    /** SmallRye connects the channels at {@code LIBRARY_BEFORE}. */
    void start(@Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE) StartupEvent event) throws IOException {
        if (ownBrokers.isPresent()) {
            log.infof("Kafka: %s", ownBrokers.get());
            return;
        }
        // Every live reload breaks every connection to this broker, which is no news; to another broker it would be.
        connections.setLevel(Level.SEVERE);
        long started = System.nanoTime();
        broker = EmbeddedBroker.start(config.directory().toAbsolutePath(), config.port());
        // The one place that the channels, their dead-letter producers and health checks, and everybody's own clients
        // read the address from.
        System.setProperty(BOOTSTRAP_SERVERS, broker.bootstrapServers());
        prepare();
        if (broker.port() != config.port()) {
            log.warnf("Kafka: port %d is taken, so Pawl's own broker listens on another", config.port());
        }
        log.infof("Kafka: Pawl's own broker at %s, data in %s, up in %d ms. KAFKA_BOOTSTRAP_SERVERS names another.",
                broker.bootstrapServers(), config.directory(), (System.nanoTime() - started) / 1_000_000);
    }

    /** The channels close at priorities up to 200. */
    void stop(@Observes @Priority(Interceptor.Priority.PLATFORM_AFTER) @BeforeDestroyed(ApplicationScoped.class) Object event)
            throws IOException {
        if (broker != null) {
            System.clearProperty(BOOTSTRAP_SERVERS);
            broker.close();
        }
    }

    private void prepare() throws IOException {
        try (var admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            createTopics(admin);
            removeDeadMembers(admin);
        } catch (ExecutionException e) {
            throw new IOException("Can't prepare the Kafka broker", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while preparing the Kafka broker", e);
        }
    }

    private void createTopics(Admin admin) throws ExecutionException, InterruptedException {
        var existing = admin.listTopics().names().get();
        var missing = topics.stream().filter(topic -> !existing.contains(topic.name())).toList();
        admin.createTopics(missing).all().get();
    }

    /**
     * A broker just up serves nobody yet, so whoever it remembers as a member of the group was killed along with it. It would
     * wait 45 s for them before it gave their partitions to anybody else.
     */
    private void removeDeadMembers(Admin admin) throws ExecutionException, InterruptedException {
        try {
            var group = admin.describeConsumerGroups(List.of(consumerGroup)).describedGroups().get(consumerGroup).get();
            if (!group.members().isEmpty()) {
                admin.removeMembersFromConsumerGroup(consumerGroup, new RemoveMembersFromConsumerGroupOptions()).all().get();
            }
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof GroupIdNotFoundException)) {
                throw e;
            }
        }
    }
}
