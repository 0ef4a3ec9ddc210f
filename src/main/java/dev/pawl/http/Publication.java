package dev.pawl.http;

import java.nio.charset.StandardCharsets;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

import jakarta.ws.rs.core.Response.Status;

import org.apache.kafka.common.errors.RecordTooLargeException;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.jboss.logging.Logger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import dev.pawl.document.Document;
import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;

/**
 * One call's documents on their way to the broker. Takes them no faster than the broker confirms them: whoever calls waits while
 * {@value #MAX_UNCONFIRMED_BYTES} bytes are on the way, and reads no more of the body meanwhile. For one thread; the broker's answers come on
 * others.
 */
final class Publication {

    private static final Logger LOG = Logger.getLogger(Publication.class);

    private static final int MAX_UNCONFIRMED_BYTES = 8 << 20;
    /** What a record costs beside its value: so no more than 8,192 are on the way. */
    private static final int RECORD_BYTES = 1_024;
    /** Those after them are counted. */
    private static final int MAX_NAMED = 100;

    /** Completes once the broker has the record. */
    @FunctionalInterface
    interface Broker {
        Uni<Void> send(Message<byte[]> record);
    }

    private final Broker broker;
    private final Semaphore unconfirmed = new Semaphore(MAX_UNCONFIRMED_BYTES);
    private final AtomicLong accepted = new AtomicLong();
    /** Guarded by itself: the first lines that were rejected, with the reason. */
    private final TreeMap<Long, String> rejected = new TreeMap<>();
    private long rejectedTotal;
    private volatile Throwable failure;

    Publication(Broker broker) {
        this.broker = broker;
    }

    /**
     * Sends a document. An ID goes out as an object too: as bare text it could begin like JSON.
     *
     * @param line where it stands in the body
     * @throws ProblemException where the broker did not confirm an earlier one
     */
    void send(long line, Document document, JsonNode json) {
        if (failure != null) {
            throw unconfirmed();
        }
        JsonNode value = json.isObject() ? json : JsonNodeFactory.instance.objectNode().put("id", document.id());
        byte[] bytes = value.toString().getBytes(StandardCharsets.UTF_8);
        int permits = Math.min(MAX_UNCONFIRMED_BYTES, bytes.length + RECORD_BYTES);
        acquire(permits);
        broker.send(Message.of(bytes).addMetadata(OutgoingKafkaRecordMetadata.builder().withKey(document.id()).build()))
                .subscribe().with(
                        _ -> {
                            accepted.incrementAndGet();
                            unconfirmed.release(permits);
                        },
                        e -> {
                            refused(line, bytes.length, e);
                            unconfirmed.release(permits);
                        });
    }

    /** Whoever ends the process does not wait for a broker that does not answer. */
    private void acquire(int permits) {
        try {
            unconfirmed.acquire(permits);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProblemException(Status.SERVICE_UNAVAILABLE,
                    "Pawl is being stopped; publish them again later, what is done by then is skipped").after(accepted.get());
        }
    }

    private void refused(long line, int bytes, Throwable e) {
        if (e instanceof RecordTooLargeException || e.getCause() instanceof RecordTooLargeException) {
            reject(line, "the broker takes no record of %d bytes".formatted(bytes));
        } else {
            failure = e;
        }
    }

    /** @param reason what is wrong and what is allowed */
    void reject(long line, String reason) {
        synchronized (rejected) {
            rejectedTotal++;
            rejected.put(line, reason);
            if (rejected.size() > MAX_NAMED) {
                rejected.pollLastEntry();
            }
        }
    }

    /**
     * Returns when the broker has answered for all of them.
     *
     * @throws ProblemException where it did not confirm them all
     */
    Published end() {
        acquire(MAX_UNCONFIRMED_BYTES);
        if (failure != null) {
            throw unconfirmed();
        }
        synchronized (rejected) {
            return new Published(accepted.get(),
                    rejected.entrySet().stream().map(each -> new Published.Rejected(each.getKey(), each.getValue())).toList(),
                    rejectedTotal == 0 ? null : rejectedTotal);
        }
    }

    /** The body broke off with this; what came before it is published. Returns when the broker has answered for all of that. */
    ProblemException end(ProblemException brokenOff) {
        acquire(MAX_UNCONFIRMED_BYTES);
        return brokenOff.after(accepted.get());
    }

    private ProblemException unconfirmed() {
        LOG.warnf("Publishing broke off after %d documents: %s", accepted.get(), failure.getMessage());
        return new ProblemException(Status.SERVICE_UNAVAILABLE,
                "the broker did not confirm all of them; publish them again later, what is done by then is skipped").after(accepted.get());
    }
}
