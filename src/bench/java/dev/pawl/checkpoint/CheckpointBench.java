package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Asks how fast and how large the checkpoint is, and fails where a target is missed. Run by {@code ./mvnw -Pbench test} with, if
 * wanted, {@code -Dpawl.bench.quick=true} (small files; misses nothing), {@code -Dpawl.bench.only=scan,heap},
 * {@code -Dpawl.bench.keep=true} (keeps the files for the next run) and {@code -Dpawl.bench.service=true} (starts the packaged
 * service as well, which must have been built).
 */
class CheckpointBench {

    private static final Report REPORT = new Report();

    private interface Question {
        List<Finding> run() throws Exception;
    }

    @TestFactory
    Stream<DynamicTest> checkpoint() {
        Map<String, Question> questions = new LinkedHashMap<>();
        // Those that force come first: the large files that follow keep a disk busy for a while.
        questions.put("append", AppendBench::run);
        questions.put("upkeep", UpkeepBench::run);
        questions.put("scan", ScanBench::run);
        questions.put("look-up", LookUpBench::run);
        questions.put("start", StartBench::run);
        questions.put("heap", HeapBench::run);
        if (Boolean.getBoolean("pawl.bench.service")) {
            questions.put("service", ServiceBench::run);
        }
        Set<String> only = Set.of(System.getProperty("pawl.bench.only", String.join(",", questions.keySet())).split(","));
        return questions.keySet().stream()
                .filter(only::contains)
                .map(question -> DynamicTest.dynamicTest(question, () -> ask(question, questions.get(question))));
    }

    private static void ask(String name, Question question) throws Exception {
        Files.createDirectories(Bench.DIRECTORY);
        List<Finding> findings = question.run();
        REPORT.add(name, findings);
        if (!Bench.QUICK) {
            assertThat(findings).filteredOn(Finding::missed).extracting(finding -> finding.measured().what()).as("missed").isEmpty();
        }
    }

    @AfterAll
    static void report() throws Exception {
        System.out.println(REPORT.table());
        if (!Boolean.getBoolean("pawl.bench.keep")) {
            Data.delete();
        }
    }
}
