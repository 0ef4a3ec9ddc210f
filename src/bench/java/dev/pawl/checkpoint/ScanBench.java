package dev.pawl.checkpoint;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Bench.Child;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;

/**
 * How long a start takes that has to read the whole file, beside reading it and doing nothing but count newlines. Both in
 * a fresh JVM each, as a start is, in turns; the page cache is warm.
 */
final class ScanBench {

    static List<Finding> run() throws IOException {
        List<Finding> findings = new ArrayList<>();
        findings.addAll(scan(Data.DONE, "open %,d documents, done lines only"));
        findings.addAll(scan(Data.STEP_AND_DONE, "open %,d documents, with their step lines"));
        return findings;
    }

    private static List<Finding> scan(Data.Kind kind, String what) throws IOException {
        int documents = Bench.documents(1_000_000, 100_000);
        Path file = Data.file(kind, documents);
        countNewlines(file);
        double[][] bare = new double[2][Bench.ROUNDS];
        double[][] open = new double[2][Bench.ROUNDS];
        for (int i = 0; i < Bench.ROUNDS; i++) {
            Child bareChild = Child.run(ScanBench.class, "bare", file);
            Child openChild = Child.run(ScanBench.class, "open", Data.withoutSidecar(file, "scanned.jsonl"));
            for (int clock = 0; clock < 2; clock++) {
                bare[clock][i] = bareChild.number(clock);
                open[clock][i] = openChild.number(clock);
            }
        }
        return List.of(
                Finding.atMost(3, Sample.time(what.formatted(documents), "ms", open[0]), Sample.time("count newlines", "ms", bare[0])),
                Finding.beside(Sample.time("the same, processor time", "ms", open[1]), Sample.time("processor time", "ms", bare[1])));
    }

    public static void main(String[] arguments) throws IOException {
        Path file = Path.of(arguments[1]);
        if (arguments[0].equals("bare")) {
            Bench.print(Bench.milliseconds(() -> countNewlines(file)));
        } else {
            GroupCommit groupCommit = new GroupCommit();
            // Loads the classes, which a service has done before it gets here.
            Opening.with(groupCommit).open(Data.withoutSidecar(Data.file(Data.STEP_AND_DONE, 1), "one.jsonl"));
            Bench.print(Bench.milliseconds(() -> Opening.with(groupCommit).open(file)));
        }
        // Without a sidecar: nobody waits for it.
        Runtime.getRuntime().halt(0);
    }

    private static long countNewlines(Path path) throws IOException {
        byte[] bytes = new byte[1 << 20];
        long newlines = 0;
        try (FileInputStream file = new FileInputStream(path.toFile())) {
            for (int read = file.read(bytes); read > 0; read = file.read(bytes)) {
                for (int i = 0; i < read; i++) {
                    if (bytes[i] == '\n') {
                        newlines++;
                    }
                }
            }
        }
        return newlines;
    }

    private ScanBench() {
    }
}
