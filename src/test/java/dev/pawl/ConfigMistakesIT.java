package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.pawl.harness.PawlProcess;

/** A configuration that can't work stops the start with one sentence: the key, its value, and what is allowed. */
@Execution(ExecutionMode.CONCURRENT)
class ConfigMistakesIT {

    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int FEW_LINES = 10;

    @TempDir
    Path directory;

    @BeforeEach
    void writeFiles() throws IOException {
        Files.writeString(directory.resolve("prompt.txt"), "{{document}}");
        Files.writeString(directory.resolve("unknown-variable.txt"), "{{document}} {{verdict}}");
        Files.writeString(directory.resolve("broken.json"), "{\"type\":");
        Files.writeString(directory.resolve("no-schema.json"), "{\"type\":\"strin\"}");
        Files.writeString(directory.resolve("a-file"), "");
    }

    @ParameterizedTest(name = "{0}={1}")
    @CsvSource(delimiter = '|', emptyValue = "", quoteCharacter = '\'', textBlock = """
            pawl.chain.steps                         | ''                    | at least one step
            pawl.chain.steps                         | summary,summary       | twice
            pawl.chain.steps                         | document              | a step's name is a letter
            pawl.chain.step.summary.prompt           | nowhere.txt           | no such file
            pawl.chain.step.summary.prompt           | unknown-variable.txt  | {{verdict}} is unknown; a prompt may use [document, id, metadata]
            pawl.chain.step.entities.schema          | broken.json           | must hold a JSON Schema
            pawl.chain.step.entities.schema          | no-schema.json        | must hold a JSON Schema
            pawl.chain.step.summary.temperature      | 7.5                   | a number from 0 to 2
            pawl.chain.step.summary.temperature      | warm                  | a number
            pawl.chain.step.summary.output           | yaml                  | text or json
            pawl.chain.step.summary.promt            | prompt.txt            | prompt
            pawl.chain.on-change                     | maybe                 | keep or reprocess
            pawl.checkpoint.directory                | a-file/x              | a directory that this process may create and write
            pawl.checkpoint.durability               | maybe                 | fsync or os
            pawl.max-in-flight                       | 0                     | a whole number from 1 to 10000
            pawl.max-in-flight                       | abc                   | a whole number
            pawl.max-in-flight                       | ''                    | a whole number
            pawl.max-in-flight                       | 10001                 | a whole number from 1 to 10000
            pawl.provider.limits.share               | 1.5                   | above 0 and at most 1
            pawl.provider.limits.share               | half                  | a number
            pawl.max-inflight                        | 3                     | max-in-flight
            pawl.shutdown.drain                      | soon                  | a duration such as 500ms, 30s or 5m
            pawl.documents.location                  | file:texts/all.txt    | {id}
            pawl.documents.location                  | ftp://host/{id}       | file:, http: or https:
            pawl.documents.max-bytes                 | lots                  | a size such as 512K or 1M
            pawl.documents.max-bytes                 | 0                     | 1 byte to 1G
            pawl.topics.results                      | a topic               | letters, digits
            pawl.management.port                     | 0                     | a port from 1 to 65535
            pawl.tracing.content                     | yes please            | true or false
            otel.exporter.otlp.endpoint              | collector:4318        | http: or https: URL
            pawl.budget.max-tokens                   | lots                  | a whole number
            pawl.budget.max-cost                     | 10                    | needs the price of gpt-4o-mini, the model of step summary
            """)
    void start_impossibleValue_refused(String key, String value, String allowed) {
        assertRefused(start(Map.of(), Map.of(key, value)), key, value.isEmpty() ? "(nothing)" : value, allowed);
    }

    @Test
    void start_stepWithoutPrompt_refused() {
        assertRefused(start(Map.of(), Map.of("pawl.chain.steps", "summary,verdict")), "pawl.chain.step.verdict.prompt", "(nothing)", "needs a prompt file");
    }

    @Test
    void start_jsonStepWithoutSchema_refused() {
        PawlProcess pawl = start(Map.of(), Map.of("pawl.chain.steps", "verdict", "pawl.chain.step.verdict.prompt", "prompt.txt",
                "pawl.chain.step.verdict.output", "json"));

        assertRefused(pawl, "pawl.chain.step.verdict.schema", "(nothing)", "needs the file of its JSON Schema");
    }

    @ParameterizedTest
    @ValueSource(strings = { "nonsense", "host:99999", "host:9092,", "" })
    void start_impossibleBrokers_refused(String brokers) {
        assertRefused(start(Map.of("KAFKA_BOOTSTRAP_SERVERS", brokers), Map.of()), "KAFKA_BOOTSTRAP_SERVERS",
                brokers.isEmpty() ? "(nothing)" : brokers, "host:port");
    }

    @Test
    void start_impossibleValueInTheEnvironment_refused() {
        assertRefused(start(Map.of("PAWL_CHAIN_ON_CHANGE", "maybe"), Map.of()), "pawl.chain.on-change", "maybe", "keep or reprocess");
    }

    /** Kubernetes sets such variables for every service it knows, and a service may well be called pawl. */
    @Test
    void start_foreignVariablesInTheEnvironment_arePassedOver() {
        PawlProcess pawl = start(Map.of("PAWL_SERVICE_HOST", "10.0.0.1", "PAWL_PORT_8080_TCP", "tcp://10.0.0.1:8080", "PAWL_PORT", "tcp://10.0.0.1"),
                Map.of("pawl.max-in-flight", "0"));

        assertRefused(pawl, "pawl.max-in-flight", "0", "a whole number from 1 to 10000");
    }

    @Test
    void start_noKeyForOpenAi_refused() {
        PawlProcess pawl = PawlProcess.builder().directory(directory).env("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1").start();

        assertRefused(pawl, "OPENAI_API_KEY", "(nothing)", "OPENAI_BASE_URL");
    }

    @Test
    void start_emptyVariables_countAsNotSet() {
        PawlProcess pawl = start(Map.of("OPENAI_API_KEY", "", "OPENAI_BASE_URL", ""), Map.of());

        assertRefused(pawl, "OPENAI_API_KEY", "(nothing)", "OPENAI_BASE_URL");
    }

    private PawlProcess start(Map<String, String> environment, Map<String, String> config) {
        PawlProcess.Builder builder = PawlProcess.builder().directory(directory)
                .env("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
                .env("OPENAI_API_KEY", "a-key-for-tests")
                .jvmOptions(List.of("-XX:TieredStopAtLevel=1"))
                .config(config);
        environment.forEach(builder::env);
        return builder.start();
    }

    private static void assertRefused(PawlProcess pawl, String key, String value, String allowed) {
        try (pawl) {
            assertThat(pawl.awaitExit(LIMIT)).as("exit status").isNotZero();
            assertThat(pawl.log().lines().filter(line -> line.contains(key)).toList())
                    .as(pawl.log()).singleElement()
                    .asString().contains(key, " = " + value + " is not allowed: ", allowed);
            assertThat(pawl.log().lines().toList()).as(pawl.log()).hasSizeLessThan(FEW_LINES);
            assertThat(pawl.log()).doesNotContain("SRCFG", "Exception");
        }
    }
}
