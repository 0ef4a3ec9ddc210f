package dev.pawl.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;

/** What GitHub reads of this repository. */
class GitHubTest {

    static Stream<Path> workflows() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(".github/workflows"))) {
            return files.toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void workflow_fitsItsSchema(Path file) {
        assertThat(Yaml.violations(Yaml.read(file), "github-workflows.json")).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void workflow_hasTheLeastRightsAndAnEnd(Path file) {
        JsonNode workflow = Yaml.read(file);

        assertThat(workflow.get("permissions")).hasToString("{\"contents\":\"read\"}");
        assertThat(workflow.get("concurrency").get("group").asText()).contains("github.ref");
        assertThat(workflow.get("jobs")).isNotEmpty().allSatisfy(job -> {
            assertThat(job.path("timeout-minutes").asInt()).isBetween(1, 60);
            assertThat(job.has("permissions")).isFalse();
            assertThat(job.get("runs-on").asText()).doesNotContain("latest");
        });
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void workflow_usesActionsAndImagesOfExactVersions(Path file) {
        JsonNode workflow = Yaml.read(file);

        assertThat(workflow.findValuesAsText("uses")).isNotEmpty().allSatisfy(action -> assertThat(action).matches("[\\w-]+/[\\w-]+@v\\d+\\.\\d+\\.\\d+"));
        String prometheus = Yaml.read(Path.of("docker-compose.yml")).at("/services/prometheus/image").asText();
        assertThat(workflow.toString()).contains(prometheus + " check rules").doesNotContain(":latest");
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void workflow_buildsTheFilesThatAreThere(Path file) {
        JsonNode image = Yaml.read(file).at("/jobs/image");

        List<String> kinds = image.at("/strategy/matrix/kind").valueStream().map(JsonNode::asText).toList();
        assertThat(image.toString()).contains("src/main/docker/Dockerfile.${{ matrix.kind }}");
        assertThat(kinds).isNotEmpty().allSatisfy(kind -> assertThat(Path.of("src/main/docker/Dockerfile." + kind)).exists());
    }

    @Test
    void dependabot_fitsItsSchema() {
        assertThat(Yaml.violations(Yaml.read(Path.of(".github/dependabot.yml")), "dependabot.json")).isEmpty();
    }
}
