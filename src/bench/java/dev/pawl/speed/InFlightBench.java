package dev.pawl.speed;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.TestBroker;

/**
 * How long documents take whose chain is two calls of 1.4 s, from publishing the first to the last one's result, when as many
 * are in flight as the configuration allows: beside what the calls alone take. One process; the first batch does not count.
 */
final class InFlightBench {

    private static final Duration CALL = Duration.ofMillis(1_400);
    private static final double TIMES = 1.3;
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int TEXT_BYTES = 400;

    static List<Finding> run() throws Exception {
        List<Finding> findings = new ArrayList<>();
        try (TestBroker broker = TestBroker.open(Site.PARTITIONS)) {
            findings.addAll(run(broker, Bench.documents(1_000, 200), Bench.documents(1_000, 200)));
            findings.addAll(run(broker, Bench.documents(4_000, 800), Bench.documents(2_000, 400)));
        }
        return findings;
    }

    private static List<Finding> run(TestBroker broker, int documents, int inFlight) throws Exception {
        double[] resultS = new double[Bench.ROUNDS];
        double[] committedS = new double[Bench.ROUNDS];
        double[] firstCallS = new double[Bench.ROUNDS];
        double[] callsS = new double[Bench.ROUNDS];
        Arrays.fill(callsS, CALL.toMillis() / 1e3 * Endpoint.STEPS.size() * documents / inFlight);
        String text = Site.text(TEXT_BYTES);
        try (Endpoint endpoint = new Endpoint(documents * (Bench.ROUNDS + 1)).delay(CALL);
                Site site = new Site(broker, endpoint, Endpoint.STEPS.size(), inFlight);
                ResultsReader results = new ResultsReader(site)) {
            PawlProcess service = site.start();
            for (int round = -1; round < Bench.ROUNDS; round++) {
                int first = (round + 1) * documents;
                endpoint.awaitNewCall();
                long from = System.nanoTime();
                site.publish(first, first + documents, document -> Site.withText(document, text));
                long result = results.awaitDocuments(first + documents, LIMIT);
                long committed = site.awaitCommitted(LIMIT);
                if (round >= 0) {
                    resultS[round] = (result - from) / 1e9;
                    firstCallS[round] = (endpoint.firstNewCallNs() - from) / 1e9;
                    committedS[round] = (committed - from) / 1e9;
                }
            }
            if (endpoint.repeated() > 0 || endpoint.mostInAir() > inFlight) {
                throw new AssertionError("%d calls repeated, %d in the air".formatted(endpoint.repeated(), endpoint.mostInAir()));
            }
            int inARow = Endpoint.STEPS.size() * documents / inFlight;
            Sample calls = Sample.time("%d calls of 1.4 s, one after the other".formatted(inARow), "s", callsS);
            String what = "%,d documents, %,d in flight, to the last result".formatted(documents, inFlight);
            return List.of(
                    Finding.atMost(TIMES, Sample.time(what, "s", resultS), calls),
                    Finding.beside(Sample.time("to the last commit, which is due once a second", "s", committedS), calls),
                    Finding.plain(Sample.time("from publishing to the first call", "s", firstCallS)),
                    Finding.plain(Sample.time("peak memory of that process", "MB", ProcessFigures.peakMegabytes(service.pid()))));
        }
    }

    private InFlightBench() {
    }
}
