package dev.pawl.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.pawl.harness.Configs;
import io.quarkus.runtime.configuration.ConfigurationException;

class ChainLoaderTest {

    private static final String STEP = "pawl.chain.step.";

    @TempDir
    Path directory;

    private final Map<String, String> values = new HashMap<>();

    @BeforeEach
    void threeSteps() throws IOException {
        set("pawl.chain.steps", "summary,entities,title");
        set(STEP + "summary.prompt", file("summary.txt", "Summarize {{document}}"));
        set(STEP + "entities.prompt", file("entities.txt", "Entities of {{summary}}"));
        set(STEP + "entities.output", "json");
        set(STEP + "entities.schema", file("entities.json", "{\"type\":\"array\"}"));
        set(STEP + "title.prompt", file("title.txt", "A title for {{id}}, {{document}}"));
    }

    @Test
    void steps_comeInTheirOrderWithTheirParameters() {
        set(STEP + "summary.model", "large");
        set(STEP + "summary.temperature", "0.5");
        set(STEP + "summary.max-output-tokens", "99");
        set(STEP + "title.attempts", "10");

        List<Step> steps = load();

        assertThat(steps).extracting(Step::name).containsExactly("summary", "entities", "title");
        assertThat(steps).extracting(Step::attempts).containsExactly(3, 3, 10);
        assertThat(steps.getFirst().parameters().modelName()).isEqualTo("large");
        assertThat(steps.getFirst().parameters().temperature()).isEqualTo(0.5);
        assertThat(steps.getFirst().parameters().maxOutputTokens()).isEqualTo(99);
        assertThat(steps.get(1).format()).isInstanceOf(OutputFormat.Json.class);
        assertThat(steps.get(1).parameters().modelName()).as("the endpoint's own").isNull();
        assertThat(steps.get(1).parameters().responseFormat()).isNotNull();
        assertThat(steps.get(2).format()).isInstanceOf(OutputFormat.Text.class);
        assertThat(steps.get(2).parameters().temperature()).isNull();
    }

    @Test
    void shippedPrompts_areFoundOnTheClassPath() {
        values.clear();
        set("pawl.chain.steps", "summary,entities");
        set(STEP + "summary.prompt", "classpath:prompts/summary.txt");
        set(STEP + "entities.prompt", "classpath:prompts/entities.txt");
        set(STEP + "entities.output", "json");
        set(STEP + "entities.schema", "classpath:prompts/entities.schema.json");

        assertThat(load()).extracting(Step::name).containsExactly("summary", "entities");
    }

    @Test
    void noSteps_areRefused() {
        values.clear();

        assertRefused("pawl.chain.steps", "(nothing)", "at least one step");
    }

    @ParameterizedTest
    @ValueSource(strings = {"document", "id", "metadata", "1st", "a b", "a.b", "_a", "ä"})
    void stepName_thatIsRefused(String name) {
        set("pawl.chain.steps", "summary," + name);

        assertRefused("pawl.chain.steps", name, "a letter and up to 63 letters, digits, - or _");
    }

    @Test
    void stepNameOf64Characters_isTheLongest() {
        String name = "a".repeat(64);
        set("pawl.chain.steps", name);
        set(STEP + name + ".prompt", values.get(STEP + "title.prompt"));
        assertThat(load()).hasSize(1);

        set("pawl.chain.steps", name + "a");

        assertRefused("pawl.chain.steps", name + "a", "63");
    }

    @Test
    void stepNamedTwice_isRefused() {
        set("pawl.chain.steps", "summary,summary");

        assertRefused("pawl.chain.steps", "summary,summary", "summary stands in it twice");
    }

    @Test
    void stepWithoutPrompt_isRefused() {
        values.remove(STEP + "title.prompt");

        assertRefused(STEP + "title.prompt", "(nothing)", "a path, or classpath: and a resource");
    }

    @Test
    void promptThatCantBeRead_isRefused() throws IOException {
        Path latin1 = Files.write(directory.resolve("latin-1"), "é".getBytes(StandardCharsets.ISO_8859_1));
        for (String location : List.of(directory.resolve("none").toString(), directory.toString(), latin1.toString(), "classpath:none.txt")) {
            set(STEP + "title.prompt", location);

            assertRefused(STEP + "title.prompt", location, "a path, or classpath: and a resource");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"title", "entities", "nobody", "Document", ""})
    void promptOfAnUnknownVariable_isRefused(String variable) throws IOException {
        set(STEP + "entities.prompt", file("entities.txt", "{{%s}}".formatted(variable)));

        assertRefused(STEP + "entities.prompt", values.get(STEP + "entities.prompt"), "{{%s}}".formatted(variable), "[document, id, metadata]", "[summary]");
    }

    @Test
    void jsonStepWithoutSchema_isRefused() {
        values.remove(STEP + "entities.schema");

        assertRefused(STEP + "entities.schema", "(nothing)", "JSON Schema");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"type\":", "[]", "{\"type\":\"strin\"}", "", "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/none\"}}"})
    void schemaThatIsNone_isRefused(String schema) throws IOException {
        set(STEP + "entities.schema", file("entities.json", schema));

        assertRefused(STEP + "entities.schema", values.get(STEP + "entities.schema"), "it must hold a JSON Schema");
    }

    @ParameterizedTest
    @CsvSource({
        "temperature,       -0.1, a number from 0 to 2",
        "temperature,       2.1,  a number from 0 to 2",
        "temperature,       NaN,  a number from 0 to 2",
        "max-output-tokens, 0,    a whole number from 1 to",
        "attempts,          0,    a whole number from 1 to 10",
        "attempts,          11,   a whole number from 1 to 10"})
    void number_outOfRange(String name, String value, String allowed) {
        set(STEP + "title." + name, value);

        assertRefused(STEP + "title." + name, value, allowed);
    }

    @Test
    void fingerprints_areTheSameForTheSameConfiguration() {
        List<String> fingerprints = fingerprints();

        assertThat(fingerprints()).isEqualTo(fingerprints).doesNotHaveDuplicates().allMatch(fingerprint -> fingerprint.matches("[0-9a-f]{16}"));
    }

    @ParameterizedTest
    @CsvSource({"model, other", "temperature, 0.3", "max-output-tokens, 50"})
    void changedParameter_changesItsStepAndThoseThatReadIt(String name, String value) {
        List<String> before = fingerprints();

        set(STEP + "summary." + name, value);

        assertChanged(before, true, true, false);
    }

    @Test
    void changedPrompt_changesItsStepAndThoseThatReadIt() throws IOException {
        List<String> before = fingerprints();

        file("summary.txt", "Summarize {{document}}!");

        assertChanged(before, true, true, false);
    }

    @Test
    void changedSchema_changesItsStep() throws IOException {
        List<String> before = fingerprints();

        file("entities.json", "{\"type\":\"array\",\"maxItems\":5}");

        assertChanged(before, false, true, false);
    }

    @Test
    void schemaWithOtherSpaces_isTheSame() throws IOException {
        List<String> before = fingerprints();

        file("entities.json", "{ \"type\" :\n\"array\" }");

        assertChanged(before, false, false, false);
    }

    @Test
    void changedOutput_changesItsStep() {
        List<String> before = fingerprints();

        set(STEP + "entities.output", "text");

        assertChanged(before, false, true, false);
    }

    @Test
    void changedDefaultModel_changesTheStepsThatUseIt() {
        set(STEP + "title.model", "my-own");
        List<String> before = fingerprints();

        List<String> after = load(ChatRequestParameters.builder().modelName("another").build()).stream().map(Step::fingerprint).toList();

        assertThat(after.get(0)).isNotEqualTo(before.get(0));
        assertThat(after.get(1)).isNotEqualTo(before.get(1));
        assertThat(after.get(2)).isEqualTo(before.get(2));
    }

    @Test
    void namingTheDefaultModel_changesNothing() {
        List<String> before = fingerprints();

        set(STEP + "summary.model", "default");

        assertChanged(before, false, false, false);
    }

    @Test
    void attemptsAndPlace_changeNothing() throws IOException {
        List<String> before = fingerprints();

        set(STEP + "summary.attempts", "7");
        set(STEP + "summary.prompt", file("elsewhere.txt", "Summarize {{document}}"));

        assertChanged(before, false, false, false);
    }

    @Test
    void fingerprint_tellsApartWhereOnePartEnds() {
        assertThat(ChainLoader.fingerprint(List.of("ab", "c"))).isNotEqualTo(ChainLoader.fingerprint(List.of("a", "bc")));
        assertThat(ChainLoader.fingerprint(List.of("a"))).isNotEqualTo(ChainLoader.fingerprint(List.of("a", "")));
    }

    private void assertChanged(List<String> before, boolean summary, boolean entities, boolean title) {
        List<String> after = fingerprints();
        assertThat(List.of(!after.get(0).equals(before.get(0)), !after.get(1).equals(before.get(1)), !after.get(2).equals(before.get(2))))
                .containsExactly(summary, entities, title);
    }

    private void assertRefused(String key, String value, String... allowed) {
        assertThatThrownBy(this::load)
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith(key + " = " + value + " is not allowed: ")
                .hasMessageContainingAll(allowed);
    }

    private List<String> fingerprints() {
        return load().stream().map(Step::fingerprint).toList();
    }

    private List<Step> load() {
        return load(ChatRequestParameters.builder().modelName("default").build());
    }

    private List<Step> load(ChatRequestParameters defaults) {
        return ChainLoader.load(Configs.of(values).chain(), defaults);
    }

    private void set(String key, String value) {
        values.put(key, value);
    }

    private String file(String name, String content) throws IOException {
        return Files.writeString(directory.resolve(name), content).toString();
    }
}
