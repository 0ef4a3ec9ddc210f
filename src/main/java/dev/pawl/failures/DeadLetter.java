package dev.pawl.failures;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

import dev.pawl.Failure;
import dev.pawl.document.Decoded;
import dev.pawl.document.RecordDecoder;
import dev.pawl.results.DeadLetters;
import io.smallrye.reactive.messaging.kafka.fault.KafkaDeadLetterQueue;

/**
 * What a record of the dead-letter topic says of a failure. The order of its headers tells whose they are, since a record may
 * have come with some of the same names, having been a dead letter before:
 *
 * <pre>
 * dead-letter-*            the connector's
 * the record's own         as received
 * pawl-kind, pawl-step (where there is one), pawl-attempts
 * </pre>
 *
 * @param position in the dead-letter topic
 * @param source the record that failed
 * @param id the document's; null where the record holds none
 * @param key as text; null where the record has none
 * @param step null where the fault lies in none
 * @param attempts null where the letter does not say
 * @param message what was wrong, without a word of the document's text; null where the letter does not say
 * @param replayOf the failed record that was published again as {@code source}; null where none was
 */
public record DeadLetter(TopicPosition position, TopicPosition source, String id, String key, Failure.Kind kind, String step,
        Integer attempts, String message, Instant failedAt, TopicPosition replayOf) {

    /** Empty where the record does not say which one failed: then Pawl did not put it there. */
    static Optional<DeadLetter> of(ConsumerRecord<byte[], byte[]> record) {
        Optional<TopicPosition> source = source(record.headers());
        if (source.isEmpty()) {
            return Optional.empty();
        }
        String kind = null;
        String step = null;
        String attempts = null;
        for (Header header : record.headers()) {
            switch (header.key()) {
                case DeadLetters.KIND -> {
                    kind = text(header);
                    step = null;
                }
                case DeadLetters.STEP -> step = text(header);
                case DeadLetters.ATTEMPTS -> attempts = text(header);
                default -> { }
            }
        }
        return Optional.of(new DeadLetter(
                new TopicPosition(record.topic(), record.partition(), record.offset()),
                source.get(),
                id(record),
                record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8),
                Failure.Kind.of(kind),
                step,
                attempts == null || !attempts.matches("\\d{1,9}") ? null : Integer.valueOf(attempts),
                first(record.headers(), KafkaDeadLetterQueue.DEAD_LETTER_REASON),
                Instant.ofEpochMilli(record.timestamp()),
                Optional.ofNullable(record.headers().lastHeader(Republisher.REPLAY_OF)).map(DeadLetter::text)
                        .flatMap(TopicPosition::parse).orElse(null)));
    }

    private static Optional<TopicPosition> source(Headers headers) {
        return TopicPosition.parse(first(headers, KafkaDeadLetterQueue.DEAD_LETTER_TOPIC)
                + '-' + first(headers, KafkaDeadLetterQueue.DEAD_LETTER_PARTITION)
                + '@' + first(headers, KafkaDeadLetterQueue.DEAD_LETTER_OFFSET));
    }

    private static String id(ConsumerRecord<byte[], byte[]> record) {
        return switch (RecordDecoder.decode(record.key(), record.value(), record.headers())) {
            case Decoded.Run run -> run.document().id();
            case Decoded.Forget forget -> forget.id();
            case Decoded.Invalid _ -> null;
        };
    }

    private static String first(Headers headers, String name) {
        var found = headers.headers(name).iterator();
        return found.hasNext() ? text(found.next()) : null;
    }

    private static String text(Header header) {
        return header.value() == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }
}
