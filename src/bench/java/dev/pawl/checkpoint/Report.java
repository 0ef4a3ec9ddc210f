package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** The findings by question, as a table for people and as JSON for programs. Written anew after each question. */
final class Report {

    private static final JsonMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final Map<String, List<Finding>> findings = new LinkedHashMap<>();

    void add(String question, List<Finding> answer) throws IOException {
        findings.put(question, answer);
        Files.writeString(Bench.DIRECTORY.resolve("checkpoint.md"), table());
        JSON.writeValue(Bench.DIRECTORY.resolve("checkpoint.json").toFile(), findings);
    }

    String table() {
        StringBuilder table = new StringBuilder("""
                %s run, %d rounds: best (median; worst). Java %s, %d processors, at most 768 MB of heap.

                | question | measured | | beside it | | ratio | target | met |
                |---|---|--:|---|--:|--:|---|---|
                """.formatted(Bench.QUICK ? "Quick (it decides nothing)" : "Full", Bench.ROUNDS, Runtime.version(),
                Runtime.getRuntime().availableProcessors()));
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
