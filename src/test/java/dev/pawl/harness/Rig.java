package dev.pawl.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * Pawl with everything around it: a broker with topics of its own, a scripted model, a directory. Processes started here
 * one after the other share them, as the lives of one deployment do. The chain has two steps, {@code summary} and
 * {@code entities}, whose prompts name step and document for the scripted model.
 */
public final class Rig implements AutoCloseable {

    public static final Duration READY = Duration.ofSeconds(60);
    public static final List<String> STEPS = List.of("summary", "entities");

    /** The second would take a third of the processor time of each start, for code that is not run often enough to repay it. */
    private static final String FIRST_COMPILER_ALONE = "-XX:TieredStopAtLevel=1";

    private final TestBroker broker;
    private final Topics topics;
    private final Path directory;
    private final ScriptedModel model = ScriptedModel.open();
    private final Publisher publisher;
    private final Reader reader;
    private final Map<String, String> config = new LinkedHashMap<>();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private final List<String> jvmOptions = new ArrayList<>(List.of(FIRST_COMPILER_ALONE));
    private final List<PawlProcess> processes = new ArrayList<>();
    private int port;

    public Rig(TestBroker broker, Path directory) {
        this(broker, directory, 4);
    }

    public Rig(TestBroker broker, Path directory, int partitions) {
        this.broker = broker;
        this.topics = broker.createTopics(partitions);
        this.directory = directory;
        this.publisher = new Publisher(broker.bootstrapServers());
        this.reader = new Reader(broker.bootstrapServers());
        config.putAll(topics.config());
        config.put("pawl.consumer-group", "group-of-" + topics.documents());
        // Static membership: the group does not wait for a killed member's session to end.
        config.put("mp.messaging.incoming.documents.group.instance.id", "the-only-one");
        // A commit waits for the poll that is under way, by default for up to a second.
        config.put("mp.messaging.incoming.documents.poll-timeout", "50");
        config.put("pawl.provider.backoff", "20ms");
        config.put("pawl.provider.max-backoff", "200ms");
        config.put("pawl.documents.location", "file:" + directory.resolve("texts") + "/{id}.txt");
        config.put("pawl.chain.step.summary.prompt", write("summary.prompt", "step=summary id={{id}}\n{{document}}").toString());
        config.put("pawl.chain.step.entities.prompt",
                write("entities.prompt", "step=entities id={{id}}\n{{summary}}\n{{document}}").toString());
    }

    public Rig config(String key, String value) {
        config.put(key, value);
        return this;
    }

    /** A variable, for the processes started after this. */
    public Rig env(String name, String value) {
        environment.put(name, value);
        return this;
    }

    public Rig without(String key) {
        config.remove(key);
        return this;
    }

    /** For processes whose rate is measured: with all that the JVM has. */
    public Rig longLived() {
        jvmOptions.remove(FIRST_COMPILER_ALONE);
        return this;
    }

    /** Lets all processes listen where the first does, as those of a deployment do. */
    public Rig samePort() {
        port = FreePort.find();
        return this;
    }

    /** An option of the JVM's own, for the processes started after this. */
    public Rig jvmOption(String option) {
        jvmOptions.add(option);
        return this;
    }

    /** Writes a file below the rig's directory. */
    public Path write(String name, String content) {
        try {
            Path file = directory.resolve(name);
            Files.createDirectories(file.getParent());
            return Files.writeString(file, content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A document's text, where {@code pawl.documents.location} finds it. */
    public void text(String id, String text) {
        write("texts/" + id + ".txt", text);
    }

    /** {@code doc-0000} and so on, each with a text. */
    public List<String> texts(int count) {
        List<String> ids = IntStream.range(0, count).mapToObj("doc-%04d"::formatted).toList();
        ids.forEach(id -> text(id, "This is the text of " + id + "."));
        return ids;
    }

    /** Starts a process and returns before it is ready. */
    public PawlProcess launch() {
        return launchIn(directory);
    }

    /** The same as a pod with a disk of its own, which is there again when a pod of this name starts again. */
    public PawlProcess launch(String pod) {
        return launchIn(directory.resolve(pod));
    }

    private PawlProcess launchIn(Path workingDirectory) {
        PawlProcess.Builder builder = PawlProcess.builder()
                .directory(workingDirectory)
                .port(port)
                .env("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrapServers())
                // As most people write it: without a slash at the end.
                .env("OPENAI_BASE_URL", model.baseUrl().replaceFirst("/$", ""))
                .env("OPENAI_API_KEY", "a-key-for-tests")
                .config(config)
                .jvmOptions(jvmOptions);
        environment.forEach(builder::env);
        PawlProcess process = builder.start();
        processes.add(process);
        return process;
    }

    public PawlProcess start() {
        return launch().awaitReady(READY);
    }

    public PawlProcess start(String pod) {
        return launch(pod).awaitReady(READY);
    }

    /** Returns when all partitions are this process's and taken over: ready it is before it has joined its group. */
    public PawlProcess startOwningAll() {
        return awaitOwningAll(start());
    }

    public PawlProcess awaitOwningAll(PawlProcess ready) {
        return ready.awaitOwning(topics.partitions(), READY);
    }

    public void publish(List<String> ids) {
        publisher.publishIds(topics.documents(), ids.stream());
    }

    /** Publishes to a partition of the test's choice, with the ID as key; a null value is a tombstone. */
    public RecordMetadata publish(int partition, String id, String value) {
        return publisher.publish(new ProducerRecord<>(topics.documents(), partition, id.getBytes(StandardCharsets.UTF_8),
                value == null ? null : value.getBytes(StandardCharsets.UTF_8)));
    }

    public List<ConsumerRecord<byte[], byte[]>> results() {
        return reader.readAll(topics.results());
    }

    public List<ConsumerRecord<byte[], byte[]>> deadLetters() {
        return reader.readAll(topics.deadLetters());
    }

    /** The emissions of one document, in their order. */
    public List<ConsumerRecord<byte[], byte[]>> results(String id) {
        return results().stream().filter(result -> id.equals(Reader.text(result.key()))).toList();
    }

    /** The dead letters with this key, in their order. */
    public List<ConsumerRecord<byte[], byte[]>> deadLetters(String key) {
        return deadLetters().stream().filter(letter -> key.equals(Reader.text(letter.key()))).toList();
    }

    /** The lines of all partitions' checkpoints, as they are on the disk now. */
    public List<CheckpointFile.Line> checkpoint() {
        return checkpointIn(directory);
    }

    /** The same on a pod's own disk. */
    public List<CheckpointFile.Line> checkpointOf(String pod) {
        return checkpointIn(directory.resolve(pod));
    }

    private List<CheckpointFile.Line> checkpointIn(Path workingDirectory) {
        List<CheckpointFile.Line> lines = new ArrayList<>();
        for (int partition = 0; partition < topics.partitions(); partition++) {
            try {
                lines.addAll(CheckpointFile.read(workingDirectory.resolve("data/checkpoint/%s-%d.jsonl".formatted(topics.documents(), partition))));
            } catch (UncheckedIOException e) {
                if (!(e.getCause() instanceof NoSuchFileException)) {
                    throw e;
                }
            }
        }
        return lines;
    }

    public Path checkpointFile(int partition) {
        return directory.resolve("data/checkpoint/%s-%d.jsonl".formatted(topics.documents(), partition));
    }

    public Stream<CheckpointFile.Line> checkpoint(String status) {
        return checkpoint().stream().filter(line -> line.valid() && status.equals(line.status()));
    }

    /** Records whose offsets are not committed yet. */
    public long uncommitted() {
        Map<Integer, Long> starts = broker.startOffsets(topics.documents());
        Map<Integer, Long> committed = broker.committed(group(), topics.documents());
        return broker.endOffsets(topics.documents()).entrySet().stream()
                .mapToLong(end -> end.getValue() - Math.max(starts.get(end.getKey()), committed.getOrDefault(end.getKey(), 0L)))
                .sum();
    }

    /** The offset that the next life would begin at. */
    public long committed(int partition) {
        return broker.committed(group(), topics.documents()).getOrDefault(partition, 0L);
    }

    /** Returns when every record that was published is acknowledged. */
    public void awaitAllCommitted() {
        await().atMost(READY).pollInterval(Duration.ofMillis(50)).untilAsserted(() -> assertThat(uncommitted()).as("uncommitted").isZero());
    }

    public ScriptedModel model() {
        return model;
    }

    public Publisher publisher() {
        return publisher;
    }

    public Topics topics() {
        return topics;
    }

    public TestBroker broker() {
        return broker;
    }

    /** The consumer group of its processes. */
    public String group() {
        return config.get("pawl.consumer-group");
    }

    @Override
    public void close() {
        processes.forEach(PawlProcess::close);
        model.close();
        publisher.close();
    }
}
