package dev.pawl.checkpoint.command;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

import com.fasterxml.jackson.annotation.JsonInclude;

import dev.pawl.Failure;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.ReadOnlyCheckpoint;
import dev.pawl.checkpoint.ReadOnlyCheckpoint.Content;
import dev.pawl.command.ExitStatus;
import dev.pawl.command.HelpOption;
import dev.pawl.command.Invocation;
import dev.pawl.command.Json;
import dev.pawl.results.Result;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes what chains made, as on the results topic, from the files alone. */
@Command(name = "export", description = {
        "Writes the result of every done document as JSON, one object a line, as it stands on the results topic. A running process"
                + " is not disturbed.", "" },
        footer = { "", "Exit status: 0 where all is well, 1 where damaged places had to be passed over, 2 usage, 74 input/output.",
                "A document counts by its last word: forgotten ones are left out. One that was imported without a result has none here.",
                "With --status failed: {\"id\",\"source\",\"error\":{\"kind\",\"step\",\"message\",\"attempts\"},\"failedAt\"}.",
                "With --json and --output: {\"documents\",\"bytes\",\"damagedPlaces\",\"unreadable\"} on standard output." })
final class ExportCommand implements Callable<Integer> {

    private static final int BUFFER_BYTES = 1 << 20;

    /** Which documents. */
    enum Status {
        DONE,
        FAILED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Mixin
    HelpOption help = new HelpOption();

    @Mixin
    FileOptions options = new FileOptions();

    @Option(names = "--output", paramLabel = "FILE", description = "Where to write. Default: standard output.")
    Path output;

    @Option(names = "--force", description = "Overwrites the output where it exists.")
    boolean force;

    @Option(names = "--status", paramLabel = "STATUS", description = "Which documents: ${COMPLETION-CANDIDATES}. Default: done.")
    Status status = Status.DONE;

    @Parameters(paramLabel = "FILE", arity = "0..*",
            description = "Names within the directory, or paths. Default: all *.jsonl of the directory.")
    List<String> names;

    @Spec
    CommandSpec spec;

    private final Invocation invocation;

    ExportCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    @RegisterForReflection
    record Report(long documents, long bytes, long damagedPlaces, long unreadable) {}

    /** @param failedAt ISO-8601 */
    @RegisterForReflection
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record FailedDocument(String id, String source, Failure error, String failedAt) {}

    /** Counts what goes through. */
    private static final class Counted extends FilterOutputStream {

        private long documents;
        private long bytes;

        Counted(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] text, int from, int length) throws IOException {
            out.write(text, from, length);
            bytes += length;
        }

        @Override
        public void write(int one) throws IOException {
            out.write(one);
            bytes++;
        }
    }

    @Override
    public Integer call() throws IOException {
        List<Path> paths = options.files(invocation, names);
        List<ReadOnlyCheckpoint> files = new ArrayList<>();
        try {
            for (Path path : paths) {
                files.add(ReadOnlyCheckpoint.open(path));
            }
            return export(files);
        } finally {
            for (ReadOnlyCheckpoint file : files) {
                file.close();
            }
        }
    }

    /** All are loaded before anything is written: an ID may have come through two partitions. */
    private int export(List<ReadOnlyCheckpoint> files) throws IOException {
        checkOutput(files);
        long total = 2 * files.stream().mapToLong(ReadOnlyCheckpoint::size).sum();
        ProgressLine progress = new ProgressLine(invocation, options, "export", total);
        long read = 0;
        long damagedPlaces = 0;
        boolean torn = false;
        for (ReadOnlyCheckpoint file : files) {
            Content content = file.load(progress.from(read));
            damagedPlaces += content.damagedPlaces();
            torn |= content.torn() != null && file.holder() == null;
            read += file.size();
        }
        long unreadable = 0;
        Counted out = new Counted(output == null ? invocation.out() : openOutput());
        try (OutputStream closed = output == null ? OutputStream.nullOutputStream() : out) {
            for (ReadOnlyCheckpoint file : files) {
                unreadable += file.forEachLive(line -> write(line, file, files, out), progress.from(read));
                read += file.size();
            }
            out.flush();
        }
        progress.end(read);
        if (output != null && options.json) {
            Json.writeLine(invocation.out(), new Report(out.documents, out.bytes, damagedPlaces, unreadable));
        } else if (output != null) {
            invocation.print("%d documents, %d bytes%n".formatted(out.documents, out.bytes));
        }
        if (damagedPlaces + unreadable > 0 || torn) {
            invocation.err().println("%d damaged places, %d unreadable lines%s were passed over; verify says where"
                    .formatted(damagedPlaces, unreadable, torn ? " and a torn last line" : ""));
            return ExitStatus.CONTENT;
        }
        return ExitStatus.OK;
    }

    private void write(CheckpointLine line, ReadOnlyCheckpoint file, List<ReadOnlyCheckpoint> files, Counted out) throws IOException {
        Object exported = switch (line) {
            case CheckpointLine.Done done when status == Status.DONE -> Result.of(done);
            case CheckpointLine.Failed failed when status == Status.FAILED ->
                new FailedDocument(failed.id(), failed.source(), failed.error(), failed.ts().toString());
            case CheckpointLine.Done _, CheckpointLine.Failed _, CheckpointLine.Forgotten _, CheckpointLine.Step _ -> null;
        };
        if (exported != null && isLastWord(line, file, files)) {
            Json.writeLine(out, exported);
            out.documents++;
        }
    }

    /** As the service sees it: the latest time counts, and of two that are the same the first file's. */
    private static boolean isLastWord(CheckpointLine line, ReadOnlyCheckpoint file, List<ReadOnlyCheckpoint> files) throws IOException {
        boolean before = true;
        for (ReadOnlyCheckpoint other : files) {
            if (other == file) {
                before = false;
                continue;
            }
            CheckpointLine last = other.last(line.id());
            if (last != null && (last.ts().isAfter(line.ts()) || before && last.ts().equals(line.ts()))) {
                return false;
            }
        }
        return true;
    }

    private OutputStream openOutput() throws IOException {
        return new BufferedOutputStream(Files.newOutputStream(output, force
                ? new OpenOption[] { StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE }
                : new OpenOption[] { StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE }), BUFFER_BYTES);
    }

    /** Neither over a checkpoint, nor as a file that would be taken for one. Links are followed. */
    private void checkOutput(List<ReadOnlyCheckpoint> files) throws IOException {
        if (output == null) {
            return;
        }
        Path real = Files.exists(output) ? output.toRealPath() : output.toAbsolutePath().normalize();
        Path parent = Files.exists(real.getParent()) ? real.getParent().toRealPath() : real.getParent();
        Path directory = options.directory(invocation);
        boolean refused = real.getFileName().toString().contains(FileOptions.SUFFIX)
                && Files.exists(directory) && parent.equals(directory.toRealPath());
        for (ReadOnlyCheckpoint file : files) {
            refused |= Files.exists(output) && Files.isSameFile(output, file.path());
        }
        if (refused) {
            throw new ParameterException(spec.commandLine(),
                    "--output %s is, or would be taken for, a checkpoint file: write elsewhere".formatted(output));
        }
        if (Files.exists(output) && !force) {
            throw new ParameterException(spec.commandLine(), "--output %s exists: give another name, or --force".formatted(output));
        }
    }
}
