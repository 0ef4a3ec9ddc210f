package dev.pawl.results;

import java.nio.charset.StandardCharsets;

import org.apache.kafka.common.header.internals.RecordHeaders;
import org.eclipse.microprofile.reactive.messaging.Metadata;

import dev.pawl.Failure;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;

/**
 * What a dead letter says beside the connector's own {@code dead-letter-*} headers: {@code pawl-kind},
 * {@code pawl-step} where the fault lies in one, {@code pawl-attempts}. The record itself goes on as it was received.
 */
public final class DeadLetters {

    private DeadLetters() {
    }

    public static Metadata metadata(Failure failure) {
        RecordHeaders headers = new RecordHeaders();
        add(headers, "pawl-kind", failure.kind().text());
        if (failure.step() != null) {
            add(headers, "pawl-step", failure.step());
        }
        add(headers, "pawl-attempts", Integer.toString(failure.attempts()));
        return Metadata.of(OutgoingKafkaRecordMetadata.builder().withHeaders(headers).build());
    }

    private static void add(RecordHeaders headers, String name, String value) {
        headers.add(name, value.getBytes(StandardCharsets.UTF_8));
    }
}
