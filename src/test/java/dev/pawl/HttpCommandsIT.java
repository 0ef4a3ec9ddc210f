package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.TestBroker;

/** A batch from its publication to the replay of what failed, by the commands of the packaged application alone. */
class HttpCommandsIT {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int TIMEOUT_SECONDS = 60;
    private static final String TOKEN = "a-token-for-tests";
    /** In a folder, with what a URL would take for something else. The scripted model reads it up to the blank. */
    private static final String AWKWARD = "2026/50% of a+b?#é";

    @TempDir
    Path directory;

    private Rig rig;
    private String url;

    private record Ran(int status, String out, String err) {

        JsonNode json() throws IOException {
            return JSON.readTree(out);
        }
    }

    @BeforeEach
    void open() {
        rig = new Rig(TestBroker.shared(), directory).config("pawl.api.token", TOKEN);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void batch_isPublishedFollowedLookedAtAndReplayed() throws Exception {
        List<String> ids = rig.texts(99);
        rig.text(AWKWARD, "The text of an awkward one.");
        rig.model().answer(call -> call.key().equals("entities/doc-0007") ? new Reply.Status(400) : ScriptedModel.usualAnswer(call));
        // Without its partitions it would have nothing left to do, and say so.
        url = rig.startOwningAll().uri("").toString();

        Ran refused = run("doc-0000\n", Map.of(), "publish");
        assertThat(refused.status()).isEqualTo(77);
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err().lines()).singleElement().asString().contains("PAWL_API_TOKEN");

        Ran published = run(String.join("\n", ids) + "\n\n" + AWKWARD + "\n" + "x".repeat(513) + "\n", Map.of("PAWL_API_TOKEN", TOKEN), "publish");
        assertThat(published.status()).as(published.err()).isEqualTo(1);
        assertThat(published.out()).isEqualTo("accepted  100\nrejected    1\n");
        assertThat(published.err().lines()).singleElement().asString().startsWith("line 102 rejected: ").contains("513", "512");

        Ran done = run("", Map.of(), "status", "--until-done", "--interval", "0.2", "--json");
        assertThat(done.status()).as(done.err()).isZero();
        JsonNode progress = JSON.readTree(done.out().lines().toList().getLast());
        assertThat(progress.at("/lag/total").asInt()).isZero();
        assertThat(progress.at("/checkpoint/done").asInt()).isEqualTo(99);
        assertThat(progress.at("/checkpoint/failed").asInt()).isEqualTo(1);

        Ran shown = run("", Map.of(), "show", AWKWARD);
        assertThat(shown.status()).as(shown.err()).isZero();
        assertThat(shown.out()).startsWith(AWKWARD + ": done since ").contains("\"summary\" : \"summary of 2026/50%\"");

        JsonNode failures = run("", Map.of(), "failures", "--kind", "refused", "--json").json();
        assertThat(failures.at("/open/total").asInt()).isEqualTo(1);
        assertThat(failures.at("/failures/0/id").asText()).isEqualTo("doc-0007");

        rig.model().answerAsUsual();
        Path token = Files.writeString(directory.resolve("token"), TOKEN + "\n");
        Ran replayed = run("", Map.of(), "replay", "--token-file", token.toString(), "doc-0007");
        assertThat(replayed.status()).as(replayed.err()).isZero();
        assertThat(replayed.out()).isEqualTo("replayed  1\nskipped   0\n");
        rig.awaitAllCommitted();
        assertThat(rig.results("doc-0007")).hasSize(1);
    }

    private Ran run(String in, Map<String, String> environment, String... arguments) throws IOException, InterruptedException {
        List<String> command = PawlProcess.command(PawlProcess.packagedJar(), List.of("-XX:TieredStopAtLevel=1"), List.of());
        command.addAll(List.of(arguments));
        Path input = Files.writeString(directory.resolve("in"), in);
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile())
                .redirectInput(input.toFile()).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().keySet().removeIf(name -> name.matches("(PAWL|QUARKUS)_.*|.*JAVA.*_OPTIONS"));
        // How the JDK reads arguments.
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().put("PAWL_URL", url);
        builder.environment().putAll(environment);
        Process process = builder.start();
        assertThat(process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)).isTrue();
        return new Ran(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8), Files.readString(err, StandardCharsets.UTF_8));
    }
}
