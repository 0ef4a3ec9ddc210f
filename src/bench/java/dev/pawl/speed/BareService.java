package dev.pawl.speed;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import io.quarkus.arc.Arc;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;

/**
 * What the contract asks for each document, in its order, and nothing else: read the record, call the model, append a line that is forced to
 * the disk together with those that wait, emit, and commit when all are through. It looks nothing up, counts nothing and survives no
 * fault. With the service's own client in the service's own process, whose intake idles, as {@link BareLoop}.
 */
public final class BareService implements QuarkusApplication {

    private static final String DOCUMENTS = "bare.documents";
    private static final String RESULTS = "bare.results";
    private static final String FILE = "bare.file";

    private record Line(byte[] bytes, CompletableFuture<Void> durable) {}

    private final String results = System.getProperty(RESULTS);
    private final ObjectMapper json = new ObjectMapper();
    private final BlockingQueue<Line> lines = new LinkedBlockingQueue<>();

    /**
     * @param idle whose topics the process's own intake waits on
     * @param site whose topics this program reads and writes
     */
    static Map<String, String> config(Site idle, Site site) {
        Map<String, String> config = new HashMap<>(BareLoop.config(idle));
        config.put(DOCUMENTS, site.topics().documents());
        config.put(RESULTS, site.topics().results());
        config.put(FILE, site.directory().resolve("lines.jsonl").toString());
        return config;
    }

    public static void main(String[] arguments) {
        Quarkus.run(BareService.class, arguments);
    }

    /** A number on standard input is so many documents that are there to be read; answered with the seconds until their offsets were committed. */
    @Override
    public int run(String... arguments) throws Exception {
        ChatModel model = Arc.container().instance(ChatModel.class).get();
        int inFlight = Integer.getInteger("pawl.max-in-flight");
        String documents = System.getProperty(DOCUMENTS);
        String broker = System.getenv("KAFKA_BOOTSTRAP_SERVERS");
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        Thread.ofPlatform().daemon().start(this::write);
        Map<String, Object> reading = Map.of("bootstrap.servers", broker, "group.id", "bare-service", "enable.auto.commit", "false",
                "auto.offset.reset", "earliest", "max.poll.records", "2000");
        Map<String, Object> writing = Map.of("bootstrap.servers", broker, "acks", "all");
        try (var consumer = new KafkaConsumer<>(reading, new ByteArrayDeserializer(), new ByteArrayDeserializer());
                var producer = new KafkaProducer<>(writing, new ByteArraySerializer(), new ByteArraySerializer());
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            consumer.assign(consumer.partitionsFor(documents).stream().map(found -> new TopicPartition(documents, found.partition())).toList());
            Semaphore free = new Semaphore(inFlight);
            for (String count = questions.readLine(); count != null; count = questions.readLine()) {
                long start = System.nanoTime();
                for (int rest = Integer.parseInt(count); rest > 0;) {
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                        free.acquire();
                        rest--;
                        threads.execute(() -> {
                            complete(record, model, producer);
                            free.release();
                        });
                    }
                }
                free.acquire(inFlight);
                Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>();
                consumer.assignment().forEach(partition -> read.put(partition, new OffsetAndMetadata(consumer.position(partition))));
                consumer.commitSync(read);
                System.out.println((System.nanoTime() - start) / 1e9);
                free.release(inFlight);
            }
        }
        return 0;
    }

    private void complete(ConsumerRecord<byte[], byte[]> record, ChatModel model, KafkaProducer<byte[], byte[]> producer) {
        try {
            JsonNode document = json.readTree(record.value());
            String id = document.get("id").textValue();
            String prompt = Site.prompt(Endpoint.STEPS.getFirst(), id, document.get("text").textValue());
            String answer = model.chat(ChatRequest.builder().messages(UserMessage.from(prompt)).build()).aiMessage().text();
            byte[] result = json.writeValueAsBytes(Map.of("id", id, "result", answer,
                    "source", record.topic() + "/" + record.partition() + "@" + record.offset()));
            Line line = new Line(result, new CompletableFuture<>());
            lines.add(line);
            line.durable().join();
            CompletableFuture<Void> confirmed = new CompletableFuture<>();
            producer.send(new ProducerRecord<>(results, record.key(), result), (_, failure) -> {
                if (failure == null) {
                    confirmed.complete(null);
                } else {
                    confirmed.completeExceptionally(failure);
                }
            });
            confirmed.join();
        } catch (IOException | RuntimeException e) {
            end(e);
        }
    }

    private void write() {
        try (FileChannel file = FileChannel.open(Path.of(System.getProperty(FILE)), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            List<Line> group = new ArrayList<>();
            while (true) {
                group.add(lines.take());
                lines.drainTo(group);
                ByteBuffer bytes = ByteBuffer.allocate(group.stream().mapToInt(line -> line.bytes().length + 1).sum());
                group.forEach(line -> bytes.put(line.bytes()).put((byte) '\n'));
                bytes.flip();
                while (bytes.hasRemaining()) {
                    file.write(bytes);
                }
                file.force(false);
                group.forEach(line -> line.durable().complete(null));
                group.clear();
            }
        } catch (IOException | InterruptedException e) {
            end(e);
        }
    }

    /** Whoever asked would wait for ever. */
    private static void end(Exception failure) {
        failure.printStackTrace();
        Runtime.getRuntime().halt(1);
    }
}
