package dev.pawl.intake;

import java.time.Duration;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.jboss.logging.Logger;

import dev.pawl.DocumentPipeline;
import dev.pawl.Failure;
import dev.pawl.Outcome;
import dev.pawl.PawlConfig;
import dev.pawl.checkpoint.FailStop;
import dev.pawl.progress.Progress;
import dev.pawl.results.DeadLetters;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.kafka.api.IncomingKafkaRecordMetadata;
import io.vertx.core.Context;
import io.vertx.core.Vertx;

/**
 * Takes records from the documents topic, at most {@code pawl.max-in-flight} at once, hands each to the pipeline and settles
 * it by its outcome; beyond that bound the connector pauses its partitions. Documents complete in any order; the
 * connector commits the contiguous prefix. The stream never fails: whatever happens to one record, the next is taken.
 */
@Singleton
public final class Intake {

    private static final Logger LOG = Logger.getLogger(Intake.class);

    private static final int MAX_IN_FLIGHT_LIMIT = 10_000;
    private static final Duration FIRST_RETRY = Duration.ofMillis(500);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(30);

    private final Multi<Message<byte[]>> documents;
    private final DocumentPipeline pipeline;
    private final Partitions partitions;
    private final FailStop failStop;
    private final Progress progress;
    private final int maxInFlight;

    Intake(@Channel("documents") Multi<Message<byte[]>> documents, DocumentPipeline pipeline, Partitions partitions, FailStop failStop,
            Progress progress, PawlConfig config) {
        this.documents = documents;
        this.pipeline = pipeline;
        this.partitions = partitions;
        this.failStop = failStop;
        this.progress = progress;
        this.maxInFlight = config.maxInFlight();
    }

    /** Refuses a configuration that this package can't work with. */
    public static void check(PawlConfig config) {
        if (config.maxInFlight() < 1 || config.maxInFlight() > MAX_IN_FLIGHT_LIMIT) {
            throw PawlConfig.refusal("pawl.max-in-flight", config.maxInFlight(), "a whole number from 1 to " + MAX_IN_FLIGHT_LIMIT);
        }
        if (config.drainTimeout().isNegative()) {
            throw PawlConfig.refusal("pawl.drain-timeout", config.drainTimeout(), "a duration from 0s");
        }
    }

    void start(@Observes StartupEvent event) {
        documents.onItem().transformToUni(this::take).merge(maxInFlight).subscribe().with(
                _ -> { },
                failure -> failStop.stop("the documents topic can't be read any more: " + failure));
    }

    /** Lets documents in work finish the call they are in, so that their offsets are part of the last commit. */
    void stop(@Observes ShutdownEvent event) {
        partitions.drainAll();
    }

    /**
     * On the connector's event loop. A record that comes when its partition is being given up, or when nothing can be
     * appended any more, is left as it is: unacknowledged, for whoever reads the partition next.
     */
    private Uni<Void> take(Message<byte[]> message) {
        ConsumerRecord<byte[], byte[]> record = recordOf(message);
        Assignment assignment = partitions.assignment(new TopicPartition(record.topic(), record.partition()));
        if (assignment == null || failStop.reason().isPresent() || !assignment.enter(record.offset())) {
            return Uni.createFrom().voidItem();
        }
        Context eventLoop = Vertx.currentContext();
        Delivery delivery = new Delivery(record, assignment);
        return pipeline.process(delivery)
                .onItem().invoke(progress::ended)
                .chain(outcome -> settle(message, delivery, outcome, eventLoop))
                .onFailure().recoverWithUni(unexpected -> {
                    LOG.errorf(unexpected, "%s stays unacknowledged", delivery.source());
                    return Uni.createFrom().voidItem();
                })
                .onTermination().invoke(assignment::leave);
    }

    private static Uni<Void> settle(Message<byte[]> message, Delivery delivery, Outcome outcome, Context eventLoop) {
        return switch (outcome) {
            case Outcome.Completed _, Outcome.Repeated _, Outcome.Skipped _, Outcome.Forgotten _ ->
                Uni.createFrom().completionStage(message::ack);
            case Outcome.Failed(Failure failure) -> {
                LOG.infof("%s is a dead letter: %s%s", delivery.source(), failure.kind().text(),
                        failure.step() == null ? "" : " in step " + failure.step());
                yield deadLetter(message, failure, eventLoop);
            }
            case Outcome.Abandoned _ -> Uni.createFrom().voidItem();
        };
    }

    /**
     * The connector's dead-letter queue acknowledges the record once the broker has the letter. It may be called on the
     * event loop only.
     */
    private static Uni<Void> deadLetter(Message<byte[]> message, Failure failure, Context eventLoop) {
        return Uni.createFrom().completionStage(() -> message.nack(new Failure.Raised(failure), DeadLetters.metadata(failure)))
                .runSubscriptionOn(command -> eventLoop.runOnContext(_ -> command.run()))
                .onFailure().invoke(e -> LOG.warnf("A dead letter was not taken by the broker, trying again: %s", e.getMessage()))
                .onFailure().retry().withBackOff(FIRST_RETRY, LONGEST_RETRY).indefinitely();
    }

    @SuppressWarnings("unchecked")
    private static ConsumerRecord<byte[], byte[]> recordOf(Message<byte[]> message) {
        return message.getMetadata(IncomingKafkaRecordMetadata.class).orElseThrow().getRecord();
    }
}
