package dev.pawl.speed;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.TestBroker;

/**
 * How many documents a second pass, from topic to committed offset, when the endpoint answers at once, beside {@link BareLoop}
 * with the same client, prompts and number in flight; and beside {@link BareService}, which says what the effects themselves take. Rounds
 * take turns after some of each that do not count: for 300,000 documents the JVM's compilers take up to a third of the processors, which a
 * batch of hours does not notice.
 */
final class OverheadBench {

    private static final int IN_FLIGHT = 256;
    private static final int WARM_UP_ROUNDS = Bench.QUICK ? 1 : 3;
    private static final int CONTESTANTS = 3;
    private static final Duration LIMIT = Duration.ofMinutes(5);
    static final int TEXT_BYTES = 400;

    @FunctionalInterface
    private interface Round {
        /** @return seconds */
        double pass() throws Exception;
    }

    /** What one side's rounds came to: documents a second, and microseconds of processor time for each. */
    private record Side(long pid, double[] rates, double[] processorUs) {

        Side(long pid) {
            this(pid, new double[Bench.ROUNDS], new double[Bench.ROUNDS]);
        }

        /** Counts from round 0 on. */
        void run(int round, int documents, Round pass) throws Exception {
            double processorMs = ProcessFigures.processorMs(pid);
            double seconds = pass.pass();
            processorMs = ProcessFigures.processorMs(pid) - processorMs;
            if (round >= 0) {
                rates[round] = documents / seconds;
                processorUs[round] = processorMs * 1e3 / documents;
            }
        }
    }

    static List<Finding> run() throws Exception {
        int documents = Bench.documents(100_000, 10_000);
        int allDocuments = documents * (Bench.ROUNDS + WARM_UP_ROUNDS);
        String text = Site.text(TEXT_BYTES);
        try (TestBroker broker = TestBroker.open(Site.PARTITIONS);
                Endpoint endpoint = new Endpoint(allDocuments);
                Site site = new Site(broker, endpoint, 1, IN_FLIGHT);
                Site bareSite = new Site(broker, endpoint, 1, IN_FLIGHT);
                // Intakes wait on topics of their own, where there is nothing.
                Site idle = new Site(broker, endpoint, 1, IN_FLIGHT);
                Site idleToo = new Site(broker, endpoint, 1, IN_FLIGHT);
                Program loop = start(BareLoop.class, BareLoop.config(idle), site);
                Program bareService = start(BareService.class, BareService.config(idleToo, bareSite), site)) {
            PawlProcess service = site.start();
            Side pawl = new Side(service.pid());
            Side bare = new Side(loop.pid());
            Side effects = new Side(bareService.pid());
            for (int round = -WARM_UP_ROUNDS; round < Bench.ROUNDS; round++) {
                int first = (round + WARM_UP_ROUNDS) * documents;
                pawl.run(round, documents, () -> {
                    long from = site.publishWhileStopped(service, first, first + documents, document -> Site.withText(document, text));
                    return (site.awaitCommitted(LIMIT) - from) / 1e9;
                });
                bare.run(round, documents, () -> loop.ask(Integer.toString(documents)));
                bareSite.publish(first, first + documents, document -> Site.withText(document, text));
                effects.run(round, documents, () -> bareService.ask(Integer.toString(documents)));
            }
            if (endpoint.calls() != (long) CONTESTANTS * allDocuments) {
                throw new AssertionError(endpoint.calls() + " calls");
            }
            return findings(pawl, bare, effects);
        }
    }

    private static Program start(Class<?> main, Map<String, String> config, Site site) throws IOException {
        return Program.inPackage(main, config, Map.of(
                "KAFKA_BOOTSTRAP_SERVERS", site.bootstrapServers(),
                "OPENAI_BASE_URL", site.endpoint().baseUrl(),
                "OPENAI_API_KEY", "a-key-for-benchmarks"));
    }

    private static List<Finding> findings(Side pawl, Side bare, Side effects) {
        Sample documents = Sample.rate("from topic to committed offset, %d in flight".formatted(IN_FLIGHT), "documents/s", pawl.rates());
        Sample processor = Sample.time("processor time of a document", "us", pawl.processorUs());
        return List.of(
                Finding.atLeast(0.5, documents, Sample.rate("the same client in a bare loop", "calls/s", bare.rates())),
                Finding.beside(processor, Sample.time("of a call of the loop", "us", bare.processorUs())),
                Finding.beside(documents, Sample.rate("the effects alone: read, call, append, emit, commit", "documents/s", effects.rates())),
                Finding.beside(processor, Sample.time("of the effects alone", "us", effects.processorUs())),
                Finding.beside(Sample.rate("the effects alone", "documents/s", effects.rates()),
                        Sample.rate("the same client in a bare loop", "calls/s", bare.rates())));
    }

    private OverheadBench() {
    }
}
