package dev.pawl.harness;

import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Utils;

import io.smallrye.reactive.messaging.kafka.companion.test.EmbeddedKafkaBroker;

/**
 * A real Kafka broker in this JVM, on 127.0.0.1; or a cluster of them, of which the first is the controller, too, with every topic on up to three
 * of them, of which two have to confirm a record.
 *
 * <p>Address and data survive {@link #stop()} and {@link #start()}; {@link #close()} deletes the data. A group's first
 * rebalance is not delayed. Methods may be called from any thread; {@code stop}, {@code start} and {@code close} from one
 * at a time.
 */
public final class TestBroker implements AutoCloseable {

    private static final int DEFAULT_PARTITIONS = 4;

    /** Held, since the log manager may forget a logger that nobody holds, and its level with it. */
    private static final List<Logger> QUIET = Stream.of("kafka", "org.apache.kafka", "state.change.logger")
            .map(Logger::getLogger)
            .toList();

    /**
     * One client for each broker, by its address. Tests ask for offsets many times a second while they wait, and a client for each question
     * takes far longer than its answer.
     */
    private static final Map<String, Admin> ADMINS = new ConcurrentHashMap<>();

    private final String bootstrapServers;
    private final int partitions;
    /** None in a handle to the shared broker, which nobody may stop. */
    private final List<EmbeddedKafkaBroker> nodes;
    private final Path data;

    private TestBroker(String bootstrapServers, int partitions, List<EmbeddedKafkaBroker> nodes, Path data) {
        this.bootstrapServers = bootstrapServers;
        this.partitions = partitions;
        this.nodes = nodes;
        this.data = data;
    }

    /** Starts a broker of the test's own, whose topics have 4 partitions. */
    public static TestBroker open() {
        return open(DEFAULT_PARTITIONS);
    }

    /** Starts a broker of the test's own, whose topics have {@code partitions} partitions unless they ask for another number. */
    public static TestBroker open(int partitions) {
        return open(partitions, 1, Map.of());
    }

    /**
     * The same of several nodes, or with settings of the test's own.
     *
     * @param settings of every node, by Kafka's names
     */
    public static TestBroker open(int partitions, int nodes, Map<String, String> settings) {
        QUIET.forEach(logger -> logger.setLevel(Level.WARNING));
        Path data;
        try {
            data = Files.createTempDirectory("pawl-broker-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<Integer> ports = Stream.generate(FreePort::find).distinct().limit(nodes + 1L).toList();
        String clusterId = Uuid.randomUuid().toString();
        var broker = new TestBroker(
                ports.stream().limit(nodes).map(port -> "127.0.0.1:" + port).collect(Collectors.joining(",")),
                partitions,
                IntStream.range(0, nodes)
                        .mapToObj(node -> node(node, clusterId, ports.get(node), ports.getLast(), properties -> {
                            properties.put("log.dirs", data.resolve("node-" + node).toString());
                            properties.put("num.partitions", Integer.toString(partitions));
                            List.of("default", "offsets.topic", "transaction.state.log")
                                    .forEach(topics -> properties.put(topics + ".replication.factor", Integer.toString(Math.min(nodes, 3))));
                            properties.put("min.insync.replicas", Integer.toString(Math.min(nodes, 2)));
                            properties.put("group.initial.rebalance.delay.ms", "0");
                            // One that leaves without a word may not come back before its session ends, 9 s later.
                            properties.put("controlled.shutdown.enable", "true");
                            properties.putAll(settings);
                        }))
                        .toList(),
                data);
        broker.start();
        return broker;
    }

    private static EmbeddedKafkaBroker node(int node, String clusterId, int port, int controllerPort, Consumer<Properties> settings) {
        return new EmbeddedKafkaBroker()
                .withNodeId(node)
                .withClusterId(clusterId)
                .withKafkaHost("127.0.0.1")
                .withKafkaPort(port)
                .withControllerPort(controllerPort)
                .withDeleteLogDirsOnClose(false)
                .withAdditionalProperties(properties -> {
                    properties.put("controller.quorum.voters", "0@127.0.0.1:" + controllerPort);
                    if (node > 0) {
                        properties.put("process.roles", "broker");
                        properties.put("listeners", Stream.of(properties.getProperty("listeners").split(","))
                                .filter(listener -> !listener.endsWith(":" + controllerPort)).collect(Collectors.joining(",")));
                    }
                    settings.accept(properties);
                });
    }

    /**
     * The one broker of this JVM, started when first asked for and closed with the JVM. It refuses {@link #stop()} and
     * {@link #start()}; {@link #close()} leaves it running.
     *
     * <p>Quarkus loads test classes anew for every test profile, and closes those class loaders before the JVM ends. The
     * broker therefore lives in the system class loader's copy of this class, whoever asks.
     */
    public static TestBroker shared() {
        try {
            Object address = Class.forName(TestBroker.class.getName(), true, ClassLoader.getSystemClassLoader())
                    .getMethod("sharedBootstrapServers")
                    .invoke(null);
            return new TestBroker((String) address, DEFAULT_PARTITIONS, List.of(), null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** For {@link #shared()} alone; public since it is called across class loaders. */
    public static String sharedBootstrapServers() {
        return Shared.BROKER.bootstrapServers;
    }

    private static final class Shared {
        static final TestBroker BROKER = open();

        static {
            Runtime.getRuntime().addShutdownHook(new Thread(BROKER::close, "close-shared-broker"));
        }
    }

    public String bootstrapServers() {
        return bootstrapServers;
    }

    /** Starts the broker again where it was; returns when it takes requests. No effect on a running one. */
    public void start() {
        own().forEach(TestBroker::start);
    }

    private static void start(EmbeddedKafkaBroker node) {
        KafkaClassLoader.with(node::start);
    }

    /** Stops the broker; connections break, data stays. No effect on a stopped one. */
    public void stop() {
        // The controller last: it is asked whether the others may go.
        own().reversed().stream().filter(EmbeddedKafkaBroker::isRunning).forEach(EmbeddedKafkaBroker::close);
    }

    /** How many brokers there are. */
    public int nodes() {
        return own().size();
    }

    /** Stops one of several and starts it again; returns when all of them have all that they should have. */
    public void restart(int node) {
        own().get(node).close();
        start(own().get(node));
        await().atMost(Duration.ofSeconds(60)).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(50))
                .ignoreExceptions()
                .until(() -> get(admin().describeTopics(get(admin().listTopics().names())).allTopicNames()).values().stream()
                        .flatMap(topic -> topic.partitions().stream())
                        .allMatch(partition -> partition.isr().size() == partition.replicas().size()));
    }

    /** Stops the broker for good and deletes its data. */
    @Override
    public void close() {
        if (nodes.isEmpty()) {
            return;
        }
        Admin admin = ADMINS.remove(bootstrapServers);
        if (admin != null) {
            admin.close();
        }
        stop();
        try {
            Utils.delete(new File(data.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<EmbeddedKafkaBroker> own() {
        if (nodes.isEmpty()) {
            throw new UnsupportedOperationException("the shared broker serves other tests; open() one of your own to stop it");
        }
        return nodes;
    }

    /** Creates three topics under names no other test has. */
    public Topics createTopics() {
        return createTopics(partitions);
    }

    public Topics createTopics(int partitions) {
        String test = UUID.randomUUID().toString().substring(0, 8);
        var topics = new Topics("documents-" + test, "document-results-" + test, "document-dead-letters-" + test, partitions);
        createTopics(partitions, topics.documents(), topics.results(), topics.deadLetters());
        return topics;
    }

    /**
     * Creates topics of these names; returns when every partition has its leader, and the leader knows. Records that come before that may be
     * refused while later ones of the same producer are taken, which makes the former's sequence numbers impossible for good.
     */
    public void createTopics(int partitions, String... names) {
        Set<String> wanted = Set.of(names);
        get(admin().createTopics(wanted.stream().map(name -> new NewTopic(name, Optional.of(partitions), Optional.empty())).toList()).all());
        await().atMost(Duration.ofSeconds(30)).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(20))
                .ignoreExceptions()
                .until(() -> get(admin().describeTopics(wanted).allTopicNames()).values().stream()
                        .flatMap(topic -> topic.partitions().stream())
                        .allMatch(partition -> partition.leader() != null && !partition.leader().isEmpty()));
        wanted.forEach(this::endOffsets);
    }

    /** Gives a topic more partitions. */
    public void addPartitions(String topic, int count) {
        get(admin().createPartitions(Map.of(topic, NewPartitions.increaseTo(count))).all());
    }

    /** Deletes a partition's records before this offset, as retention does. */
    public void deleteRecords(String topic, int partition, long before) {
        get(admin().deleteRecords(Map.of(new TopicPartition(topic, partition), RecordsToDelete.beforeOffset(before))).all());
    }

    /** The offset a group would read next, by partition; partitions it has committed nothing for are absent. */
    public Map<Integer, Long> committed(String group, String topic) {
        return byPartition(
                get(admin().listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata()),
                partition -> partition.topic().equals(topic),
                offset -> offset == null ? null : offset.offset());
    }

    /** The offset of the first record that is still there, by partition. */
    public Map<Integer, Long> startOffsets(String topic) {
        return offsets(topic, OffsetSpec.earliest());
    }

    /** The offset the next record will get, by partition. */
    public Map<Integer, Long> endOffsets(String topic) {
        return offsets(topic, OffsetSpec.latest());
    }

    private Map<Integer, Long> offsets(String topic, OffsetSpec spec) {
        int count = get(admin().describeTopics(List.of(topic)).allTopicNames()).get(topic).partitions().size();
        Map<TopicPartition, OffsetSpec> wanted = IntStream.range(0, count).boxed()
                .collect(Collectors.toMap(partition -> new TopicPartition(topic, partition), _ -> spec));
        return byPartition(get(admin().listOffsets(wanted).all()), _ -> true, found -> found.offset());
    }

    private static <T> Map<Integer, Long> byPartition(Map<TopicPartition, T> offsets, Predicate<TopicPartition> wanted,
            Function<T, Long> offset) {
        var sorted = new TreeMap<Integer, Long>();
        offsets.forEach((partition, value) -> {
            Long number = wanted.test(partition) ? offset.apply(value) : null;
            if (number != null) {
                sorted.put(partition.partition(), number);
            }
        });
        return sorted;
    }

    private Admin admin() {
        return ADMINS.computeIfAbsent(bootstrapServers, servers -> KafkaClassLoader.with(() -> Admin.create(Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, servers,
                AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, 20_000,
                AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, 10_000,
                AdminClientConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 200))));
    }

    private static <T> T get(KafkaFuture<T> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }
}
