package dev.pawl.speed;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

import dev.pawl.bench.Bench;
import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.TestBroker;
import dev.pawl.harness.Topics;

/**
 * One deployment: topics, a directory, a configuration, and the packaged service as a process of its own. Broker and endpoint
 * are in this JVM, which does nothing else while something is measured.
 *
 * <p>Documents are {@code doc-0000000} and so on, on the partitions in turns.
 */
final class Site implements AutoCloseable {

    static final int PARTITIONS = 4;

    private static final Duration READY = Duration.ofSeconds(60);
    private static final Duration POLL = Duration.ofMillis(50);
    private static final String PROSE = "Ada Byron met Grace Hopper in Turin and described the Analytical Engine to her. ";

    private final int partitions;
    private final Topics topics;
    private final TestBroker broker;
    private final Endpoint endpoint;
    private final Path directory;
    private final Admin admin;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Map<String, String> config = new LinkedHashMap<>();
    private final List<PawlProcess> processes = new ArrayList<>();

    /** @param steps how many of {@link Endpoint#STEPS} the chain has */
    Site(TestBroker broker, Endpoint endpoint, int steps, int maxInFlight) throws IOException {
        this(broker, endpoint, steps, maxInFlight, PARTITIONS);
    }

    Site(TestBroker broker, Endpoint endpoint, int steps, int maxInFlight, int partitions) throws IOException {
        this.broker = broker;
        this.endpoint = endpoint;
        this.partitions = partitions;
        this.topics = broker.createTopics(partitions);
        this.directory = Files.createDirectories(Bench.DIRECTORY.resolve("service").resolve(topics.documents()));
        this.admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()));
        this.producer = new KafkaProducer<>(Map.of("bootstrap.servers", broker.bootstrapServers(), "acks", "all",
                "batch.size", 256 << 10), new ByteArraySerializer(), new ByteArraySerializer());
        // Asked for now, since it would be asked for by the first record.
        producer.partitionsFor(topics.documents());
        config.putAll(topics.config());
        config("pawl.max-in-flight", Integer.toString(maxInFlight));
        group("group-of-" + topics.documents());
        config("pawl.chain.steps", String.join(",", Endpoint.STEPS.subList(0, steps)));
        String read = "";
        for (String step : Endpoint.STEPS.subList(0, steps)) {
            Path prompt = directory.resolve(step + ".prompt");
            Files.writeString(prompt, prompt(step, "{{id}}", read + "{{document}}"));
            config("pawl.chain.step." + step + ".prompt", prompt.toString());
            read = "{{" + step + "}}\n";
        }
    }

    static String prompt(String step, String id, String text) {
        return "step=%s id=%s\n%s".formatted(step, id, text);
    }

    static String id(int document) {
        return "doc-%07d".formatted(document);
    }

    /** So many bytes; the same for all documents. */
    static String text(int bytes) {
        return PROSE.repeat(bytes / PROSE.length() + 1).substring(0, bytes);
    }

    static byte[] withText(int document, String text) {
        return bytes("{\"id\":\"%s\",\"text\":\"%s\"}".formatted(id(document), text));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    Site config(String key, String value) {
        config.put(key, value);
        return this;
    }

    /** Several processes, each with a disk of its own, and the mirror in the broker. */
    Site pods() {
        config.remove("mp.messaging.incoming.documents.group.instance.id");
        return config("pawl.checkpoint.mirror", "kafka");
    }

    /** Static membership: a restarted process need not wait for the session of the killed one to end. */
    Site group(String group) {
        config("pawl.consumer-group", group);
        return config("mp.messaging.incoming.documents.group.instance.id", "the-only-one-of-" + group);
    }

    PawlProcess start(String... jvmOptions) throws IOException {
        PawlProcess process = launch(jvmOptions);
        process.awaitReady(READY);
        return process;
    }

    /** Returns before it is ready. */
    PawlProcess launch(String... jvmOptions) throws IOException {
        return launch(PawlProcess.builder().jvmOptions(List.of(jvmOptions)));
    }

    PawlProcess launch(PawlProcess.Builder builder) throws IOException {
        return launch(builder, directory);
    }

    /** As {@link #launch(String...)}, on the disk of a pod of this name. */
    PawlProcess launchPod(String pod) throws IOException {
        return launch(PawlProcess.builder(), directory.resolve(pod));
    }

    private PawlProcess launch(PawlProcess.Builder builder, Path workingDirectory) throws IOException {
        refuseOldPackage();
        PawlProcess process = builder.directory(workingDirectory).jvmOptions(jvmOptions()).config(config)
                .env("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrapServers())
                .env("OPENAI_BASE_URL", endpoint.baseUrl())
                .env("OPENAI_API_KEY", "a-key-for-benchmarks")
                .start();
        processes.add(process);
        return process;
    }

    /** Those that {@code -Dpawl.bench.jvm-options} names, such as a profiler's, with spaces between. */
    static List<String> jvmOptions() {
        return Arrays.stream(System.getProperty("pawl.bench.jvm-options", "").split(" ")).filter(option -> !option.isBlank()).toList();
    }

    private static void refuseOldPackage() throws IOException {
        Path jar = PawlProcess.packagedJar();
        try (var sources = Files.walk(Path.of("src/main"))) {
            long newest = sources.filter(Files::isRegularFile).mapToLong(file -> file.toFile().lastModified()).max().orElseThrow();
            if (Files.notExists(jar) || jar.toFile().lastModified() < newest) {
                throw new IllegalStateException("%s is older than its sources: ./mvnw verify -DskipTests".formatted(jar));
            }
        }
    }

    /** Returns when the broker has them. */
    void publish(int from, int to, IntFunction<byte[]> value) {
        AtomicReference<Exception> failure = new AtomicReference<>();
        for (int document = from; document < to; document++) {
            producer.send(new ProducerRecord<>(topics.documents(), document % partitions, bytes(id(document)), value.apply(document)),
                    (_, problem) -> failure.compareAndSet(null, problem));
        }
        producer.flush();
        if (failure.get() != null) {
            throw new IllegalStateException("not every document was published", failure.get());
        }
    }

    /**
     * Stops the process while documents are published, so that it finds them all, as after a pause. Shorter than its session with
     * the broker, which is 10 s.
     *
     * @return {@link System#nanoTime()} when it went on
     */
    long publishWhileStopped(PawlProcess process, int from, int to, IntFunction<byte[]> value) {
        process.suspend();
        publish(from, to, value);
        process.resume();
        return System.nanoTime();
    }

    /** Records whose offsets are not committed. */
    long uncommitted() {
        try {
            Map<TopicPartition, OffsetSpec> latest = IntStream.range(0, partitions).boxed()
                    .collect(Collectors.toMap(this::partition, _ -> OffsetSpec.latest()));
            long end = admin.listOffsets(latest).all().get().values().stream().mapToLong(found -> found.offset()).sum();
            return end - admin.listConsumerGroupOffsets(group()).partitionsToOffsetAndMetadata().get().entrySet().stream()
                    .filter(entry -> entry.getKey().topic().equals(topics.documents()) && entry.getValue() != null)
                    .mapToLong(entry -> entry.getValue().offset()).sum();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private TopicPartition partition(int number) {
        return new TopicPartition(topics.documents(), number);
    }

    /** @return {@link System#nanoTime()} when all that was published is committed */
    long awaitCommitted(Duration limit) throws Exception {
        return await("committed", limit, () -> uncommitted() == 0);
    }

    /** Asks again and again, as somebody who waits outside has to. */
    static long await(String what, Duration limit, BooleanSupplier condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - start > limit.toNanos()) {
                throw new IOException("not %s after %s".formatted(what, limit));
            }
            Thread.sleep(POLL);
        }
        return System.nanoTime();
    }

    String group() {
        return config.get("pawl.consumer-group");
    }

    Topics topics() {
        return topics;
    }

    String bootstrapServers() {
        return broker.bootstrapServers();
    }

    Endpoint endpoint() {
        return endpoint;
    }

    Path directory() {
        return directory;
    }

    Map<String, String> config() {
        return Map.copyOf(config);
    }

    Path checkpointFile(int partition) throws IOException {
        return Files.createDirectories(directory.resolve("data/checkpoint"))
                .resolve("%s-%d.jsonl".formatted(topics.documents(), partition));
    }

    /** Of how many calls the checkpoint holds the answer. */
    long answersInCheckpoint() throws IOException {
        Map<String, Integer> answers = new HashMap<>();
        for (int partition = 0; partition < partitions; partition++) {
            Path file = checkpointFile(partition);
            if (Files.exists(file)) {
                CheckpointFile.read(file).stream().filter(CheckpointFile.Line::valid).forEach(line -> answers.merge(line.id(),
                        "done".equals(line.status()) ? Endpoint.STEPS.size() : 1, Math::max));
            }
        }
        return answers.values().stream().mapToInt(Integer::intValue).sum();
    }

    @Override
    public void close() throws IOException {
        processes.forEach(PawlProcess::close);
        admin.deleteTopics(List.of(topics.documents(), topics.results(), topics.deadLetters(), topics.checkpoint()));
        admin.close();
        producer.close();
        try (var files = Files.walk(directory)) {
            // Logs stay.
            for (Path file : files.filter(Files::isRegularFile).filter(file -> !file.toString().endsWith(".log")).toList()) {
                Files.delete(file);
            }
        }
    }
}
