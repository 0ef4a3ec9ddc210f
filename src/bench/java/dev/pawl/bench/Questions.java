package dev.pawl.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;

/** Questions by name, each a test that fails where a target is missed, unless the run is a quick one. */
public final class Questions {

    @FunctionalInterface
    public interface Question {
        List<Finding> ask() throws Exception;
    }

    private final Report report;
    private final Map<String, Question> questions = new LinkedHashMap<>();

    public Questions(Report report) {
        this.report = report;
    }

    public Questions add(String name, Question question) {
        questions.put(name, question);
        return this;
    }

    /** All, or those that {@code -Dpawl.bench.only} names, with commas between. */
    public Stream<DynamicTest> tests() {
        Set<String> only = Set.of(System.getProperty("pawl.bench.only", String.join(",", questions.keySet())).split(","));
        return questions.keySet().stream().filter(only::contains).map(name -> DynamicTest.dynamicTest(name, () -> ask(name)));
    }

    private void ask(String name) throws Exception {
        Files.createDirectories(Bench.DIRECTORY);
        List<Finding> findings = questions.get(name).ask();
        report.add(name, findings);
        if (!Bench.QUICK) {
            assertThat(findings).filteredOn(Finding::missed).extracting(finding -> finding.measured().what()).as("missed").isEmpty();
        }
    }
}
