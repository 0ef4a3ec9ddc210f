package dev.pawl.speed;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.checkpoint.DoneDocuments;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.TestBroker;

/**
 * How long it takes to bring an empty disk level with a partition of the mirror that has a million done lines, from the beginning of reading to
 * the moment when its first document may run, beside a bare consumer with the same settings that counts the same records. In turns in one
 * JVM, the first round of each does not count; and by services that were just started.
 */
final class RestoreBench {

    private static final double TIMES = 3;
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String LEVEL = "level with its mirror";

    static List<Finding> run() throws Exception {
        int documents = Bench.documents(1_000_000, 100_000);
        double[] restored = new double[Bench.ROUNDS];
        double[] counted = new double[Bench.ROUNDS];
        double[] byService = new double[Bench.ROUNDS];
        try (TestBroker broker = TestBroker.open(Site.PARTITIONS);
                Endpoint endpoint = new Endpoint(1);
                Site site = new Site(broker, endpoint, 1, 1).pods();
                Program restorer = Program.plain(Restorer.class, broker.bootstrapServers(), site.topics().documents(), site.topics().checkpoint())) {
            // Makes the topic.
            restorer.ask(Restorer.COUNT);
            long bytes = fill(site, documents);
            for (int round = -1; round < Bench.ROUNDS; round++) {
                double restoredS = restorer.ask(Restorer.RESTORE);
                double countedS = restorer.ask(Restorer.COUNT);
                if (round >= 0) {
                    restored[round] = restoredS * 1e3;
                    counted[round] = countedS * 1e3;
                    byService[round] = byService(site, "pod-" + round);
                }
            }
            Sample bare = Sample.time("a bare consumer that counts them", "ms", counted);
            return List.of(
                    Finding.atMost(TIMES, Sample.time("%,d done lines of %d bytes, restored onto an empty disk".formatted(documents, bytes / documents), "ms",
                            restored), bare),
                    Finding.beside(Sample.time("the same by a service that was just started", "ms", byService), bare));
        }
    }

    private static long fill(Site site, int documents) {
        AtomicReference<Exception> failure = new AtomicReference<>();
        long bytes = 0;
        try (var producer = new KafkaProducer<>(Map.of("bootstrap.servers", site.bootstrapServers(), "acks", "all", "batch.size", 256 << 10, "linger.ms", 5),
                new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int document = 0; document < documents; document++) {
                byte[] line = DoneDocuments.mirrored(Site.id(document), "%s-0@%d".formatted(site.topics().documents(), document));
                bytes += line.length;
                producer.send(new ProducerRecord<>(site.topics().checkpoint(), 0, Site.bytes(Site.id(document)), line),
                        (_, problem) -> failure.compareAndSet(null, problem));
            }
        }
        if (failure.get() != null) {
            throw new IllegalStateException("not every line was sent", failure.get());
        }
        return bytes;
    }

    /** From the assignment of the partition, as its log has it: making the clients and opening the file are part of it. */
    private static double byService(Site site, String pod) throws Exception {
        try (PawlProcess service = site.launchPod(pod)) {
            Site.await("level", LIMIT, () -> service.log().contains(LEVEL));
            return service.log().lines().filter(line -> line.contains(LEVEL)).findFirst()
                    .map(line -> Double.parseDouble(line.replaceFirst(".* in (\\d+) ms.*", "$1"))).orElseThrow();
        }
    }

    private RestoreBench() {
    }
}
