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

    public static final String KIND = "pawl-kind";
    public static final String STEP = "pawl-step";
    public static final String ATTEMPTS = "pawl-attempts";

    private DeadLetters() {
    }

    public static Metadata metadata(Failure failure) {
        RecordHeaders headers = new RecordHeaders();
        add(headers, KIND, failure.kind().text());
        if (failure.step() != null) {
            add(headers, STEP, failure.step());
        }
        add(headers, ATTEMPTS, Integer.toString(failure.attempts()));
        return Metadata.of(OutgoingKafkaRecordMetadata.builder().withHeaders(headers).build());
    }

    private static void add(RecordHeaders headers, String name, String value) {
        headers.add(name, value.getBytes(StandardCharsets.UTF_8));
    }
}
