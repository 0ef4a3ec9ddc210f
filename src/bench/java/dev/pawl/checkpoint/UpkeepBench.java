package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Bench.Child;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;

/**
 * How long one caller waits for an append, and for the longest, while the whole of a file of 200 MB is copied by a compaction,
 * beside the same without. A JVM of its own; rounds take turns after one of each that does not count.
 */
final class UpkeepBench {

    private static final int FILE_BYTES = 200_000_000;

    private static int nextDocument;

    static List<Finding> run() throws IOException {
        int documents = (Bench.QUICK ? FILE_BYTES / 10 : FILE_BYTES) / LineFormat.encode(Data.done(0)).length;
        Path file = Data.fresh("compacted.jsonl");
        Files.copy(Data.file(Data.DONE, documents), file, StandardCopyOption.REPLACE_EXISTING);
        Child child = Child.run(UpkeepBench.class, file, documents, Bench.ROUNDS);
        Bench.deleteCheckpoint(file);
        return List.of(
                Finding.beside(Sample.time("median of an append during compaction", "ms", child.column(3)),
                        Sample.time("median without", "ms", child.column(0))),
                Finding.beside(Sample.time("p99 of an append during compaction", "ms", child.column(4)),
                        Sample.time("p99 without", "ms", child.column(1))),
                Finding.beside(Sample.time("longest append during compaction", "ms", child.column(5)),
                        Sample.time("longest without", "ms", child.column(2))),
                new Finding(Sample.time("that compaction", "ms", child.column(6)), null, "", "", null));
    }

    public static void main(String[] arguments) throws Exception {
        nextDocument = Integer.parseInt(arguments[1]);
        int rounds = Integer.parseInt(arguments[2]);
        Checkpoint checkpoint = Opening.with(new GroupCommit()).open(Path.of(arguments[0]));
        Opening.awaitUpkeep();
        for (int round = -1; round < rounds; round++) {
            double[] without = appendWhile(checkpoint, CompletableFuture.runAsync(() -> { },
                    CompletableFuture.delayedExecutor(1, TimeUnit.SECONDS)));
            long from = System.nanoTime();
            double[] during = appendWhile(checkpoint, CompletableFuture.runAsync(() -> compact(checkpoint)));
            double compactionMs = (System.nanoTime() - from) / 1e6;
            if (round >= 0) {
                Bench.print(without[0], without[1], without[2], during[0], during[1], during[2], compactionMs);
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private static void compact(Checkpoint checkpoint) {
        try {
            new Compaction(checkpoint, Disk.REAL, new Retention(null, null), () -> false).run();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Median, p99 and maximum of an append, in milliseconds. */
    private static double[] appendWhile(Checkpoint checkpoint, CompletableFuture<Void> running) {
        List<Double> waitedMs = new ArrayList<>();
        while (!running.isDone()) {
            CheckpointLine line = Data.done(nextDocument++);
            long from = System.nanoTime();
            checkpoint.append(line).join();
            waitedMs.add((System.nanoTime() - from) / 1e6);
        }
        running.join();
        double[] sorted = waitedMs.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return new double[] { sorted[sorted.length / 2], sorted[sorted.length * 99 / 100], sorted[sorted.length - 1] };
    }

    private UpkeepBench() {
    }
}
