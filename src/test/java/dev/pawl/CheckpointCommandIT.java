package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.ObjectMapper;

import dev.pawl.harness.Beside;
import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.TestBroker;

/** The commands of the packaged application, beside the service and without it. */
class CheckpointCommandIT {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int TIMEOUT_SECONDS = 120;

    @TempDir
    Path directory;

    private Rig rig;

    private record Ran(int status, String out, String err) {}

    @BeforeEach
    void open() {
        rig = new Rig(TestBroker.shared(), directory);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @ParameterizedTest
    @ValueSource(strings = { "--help", "help", "checkpoint --help", "checkpoint verify --help", "checkpoint stats --help",
            "checkpoint export --help", "checkpoint import --help" })
    void help_saysHowAndNothingElse(String arguments) throws Exception {
        Ran help = run(arguments.split(" "));

        assertThat(help.status()).isZero();
        assertThat(help.out()).startsWith("Usage: java -jar quarkus-run.jar");
        assertThat(help.err()).isEmpty();
    }

    @Test
    void version_isThePackages() throws Exception {
        assertThat(run("--version").out()).matches("\\d+\\.\\d+\\.\\d+.*\\n");
    }

    @Test
    void unknownArgument_endsWith2AndSaysWhatIsAllowed() throws Exception {
        Ran refused = run("serve");

        assertThat(refused.status()).isEqualTo(2);
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err().lines()).singleElement().asString().contains("serve is not allowed here").contains("checkpoint");
    }

    @Test
    void finishedRun_isVerifiedCountedAndExportedAsItWasEmitted() throws Exception {
        List<String> ids = rig.texts(20);
        rig.publish(ids);
        PawlProcess service = rig.start();
        rig.awaitAllCommitted();

        List<Ran> whileItRuns = lookInside();
        service.terminate();
        List<Ran> afterwards = lookInside();

        List<String> emitted = rig.results().stream().map(result -> Reader.text(result.value())).toList();
        for (List<Ran> looks : List.of(whileItRuns, afterwards)) {
            assertThat(looks).allSatisfy(look -> {
                assertThat(look.status()).isZero();
                assertThat(look.err()).isEmpty();
            });
            assertThat(JSON.readTree(looks.get(0).out()).get("sound").asBoolean()).isTrue();
            assertThat(JSON.readTree(looks.get(1).out()).at("/total/documents/done").asInt()).isEqualTo(20);
            assertThat(JSON.readTree(looks.get(1).out()).at("/total/calls").asInt()).isEqualTo(40);
            assertThat(looks.get(2).out().lines()).containsExactlyInAnyOrderElementsOf(emitted);
        }
        assertThat(JSON.readTree(whileItRuns.getFirst().out()).findValuesAsText("heldBy")).hasSize(4)
                .allMatch(holder -> holder.contains("process " + service.pid()));
        assertThat(JSON.readTree(afterwards.getFirst().out()).findValuesAsText("state")).hasSize(4).containsOnly("usable");
    }

    private List<Ran> lookInside() throws Exception {
        return List.of(run("checkpoint", "verify", "--json"), run("checkpoint", "stats", "--json"), run("checkpoint", "export"));
    }

    @Test
    void damagedFile_verifySaysWhereAndEndsWith1() throws Exception {
        String whole = CheckpointFile.withCrc("{\"id\":\"a\",\"status\":\"done\"}");
        Path file = rig.write("data/checkpoint/documents-0.jsonl", whole + whole + whole.replace("done", "dome") + whole + "{\"id\":\"to");

        Ran verify = run("checkpoint", "verify");

        assertThat(verify.status()).isEqualTo(1);
        assertThat(verify.out())
                .contains("documents-0.jsonl: line 3, byte %d, %d bytes: its crc does not match its bytes"
                        .formatted(2 * whole.length(), whole.length() - 1))
                .contains("line 5, byte %d, 9 bytes: torn".formatted(4 * whole.length()));
        assertThat(verify.err()).isEmpty();
        assertThat(directory.resolve("data/checkpoint")).isDirectoryContaining(other -> other.equals(file));
    }

    @Test
    void importedIds_areSkippedByTheServiceAndTheOthersRun() throws Exception {
        List<String> ids = rig.texts(60);
        String topic = rig.topics().documents();
        Files.writeString(directory.resolve("list"), String.join("\n", ids.subList(0, 50)));

        Ran imported = run("checkpoint", "import", "--json", "--topic", topic, "--partitions", "4", "list");
        assertThat(imported.err()).isEmpty();
        assertThat(JSON.readTree(imported.out()).get("imported").asInt()).isEqualTo(50);
        for (String id : ids) {
            RecordMetadata published = rig.publisher().publish(topic, id, id);
            assertThat(rig.checkpointFile(published.partition())).content()
                    .matches(content -> content.contains("\"" + id + "\"") == ids.indexOf(id) < 50);
        }
        rig.start();
        rig.awaitAllCommitted();

        assertThat(rig.model().total()).isEqualTo(10 * Rig.STEPS.size());
        assertThat(rig.results()).extracting(result -> Reader.text(result.key())).containsExactlyInAnyOrderElementsOf(ids.subList(50, 60));
    }

    @Test
    void importIntoAHeldFile_isRefusedWith75AndWritesNothing() throws Exception {
        rig.publish(rig.texts(8));
        PawlProcess service = rig.start();
        rig.awaitAllCommitted();
        List<CheckpointFile.Line> before = rig.checkpoint();
        Files.writeString(directory.resolve("list"), "x\n");

        Ran refused = run("checkpoint", "import", "--into", rig.checkpointFile(2).toString(), "list");

        assertThat(refused.status()).isEqualTo(75);
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err().lines()).singleElement().asString().contains("is held by process " + service.pid());
        assertThat(rig.checkpoint()).extracting(CheckpointFile.Line::text)
                .containsExactlyElementsOf(before.stream().map(CheckpointFile.Line::text).toList());
        rig.text("x", "text");
        rig.publish(List.of("x"));
        rig.awaitAllCommitted();
        assertThat(service.isAlive()).isTrue();
    }

    @Test
    void serviceThatStartsWhileAFileIsRead_getsIt() throws Exception {
        // Long enough to be read for a while: the commands go round and round until the service has it, some time after it is ready.
        List<String> ids = rig.texts(8);
        Path file = rig.checkpointFile(0);
        Files.createDirectories(file.getParent());
        Files.writeString(file, IntStream.range(0, 100_000).mapToObj(i -> "{\"id\":\"old-%d\"}%n".formatted(i))
                .collect(Collectors.joining()));
        rig.publish(ids);
        PawlProcess service = rig.launch();

        int verified = 0;
        CompletableFuture<PawlProcess> owning = Beside.supply(() -> rig.awaitOwningAll(service.awaitReady(Rig.READY)));
        while (!owning.isDone()) {
            assertThat(run("checkpoint", "verify").status()).isZero();
            verified++;
        }

        assertThat(verified).isPositive();
        owning.join();
        rig.awaitAllCommitted();
        assertThat(rig.model().total()).isEqualTo(8 * Rig.STEPS.size());
    }

    /** In the rig's directory, where the service that it starts has its checkpoint. */
    private Ran run(String... arguments) throws IOException, InterruptedException {
        List<String> command = PawlProcess.command(PawlProcess.packagedJar(), List.of("-XX:TieredStopAtLevel=1"), List.of());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().keySet().removeIf(name -> name.matches("(PAWL|QUARKUS)_.*|.*JAVA.*_OPTIONS"));
        Process process = builder.start();
        CompletableFuture<String> err = Beside.supply(() -> text(process.getErrorStream()));
        String out = text(process.getInputStream());
        assertThat(process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)).isTrue();
        return new Ran(process.exitValue(), out, err.join());
    }

    private static String text(InputStream in) {
        try (in) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
