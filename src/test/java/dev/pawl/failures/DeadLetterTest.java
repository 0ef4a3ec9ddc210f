package dev.pawl.failures;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Optional;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

import dev.pawl.Failure;

class DeadLetterTest {

    private static final Instant FAILED_AT = Instant.parse("2026-11-23T09:35:12.345Z");
    private static final TopicPosition SOURCE = new TopicPosition("documents", 3, 848);

    @Test
    void letter_tellsOfTheFailureAndOfTheRecord() {
        DeadLetter letter = DeadLetter.of(record("doc-0848", "{\"id\":\"doc-0848\",\"text\":\"a text\"}",
                Letters.headers(SOURCE, "invalid-output", new RecordHeaders()))).orElseThrow();

        assertThat(letter).isEqualTo(new DeadLetter(new TopicPosition("dead", 1, 17), SOURCE, "doc-0848", "doc-0848",
                Failure.Kind.INVALID_OUTPUT, "entities", 3, "what was wrong with documents-3@848", FAILED_AT, null));
    }

    @Test
    void recordWithoutADocument_hasNoId() {
        DeadLetter letter = DeadLetter.of(record(null, "{broken", Letters.headers(SOURCE, "invalid-document", new RecordHeaders())))
                .orElseThrow();

        assertThat(letter.id()).isNull();
        assertThat(letter.key()).isNull();
        assertThat(letter.step()).isNull();
        assertThat(letter.kind()).isEqualTo(Failure.Kind.INVALID_DOCUMENT);
    }

    @Test
    void recordThatCameWithALettersHeaders_isNotTakenForThatLetter() {
        RecordHeaders received = Letters.headers(new TopicPosition("documents", 0, 1), "refused", new RecordHeaders());

        DeadLetter letter = DeadLetter.of(record("doc", "[]", Letters.headers(SOURCE, "invalid-document", received))).orElseThrow();

        assertThat(letter.source()).isEqualTo(SOURCE);
        assertThat(letter.kind()).isEqualTo(Failure.Kind.INVALID_DOCUMENT);
        assertThat(letter.step()).isNull();
        assertThat(letter.message()).isEqualTo("what was wrong with documents-3@848");
    }

    @Test
    void replayedRecord_namesTheOneBefore() {
        RecordHeaders received = new RecordHeaders();
        Letters.add(received, "pawl-replay-of", "documents-3@12");

        DeadLetter letter = DeadLetter.of(record("doc", "doc", Letters.headers(SOURCE, "refused", received))).orElseThrow();

        assertThat(letter.replayOf()).isEqualTo(new TopicPosition("documents", 3, 12));
    }

    @Test
    void recordThatPawlDidNotPutThere_isNoLetter() {
        assertThat(DeadLetter.of(record("doc", "doc", new RecordHeaders()))).isEmpty();
    }

    private static ConsumerRecord<byte[], byte[]> record(String key, String value, RecordHeaders headers) {
        return new ConsumerRecord<>("dead", 1, 17, FAILED_AT.toEpochMilli(), TimestampType.CREATE_TIME, 0, 0,
                key == null ? null : Letters.bytes(key), Letters.bytes(value), headers, Optional.empty());
    }
}
