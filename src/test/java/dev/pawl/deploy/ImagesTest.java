package dev.pawl.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.deploy.Manifests.Pods;

/** The files that images are made of, and their names wherever they are used. */
class ImagesTest {

    private static final Path DOCKER = Path.of("src/main/docker");

    @ParameterizedTest
    @CsvSource({ "pawl:0.1.0,true", "quay.io/quarkus/ubi9-quarkus-micro-image:2.0,true", "localhost:5000/pawl:1.2.3,true",
            "pawl,false", "pawl:latest,false", "localhost:5000/pawl,false", "pawl:main,false" })
    void isExact_onlyWithATagThatSaysWhichRelease(String image, boolean exact) {
        assertThat(Images.isExact(image)).isEqualTo(exact);
    }

    @ParameterizedTest
    @ValueSource(strings = { "Dockerfile.jvm", "Dockerfile.native" })
    void dockerfile_buildsFromABareCloneAndRunsWithoutRights(String file) {
        List<String> lines = instructions(file);

        assertThat(arguments(lines, "FROM")).hasSizeGreaterThanOrEqualTo(2)
                .allSatisfy(from -> assertThat(Images.isExact(from.split(" ")[0]) || arguments(lines, "FROM").stream().anyMatch(other -> other.endsWith(" AS " + from.split(" ")[0])))
                        .as(from).isTrue());
        assertThat(arguments(lines, "USER").getLast()).matches("[1-9]\\d*:[1-9]\\d*");
        assertThat(arguments(lines, "HEALTHCHECK")).singleElement().asString().contains("pawl-health");
        assertThat(arguments(lines, "ENTRYPOINT")).hasSize(1);
        assertThat(arguments(lines, "ARG")).contains("VERSION=" + Images.pawl().substring("pawl:".length()));
        assertThat(arguments(lines, "LABEL")).singleElement().asString()
                .contains("image.title", "image.description", "image.licenses", "image.version", "image.revision");
    }

    /** {@code .dockerignore} lets nothing through but what it names. */
    @ParameterizedTest
    @ValueSource(strings = { "Dockerfile.jvm", "Dockerfile.native" })
    void dockerfile_copiesWhatIsThereAndNotIgnored(String file) {
        List<String> allowed = Yaml.text(Path.of(".dockerignore")).lines()
                .filter(line -> line.startsWith("!"))
                .map(line -> line.substring(1).replaceAll("/$", ""))
                .toList();

        assertThat(sources(file)).isNotEmpty().allSatisfy(source -> {
            assertThat(Path.of(source)).exists();
            assertThat(allowed).anySatisfy(path -> assertThat(source).startsWith(path));
        });
    }

    private static List<String> sources(String file) {
        return arguments(instructions(file), "COPY").stream()
                .filter(copy -> !copy.contains("--from="))
                .flatMap(copy -> {
                    List<String> paths = Arrays.stream(copy.split(" ")).filter(word -> !word.startsWith("--")).toList();
                    return paths.subList(0, paths.size() - 1).stream();
                })
                .toList();
    }

    private static List<String> arguments(List<String> instructions, String name) {
        return instructions.stream().filter(line -> line.startsWith(name + " ")).map(line -> line.substring(name.length() + 1)).toList();
    }

    /** Without comments, and each on one line. */
    private static List<String> instructions(String file) {
        return Yaml.text(DOCKER.resolve(file)).replaceAll("(?m)^#.*\\n", "").replaceAll("\\\\\\n\\s*", "").lines()
                .filter(line -> !line.isBlank())
                .toList();
    }

    @Test
    void healthcheck_isExecutable() {
        assertThat(Files.isExecutable(DOCKER.resolve("healthcheck.sh"))).isTrue();
    }

    @Test
    void versions_areThePoms() {
        JsonNode services = Yaml.read(Path.of("docker-compose.yml")).get("services");
        List<String> images = Stream.concat(
                Manifests.of("overlays/dev").pods().stream().map(Pods::containers).flatMap(List::stream).map(container -> container.getImage()),
                services.findValuesAsText("image").stream()).toList();

        assertThat(images).filteredOn(image -> image.startsWith("pawl")).hasSize(2).containsOnly(Images.pawl());
        assertThat(images).filteredOn(image -> image.startsWith("apache/")).hasSize(3).containsOnly(Images.kafka());
    }
}
