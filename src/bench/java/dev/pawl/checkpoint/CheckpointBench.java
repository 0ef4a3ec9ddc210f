package dev.pawl.checkpoint;

import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

import dev.pawl.bench.Questions;
import dev.pawl.bench.Report;

/**
 * Asks how fast and how large the checkpoint is, and fails where a target is missed. Run by {@code ./mvnw -Pbench test} with, if
 * wanted, {@code -Dpawl.bench.quick=true} (small files; misses nothing), {@code -Dpawl.bench.only=scan,heap},
 * {@code -Dpawl.bench.keep=true} (keeps the files for the next run) and {@code -Dpawl.bench.service=true} (starts the packaged
 * service as well, which must have been built).
 */
class CheckpointBench {

    private static final Report REPORT = new Report("checkpoint", "at most 768 MB of heap");

    @TestFactory
    Stream<DynamicTest> checkpoint() {
        // Those that force come first: the large files that follow keep a disk busy for a while.
        Questions questions = new Questions(REPORT)
                .add("append", AppendBench::run)
                .add("upkeep", UpkeepBench::run)
                .add("scan", ScanBench::run)
                .add("look-up", LookUpBench::run)
                .add("start", StartBench::run)
                .add("heap", HeapBench::run);
        if (Boolean.getBoolean("pawl.bench.service")) {
            questions.add("service", ServiceBench::run);
        }
        return questions.tests();
    }

    @AfterAll
    static void report() throws Exception {
        if (REPORT.isEmpty()) {
            return;
        }
        System.out.println(REPORT.table());
        if (!Boolean.getBoolean("pawl.bench.keep")) {
            Data.delete();
        }
    }
}
