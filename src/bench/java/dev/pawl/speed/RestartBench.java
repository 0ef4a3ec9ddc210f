package dev.pawl.speed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.checkpoint.DoneDocuments;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.TestBroker;

/**
 * From the start of the process until it is ready, and until the first new call arrives at the endpoint, with 100,000 documents in the
 * checkpoint: with the AOT cache, beside the plain jar. In turns.
 */
final class RestartBench {

    private static final double SHARE = 0.5;
    private static final int ROUNDS = Bench.QUICK ? 3 : 9;
    private static final int IN_FLIGHT = 256;
    private static final Duration LIMIT = Duration.ofMinutes(1);
    /** Another package of the same sources, such as Quarkus's usual one; none unless it is named. */
    private static final String OTHER_JAR = System.getProperty("pawl.bench.other-jar");

    private record Times(double[] readyMs, double[] callMs) {
        Times() {
            this(new double[ROUNDS], new double[ROUNDS]);
        }
    }

    static List<Finding> run() throws Exception {
        int documents = Bench.documents(100_000, 10_000);
        Times cached = new Times();
        Times plain = new Times();
        Times other = new Times();
        int published = documents;
        try (TestBroker broker = TestBroker.open(Site.PARTITIONS); Endpoint endpoint = new Endpoint(2 * documents);
                Site site = new Site(broker, endpoint, Endpoint.STEPS.size(), IN_FLIGHT)) {
            allDone(site, documents);
            for (int round = 0; round < ROUNDS; round++) {
                restart(site, published++, PawlProcess.builder(), cached, round);
                restart(site, published++, PawlProcess.builder().withoutAotCache(), plain, round);
                if (OTHER_JAR != null) {
                    restart(site, published++, PawlProcess.builder().jar(Path.of(OTHER_JAR)), other, round);
                }
            }
        }
        Sample ready = Sample.time("from the process's start to ready, %,d documents in the checkpoint".formatted(documents), "ms", cached.readyMs);
        Sample call = Sample.time("to the first new call", "ms", cached.callMs);
        if (OTHER_JAR == null) {
            return List.of(Finding.atMost(SHARE, ready, Sample.time("the plain jar", "ms", plain.readyMs)),
                    Finding.atMost(SHARE, call, Sample.time("the plain jar", "ms", plain.callMs)));
        }
        return List.of(Finding.atMost(SHARE, ready, Sample.time("the plain jar", "ms", plain.readyMs)),
                Finding.atMost(SHARE, call, Sample.time("the plain jar", "ms", plain.callMs)),
                Finding.beside(ready, Sample.time("the other jar", "ms", other.readyMs)),
                Finding.beside(call, Sample.time("the other jar", "ms", other.callMs)));
    }

    private static void allDone(Site site, int documents) throws IOException {
        for (int partition = 0; partition < Site.PARTITIONS; partition++) {
            int own = partition;
            DoneDocuments.write(site.checkpointFile(partition), offset -> "elsewhere-%d@%d".formatted(own, offset),
                    offset -> Site.id(offset * Site.PARTITIONS + own), documents / Site.PARTITIONS);
        }
    }

    /** One new document waits, as many may. The process ends in order, so that the next finds the sidecars of a restart. */
    private static void restart(Site site, int document, PawlProcess.Builder builder, Times times, int round) throws Exception {
        site.publish(document, document + 1, it -> Site.withText(it, Site.text(400)));
        site.endpoint().awaitNewCall();
        long start = System.nanoTime();
        try (PawlProcess process = site.launch(builder)) {
            times.readyMs[round] = (Site.await("ready", LIMIT, () -> isReady(process)) - start) / 1e6;
            Site.await("calling", LIMIT, () -> site.endpoint().firstNewCallNs() > 0);
            times.callMs[round] = (site.endpoint().firstNewCallNs() - start) / 1e6;
            site.awaitCommitted(LIMIT);
            process.terminate();
        }
    }

    private static boolean isReady(PawlProcess process) {
        try {
            return process.get("/q/health/ready").status() == 200;
        } catch (UncheckedIOException notListening) {
            return false;
        }
    }

    private RestartBench() {
    }
}
