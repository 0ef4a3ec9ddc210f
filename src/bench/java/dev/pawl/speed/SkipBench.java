package dev.pawl.speed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;

import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.checkpoint.DoneDocuments;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.TestBroker;

/**
 * How many documents a second pass that are done already, the first million of a process: after a crash it is a new one. Beside
 * {@link BareCounter}, a consumer that counts as many records, the first of its process as well; both have been connected before. The
 * service has its AOT cache, as shipped, and the counter none.
 *
 * <ul>
 * <li>Published again, under other offsets: skipped. And how fast that is once the JVM's compilers are done, which takes three million of them.
 * <li>Delivered again, since the committed offsets were lost: their stored results are emitted again. Beside {@link BareRelay}, which emits
 * as many without looking anything up. Only the last four fifths count, so that it is no start that is measured.
 * </ul>
 */
final class SkipBench {

    private static final double SHARE = 0.2;
    private static final int IN_FLIGHT = 256;
    /** For what is compared once the JVM's compilers are done. */
    private static final int WARM_UP_ROUNDS = Bench.QUICK ? 1 : 3;
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final JsonMapper JSON = new JsonMapper();

    static List<Finding> run() throws Exception {
        int documents = Bench.documents(1_000_000, 100_000);
        double[] skipped = new double[Bench.ROUNDS];
        double[] committed = new double[Bench.ROUNDS];
        double[] counted = new double[Bench.ROUNDS];
        double[] skippedWarm = new double[Bench.ROUNDS];
        double[] countedWarm = new double[Bench.ROUNDS];
        double[] repeated = new double[Bench.ROUNDS];
        double[] relayed = new double[Bench.ROUNDS];
        try (TestBroker broker = TestBroker.open(Site.PARTITIONS);
                Endpoint endpoint = new Endpoint(documents);
                Site skipping = new Site(broker, endpoint, 1, IN_FLIGHT);
                Site repeating = new Site(broker, endpoint, 1, IN_FLIGHT);
                Program warmCounter = counter(broker, repeating);
                Program relay = Program.plain(BareRelay.class, broker.bootstrapServers(), repeating.topics().documents(),
                        repeating.topics().results())) {
            allDone(skipping, "elsewhere", documents);
            allDone(repeating, repeating.topics().documents(), documents);
            publish(repeating, documents);
            for (int round = 0; round < Bench.ROUNDS; round++) {
                try (PawlProcess skipper = start(skipping)) {
                    long from = publishAgain(skipping, skipper, documents);
                    skipped[round] = rate(documents, from, awaitSkipped(skipper, documents));
                    committed[round] = rate(documents, from, skipping.awaitCommitted(LIMIT));
                }
                try (Program counter = counter(broker, repeating)) {
                    counted[round] = documents / counter.ask(Integer.toString(documents));
                }
            }
            try (PawlProcess skipper = start(skipping)) {
                for (int round = -WARM_UP_ROUNDS; round < Bench.ROUNDS; round++) {
                    long from = publishAgain(skipping, skipper, documents);
                    double rate = rate(documents, from, awaitSkipped(skipper, (round + WARM_UP_ROUNDS + 1L) * documents));
                    skipping.awaitCommitted(LIMIT);
                    double counterRate = documents / warmCounter.ask(Integer.toString(documents));
                    if (round >= 0) {
                        skippedWarm[round] = rate;
                        countedWarm[round] = counterRate;
                    }
                }
            }
            // Last: a gigabyte of results each time keeps the disk busy for a while.
            for (int round = 0; round < Bench.ROUNDS; round++) {
                repeated[round] = repeat(repeating.group("group-%d-of-%s".formatted(round, repeating.topics().documents())), documents);
                relayed[round] = documents / relay.ask(Integer.toString(documents));
            }
            if (endpoint.calls() > 0) {
                throw new AssertionError(endpoint.calls() + " calls for documents that were done");
            }
        }
        Sample bare = Sample.rate("a bare consumer that counts them", "records/s", counted);
        Sample skips = Sample.rate("%,d done documents published again: skipped".formatted(documents), "documents/s", skipped);
        Sample repeats = Sample.rate("delivered again: stored results emitted again", "documents/s", repeated);
        return List.of(
                Finding.atLeast(SHARE, skips, bare),
                Finding.beside(Sample.rate("the same until committed, which is due once a second", "documents/s", committed), bare),
                Finding.beside(Sample.rate("skipped, once %,d were".formatted(WARM_UP_ROUNDS * documents), "documents/s", skippedWarm),
                        Sample.rate("counted, once as many were", "records/s", countedWarm)),
                Finding.atLeast(SHARE, repeats, Sample.rate("a bare loop that consumes them and emits as much for each", "records/s", relayed)),
                Finding.beside(repeats, bare));
    }

    private static PawlProcess start(Site site) throws IOException {
        return site.start().awaitOwning(Site.PARTITIONS, LIMIT);
    }

    private static Program counter(TestBroker broker, Site site) throws IOException {
        return Program.plain(BareCounter.class, broker.bootstrapServers(), site.topics().documents());
    }

    private static long publishAgain(Site site, PawlProcess service, int documents) {
        return site.publishWhileStopped(service, 0, documents, document -> Site.bytes(Site.id(document)));
    }

    private static long awaitSkipped(PawlProcess service, long documents) throws Exception {
        return Site.await("skipped", LIMIT, () -> passed(service, "skipped") >= documents);
    }

    private static double rate(int documents, long from, long to) {
        return documents * 1e9 / (to - from);
    }

    private static void allDone(Site site, String topic, int documents) throws IOException {
        for (int partition = 0; partition < Site.PARTITIONS; partition++) {
            int own = partition;
            DoneDocuments.write(site.checkpointFile(partition), offset -> "%s-%d@%d".formatted(topic, own, offset),
                    offset -> Site.id(offset * Site.PARTITIONS + own), documents / Site.PARTITIONS);
        }
    }

    private static void publish(Site site, int documents) {
        site.publish(0, documents, document -> Site.bytes(Site.id(document)));
    }

    private static double repeat(Site site, int documents) throws Exception {
        try (PawlProcess service = site.launch()) {
            Site.await("repeating", LIMIT, () -> passed(service, "repeated") >= documents / 5);
            long from = System.nanoTime();
            long before = passed(service, "repeated");
            long to = Site.await("repeated", LIMIT, () -> passed(service, "repeated") == documents);
            return (documents - before) * 1e9 / (to - from);
        }
    }

    private static long passed(PawlProcess service, String how) {
        try {
            return JSON.readTree(service.get("/progress").body()).path("documents").path(how).asLong();
        } catch (UncheckedIOException notListening) {
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private SkipBench() {
    }
}
