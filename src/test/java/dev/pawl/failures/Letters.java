package dev.pawl.failures;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Dead letters as the connector and {@link dev.pawl.results.DeadLetters} write them. */
final class Letters {

    private Letters() {
    }

    /** The headers in the order they have in the topic. */
    static RecordHeaders headers(TopicPosition source, String kind, Headers received) {
        var headers = new RecordHeaders();
        add(headers, "dead-letter-exception-class-name", "dev.pawl.Failure$Raised");
        add(headers, "dead-letter-reason", "what was wrong with " + source);
        add(headers, "dead-letter-topic", source.topic());
        add(headers, "dead-letter-partition", Integer.toString(source.partition()));
        add(headers, "dead-letter-offset", Long.toString(source.offset()));
        received.forEach(headers::add);
        add(headers, "pawl-kind", kind);
        if (!kind.equals("invalid-document")) {
            add(headers, "pawl-step", "entities");
        }
        add(headers, "pawl-attempts", "3");
        return headers;
    }

    /** The letter of a record that holds a document under the key {@code id}, whose value is its ID. */
    static ProducerRecord<byte[], byte[]> of(String topic, int partition, TopicPosition source, String kind, String id) {
        return new ProducerRecord<>(topic, partition, bytes(id), bytes(id), headers(source, kind, new RecordHeaders()));
    }

    static void add(Headers headers, String name, String value) {
        headers.add(name, bytes(value));
    }

    static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
