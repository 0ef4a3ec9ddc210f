package dev.pawl.speed;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.TestBroker;

/**
 * The same documents and chain through Pawl and through what one would write or take instead, see {@link Peer}: once to the end, and
 * once with a SIGKILL when half of the calls are answered, and a restart. In turns; a fresh process each.
 *
 * <p>All are members of their group under a fixed name, so that nobody waits for the session of the killed process. The sequential
 * loop gets a few documents only: its rate does not depend on their number.
 */
final class PeerBench {

    private static final int ROUNDS = Bench.QUICK ? 1 : 3;
    private static final Duration CALL = Duration.ofMillis(Bench.QUICK ? 300 : 1_400);
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final int TEXT_BYTES = 400;
    private static final int DOCUMENTS = Bench.documents(4_000, 1_000);
    private static final int IN_FLIGHT = Bench.documents(1_000, 250);
    private static final int SEQUENTIAL_DOCUMENTS = Bench.documents(10, 6);

    /** A process of a contestant's, however it is started. */
    private interface Running {
        long pid();

        void kill() throws Exception;
    }

    private interface Start {
        Running start(Site site) throws Exception;
    }

    private record Contestant(String name, int documents, Start start) {}

    /**
     * @param perSecond documents a second, from the first call to the last result, without a kill
     * @param calls all, with the kill; {@code answeredBefore} of them for a step whose answer had been sent to the killed process
     * @param secondLife of these calls, those of the restarted process
     * @param missing answers that the checkpoint did not hold when the process was killed
     * @param restartS from the start of the second process to its first call for a step that has no answer
     */
    private record Run(double perSecond, double peakMb, double calls, double repeated, double answeredBefore, double secondLife,
            double missing, double restartS) {}

    static List<Finding> run() throws Exception {
        List<Contestant> contestants = List.of(
                new Contestant("Pawl", DOCUMENTS, PeerBench::pawl),
                new Contestant("Parallel Consumer", DOCUMENTS, site -> peer(site, Peer.Kind.PARALLEL_CONSUMER)),
                new Contestant("consumer loop with a thread pool", DOCUMENTS, site -> peer(site, Peer.Kind.POOL)),
                new Contestant("sequential loop", SEQUENTIAL_DOCUMENTS, site -> peer(site, Peer.Kind.SEQUENTIAL)));
        SequencedMap<Contestant, List<Run>> runs = new LinkedHashMap<>();
        try (TestBroker broker = TestBroker.open(Site.PARTITIONS)) {
            for (int round = 0; round < ROUNDS; round++) {
                for (Contestant contestant : contestants) {
                    runs.computeIfAbsent(contestant, _ -> new ArrayList<>()).add(run(broker, contestant));
                }
            }
        }
        String table = table(runs);
        System.out.println(table);
        Files.writeString(Bench.DIRECTORY.resolve("peers.md"), table);
        return findings(contestants, runs);
    }

    private static Run run(TestBroker broker, Contestant contestant) throws Exception {
        int documents = contestant.documents();
        double perSecond;
        double peakMb;
        try (Endpoint endpoint = new Endpoint(documents).delay(CALL); Site site = published(broker, endpoint, documents);
                ResultsReader results = new ResultsReader(site)) {
            Running process = contestant.start().start(site);
            Site.await("calling", LIMIT, () -> endpoint.calls() > 0);
            long last = results.awaitDocuments(documents, LIMIT);
            perSecond = documents * 1e9 / (last - endpoint.firstNewCallNs());
            peakMb = ProcessFigures.peakMegabytes(process.pid());
            process.kill();
        }
        try (Endpoint endpoint = new Endpoint(documents).delay(CALL); Site site = published(broker, endpoint, documents);
                ResultsReader results = new ResultsReader(site)) {
            Running killed = contestant.start().start(site);
            Site.await("half way", LIMIT, () -> endpoint.answers() >= documents * Endpoint.STEPS.size() / 2);
            killed.kill();
            long missing = (long) documents * Endpoint.STEPS.size() - site.answersInCheckpoint();
            long restart = System.nanoTime();
            Running process = contestant.start().start(site);
            // Only now: what the killed process had sent may have come after its end, and this one still has to start Java.
            endpoint.awaitNewCall();
            long firstLife = endpoint.calls();
            Site.await("calling again", LIMIT, () -> endpoint.firstNewCallNs() > 0);
            results.awaitDocuments(documents, LIMIT);
            process.kill();
            return new Run(perSecond, peakMb, endpoint.calls(), endpoint.repeated(), endpoint.answeredBefore(),
                    endpoint.calls() - firstLife, missing, (endpoint.firstNewCallNs() - restart) / 1e9);
        }
    }

    private static Site published(TestBroker broker, Endpoint endpoint, int documents) throws IOException {
        Site site = new Site(broker, endpoint, Endpoint.STEPS.size(), IN_FLIGHT);
        String text = Site.text(TEXT_BYTES);
        site.publish(0, documents, document -> Site.withText(document, text));
        return site;
    }

    private static Running pawl(Site site) throws IOException {
        PawlProcess process = site.launch();
        return new Running() {
            @Override
            public long pid() {
                return process.pid();
            }

            @Override
            public void kill() {
                process.kill();
            }
        };
    }

    private static Running peer(Site site, Peer.Kind kind) throws IOException {
        Program program = Program.plain(Peer.class, kind, site.bootstrapServers(), site.topics().documents(), site.topics().results(),
                site.group(), site.endpoint().baseUrl(), IN_FLIGHT);
        return new Running() {
            @Override
            public long pid() {
                return program.pid();
            }

            @Override
            public void kill() throws InterruptedException {
                program.kill();
            }
        };
    }

    private static List<Finding> findings(List<Contestant> contestants, SequencedMap<Contestant, List<Run>> runs) {
        List<Run> pawl = runs.get(contestants.getFirst());
        List<Finding> findings = new ArrayList<>();
        findings.add(new Finding(
                Sample.time("calls after a kill half way", "", rounds(pawl, Run::secondLife)),
                Sample.time("answers that its checkpoint did not hold", "", rounds(pawl, Run::missing)), "", "as many",
                pawl.stream().allMatch(run -> run.secondLife() == run.missing())));
        for (Contestant peer : contestants.subList(1, contestants.size())) {
            List<Run> own = runs.get(peer);
            findings.add(Finding.beside(Sample.rate("%,d documents, %,d in flight".formatted(DOCUMENTS, IN_FLIGHT), "documents/s",
                    rounds(pawl, Run::perSecond)), Sample.rate(peer.name(), "documents/s", rounds(own, Run::perSecond))));
            findings.add(Finding.beside(Sample.time("from restart to first new call", "s", rounds(pawl, Run::restartS)),
                    Sample.time(peer.name(), "s", rounds(own, Run::restartS))));
            findings.add(Finding.beside(Sample.time("peak memory", "MB", rounds(pawl, Run::peakMb)),
                    Sample.time(peer.name(), "MB", rounds(own, Run::peakMb))));
        }
        return findings;
    }

    private static String table(SequencedMap<Contestant, List<Run>> runs) {
        StringBuilder table = new StringBuilder("""
                %,d documents, %,d in flight, two calls of %,d ms each; %d rounds, their medians.

                | | documents | documents/s | calls | repeated | of these sent an answer before | restart to new call, s | peak memory, MB |
                |---|--:|--:|--:|--:|--:|--:|--:|
                """.formatted(DOCUMENTS, IN_FLIGHT, CALL.toMillis(), ROUNDS));
        runs.forEach((contestant, own) -> table.append("| %s | %,d | %s | %s | %s | %s | %s | %s |%n".formatted(contestant.name(),
                contestant.documents(), median(own, Run::perSecond), median(own, Run::calls), median(own, Run::repeated),
                median(own, Run::answeredBefore), median(own, Run::restartS), median(own, Run::peakMb))));
        double sequentialS = DOCUMENTS / runs.sequencedValues().getLast().getFirst().perSecond();
        return table.append("%nThe sequential loop would take %.0f minutes for all of them.%n".formatted(sequentialS / 60)).toString();
    }

    private static double[] rounds(List<Run> runs, ToDoubleFunction<Run> figure) {
        return runs.stream().mapToDouble(figure).toArray();
    }

    private static String median(List<Run> runs, ToDoubleFunction<Run> figure) {
        return Sample.number(Sample.rate("", "", rounds(runs, figure)).median());
    }

    private PeerBench() {
    }
}
