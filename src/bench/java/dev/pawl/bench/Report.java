package dev.pawl.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** The findings by question, as a table for people and as JSON for programs. Written anew after each question. */
public final class Report {

    private static final JsonMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final String name;
    private final String conditions;
    private final Map<String, List<Finding>> findings = new LinkedHashMap<>();

    /**
     * @param name of its two files in {@code target/bench}
     * @param conditions under which all was measured, for the first line
     */
    public Report(String name, String conditions) {
        this.name = name;
        this.conditions = conditions;
    }

    void add(String question, List<Finding> answer) throws IOException {
        findings.put(question, answer);
        Files.writeString(Bench.DIRECTORY.resolve(name + ".md"), table());
        JSON.writeValue(Bench.DIRECTORY.resolve(name + ".json").toFile(), findings);
    }

    public boolean isEmpty() {
        return findings.isEmpty();
    }

    public String table() {
        StringBuilder table = new StringBuilder("""
                %s run, %d rounds: best (median; worst). Java %s, %d processors, %s.

                | question | measured | | beside it | | ratio | target | met |
                |---|---|--:|---|--:|--:|---|---|
                """.formatted(Bench.QUICK ? "Quick (it decides nothing)" : "Full", Bench.ROUNDS, Runtime.version(),
                Runtime.getRuntime().availableProcessors(), conditions));
        findings.forEach((question, answer) -> answer.forEach(finding -> table.append(row(question, finding))));
        return table.toString();
    }

    private static String row(String question, Finding finding) {
        Sample peer = finding.peer();
        return "| %s | %s | %s | %s | %s | %s | %s | %s |%n".formatted(question, finding.measured().what(), finding.measured(),
                peer == null ? "" : peer.what(), peer == null ? "" : peer, finding.ratio(), finding.target(),
                finding.met() == null ? "" : finding.met() ? "yes" : "**no**");
    }
}
