package dev.pawl.failures;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;

import dev.pawl.failures.DeadLetterTopic.Found;

/**
 * Publishes failed records as they were received, each to the partition it came from: its key leads there, and its finished steps
 * lie there. Blocks; for one thread.
 */
final class Republisher implements AutoCloseable {

    /** Names the failed record in the one that is published in its place. */
    static final String REPLAY_OF = "pawl-replay-of";

    private static final int MAX_RECORD_BYTES = 104_857_600;
    private static final int REQUEST_TIMEOUT_MS = 10_000;

    private final KafkaProducer<byte[], byte[]> producer;

    /** @param connection how to reach the brokers */
    Republisher(Map<String, Object> connection) {
        Map<String, Object> config = new HashMap<>(connection);
        config.put(ProducerConfig.ACKS_CONFIG, "all");
        // The broker's limit decides, not the client's.
        config.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, MAX_RECORD_BYTES);
        config.put(ProducerConfig.BUFFER_MEMORY_CONFIG, (long) MAX_RECORD_BYTES);
        config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, REQUEST_TIMEOUT_MS);
        config.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, REQUEST_TIMEOUT_MS);
        config.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 2 * REQUEST_TIMEOUT_MS);
        this.producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    @FunctionalInterface
    interface Answers {

        /** @param taken false where the broker takes no record of that size */
        void answered(OpenFailure failure, boolean taken);
    }

    /**
     * Returns when the broker has answered for each.
     *
     * @throws KafkaException where it did not; {@code answers} then knows of those that it did answer for
     */
    void publish(List<Found> letters, Answers answers) {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (Found letter : letters) {
            sent.add(producer.send(received(letter)));
        }
        KafkaException unanswered = null;
        for (int i = 0; i < sent.size(); i++) {
            try {
                sent.get(i).get();
                answers.answered(letters.get(i).failure(), true);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof RecordTooLargeException) {
                    answers.answered(letters.get(i).failure(), false);
                } else {
                    unanswered = new KafkaException(e.getCause().getMessage(), e.getCause());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new KafkaException("interrupted", e);
            }
        }
        if (unanswered != null) {
            throw unanswered;
        }
    }

    private static ProducerRecord<byte[], byte[]> received(Found letter) {
        ConsumerRecord<byte[], byte[]> record = letter.record();
        TopicPosition source = letter.failure().source();
        RecordHeaders headers = new RecordHeaders();
        record.headers().forEach(header -> {
            if (!header.key().startsWith("dead-letter-") && !header.key().startsWith("pawl-")) {
                headers.add(header);
            }
        });
        headers.add(REPLAY_OF, source.toString().getBytes(StandardCharsets.UTF_8));
        return new ProducerRecord<>(source.topic(), source.partition(), record.key(), record.value(), headers);
    }

    @Override
    public void close() {
        producer.close(Duration.ofSeconds(1));
    }
}
