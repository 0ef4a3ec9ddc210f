package dev.pawl.speed;

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
 * with the same client, prompts and number in flight. Rounds take turns after some of each that do not count: for 300,000 documents
 * the JVM's compilers take up to a third of the processors, which a batch of hours does not notice.
 */
final class OverheadBench {

    private static final int IN_FLIGHT = 256;
    private static final int WARM_UP_ROUNDS = Bench.QUICK ? 1 : 3;
    private static final Duration LIMIT = Duration.ofMinutes(5);
    static final int TEXT_BYTES = 400;

    static List<Finding> run() throws Exception {
        int documents = Bench.documents(100_000, 10_000);
        String text = Site.text(TEXT_BYTES);
        double[] pawl = new double[Bench.ROUNDS];
        double[] bare = new double[Bench.ROUNDS];
        double[] pawlUs = new double[Bench.ROUNDS];
        double[] bareUs = new double[Bench.ROUNDS];
        try (TestBroker broker = TestBroker.open(Site.PARTITIONS);
                Endpoint endpoint = new Endpoint(documents * (Bench.ROUNDS + WARM_UP_ROUNDS));
                Site site = new Site(broker, endpoint, 1, IN_FLIGHT);
                // Its intake waits on topics of its own, where there is nothing.
                Site idle = new Site(broker, endpoint, 1, IN_FLIGHT);
                Program loop = Program.inPackage(BareLoop.class, BareLoop.config(idle), Map.of(
                        "KAFKA_BOOTSTRAP_SERVERS", broker.bootstrapServers(),
                        "OPENAI_BASE_URL", endpoint.baseUrl(),
                        "OPENAI_API_KEY", "a-key-for-benchmarks"))) {
            PawlProcess service = site.start();
            for (int round = -WARM_UP_ROUNDS; round < Bench.ROUNDS; round++) {
                int first = (round + WARM_UP_ROUNDS) * documents;
                double cpu = ProcessFigures.processorMs(service.pid());
                long from = site.publishWhileStopped(service, first, first + documents, document -> Site.withText(document, text));
                double seconds = (site.awaitCommitted(LIMIT) - from) / 1e9;
                cpu = ProcessFigures.processorMs(service.pid()) - cpu;

                double loopCpu = ProcessFigures.processorMs(loop.pid());
                double loopSeconds = loop.ask(Integer.toString(documents));
                loopCpu = ProcessFigures.processorMs(loop.pid()) - loopCpu;
                if (round >= 0) {
                    pawl[round] = documents / seconds;
                    bare[round] = documents / loopSeconds;
                    pawlUs[round] = cpu * 1e3 / documents;
                    bareUs[round] = loopCpu * 1e3 / documents;
                }
            }
            if (endpoint.calls() != 2L * documents * (Bench.ROUNDS + WARM_UP_ROUNDS)) {
                throw new AssertionError(endpoint.calls() + " calls");
            }
        }
        return List.of(
                Finding.atLeast(0.5,
                        Sample.rate("from topic to committed offset, %d in flight".formatted(IN_FLIGHT), "documents/s", pawl),
                        Sample.rate("the same client in a bare loop", "calls/s", bare)),
                Finding.beside(Sample.time("processor time of a document", "us", pawlUs),
                        Sample.time("of a call of the loop", "us", bareUs)));
    }

    private OverheadBench() {
    }
}
