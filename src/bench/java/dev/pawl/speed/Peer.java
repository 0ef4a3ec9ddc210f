package dev.pawl.speed;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;

/**
 * Programs that do Pawl's work without its checkpoint: each calls the chain for a document, emits the result, and commits the
 * offset when the broker has it, so that none loses a document. Plain Java with the JDK's HTTP client; no Quarkus to start.
 */
public final class Peer {

    enum Kind {
        /** Document after document, a commit each. */
        SEQUENTIAL,
        /** What a poll returns at once; the next poll when all of it is done and committed. */
        POOL,
        /** Confluent's library, unordered; its own defaults. */
        PARALLEL_CONSUMER
    }

    private static final JsonMapper JSON = new JsonMapper();

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final KafkaProducer<byte[], byte[]> producer;
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .executor(Executors.newVirtualThreadPerTaskExecutor()).build();
    private final String documents;
    private final String results;
    private final URI endpoint;
    private final int inFlight;

    private Peer(String bootstrapServers, String documents, String results, String group, String baseUrl, int inFlight) {
        consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", bootstrapServers, "group.id", group, "group.instance.id", group,
                "auto.offset.reset", "earliest", "enable.auto.commit", false, "max.poll.records", inFlight,
                "session.timeout.ms", 10_000, "heartbeat.interval.ms", 3_000),
                new ByteArrayDeserializer(), new ByteArrayDeserializer());
        producer = new KafkaProducer<>(Map.of("bootstrap.servers", bootstrapServers, "acks", "all"), new ByteArraySerializer(),
                new ByteArraySerializer());
        this.documents = documents;
        this.results = results;
        this.endpoint = URI.create(baseUrl + "chat/completions");
        this.inFlight = inFlight;
    }

    public static void main(String[] arguments) throws Exception {
        // Nobody reads it here, and what a library logs must not fill it.
        System.setOut(System.err);
        Peer peer = new Peer(arguments[1], arguments[2], arguments[3], arguments[4], arguments[5], Integer.parseInt(arguments[6]));
        switch (Kind.valueOf(arguments[0])) {
            case SEQUENTIAL -> peer.sequential();
            case POOL -> peer.pool();
            case PARALLEL_CONSUMER -> peer.parallelConsumer();
        }
    }

    private void sequential() throws Exception {
        consumer.subscribe(List.of(documents));
        while (true) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                run(record);
                consumer.commitSync(Map.of(new TopicPartition(record.topic(), record.partition()),
                        new OffsetAndMetadata(record.offset() + 1)));
            }
        }
    }

    private void pool() throws Exception {
        consumer.subscribe(List.of(documents));
        ExecutorService threads = Executors.newFixedThreadPool(inFlight);
        while (true) {
            List<Future<?>> running = new ArrayList<>();
            consumer.poll(Duration.ofMillis(100)).forEach(record -> running.add(threads.submit(() -> {
                run(record);
                return null;
            })));
            for (Future<?> document : running) {
                document.get();
            }
            consumer.commitSync();
        }
    }

    private void parallelConsumer() throws InterruptedException {
        var processor = ParallelStreamProcessor.createEosStreamProcessor(ParallelConsumerOptions.<byte[], byte[]>builder()
                .consumer(consumer)
                .ordering(ProcessingOrder.UNORDERED)
                .maxConcurrency(inFlight)
                .build());
        processor.subscribe(List.of(documents));
        processor.poll(context -> {
            try {
                run(context.getSingleConsumerRecord());
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        Thread.currentThread().join();
    }

    /** Returns when the broker has the result. */
    private void run(ConsumerRecord<byte[], byte[]> record) throws Exception {
        JsonNode document = JSON.readTree(record.value());
        String id = document.get("id").asText();
        ObjectNode result = JSON.createObjectNode();
        String text = document.get("text").asText();
        for (String step : Endpoint.STEPS) {
            String answer = call(Site.prompt(step, id, text));
            result.put(step, answer);
            text = answer + "\n" + text;
        }
        producer.send(new ProducerRecord<>(results, record.key(), JSON.writeValueAsBytes(result))).get();
    }

    private String call(String prompt) throws IOException, InterruptedException {
        ObjectNode request = JSON.createObjectNode().put("model", "gpt-4o-mini");
        request.withArray("messages").addObject().put("role", "user").put("content", prompt);
        HttpResponse<byte[]> response = client.send(HttpRequest.newBuilder(endpoint)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(request)))
                .build(), HttpResponse.BodyHandlers.ofByteArray());
        if (response.statusCode() != 200) {
            throw new IOException("status " + response.statusCode());
        }
        return JSON.readTree(response.body()).at("/choices/0/message/content").asText();
    }
}
