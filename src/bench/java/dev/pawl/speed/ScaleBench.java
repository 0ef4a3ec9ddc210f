package dev.pawl.speed;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.TestBroker;

/**
 * How many calls a second are answered to four processes with 250 documents in flight each, beside one, by an endpoint that takes a second:
 * each process has a disk of its own, what it appends goes to the mirror as well. Only what happens between the moment when all
 * are in flight and the last documents is measured: neither starts nor rebalances. In turns, with fresh processes and topics.
 */
final class ScaleBench {

    private static final double TIMES = 3.5;
    private static final int PROCESSES = 4;
    private static final int PARTITIONS = 12;
    private static final int IN_FLIGHT = 250;
    private static final int STEPS = 1;
    private static final Duration CALL = Duration.ofSeconds(1);
    /** Until the compilers of fresh JVMs leave the processors alone. */
    private static final Duration WARM = Duration.ofSeconds(Bench.QUICK ? 5 : 15);
    private static final Duration MEASURED = Duration.ofSeconds(Bench.QUICK ? 5 : 20);
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int TEXT_BYTES = 400;

    private record Round(double callsPerSecond, double processorUs) {}

    static List<Finding> run() throws Exception {
        double[] four = new double[Bench.ROUNDS];
        double[] one = new double[Bench.ROUNDS];
        double[] fourUs = new double[Bench.ROUNDS];
        double[] oneUs = new double[Bench.ROUNDS];
        try (TestBroker broker = TestBroker.open(PARTITIONS)) {
            for (int round = 0; round < Bench.ROUNDS; round++) {
                Round ofFour = run(broker, PROCESSES);
                Round ofOne = run(broker, 1);
                four[round] = ofFour.callsPerSecond;
                one[round] = ofOne.callsPerSecond;
                fourUs[round] = ofFour.processorUs;
                oneUs[round] = ofOne.processorUs;
            }
        }
        return List.of(
                Finding.atLeast(TIMES,
                        Sample.rate("%d processes, %d in flight each, calls of 1 s, mirrored".formatted(PROCESSES, IN_FLIGHT), "calls/s", four),
                        Sample.rate("one process", "calls/s", one)),
                Finding.beside(Sample.time("processor time of a call, all processes", "us", fourUs), Sample.time("one process", "us", oneUs)));
    }

    private static Round run(TestBroker broker, int processes) throws Exception {
        int inFlight = processes * IN_FLIGHT;
        // Half as long again, since the first wait for the last process.
        int documents = (int) (inFlight * 1.5 * (WARM.plus(MEASURED).toMillis() + 15_000) / CALL.toMillis());
        String text = Site.text(TEXT_BYTES);
        try (Endpoint endpoint = new Endpoint(documents).delay(CALL);
                Site site = new Site(broker, endpoint, STEPS, IN_FLIGHT, PARTITIONS).pods()) {
            site.publish(0, documents, document -> Site.withText(document, text));
            List<PawlProcess> pods = new ArrayList<>();
            for (int pod = 0; pod < processes; pod++) {
                pods.add(site.launchPod("pod-" + pod));
            }
            Site.await("all in flight", LIMIT, () -> endpoint.calls() - endpoint.answers() >= inFlight * 9 / 10);
            long warm = System.nanoTime() + WARM.toNanos();
            Site.await("warm", LIMIT, () -> System.nanoTime() > warm);
            long from = System.nanoTime();
            long answers = endpoint.answers();
            double cpu = processorMs(pods);
            long to = Site.await("measured", LIMIT, () -> System.nanoTime() - from > MEASURED.toNanos());
            long answered = endpoint.answers() - answers;
            cpu = processorMs(pods) - cpu;
            if (endpoint.calls() == documents) {
                throw new AssertionError("%d documents were not enough".formatted(documents));
            }
            if (endpoint.repeated() > 0 || endpoint.mostInAir() > inFlight) {
                throw new AssertionError("%d calls repeated, %d in the air".formatted(endpoint.repeated(), endpoint.mostInAir()));
            }
            return new Round(answered * 1e9 / (to - from), cpu * 1e3 / answered);
        }
    }

    private static double processorMs(List<PawlProcess> pods) throws IOException {
        double sum = 0;
        for (PawlProcess pod : pods) {
            sum += ProcessFigures.processorMs(pod.pid());
        }
        return sum;
    }

    private ScaleBench() {
    }
}
