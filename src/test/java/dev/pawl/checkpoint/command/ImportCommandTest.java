package dev.pawl.checkpoint.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.command.ExitStatus;
import dev.pawl.harness.CheckpointFile;

class ImportCommandTest extends CommandTestBase {

    @Test
    void import_listOfIds_putsEachWhereKafkaPutsItsKey() throws IOException {
        String list = ids(200) + "ünïcode\r\n\n";

        Ran imported = run("import", "--json", "--topic", "documents", "--partitions", "3", list(list));

        assertThat(imported.status()).isZero();
        assertThat(imported.json().get("imported").asInt()).isEqualTo(201);
        for (int partition = 0; partition < 3; partition++) {
            List<CheckpointFile.Line> lines = CheckpointFile.read(directory.resolve("documents-%d.jsonl".formatted(partition)));
            int expected = partition;
            assertThat(lines).isNotEmpty().allMatch(CheckpointFile.Line::valid).allMatch(line -> line.crcPresent()
                    && line.status().equals("done") && !line.json().has("source")
                    && Utils.toPositive(Utils.murmur2(line.id().getBytes(StandardCharsets.UTF_8))) % 3 == expected);
        }
        assertThat(run("stats", "--json").json().at("/total/documents/done").asInt()).isEqualTo(201);
    }

    @Test
    void import_objects_keepTheirTimeAndResult() throws IOException {
        String list = """
                {"document":"a","ts":"2025-01-02T03:04:05.678Z","result":{"grade":5,"why":"ü"},"text":"not kept"}
                {"document":"b","ts":1748107200,"result":"half a pair: \\ud800"}
                "c"
                """;

        Ran imported = run("import", "--into", "documents-0.jsonl", "--id-field", "document", list(list));

        assertThat(imported.status()).isZero();
        assertThat(imported.out()).contains("imported      3");
        List<JsonNode> lines = CheckpointFile.read(directory.resolve("documents-0.jsonl")).stream().map(CheckpointFile.Line::json).toList();
        assertThat(lines).extracting(line -> line.get("ts").asText())
                .containsExactly("2025-01-02T03:04:05.678Z", "2025-05-24T17:20:00.000Z", "1970-01-01T00:00:00.000Z");
        assertThat(lines.getFirst().get("result")).isEqualTo(tree("{'grade':5,'why':'ü'}"));
        assertThat(lines.getFirst().has("text")).isFalse();
    }

    @Test
    void import_linesThatAreNoDocument_areRejectedByNumberAndTheRestIsImported() throws IOException {
        String list = String.join("\n", "good", "", "bad\u0007secret", "{\"id\":7}", "{\"secret\":1}", "{broken secret", "[\"secret\"]",
                "x".repeat(513), "{\"id\":\"t\",\"ts\":\"secret\"}", "{\"id\":\"\\ud800\"}", "{\"id\":\"f\",\"status\":\"failed\"}",
                "also good");

        Ran imported = run("import", "--json", "--into", "documents-0.jsonl", list(list));

        assertThat(imported.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(imported.json().get("imported").asInt()).isEqualTo(2);
        assertThat(imported.json().get("rejected").asInt()).isEqualTo(9);
        assertThat(imported.err().lines().map(line -> line.split(" ")[1])).containsExactly("3", "4", "5", "6", "7", "8", "9", "10", "11");
        assertThat(imported.err()).contains("control character", "at most 512 are allowed", "neither ISO-8601 nor a number")
                .doesNotContain("secret");
        assertThat(CheckpointFile.read(directory.resolve("documents-0.jsonl"))).extracting(CheckpointFile.Line::id)
                .containsExactly("good", "also good");
    }

    @Test
    void import_manyRejectedLines_showsTwentyAndCountsTheRest() {
        Ran imported = run("import", "--into", "documents-0.jsonl", list("{}\n".repeat(50)));

        assertThat(imported.err().lines()).hasSize(21).last().isEqualTo("and 30 more lines rejected");
    }

    @Test
    void import_bytesThatAreNotUtf8_areRejected() throws IOException {
        Path list = directory.resolve("list");
        Files.write(list, new byte[] { 'a', '\n', (byte) 0xFF, '\n' });

        Ran imported = run("import", "--into", "documents-0.jsonl", list.toString());

        assertThat(imported.err()).isEqualTo("line 2 rejected: not UTF-8\n");
    }

    @Test
    void import_whatIsDoneAlready_isSkippedAndCounted() throws IOException {
        file(0, done("done", 1), failed("failed"), done("forgotten", 1), forgotten("forgotten"), step("begun", "summary"));
        String list = list("done\nfailed\nforgotten\nbegun\nnew\nnew\n");

        JsonNode rehearsed = run("import", "--json", "--dry-run", "--into", "documents-0.jsonl", list).json();
        JsonNode imported = run("import", "--json", "--into", "documents-0.jsonl", list).json();
        JsonNode again = run("import", "--json", "--into", "documents-0.jsonl", list).json();

        assertThat(List.of(rehearsed.get("imported").asInt(), rehearsed.get("alreadyDone").asInt())).containsExactly(4, 2);
        assertThat(List.of(imported.get("imported").asInt(), imported.get("alreadyDone").asInt())).containsExactly(4, 2);
        assertThat(List.of(again.get("imported").asInt(), again.get("alreadyDone").asInt())).containsExactly(0, 6);
        assertThat(run("stats", "--json").json().at("/total/documents"))
                .isEqualTo(tree("{'done':5,'failed':0,'forgotten':0,'unfinished':0}"));
    }

    @Test
    void import_dryRun_leavesNoTrace() throws IOException {
        Path missing = directory.resolve("not/there");

        Ran rehearsed = runIn(missing, "", Map.of(), "import", "--dry-run", "--topic", "t", "--partitions", "2", list("a\n"));

        assertThat(rehearsed.status()).isZero();
        assertThat(rehearsed.out()).contains("would be imported  1");
        assertThat(missing).doesNotExist();
    }

    @Test
    void import_intoADirectoryThatIsNotThereYet_createsIt() {
        Path missing = directory.resolve("not/there");

        Ran imported = runIn(missing, "a\nb\n", Map.of(), "import", "--topic", "t", "--partitions", "1", "-");

        assertThat(imported.status()).isZero();
        assertThat(missing.resolve("t-0.jsonl")).exists();
        assertThat(missing.resolve("t-0.jsonl.index")).exists();
    }

    @Test
    void import_intoAHeldFile_isRefusedByNameAndNothingIsWritten() throws IOException {
        Path file = file(1, done("a", 1));
        Process holder = hold(file);
        byte[] before = Files.readAllBytes(file);
        List<String> names = names();
        String list = list("x\ny\nz\n");

        Ran imported = run("import", "--topic", "documents", "--partitions", "2", list);
        Ran rehearsed = run("import", "--dry-run", "--topic", "documents", "--partitions", "2", list);

        assertThat(imported.status()).isEqualTo(ExitStatus.HELD);
        assertThat(imported.err().lines()).singleElement().asString()
                .contains("documents-1.jsonl is held by process " + holder.pid()).contains("nothing was written");
        assertThat(file).hasBinaryContent(before);
        assertThat(names()).isEqualTo(Stream.concat(names.stream(), Stream.of("list")).sorted().toList());
        assertThat(rehearsed.status()).isZero();
        assertThat(rehearsed.err()).contains("is held by process " + holder.pid());
    }

    @Test
    void import_moreThanOneBatch_isAllThere() throws IOException {
        Ran imported = run("import", "--json", "--topic", "documents", "--partitions", "4", list(ids(20_000)));

        assertThat(imported.json().get("imported").asInt()).isEqualTo(20_000);
        assertThat(run("verify", "--json").json().findValues("documents").stream().mapToInt(counts -> counts.get("done").asInt()).sum())
                .isEqualTo(20_000);
    }
}
