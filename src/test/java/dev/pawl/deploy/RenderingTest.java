package dev.pawl.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** {@link Kustomization} against the real one. It alone is skipped where there is none: all other tests render by themselves. */
class RenderingTest {

    private static final Pattern VERSION = Pattern.compile("Kustomize Version: v(\\d+)");
    private static final Pattern HASHED = Pattern.compile("\\bpawl-config-[a-z0-9]{10}\\b");

    @BeforeAll
    static void findKubectl() throws InterruptedException {
        int version = 0;
        try {
            version = VERSION.matcher(run("kubectl", "version", "--client")).results()
                    .map(found -> Integer.parseInt(found.group(1)))
                    .findFirst().orElse(0);
        } catch (IOException e) {
            // Not installed.
        }
        assumeTrue(version >= 5, "no kubectl with Kustomize 5 to compare with");
    }

    static Stream<String> folders() {
        return Stream.concat(Stream.of("base", "overlays/dev", "overlays/tls", "overlays/monitoring", "overlays/scaled"), Examples.folders().stream());
    }

    @ParameterizedTest
    @MethodSource("folders")
    void rendered_byKubectl_isTheSame(String folder) throws IOException, InterruptedException {
        Path directory = Path.of("deploy", folder).normalize();

        String rendered = run("kubectl", "kustomize", directory.toString());

        assertThat(byName(Yaml.readAll(HASHED.matcher(rendered).replaceAll("pawl-config"))))
                .isEqualTo(byName(Kustomization.render(directory)));
    }

    private static Map<String, JsonNode> byName(List<ObjectNode> objects) {
        return objects.stream().collect(Collectors.toMap(
                object -> object.get("kind").asText() + " " + object.at("/metadata/name").asText(), Function.identity()));
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }
}
