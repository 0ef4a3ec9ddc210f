package dev.pawl.speed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.TestBroker;

/**
 * Whether a heap of 256 MB holds while a million documents wait, 1,000 are in flight, and each has a text of 4 KB: the heap
 * after collections, from the log of the collector, and documents a second, of the first, the middle and the last tenth.
 */
final class MemoryBench {

    private static final int HEAP_MB = 256;
    private static final int IN_FLIGHT = 1_000;
    private static final int TEXT_BYTES = 4_096;
    private static final Duration LIMIT = Duration.ofMinutes(30);
    private static final Duration SAMPLE = Duration.ofMillis(250);
    private static final Pattern COLLECTION = Pattern.compile("\\[([0-9.]+)s].* (\\d+)M->(\\d+)M\\(\\d+M\\)");

    private record Collection(double atS, int beforeMb, int afterMb) {}

    /** @param atS since the process was made */
    private record Passed(double atS, long documents) {}

    static List<Finding> run() throws Exception {
        int documents = Bench.documents(1_000_000, 50_000);
        String text = Site.text(TEXT_BYTES);
        try (TestBroker broker = TestBroker.open(Site.PARTITIONS);
                Endpoint endpoint = new Endpoint(documents);
                Site site = new Site(broker, endpoint, 1, IN_FLIGHT)) {
            site.publish(0, documents, document -> Site.withText(document, text));
            Path log = site.directory().resolve("gc.log");
            long start = System.nanoTime();
            PawlProcess service = site.launch("-Xmx%dm".formatted(HEAP_MB), "-XX:+ExitOnOutOfMemoryError",
                    "-Xlog:gc:file=%s:uptime:filecount=0".formatted(log));
            List<Passed> passed = new ArrayList<>();
            while (endpoint.answers() < documents) {
                double atS = (System.nanoTime() - start) / 1e9;
                if (!service.isAlive() || atS > LIMIT.toSeconds()) {
                    throw new IOException("%,d of %,d documents after %.0f s, alive: %s".formatted(endpoint.answers(), documents, atS,
                            service.isAlive()));
                }
                passed.add(new Passed(atS, endpoint.answers()));
                Thread.sleep(SAMPLE);
            }
            double seconds = (site.awaitCommitted(LIMIT) - start) / 1e9;
            double residentMb = ProcessFigures.peakMegabytes(service.pid());
            service.close();
            return findings(documents, endpoint, passed, collections(log), seconds, residentMb);
        }
    }

    private static List<Finding> findings(int documents, Endpoint endpoint, List<Passed> passed, List<Collection> collections,
            double seconds, double residentMb) {
        boolean once = endpoint.calls() == documents && endpoint.repeated() == 0;
        String what = "%,d documents of 4 KB, %,d in flight, all committed".formatted(documents, IN_FLIGHT);
        double[] first = tenth(0, passed, collections, documents);
        double[] middle = tenth(5, passed, collections, documents);
        double[] last = tenth(9, passed, collections, documents);
        return List.of(
                new Finding(Sample.rate(what, "documents/s", documents / seconds), null, "",
                        "each called once, with %d MB of heap".formatted(HEAP_MB), once),
                Finding.beside(Sample.time("least heap after a collection, last tenth", "MB", last[1]),
                        Sample.time("first tenth", "MB", first[1])),
                Finding.beside(Sample.time("the same, middle tenth", "MB", middle[1]), Sample.time("first tenth", "MB", first[1])),
                Finding.beside(Sample.time("peak heap, last tenth", "MB", last[0]), Sample.time("first tenth", "MB", first[0])),
                Finding.beside(Sample.rate("calls, last tenth", "/s", last[2]), Sample.rate("first tenth", "/s", first[2])),
                Finding.beside(Sample.rate("calls, middle tenth", "/s", middle[2]), Sample.rate("first tenth", "/s", first[2])),
                Finding.plain(Sample.time("peak memory of that process", "MB", residentMb)));
    }

    /** Most megabytes before a collection, least after one, and calls a second, while this tenth of the documents passed. */
    private static double[] tenth(int tenth, List<Passed> passed, List<Collection> collections, int documents) {
        Passed from = at((long) documents * tenth / 10, passed);
        Passed to = at((long) documents * (tenth + 1) / 10, passed);
        List<Collection> during = collections.stream().filter(c -> c.atS() >= from.atS() && c.atS() <= to.atS()).toList();
        return new double[] { during.stream().mapToInt(Collection::beforeMb).max().orElse(0),
                during.stream().mapToInt(Collection::afterMb).min().orElse(0),
                (to.documents() - from.documents()) / (to.atS() - from.atS()) };
    }

    private static Passed at(long documents, List<Passed> passed) {
        return passed.stream().filter(sample -> sample.documents() >= Math.max(1, documents)).findFirst().orElse(passed.getLast());
    }

    private static List<Collection> collections(Path log) throws IOException {
        List<Collection> collections = new ArrayList<>();
        for (String line : Files.readAllLines(log)) {
            Matcher collection = COLLECTION.matcher(line);
            if (collection.find()) {
                collections.add(new Collection(Double.parseDouble(collection.group(1)), Integer.parseInt(collection.group(2)),
                        Integer.parseInt(collection.group(3))));
            }
        }
        return collections;
    }

    private MemoryBench() {
    }
}
