package dev.pawl.results;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

import jakarta.inject.Singleton;

import org.apache.kafka.common.errors.RecordTooLargeException;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.pawl.Failure;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.provider.Patience;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.ce.OutgoingCloudEventMetadata;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;

/**
 * Emits what chains made, as CloudEvents in binary mode. A result is made from its line in the checkpoint alone, so that every
 * emission of one completion is the same, its {@code ce_id} included.
 */
@Singleton
public final class Results {

    private static final String TYPE = "dev.pawl.document.completed";

    private final MutinyEmitter<byte[]> emitter;
    private final ObjectMapper json;
    private final Patience patience;

    /** The emitter's buffer has no bound of its own: {@code pawl.max-in-flight} bounds what can wait in it. */
    Results(@Channel("results") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER) MutinyEmitter<byte[]> emitter, ObjectMapper json,
            Patience patience) {
        this.emitter = emitter;
        this.json = json;
        this.patience = patience;
    }

    /**
     * Returns when the broker has confirmed the result. Blocks; call it on a virtual thread.
     *
     * @throws Failure.Raised where the broker takes no record of this size
     * @throws Patience.AbandonedException where {@code leaving} reached zero before the broker could be reached
     */
    public void emit(CheckpointLine.Done line, CountDownLatch leaving) throws Failure.Raised, InterruptedException {
        Message<byte[]> message = message(line);
        patience.insist("Emitting the result of " + line.id(), leaving, () -> {
            try {
                emitter.sendMessage(message).await().indefinitely();
                return null;
            } catch (RuntimeException e) {
                if (e instanceof RecordTooLargeException || e.getCause() instanceof RecordTooLargeException) {
                    throw Failure.raise(Failure.Kind.RESULT_TOO_LARGE,
                            "the broker takes no record of the result's %d bytes; it stays in the checkpoint"
                                    .formatted(message.getPayload().length));
                }
                throw e;
            }
        });
    }

    /** Emits without waiting, once: completes when the broker has confirmed the result, or exceptionally. From any thread. */
    public CompletableFuture<Void> tryToEmit(CheckpointLine.Done line) {
        return emitter.sendMessage(message(line)).subscribeAsCompletionStage();
    }

    private Message<byte[]> message(CheckpointLine.Done line) {
        return Message.of(value(line))
                .addMetadata(OutgoingKafkaRecordMetadata.builder().withKey(line.id()).build())
                .addMetadata(OutgoingCloudEventMetadata.builder()
                        .withId(completionId(line))
                        .withSource(URI.create("/pawl/" + line.source()))
                        .withType(TYPE)
                        .withSubject(line.id())
                        .withTimestamp(line.ts().atZone(ZoneOffset.UTC))
                        .withDataContentType("application/json")
                        .build());
    }

    /** One completion is one document, completed once by one record. */
    private static String completionId(CheckpointLine.Done line) {
        String completion = line.source() + '\n' + line.ts() + '\n' + line.id();
        return UUID.nameUUIDFromBytes(completion.getBytes(StandardCharsets.UTF_8)).toString();
    }

    private byte[] value(CheckpointLine.Done line) {
        try {
            return json.writeValueAsBytes(Result.of(line));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of JSON nodes can always be written", e);
        }
    }
}
