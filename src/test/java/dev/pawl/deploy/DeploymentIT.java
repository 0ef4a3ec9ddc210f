package dev.pawl.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.deploy.Promql.Selector;
import dev.pawl.harness.FreePort;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Target;
import dev.pawl.harness.TestBroker;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.apps.Deployment;

/**
 * The packaged application with the variables and the files that {@code deploy/base} gives it. Only addresses, ports and keys are the
 * test's, and so its topics have their usual names, which nobody has created.
 */
class DeploymentIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String TOKEN = "a-token-for-tests";
    private static final Pattern SERIES = Pattern.compile("(?m)^([a-zA-Z_:][\\w:]*)(?:\\{(.*)})? \\S+$");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");
    /** Given by Prometheus, and not by Pawl. */
    private static final List<String> LABELS_OF_THE_TARGET = List.of("job", "instance", "namespace", "pod");

    @TempDir
    static Path directory;

    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final int MANAGEMENT_PORT = FreePort.find();
    private static Container container;
    private static TestBroker broker;
    private static ScriptedModel model;
    private static PawlProcess pawl;

    @BeforeAll
    static void start() throws IOException {
        Manifests manifests = Manifests.of("base");
        container = manifests.one(Deployment.class, "pawl").getSpec().getTemplate().getSpec().getContainers().getFirst();
        Path config = Files.createDirectories(directory.resolve("config"));
        for (Map.Entry<String, String> file : manifests.one(ConfigMap.class, "pawl-config").getData().entrySet()) {
            Files.writeString(config.resolve(file.getKey()), file.getValue());
        }
        broker = TestBroker.shared();
        model = ScriptedModel.open().matcher(prompt -> new Target(prompt.startsWith("Summarise") ? "summary" : "entities", "any"));
        pawl = process().start().awaitReady(PATIENCE);
        pawl.post("/documents", "application/json", "{\"id\":\"doc-1\",\"text\":\"Ada Byron met Grace Hopper in Turin.\"}", TOKEN);
        await().atMost(PATIENCE).until(() -> pawl.get("/documents/doc-1").body().contains("\"status\":\"done\""));
    }

    private static PawlProcess.Builder process() {
        Map<String, String> variables = new HashMap<>();
        for (EnvVar variable : container.getEnv()) {
            variables.put(variable.getName(), variable.getValue());
        }
        variables.put("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrapServers());
        variables.put("PAWL_MANAGEMENT_PORT", Integer.toString(MANAGEMENT_PORT));
        variables.put("PAWL_API_TOKEN", TOKEN);
        variables.put("OPENAI_API_KEY", "a-key-for-tests");
        variables.put("OPENAI_BASE_URL", model.baseUrl());
        // Without prices and a budget there are no metrics of them.
        variables.put("PAWL_PRICES_INPUT_PER_MILLION", "1");
        variables.put("PAWL_PRICES_OUTPUT_PER_MILLION", "2");
        variables.put("PAWL_BUDGET_MAX_COST", "1000");
        variables.put("PAWL_BUDGET_MAX_TOKENS", "1000000");
        PawlProcess.Builder builder = PawlProcess.builder().directory(directory).jvmOptions(List.of("-XX:TieredStopAtLevel=1"));
        variables.forEach(builder::env);
        return builder;
    }

    @AfterAll
    static void close() {
        pawl.close();
        model.close();
        broker.close();
        CLIENT.close();
    }

    @Test
    void documents_goThroughTheChainOfTheConfigMap() {
        assertThat(model.counts()).isEqualTo(Map.of("summary/any", 1, "entities/any", 1));
        assertThat(directory.resolve("data/checkpoint")).isDirectoryContaining("glob:**/documents-*.jsonl");
        // Quarkus says so of a key that it does not know.
        assertThat(pawl.log()).doesNotContain("Unrecognized").doesNotContain("[io.quarkus.config]").doesNotContain(" ERROR ");
    }

    @Test
    void probes_pass() {
        assertThat(Stream.of(container.getStartupProbe(), container.getReadinessProbe(), container.getLivenessProbe()).map(Probe::getHttpGet))
                .allSatisfy(probe -> assertThat(onManagementPort(probe.getPath())).isEqualTo(200));
    }

    @ParameterizedTest
    @ValueSource(strings = { "/", "/progress", "/documents/doc-1", "/q/../progress", "/q/%2e%2e/progress", "//progress", "/index.html" })
    void managementPort_askedForAnythingElse_answers404(String path) {
        assertThat(onManagementPort(path)).isEqualTo(404);
    }

    @Test
    void firstPort_answersHealthAndMetricsAsWell() {
        assertThat(Stream.of("/q/health/started", "/q/health/live", "/q/health/ready", "/q/metrics", "/q/openapi"))
                .allSatisfy(path -> assertThat(pawl.get(path).status()).isEqualTo(200));
    }

    private static int onManagementPort(String path) {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + MANAGEMENT_PORT + path)).timeout(PATIENCE).build();
            return CLIENT.send(request, BodyHandlers.discarding()).statusCode();
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Test
    void metrics_areThoseThatDashboardAndAlertsAskFor() {
        Map<String, List<Map<String, String>>> series = series(pawl.get("/q/metrics").body());

        List<Selector> selectors = Monitoring.expressions().stream().flatMap(expression -> Promql.selectors(expression).stream()).toList();
        assertThat(selectors).isNotEmpty().allSatisfy(selector -> {
            assertThat(series).containsKey(selector.metric());
            selector.labels().forEach((label, values) -> {
                if (!LABELS_OF_THE_TARGET.contains(label)) {
                    assertThat(series.get(selector.metric())).extracting(labels -> labels.get(label)).as(selector.metric() + " " + label).containsAll(values);
                }
            });
        });
    }

    private static Map<String, List<Map<String, String>>> series(String metrics) {
        Map<String, List<Map<String, String>>> series = new HashMap<>();
        for (Matcher line = SERIES.matcher(metrics); line.find();) {
            Map<String, String> labels = new HashMap<>();
            for (Matcher label = LABEL.matcher(line.group(2) == null ? "" : line.group(2)); label.find();) {
                labels.put(label.group(1), label.group(2));
            }
            series.computeIfAbsent(line.group(1), _ -> new ArrayList<>()).add(labels);
        }
        return series;
    }

    @Test
    void healthcheckOfTheImages_tellsALivingProcessFromNone() throws IOException, InterruptedException {
        assertThat(healthcheck(pawl.uri("/").getPort())).isZero();
        assertThat(healthcheck(FreePort.find())).isNotZero();
    }

    private static int healthcheck(int port) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(Path.of("src/main/docker/healthcheck.sh").toAbsolutePath().toString());
        builder.environment().put("QUARKUS_HTTP_PORT", Integer.toString(port));
        return builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    }

    @Test
    void logLines_areObjectsAndADeadLetterHasItsDocumentAsAField() throws IOException {
        pawl.post("/documents", "application/json", "{\"id\":\"doc-without-a-text\"}", TOKEN);
        await().atMost(PATIENCE).until(() -> pawl.log().contains("is a dead letter"));

        JsonMapper json = new JsonMapper();
        List<JsonNode> lines = new ArrayList<>();
        for (String line : pawl.log().lines().toList()) {
            lines.add(json.readTree(line));
        }
        assertThat(lines).allMatch(line -> line.hasNonNull("level") && line.hasNonNull("message"));
        assertThat(lines).filteredOn(line -> line.path("message").asText().contains("is a dead letter")).singleElement()
                .satisfies(line -> {
                    assertThat(line.path("mdc").path("id").asText()).isEqualTo("doc-without-a-text");
                    assertThat(line.path("mdc").path("source").asText()).matches("documents-\\d+@\\d+");
                });
    }

    @Test
    void secondProcess_onAManagementPortThatIsTaken_refusesToStart() {
        PawlProcess second = process().start();

        assertThat(second.awaitExit(PATIENCE)).isEqualTo(1);
        assertThat(second.log()).contains("pawl.management.port = " + MANAGEMENT_PORT + " is not allowed: a port that is free");
    }
}
