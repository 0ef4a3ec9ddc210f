package dev.pawl.speed;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

import dev.pawl.bench.Bench;
import dev.pawl.checkpoint.Checkpoint;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.OpenCheckpoints;
import dev.pawl.checkpoint.Restoration;
import dev.pawl.mirror.OpenMirror;

/** Reads partition 0 of a mirror, either onto an empty disk, as the service does, or only to count. */
public final class Restorer {

    static final String RESTORE = "restore";
    static final String COUNT = "count";
    private static final String PARTITION = "documents-0";

    private Restorer() {
    }

    /** {@code restore} or {@code count} on standard input is answered with the seconds it took. */
    public static void main(String[] arguments) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        OpenMirror mirror = OpenMirror.of(arguments[0], arguments[1], arguments[2]);
        for (String question = questions.readLine(); question != null; question = questions.readLine()) {
            long end = mirror.end(0);
            System.out.println(question.equals(RESTORE) ? restore(mirror, end) : count(mirror, arguments[2], end));
        }
    }

    private static double restore(OpenMirror mirror, long end) throws IOException {
        Path directory = Files.createTempDirectory(Bench.DIRECTORY, "restored");
        Checkpoints checkpoints = OpenCheckpoints.in(directory);
        long start = System.nanoTime();
        Checkpoint checkpoint = checkpoints.openToRestore(PARTITION);
        Restoration restoration = checkpoints.restore(checkpoint, mirror.mirror().partition(0), mirror.topicId());
        mirror.mirror().read(0, restoration.offset(), end, entry -> restoration.take(entry.value()), () -> false);
        restoration.finish(end, _ -> true);
        checkpoints.restored(PARTITION, checkpoint);
        double seconds = (System.nanoTime() - start) / 1e9;
        if (checkpoints.totals().done() != end) {
            throw new AssertionError("%d of %d are done".formatted(checkpoints.totals().done(), end));
        }
        OpenCheckpoints.close(checkpoints);
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
        return seconds;
    }

    private static double count(OpenMirror mirror, String topic, long end) {
        long start = System.nanoTime();
        try (var consumer = new KafkaConsumer<>(mirror.readerConfig(0), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partition = List.of(new TopicPartition(topic, 0));
            consumer.assign(partition);
            consumer.seekToBeginning(partition);
            for (long rest = end; rest > 0;) {
                rest -= consumer.poll(Duration.ofMillis(200)).count();
            }
            return (System.nanoTime() - start) / 1e9;
        }
    }
}
