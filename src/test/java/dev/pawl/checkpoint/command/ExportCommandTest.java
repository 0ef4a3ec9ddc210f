package dev.pawl.checkpoint.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.pawl.command.ExitStatus;

class ExportCommandTest extends CommandTestBase {

    @Test
    void export_eachDocumentsLastWord_asOnTheResultsTopic() throws IOException {
        file(0, done("a", 1), done("a", 2), done("gone", 1), forgotten("gone"), done("later-failed", 1), failed("later-failed"),
                step("unfinished", "summary"));
        file(1, done("ü", 3));

        Ran export = run("export");

        assertThat(export.status()).isZero();
        assertThat(export.err()).isEmpty();
        assertThat(export.out()).isEqualTo("""
                {"id":"a","source":"documents-3@2","fingerprint":"7f3a","model":"gpt-4o-mini","result":{"summary":"text of a"},\
                "usage":{"calls":2,"inputTokens":200,"outputTokens":20},"durationMs":2790,"completedAt":"2026-11-23T09:00:02Z"}
                {"id":"ü","source":"documents-3@3","fingerprint":"7f3a","model":"gpt-4o-mini","result":{"summary":"text of ü"},\
                "usage":{"calls":3,"inputTokens":300,"outputTokens":30},"durationMs":2790,"completedAt":"2026-11-23T09:00:03Z"}
                """);
    }

    @Test
    void export_documentOfTwoFiles_itsLatestWordCounts() throws IOException {
        file(0, done("a", 1), done("b", 2), done("same", 5), done("gone", 1));
        file(1, done("a", 2), done("b", 1), done("same", 5), forgotten("gone"));

        assertThat(run("export").out().lines().map(CommandTestBase::tree).map(line -> line.get("id").asText() + line.at("/usage/calls")))
                .containsExactly("b2", "same5", "a2");
    }

    @Test
    void export_statusFailed_writesTheFailures() throws IOException {
        file(0, done("a", 1), failed("b"));

        assertThat(tree(run("export", "--status", "failed").out())).isEqualTo(tree("{'id':'b','source':'documents-3@9','error':"
                + "{'kind':'invalid-output','step':'entities','message':'not JSON','attempts':3},'failedAt':'2026-11-23T09:00:40Z'}"));
    }

    @Test
    void export_damagedFile_writesTheRestAndSaysSo() throws IOException {
        file(0, done("a", 1), "rubbish\n", done("b", 2));

        Ran export = run("export");

        assertThat(export.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(export.out().lines()).hasSize(2);
        assertThat(export.err()).contains("1 damaged places").contains("verify says where");
    }

    @Test
    void export_toAFile_overwritesItOnlyByForce() throws IOException {
        file(0, done("a", 1));
        Path output = directory.resolve("results");

        Ran first = run("export", "--json", "--output", output.toString());
        Ran second = run("export", "--output", output.toString());
        Files.writeString(output, "something longer than the export\n".repeat(100));
        Ran forced = run("export", "--force", "--output", output.toString());

        assertThat(first.status()).isZero();
        assertThat(first.json())
                .isEqualTo(tree("{'documents':1,'bytes':%d,'damagedPlaces':0,'unreadable':0}".formatted(Files.size(output))));
        assertThat(second.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(second.err()).contains("exists: give another name, or --force");
        assertThat(forced.status()).isZero();
        assertThat(output).hasContent(run("export").out());
    }

    @ParameterizedTest
    @ValueSource(strings = { "documents-0.jsonl", "documents-7.jsonl", "documents-0.jsonl.index", "link" })
    void export_toACheckpointFile_isRefusedEvenByForce(String name) throws IOException {
        Path file = file(0, done("a", 1));
        Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
        Files.createSymbolicLink(elsewhere.resolve("link"), file);
        Path output = (name.equals("link") ? elsewhere : directory).resolve(name);

        Ran export = run("export", "--force", "--output", output.toString());

        assertThat(export.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(export.err()).contains("a checkpoint file: write elsewhere");
        assertThat(file).hasContent(done("a", 1));
    }
}
