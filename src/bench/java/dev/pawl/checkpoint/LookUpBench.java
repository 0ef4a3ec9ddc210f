package dev.pawl.checkpoint;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Bench.Child;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.checkpoint.CheckpointLine.Done;

/**
 * How many documents one thread finds in a second, beside reading as many bytes at as random places of the same file. A
 * JVM of its own; rounds of hits, misses and bare reads take turns after one of each that does not count.
 */
final class LookUpBench {

    private static final int IDS = 1 << 17;
    private static final int BATCH = 512;

    static List<Finding> run() throws IOException {
        int documents = Bench.documents(1_000_000, 100_000);
        Path file = Data.withSidecar(Data.file(Data.DONE, documents));
        Child child = Child.run(LookUpBench.class, file, documents, Bench.ROUNDS, Bench.QUICK ? 300 : 1_000);
        Sample hits = Sample.rate("find a known ID", "/s", child.column(0));
        Sample hitsCpu = Sample.rate("the same", "/s of processor time", child.column(1));
        Sample misses = Sample.rate("find an unknown ID", "/s", child.column(2));
        Sample reads = Sample.rate("seek and read such a line", "/s", child.column(4));
        Sample readsCpu = Sample.rate("the same", "/s of processor time", child.column(5));
        return List.of(new Finding(hits, reads, Sample.number(hits.medianRatio(reads)), "at least 300,000/s", hits.median() >= 300_000),
                Finding.beside(hitsCpu, readsCpu), Finding.beside(misses, reads));
    }

    public static void main(String[] arguments) throws IOException {
        Path path = Path.of(arguments[0]);
        int documents = Integer.parseInt(arguments[1]);
        int rounds = Integer.parseInt(arguments[2]);
        int roundMs = Integer.parseInt(arguments[3]);
        Checkpoint checkpoint = Opening.with(new GroupCommit()).open(path);
        SplittableRandom random = new SplittableRandom(847);
        int[] chosen = random.ints(IDS, 0, documents).toArray();
        String[] known = new String[IDS];
        String[] unknown = new String[IDS];
        for (int i = 0; i < IDS; i++) {
            known[i] = Data.id(chosen[i]);
            unknown[i] = Data.id(documents + chosen[i]);
        }
        int lineBytes = LineFormat.encode(Data.done(0)).length;
        byte[] line = new byte[lineBytes];
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
            for (int round = -1; round < rounds; round++) {
                double[] hits = perSecond(roundMs, i -> {
                    if (!(checkpoint.find(known[i]).last() instanceof Done done) || !done.id().equals(known[i])) {
                        throw new AssertionError(known[i] + " was not found");
                    }
                });
                double[] misses = perSecond(roundMs, i -> {
                    if (!checkpoint.find(unknown[i]).isEmpty()) {
                        throw new AssertionError(unknown[i] + " was found");
                    }
                });
                double[] reads = perSecond(roundMs, i -> {
                    file.seek((long) chosen[i] * lineBytes);
                    file.readFully(line);
                });
                if (round >= 0) {
                    Bench.print(hits[0], hits[1], misses[0], misses[1], reads[0], reads[1]);
                }
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private interface LookUp {
        void at(int index) throws IOException;
    }

    /** By the clock, and by this thread's processor time: the second does not see what else runs on the machine. */
    private static double[] perSecond(int roundMs, LookUp lookUp) throws IOException {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long startCpu = threads.getCurrentThreadCpuTime();
        long start = System.nanoTime();
        long count = 0;
        while (System.nanoTime() - start < roundMs * 1_000_000L) {
            for (int i = 0; i < BATCH; i++) {
                lookUp.at((int) (count++ % IDS));
            }
        }
        return new double[] { count * 1e9 / (System.nanoTime() - start), count * 1e9 / (threads.getCurrentThreadCpuTime() - startCpu) };
    }

    private LookUpBench() {
    }
}
