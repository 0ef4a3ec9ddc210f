package dev.pawl.intake;

import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.Header;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.jboss.logging.Logger;
import org.jboss.logging.MDC;

import dev.pawl.DocumentPipeline;
import dev.pawl.Failure;
import dev.pawl.Outcome;
import dev.pawl.PawlConfig;
import dev.pawl.checkpoint.FailStop;
import dev.pawl.document.Decoded;
import dev.pawl.document.Document;
import dev.pawl.progress.LogLimit;
import dev.pawl.progress.Progress;
import dev.pawl.results.DeadLetters;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import io.smallrye.reactive.messaging.kafka.IncomingKafkaRecordBatch;
import io.smallrye.reactive.messaging.kafka.KafkaRecord;
import io.vertx.core.Context;
import io.vertx.core.Vertx;

/**
 * Takes records from the documents topic, at most {@code pawl.max-in-flight} at once and none while the {@link Gate} is closed,
 * hands each to the pipeline and settles it by its outcome. Documents complete in any order; {@link CheckpointedCommit} commits up
 * to the first that is not settled. The stream never fails: whatever happens to one record, the next is taken.
 *
 * <p>The connector delivers what a poll brought as one batch, and the next once all of this one are taken; beyond that it pauses
 * its partitions. Documents that are done already hardly come here, see {@link Skim}. Everything here happens on the connector's event
 * loop, but for a document's own work.
 */
@Singleton
public final class Intake {

    private static final Logger LOG = Logger.getLogger(Intake.class);

    private static final int MAX_IN_FLIGHT_LIMIT = 10_000;
    private static final Duration FIRST_RETRY = Duration.ofMillis(500);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(30);
    /** Of the connector's requests and replies, with which Pawl has nothing to do. */
    private static final String REPLY_TOPIC = "REPLY_TOPIC";

    private final Multi<Message<List<byte[]>>> batches;
    private final DocumentPipeline pipeline;
    private final Partitions partitions;
    private final Gate gate;
    private final FailStop failStop;
    private final Progress progress;
    private final LogLimit logLimit;
    private final int maxInFlight;

    private volatile Context eventLoop;
    private Batch batch;
    private int inWork;
    /** Of those in work, how many have ended since the event loop last looked. */
    private final AtomicInteger left = new AtomicInteger();

    /** @param taken completes once all deliveries are taken, and lets the next batch come */
    private record Batch(Iterator<Delivery> deliveries, UniEmitter<? super Void> taken) {}

    Intake(@Channel("documents") Multi<Message<List<byte[]>>> batches, DocumentPipeline pipeline, Partitions partitions, Gate gate,
            FailStop failStop, Progress progress, LogLimit logLimit, PawlConfig config) {
        this.batches = batches;
        this.pipeline = pipeline;
        this.partitions = partitions;
        this.gate = gate;
        this.failStop = failStop;
        this.progress = progress;
        this.logLimit = logLimit;
        this.maxInFlight = config.maxInFlight();
    }

    /** Refuses a configuration that this package can't work with. */
    public static void check(PawlConfig config) {
        if (config.maxInFlight() < 1 || config.maxInFlight() > MAX_IN_FLIGHT_LIMIT) {
            throw PawlConfig.refusal("pawl.max-in-flight", config.maxInFlight(), "a whole number from 1 to " + MAX_IN_FLIGHT_LIMIT);
        }
        if (config.shutdown().drain().isNegative()) {
            throw PawlConfig.refusal("pawl.shutdown.drain", config.shutdown().drain(), "a duration from 0s");
        }
    }

    void start(@Observes StartupEvent event) {
        gate.onChange(() -> onEventLoop(this::takeMore));
        batches.onItem().transformToUniAndConcatenate(this::take).subscribe().with(
                _ -> { },
                failure -> failStop.stop("the documents topic can't be read any more: " + failure));
    }

    /** Lets documents in work finish the call they are in, so that their offsets are part of the last commit. */
    void stop(@Observes ShutdownEvent event) {
        partitions.drainAll();
    }

    private Uni<Void> take(Message<List<byte[]>> message) {
        return Uni.createFrom().emitter(taken -> {
            eventLoop = Vertx.currentContext();
            batch = new Batch(deliveries(message), taken);
            takeMore();
        });
    }

    /**
     * The records of partitions that are this process's now. Should one be given up and come back while the batch is being taken, its
     * records will be delivered anew: those of the batch stay with the assignment that has ended.
     */
    @SuppressWarnings("unchecked")
    private Iterator<Delivery> deliveries(Message<List<byte[]>> message) {
        IncomingKafkaRecordBatch<byte[], byte[]> records = message.unwrap(IncomingKafkaRecordBatch.class);
        Map<Integer, Assignment> owned = new HashMap<>();
        records.getLatestOffsetRecords().keySet().forEach(partition -> owned.put(partition.partition(), partitions.assignment(partition)));
        return records.getRecords().stream()
                .filter(record -> owned.get(record.getPartition()) != null)
                .map(record -> new Delivery(record, owned.get(record.getPartition())))
                .iterator();
    }

    private void takeMore() {
        while (batch != null && inWork < maxInFlight && gate.isOpen()) {
            if (batch.deliveries().hasNext()) {
                take(batch.deliveries().next());
            } else {
                UniEmitter<? super Void> taken = batch.taken();
                batch = null;
                taken.complete(null);
            }
        }
        if (inWork == 0) {
            partitions.idle();
        }
    }

    /**
     * A record that comes when its partition is being given up, or when nothing can be appended any more, is left as it is:
     * unacknowledged, for whoever reads the partition next.
     */
    private void take(Delivery delivery) {
        if (failStop.reason().isPresent() || !delivery.assignment().enter(delivery.offset())) {
            return;
        }
        inWork++;
        pipeline.process(delivery).thenCompose(ended -> settle(delivery, ended)).whenComplete((_, unexpected) -> {
            if (unexpected != null && !isLeaving(delivery)) {
                LOG.errorf(unexpected, "%s stays unacknowledged", delivery.source());
            }
            delivery.assignment().leave();
            if (left.getAndIncrement() == 0) {
                onEventLoop(this::replaceThoseThatLeft);
            }
        });
    }

    private void replaceThoseThatLeft() {
        inWork -= left.getAndSet(0);
        takeMore();
    }

    private CompletionStage<Void> settle(Delivery delivery, Outcome outcome) {
        progress.ended(outcome);
        return switch (outcome) {
            case Outcome.Completed _, Outcome.Repeated _, Outcome.Skipped _, Outcome.Forgotten _ -> acknowledged(delivery);
            case Outcome.Failed(Failure failure) -> {
                logDeadLetter(delivery, failure);
                yield deadLetter(delivery, failure).thenCompose(_ -> acknowledged(delivery));
            }
            case Outcome.Abandoned _ -> CompletableFuture.completedFuture(null);
        };
    }

    /** With ID and source as fields of their own, for logs that are JSON. */
    private void logDeadLetter(Delivery delivery, Failure failure) {
        if (!logLimit.permits(LogLimit.Sort.DEAD_LETTERS, failure.kind().text())) {
            return;
        }
        MDC.put("source", delivery.source());
        if (delivery.decode() instanceof Decoded.Run(Document document)) {
            MDC.put("id", document.id());
        }
        LOG.infof("%s is a dead letter: %s%s", delivery.source(), failure.kind().text(),
                failure.step() == null ? "" : " in step " + failure.step());
        MDC.remove("source");
        MDC.remove("id");
    }

    private static CompletionStage<Void> acknowledged(Delivery delivery) {
        delivery.assignment().settle(delivery.offset());
        return CompletableFuture.completedFuture(null);
    }

    private static boolean isLeaving(Delivery delivery) {
        return delivery.leaving().getCount() == 0;
    }

    /**
     * Completes once the broker has the letter; exceptionally where the partition is given up before, and its next owner sends it. The
     * connector's dead-letter queue may be asked on the event loop only.
     */
    private CompletionStage<Void> deadLetter(Delivery delivery, Failure failure) {
        KafkaRecord<byte[], byte[]> record = delivery.message();
        Header replyTopic = record.getHeaders().lastHeader(REPLY_TOPIC);
        if (replyTopic != null && replyTopic.value() == null) {
            // The connector would neither send the letter nor say so.
            record.getHeaders().remove(REPLY_TOPIC);
        }
        return Uni.createFrom().completionStage(() -> record.nack(new Failure.Raised(failure), DeadLetters.metadata(failure)))
                .runSubscriptionOn(this::onEventLoop)
                .onFailure().invoke(this::logRefusedLetter)
                .onFailure(_ -> !isLeaving(delivery)).retry().withBackOff(FIRST_RETRY, LONGEST_RETRY).indefinitely()
                .subscribeAsCompletionStage();
    }

    private void logRefusedLetter(Throwable e) {
        if (logLimit.permits(LogLimit.Sort.ATTEMPTS, "dead letter not taken by the broker")) {
            LOG.warnf("A dead letter was not taken by the broker, trying again%s: %s", e instanceof RecordTooLargeException
                    ? ", and its record waits; max.message.bytes of the topic must be somewhat larger than that of the documents" : "", e.getMessage());
        }
    }

    private void onEventLoop(Runnable action) {
        Context context = eventLoop;
        if (context != null) {
            context.runOnContext(_ -> action.run());
        }
    }
}
