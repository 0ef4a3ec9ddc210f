package dev.pawl.intake;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;

/**
 * Looks, once a second, how far the partitions' logs reach. Asks the broker: the consumer knows only how far they reached when it last
 * fetched, and fetches nothing while the intake is full or closed.
 */
@Singleton
final class LagWatch {

    private static final Logger LOG = Logger.getLogger(LagWatch.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final Group group;
    private final Partitions partitions;
    private final Backlog backlog;
    private final AtomicBoolean asking = new AtomicBoolean();
    private long timer;

    LagWatch(Group group, Partitions partitions, Backlog backlog) {
        this.group = group;
        this.partitions = partitions;
        this.backlog = backlog;
    }

    void start(@Observes StartupEvent event, Vertx vertx) {
        timer = vertx.setPeriodic(INTERVAL.toMillis(), _ -> look());
    }

    void stop(@Observes ShutdownEvent event, Vertx vertx) {
        vertx.cancelTimer(timer);
    }

    /** A broker that does not answer is not asked a second time meanwhile. */
    private void look() {
        Map<TopicPartition, Assignment> assignments = Map.copyOf(partitions.assignments());
        if (assignments.isEmpty() || !asking.compareAndSet(false, true)) {
            return;
        }
        try {
            group.ends(assignments.keySet()).whenComplete((ends, failure) -> {
                asking.set(false);
                if (failure == null) {
                    backlog.observe(assignments, ends);
                } else {
                    LOG.debugf("The lag could not be read: %s", failure.getMessage());
                }
            });
        } catch (KafkaException e) {
            asking.set(false);
            LOG.debugf("The lag could not be read: %s", e.getMessage());
        }
    }
}
