package dev.pawl.checkpoint;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

import dev.pawl.PawlConfig.Checkpoint.Durability;
import dev.pawl.bench.Bench;
import dev.pawl.bench.Bench.Child;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;

/**
 * How much heap an open checkpoint takes beyond an empty one, for each way its index comes into memory: from the sidecar, by
 * a scan, by appends. Each in a JVM of its own, after several collections.
 */
final class HeapBench {

    private static final double MOST_BYTES = 32;
    private static final int COLLECTIONS = 4;
    /** So many appends are on their way at a time, which is what one waits for. */
    private static final int AT_ONCE = 1_000;

    static List<Finding> run() throws IOException {
        int[] sizes = Bench.QUICK ? new int[] {30_000, 100_000} : new int[] {1_000_000, 3_000_000, 7_000_000, 10_000_000};
        double empty = Child.run(HeapBench.class, "open", Data.fresh("empty.jsonl")).number(0);
        double[] loaded = new double[sizes.length];
        double[] scanned = new double[sizes.length];
        for (int i = 0; i < sizes.length; i++) {
            Path file = Data.file(Data.SHORT, sizes[i]);
            scanned[i] = Child.run(HeapBench.class, "open", Data.withoutSidecar(file, "scanned.jsonl")).number(0);
            loaded[i] = Child.run(HeapBench.class, "open", Data.withSidecar(file)).number(0);
        }
        Path fresh = Data.fresh("appended.jsonl");
        String asked = Arrays.stream(sizes).mapToObj(Integer::toString).collect(Collectors.joining(","));
        double[] appended = Child.run(HeapBench.class, "append", fresh, asked).lines().getFirst();
        Bench.deleteCheckpoint(fresh);

        List<Finding> findings = new ArrayList<>();
        for (int i = 0; i < sizes.length; i++) {
            findings.add(finding("sidecar", sizes[i], loaded[i], empty));
            findings.add(finding("scan", sizes[i], scanned[i], empty));
            findings.add(finding("appends", sizes[i], appended[i], empty));
        }
        return findings;
    }

    private static Finding finding(String how, int documents, double used, double empty) {
        double perDocument = (used - empty) / documents;
        return new Finding(Sample.time("%,d documents by %s".formatted(documents, how), "bytes a document", perDocument),
                Sample.time("empty", "MB", empty / 1e6), "", "at most 32 bytes", perDocument <= MOST_BYTES);
    }

    public static void main(String[] arguments) throws Exception {
        GroupCommit groupCommit = new GroupCommit();
        Checkpoint checkpoint = Opening.with(groupCommit).with(Durability.OS).open(Path.of(arguments[1]));
        if (arguments[0].equals("open")) {
            // After a scan, a sidecar is being written.
            Opening.awaitUpkeep();
            Bench.print(usedAfterCollections());
        } else {
            int[] sizes = Arrays.stream(arguments[2].split(",")).mapToInt(Integer::parseInt).toArray();
            double[] used = new double[sizes.length];
            for (int i = 0; i < sizes.length; i++) {
                append(checkpoint, i == 0 ? 0 : sizes[i - 1], sizes[i]);
                used[i] = usedAfterCollections();
            }
            Bench.print(used);
        }
        Reference.reachabilityFence(checkpoint);
        Runtime.getRuntime().halt(0);
    }

    private static void append(Checkpoint checkpoint, int from, int to) throws Exception {
        for (int document = from; document < to; document++) {
            var durable = checkpoint.append(Data.shortDone(document));
            if (document % AT_ONCE == 0 || document == to - 1) {
                durable.join();
            }
        }
        Opening.awaitUpkeep();
    }

    private static double usedAfterCollections() throws InterruptedException {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < COLLECTIONS; i++) {
            System.gc();
            // For what a collection only begins, such as cleaners.
            Thread.sleep(50);
            least = Math.min(least, Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
        }
        return least;
    }

    private HeapBench() {
    }
}
