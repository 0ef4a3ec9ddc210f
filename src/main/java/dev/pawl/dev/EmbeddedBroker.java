package dev.pawl.dev;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Properties;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;

import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;

/**
 * A Kafka broker in this process: one node, broker and controller in one, reachable from this machine only.
 *
 * <p>What it holds survives {@link #close()} and a killed process alike, and nothing expires. One broker a directory, held by
 * a lock. {@code start} and {@code close} block until done and belong to one thread.
 */
final class EmbeddedBroker implements AutoCloseable {

    private static final String HOST = "localhost";
    /** Kafka compares it with the one written into the directory when that was formatted: it must never change. */
    private static final int NODE_ID = 1;
    private static final String FOREVER_MS = "-1";

    private final FileChannel lock;
    private final KafkaRaftServer server;
    private final int port;

    private EmbeddedBroker(FileChannel lock, KafkaRaftServer server, int port) {
        this.lock = lock;
        this.server = server;
        this.port = port;
    }

    /**
     * Answers once the broker takes requests.
     *
     * @param directory made where missing, continued with where a broker has used it before
     * @param preferredPort the port to listen on, or, where that is taken, any free one
     */
    static EmbeddedBroker start(Path directory, int preferredPort) throws IOException {
        Files.createDirectories(directory);
        FileChannel lock = lock(directory);
        try {
            int port = isFree(preferredPort) ? preferredPort : freePort();
            var config = new KafkaConfig(properties(directory, port, freePort()), false);
            if (Files.notExists(directory.resolve("meta.properties"))) {
                format(directory, config);
            }
            var server = new KafkaRaftServer(config, Time.SYSTEM);
            server.startup();
            return new EmbeddedBroker(lock, server, port);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** What a client's {@code bootstrap.servers} needs. */
    String bootstrapServers() {
        return HOST + ":" + port;
    }

    int port() {
        return port;
    }

    @Override
    public void close() throws IOException {
        server.shutdown();
        server.awaitShutdown();
        lock.close();
    }

    /** Kafka has a lock of its own, but takes it only after its controller has opened the metadata log, and thereby broken it. */
    private static FileChannel lock(Path directory) throws IOException {
        var channel = FileChannel.open(directory.resolve(".pawl.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException heldByThisProcess) {
            // Answered like one held by another.
        }
        channel.close();
        throw new IOException("Another Kafka broker uses " + directory + ": is dev mode running twice?");
    }

    private static Properties properties(Path directory, int port, int controllerPort) {
        var properties = new Properties();
        properties.put("node.id", Integer.toString(NODE_ID));
        properties.put("process.roles", "broker,controller");
        properties.put("listeners", "BROKER://%s:%d,CONTROLLER://%s:%d".formatted(HOST, port, HOST, controllerPort));
        properties.put("listener.security.protocol.map", "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT");
        properties.put("inter.broker.listener.name", "BROKER");
        properties.put("controller.listener.names", "CONTROLLER");
        properties.put("controller.quorum.voters", "%d@%s:%d".formatted(NODE_ID, HOST, controllerPort));
        properties.put("log.dirs", directory.toString());

        // A restart next month resumes as one in a minute does.
        properties.put("log.retention.ms", FOREVER_MS);
        properties.put("offsets.retention.minutes", Integer.toString(Integer.MAX_VALUE));

        // There is one broker to hold the internal topics.
        properties.put("offsets.topic.num.partitions", "1");
        properties.put("offsets.topic.replication.factor", "1");
        properties.put("transaction.state.log.num.partitions", "1");
        properties.put("transaction.state.log.replication.factor", "1");
        properties.put("transaction.state.log.min.isr", "1");

        // There is one consumer to wait for, and it is here.
        properties.put("group.initial.rebalance.delay.ms", "0");

        // A killed broker may come back as itself only after its session; the default is nine seconds of waiting.
        properties.put("broker.session.timeout.ms", "2000");
        properties.put("broker.heartbeat.interval.ms", "500");

        // The cleaner would take 128 MiB of this process's heap.
        properties.put("log.cleaner.dedupe.buffer.size", Integer.toString(2 * 1024 * 1024));
        return properties;
    }

    /** Kafka writes meta.properties last, so that a directory left half formatted is formatted again. */
    private static void format(Path directory, KafkaConfig config) throws IOException {
        try {
            new Formatter()
                    .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
                    .setClusterId(Uuid.randomUuid().toString())
                    .setNodeId(NODE_ID)
                    .setControllerListenerName("CONTROLLER")
                    .setMetadataLogDirectory(directory.toString())
                    .addDirectory(directory.toString())
                    .run();
        } catch (Exception e) {
            throw new IOException("Can't prepare " + directory + " for the Kafka broker", e);
        }
    }

    private static boolean isFree(int port) {
        try (var socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(HOST, port));
            return true;
        } catch (IOException taken) {
            return false;
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(HOST, 0));
            return socket.getLocalPort();
        }
    }
}
