package dev.pawl.results;

import java.nio.charset.StandardCharsets;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;

import dev.pawl.Failure;
import dev.pawl.PawlConfig;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.provider.Patience;
import dev.pawl.tracing.Tracing;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import io.opentelemetry.context.Context;
import io.smallrye.common.annotation.Identifier;

/**
 * Emits what chains made, as CloudEvents in binary mode. A result is made from its line in the checkpoint alone, so that every
 * emission of one completion is the same, its {@code ce_id} included. Only what {@link Tracing} adds to the headers, where it is on, may differ.
 *
 * @see <a href="https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md">CloudEvents' binding for Kafka</a>
 */
@Singleton
public final class Results {

    private static final String TYPE = "dev.pawl.document.completed";
    private static final int MAX_RECORD_BYTES = 104_857_600;

    private final Map<String, Object> config;
    private final String topic;
    private final ObjectWriter json;
    private final Patience patience;
    private final Tracing tracing;
    private final MeterRegistry meters;
    /** The producer may block its caller, while it learns about the topic or its buffer is full: the event loop must not be the caller. */
    private final ExecutorService sender = Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("results-sender").factory());
    /** Made for the first result: a broker that can't be reached when the process starts may be when there is one. */
    private KafkaProducer<String, byte[]> producer;
    private KafkaClientMetrics producerMetrics;

    Results(@Identifier("default-kafka-broker") Map<String, Object> connection, PawlConfig config, ObjectMapper json, Patience patience,
            Tracing tracing, MeterRegistry meters) {
        this.config = new HashMap<>(connection);
        this.config.put(ProducerConfig.CLIENT_ID_CONFIG, "pawl-results");
        this.config.put(ProducerConfig.ACKS_CONFIG, "all");
        // The broker's limit decides, not the client's.
        this.config.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, MAX_RECORD_BYTES);
        this.topic = config.topics().results();
        this.json = json.writerFor(Result.class);
        this.patience = patience;
        this.tracing = tracing;
        this.meters = meters;
    }

    /**
     * Returns when the broker has confirmed the result. Blocks; call it on a virtual thread.
     *
     * @param trace what the record is to belong to
     * @throws Failure.Raised where the broker takes no record of this size
     * @throws Patience.AbandonedException where {@code leaving} reached zero before the broker could be reached
     */
    public void emit(CheckpointLine.Done line, Context trace, CountDownLatch leaving) throws Failure.Raised, InterruptedException {
        byte[] value = value(line);
        patience.insist("Emitting the result of " + line.id(), leaving, () -> {
            try {
                return send(line, value, trace).join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof RecordTooLargeException) {
                    throw Failure.raise(Failure.Kind.RESULT_TOO_LARGE,
                            "the broker takes no record of the result's %d bytes; it stays in the checkpoint".formatted(value.length));
                }
                throw e.getCause() instanceof Exception cause ? cause : e;
            }
        });
    }

    /** Emits without waiting, once: completes when the broker has confirmed the result, or exceptionally. From any thread. */
    public CompletableFuture<Void> tryToEmit(CheckpointLine.Done line, Context trace) {
        return CompletableFuture.supplyAsync(() -> send(line, value(line), trace), sender).thenCompose(confirmed -> confirmed);
    }

    private CompletableFuture<Void> send(CheckpointLine.Done line, byte[] value, Context trace) {
        CompletableFuture<Void> confirmed = new CompletableFuture<>();
        ProducerRecord<String, byte[]> record = new ProducerRecord<>(topic, line.id(), value);
        describe(line, record.headers());
        tracing.send(trace, record.headers());
        producer().send(record, (_, failure) -> {
            if (failure == null) {
                confirmed.complete(null);
            } else {
                confirmed.completeExceptionally(failure);
            }
        });
        return confirmed;
    }

    private static void describe(CheckpointLine.Done line, Headers headers) {
        add(headers, "ce_specversion", "1.0");
        add(headers, "ce_id", completionId(line));
        add(headers, "ce_source", "/pawl/" + line.source());
        add(headers, "ce_type", TYPE);
        add(headers, "ce_subject", line.id());
        add(headers, "ce_time", DateTimeFormatter.ISO_INSTANT.format(line.ts()));
        add(headers, "content-type", "application/json");
    }

    private static void add(Headers headers, String name, String value) {
        headers.add(name, value.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * One completion is one document, completed by one record under one chain: also where an owner that did not know it had lost the
     * partition and its successor both completed it.
     */
    private static String completionId(CheckpointLine.Done line) {
        String completion = line.source() + '\n' + line.fingerprint() + '\n' + line.id();
        return UUID.nameUUIDFromBytes(completion.getBytes(StandardCharsets.UTF_8)).toString();
    }

    private byte[] value(CheckpointLine.Done line) {
        try {
            return json.writeValueAsBytes(Result.of(line));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a result of strings and numbers can always be written", e);
        }
    }

    private synchronized KafkaProducer<String, byte[]> producer() {
        if (producer == null) {
            producer = new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer());
            producerMetrics = new KafkaClientMetrics(producer);
            producerMetrics.bindTo(meters);
        }
        return producer;
    }

    @PreDestroy
    synchronized void close() {
        sender.shutdownNow();
        if (producer != null) {
            producerMetrics.close();
            producer.close();
        }
    }
}
