package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Bench.Child;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;

/** How long a start takes that reads the sidecar: a large checkpoint beside a small one, in fresh JVMs, in turns. */
final class StartBench {

    private static final double TIMES = 1.5;
    private static final double PLUS_MS = 300;

    static List<Finding> run() throws IOException {
        int few = Bench.documents(10_000, 1_000);
        int many = Bench.documents(10_000_000, 100_000);
        Path small = Data.withSidecar(Data.file(Data.SHORT, few));
        Path large = Data.withSidecar(Data.file(Data.SHORT, many));
        double[][] processMs = new double[2][Bench.ROUNDS];
        double[][] openMs = new double[2][Bench.ROUNDS];
        double[][] openCpuMs = new double[2][Bench.ROUNDS];
        for (int i = 0; i < Bench.ROUNDS; i++) {
            for (int size = 0; size < 2; size++) {
                Child child = Child.run(StartBench.class, size == 0 ? small : large);
                processMs[size][i] = child.untilAnswerMs();
                openMs[size][i] = child.number(0);
                openCpuMs[size][i] = child.number(1);
            }
        }
        return List.of(
                compared(Sample.time("from process start to %,d documents open".formatted(many), "ms", processMs[1]),
                        Sample.time("%,d documents".formatted(few), "ms", processMs[0])),
                Finding.beside(Sample.time("of that, open", "ms", openMs[1]), Sample.time("open", "ms", openMs[0])),
                Finding.beside(Sample.time("open, processor time", "ms", openCpuMs[1]),
                        Sample.time("open, processor time", "ms", openCpuMs[0])));
    }

    /** The large one may take half as long again, and 0.3 s. */
    static Finding compared(Sample large, Sample small) {
        double limit = TIMES * small.median() + PLUS_MS;
        return new Finding(large, small, Sample.number(large.median() / small.median()),
                "at most 1.5 times and 0.3 s: %s ms".formatted(Sample.number(limit)), large.median() <= limit);
    }

    public static void main(String[] arguments) throws IOException {
        GroupCommit groupCommit = new GroupCommit();
        Bench.print(Bench.milliseconds(() -> Opening.with(groupCommit).open(Path.of(arguments[0]))));
        // Not closed: the sidecar stays as it is.
        Runtime.getRuntime().halt(0);
    }

    private StartBench() {
    }
}
