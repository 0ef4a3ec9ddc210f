package dev.pawl.checkpoint.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.command.ExitStatus;

class CheckpointCommandTest extends CommandTestBase {

    // --- verify

    @Test
    void verify_soundFile_countsItsLinesAndDocuments() throws IOException {
        file(0, step("a", "summary"), done("a", 1), failed("b"), step("c", "summary"), done("d", 2), forgotten("d"));

        Ran verify = run("verify", "--json");

        assertThat(verify.status()).isZero();
        assertThat(verify.err()).isEmpty();
        assertThat(verify.json().get("sound").asBoolean()).isTrue();
        JsonNode file = verify.json().at("/files/0");
        assertThat(file.get("lines")).isEqualTo(tree("{'step':2,'done':2,'failed':1,'forgotten':1}"));
        assertThat(file.get("documents")).isEqualTo(tree("{'done':1,'failed':1,'forgotten':1,'unfinished':1}"));
        assertThat(file.get("sidecar")).isEqualTo(tree("{'state':'missing'}"));
    }

    @Test
    void verify_documentForgottenAndBegunAgain_countsOnce() throws IOException {
        file(0, done("a", 1), forgotten("a"), step("a", "summary"));

        assertThat(run("verify", "--json").json().at("/files/0/documents"))
                .isEqualTo(tree("{'done':0,'failed':0,'forgotten':0,'unfinished':1}"));
    }

    @Test
    void verify_damagedLine_saysWhichWhereAndWhy() throws IOException {
        String first = done("a", 1);
        String damaged = done("bb", 2).replace("\"calls\":2", "\"calls\":3");
        file(0, first, "\n", damaged, done("c", 3));

        Ran verify = run("verify", "--json");
        Ran printed = run("verify");

        int length = damaged.length() - 1;
        assertThat(verify.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(verify.json().at("/files/0/damaged")).isEqualTo(tree(("[{'line':3,'offset':%d,'length':%d,"
                + "'why':'its crc does not match its bytes'}]").formatted(first.length() + 1, length)));
        assertThat(printed.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(printed.out()).contains("documents-0.jsonl: line 3, byte %d, %d bytes: its crc does not match its bytes"
                .formatted(first.length() + 1, length));
        assertThat(printed.out()).doesNotContain("bb");
    }

    @Test
    void verify_damageBetweenTwoLinesOfARow_isInTheRowItBeginsIn() throws IOException {
        String first = done("a", 1).strip();
        file(0, done("z", 1), first, "garbage", done("b", 2));

        JsonNode file = run("verify", "--json").json().at("/files/0");

        assertThat(file.at("/lines/done").asInt()).isEqualTo(3);
        assertThat(file.at("/damaged/0/line").asInt()).isEqualTo(2);
        assertThat(file.at("/damaged/0/offset").asInt()).isEqualTo(done("z", 1).length() + first.length());
        assertThat(file.at("/damaged/0/length").asInt()).isEqualTo("garbage".length());
    }

    @Test
    void verify_moreDamageThanIsListed_countsTheRest() throws IOException {
        file(0, "rubbish\n".repeat(1_200));

        Ran verify = run("verify", "--json");

        assertThat(verify.json().at("/files/0/damagedPlaces").asInt()).isEqualTo(1_200);
        assertThat(verify.json().at("/files/0/damaged")).hasSize(1_000);
        assertThat(verify.json().at("/files/0/damaged/999/line").asInt()).isEqualTo(1_000);
        assertThat(run("verify").out()).contains("and 200 more damaged places");
    }

    @Test
    void verify_tornLastLine_saysSoAndLeavesIt() throws IOException {
        Path file = file(0, done("a", 1), done("b", 2).substring(0, 30));
        byte[] before = Files.readAllBytes(file);

        Ran verify = run("verify", "--json");
        Ran printed = run("verify");

        assertThat(verify.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(verify.json().at("/files/0/torn/line").asInt()).isEqualTo(2);
        assertThat(verify.json().at("/files/0/torn/offset").asInt()).isEqualTo(done("a", 1).length());
        assertThat(verify.json().at("/files/0/torn/length").asInt()).isEqualTo(30);
        assertThat(printed.out()).contains("line 2").contains("torn").contains("Pawl cuts it off at its next start");
        assertThat(file).hasBinaryContent(before);
        assertThat(names()).containsExactly("documents-0.jsonl");
    }

    @Test
    void verify_wholeLastLineWithoutNewline_isSound() throws IOException {
        file(0, done("a", 1), done("b", 2).strip());

        assertThat(run("verify", "--json").status()).isZero();
    }

    @Test
    void verify_fileOfARunningProcess_lastLineUnderWayIsNoFaultAndTheLockStays() throws IOException {
        Path file = file(0, done("a", 1));
        Process holder = hold(file);
        Files.writeString(file, "{\"id\":\"under", StandardOpenOption.APPEND);
        String lock = Files.readString(directory.resolve("documents-0.jsonl.lock"));

        Ran verify = run("verify", "--json");
        Ran printed = run("verify");

        assertThat(verify.status()).isZero();
        assertThat(verify.json().at("/files/0/heldBy").asText()).contains("process " + holder.pid());
        assertThat(verify.json().at("/files/0/sidecar/state").asText()).isEqualTo("in use");
        assertThat(printed.out()).contains("the last line is under way").contains("held by process " + holder.pid());
        assertThat(Files.readString(directory.resolve("documents-0.jsonl.lock"))).isEqualTo(lock);
        assertThat(run("import", "--into", "documents-0.jsonl", list("x\n")).status()).as("the lock is held still")
                .isEqualTo(ExitStatus.HELD);
    }

    @Test
    void verify_sidecarOfAnImport_isUsableUntilTheFileChanges() throws IOException {
        run("import", "--into", "documents-0.jsonl", list("a\nb\n"));
        assertThat(run("verify", "--json").json().at("/files/0/sidecar/state").asText()).isEqualTo("usable");

        Files.writeString(directory.resolve("documents-0.jsonl"), "{\"id\":\"by-hand\"}\n", StandardOpenOption.APPEND);
        Files.setLastModifiedTime(directory.resolve("documents-0.jsonl"), FileTime.fromMillis(0));

        Ran verify = run("verify");
        assertThat(verify.status()).isZero();
        assertThat(verify.out()).contains("sidecar useless: the file was written to since it was closed");
    }

    @Test
    void verify_sidecarThatWouldBeBelievedAndIsWrong_isAFault() throws IOException {
        run("import", "--into", "documents-0.jsonl", list(ids(2_000)));
        Path file = directory.resolve("documents-0.jsonl");
        FileTime time = Files.getLastModifiedTime(file);
        // The sidecar samples the file; this byte is in none of its samples.
        byte[] bytes = Files.readAllBytes(file);
        int at = bytes.length / 32 + 2_048;
        bytes[at] ^= 1;
        Files.write(file, bytes, StandardOpenOption.WRITE);
        Files.setLastModifiedTime(file, time);

        Ran verify = run("verify", "--json");

        assertThat(verify.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(verify.json().at("/files/0/damagedPlaces").asInt()).isEqualTo(1);
        assertThat(verify.json().at("/files/0/sidecar/state").asText()).isEqualTo("wrong");
    }

    @Test
    void verify_namedFiles_readsThoseByNameOrPathInOrder() throws IOException {
        file(0, done("a", 1));
        file(2, done("a", 1));
        file(10, done("a", 1));

        assertThat(run("verify", "--json").json().findValuesAsText("file"))
                .containsExactly("documents-0.jsonl", "documents-2.jsonl", "documents-10.jsonl");
        assertThat(run("verify", "--json", "documents-2.jsonl", directory.resolve("documents-0.jsonl").toString()).json()
                .findValuesAsText("file")).containsExactly("documents-2.jsonl", "documents-0.jsonl");
    }

    // --- stats

    @Test
    void stats_countsEachDocumentByItsLastWord() throws IOException {
        file(0, step("a", "summary"), done("a", 1), failed("b"), failed("c"), done("c", 2), step("d", "summary"));
        file(1, done("e", 4), forgotten("e"), done("f", 8));

        Ran stats = run("stats", "--json");

        assertThat(stats.status()).isZero();
        JsonNode first = stats.json().at("/files/0");
        assertThat(first.get("documents")).isEqualTo(tree("{'done':2,'failed':1,'forgotten':0,'unfinished':1}"));
        assertThat(first.get("failedByKind")).isEqualTo(tree("{'invalid-output':1}"));
        assertThat(first.get("lines").asInt()).isEqualTo(6);
        assertThat(first.get("bytes").asLong()).isEqualTo(Files.size(directory.resolve("documents-0.jsonl")));
        assertThat(first.get("garbageBytes").asLong()).isEqualTo(step("a", "summary").length() + failed("c").length());
        JsonNode total = stats.json().get("total");
        assertThat(total.get("documents")).isEqualTo(tree("{'done':3,'failed':1,'forgotten':1,'unfinished':1}"));
        assertThat(total.get("calls").asInt()).isEqualTo(1 + 2 + 8);
        assertThat(total.get("inputTokens").asInt()).isEqualTo(100 * (1 + 2 + 8));
        assertThat(total.get("outputTokens").asInt()).isEqualTo(10 * (1 + 2 + 8));
        assertThat(total.get("oldest").asText()).isEqualTo("2026-11-23T09:00:01Z");
        assertThat(total.get("newest").asText()).isEqualTo("2026-11-23T09:00:50Z");
        assertThat(run("stats").out()).contains("total").contains("failed: 1 invalid-output");
    }

    @Test
    void stats_handWrittenLinesAndDamage_haveNoTimeAndAreCounted() throws IOException {
        file(0, "{\"id\":\"a\"}\n", "rubbish\n", "{\"id\":");

        Ran stats = run("stats", "--json");

        assertThat(stats.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(stats.json().at("/total/damagedBytes").asInt()).isEqualTo("rubbish".length());
        assertThat(stats.json().at("/total/tornBytes").asInt()).isEqualTo("{\"id\":".length());
        assertThat(stats.json().get("total").has("oldest")).isFalse();
    }

    // --- arguments

    @ParameterizedTest
    @ValueSource(strings = {
            "import LIST", "import --into documents-0.jsonl --topic documents --partitions 3 LIST", "import --topic documents LIST",
            "import --partitions 3 LIST", "import --topic documents --partitions 0 LIST", "import --topic ../d --partitions 1 LIST",
            "import --into results.txt LIST", "import --into documents-0.jsonl", "import --topic documents --partitions many LIST",
            "verify --nonsense", "export --status some", "frobnicate", "stats --directory" })
    void wrongUsage_isOneSentenceAndStatus2(String arguments) throws IOException {
        Files.writeString(directory.resolve("LIST"), "a\n");

        Ran refused = run(arguments.replace("LIST", directory.resolve("LIST").toString()).split(" "));

        assertThat(refused.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(refused.out()).isEmpty();
        assertThat(refused.err().lines()).singleElement().asString().contains("--help");
        assertThat(names()).containsExactly("LIST");
    }

    @Test
    void unknownArgument_saysWhatIsAllowed() {
        assertThat(invoke("", Map.of(), "frobnicate").err())
                .contains("frobnicate is not allowed here; allowed are --help, --version, checkpoint, failures, help, publish, replay, show, status");
        assertThat(run("frobnicate").err()).contains("export, import, stats, verify");
        assertThat(run("verify", "--nonsense").err()).contains("--directory, --help, --json, --progress");
        assertThat(run().err()).contains("verify, stats, export or import");
    }

    @Test
    void fileThatIsNotThere_isAnInputOutputError() {
        for (String command : List.of("verify", "stats", "export")) {
            Ran ran = run(command, "documents-9.jsonl");

            assertThat(ran.status()).isEqualTo(ExitStatus.INPUT_OUTPUT);
            assertThat(ran.err().lines()).singleElement().asString().contains("documents-9.jsonl");
        }
        assertThat(run("import", "--into", "documents-0.jsonl", "no-such-list").err()).isEqualTo("no-such-list does not exist\n");
        assertThat(runIn(directory.resolve("nowhere"), "", Map.of(), "verify").status()).isEqualTo(ExitStatus.INPUT_OUTPUT);
    }

    @Test
    void directory_isTheEnvironmentsUnlessSaid() throws IOException {
        file(0, done("a", 1));

        Ran ran = invoke("", Map.of("PAWL_CHECKPOINT_DIRECTORY", directory.toString()), "checkpoint", "verify", "--json");

        assertThat(ran.json().get("files")).hasSize(1);
    }

    @Test
    void progress_isShownWhereItIsAskedFor() throws IOException {
        file(0, done("a", 1));

        assertThat(run("verify", "--json").err()).isEmpty();
        assertThat(run("verify", "--json", "--progress").err()).startsWith("\rdocuments-0.jsonl  100 %  ").contains("MB/s");
    }

    @ParameterizedTest
    @ValueSource(strings = { "--help", "help", "checkpoint --help", "checkpoint verify --help", "checkpoint stats --help",
            "checkpoint export --help", "checkpoint import --help", "help checkpoint" })
    void help_isPrinted(String arguments) {
        Ran help = invoke("", Map.of(), arguments.split(" "));

        assertThat(help.status()).isZero();
        assertThat(help.err()).isEmpty();
        assertThat(help.out()).startsWith("Usage: java -jar quarkus-run.jar");
    }
}
