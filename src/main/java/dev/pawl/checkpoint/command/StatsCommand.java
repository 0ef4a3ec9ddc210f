package dev.pawl.checkpoint.command;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.ReadOnlyCheckpoint;
import dev.pawl.checkpoint.ReadOnlyCheckpoint.Content;
import dev.pawl.command.ExitStatus;
import dev.pawl.command.HelpOption;
import dev.pawl.command.Invocation;
import dev.pawl.command.Json;
import dev.pawl.command.Table;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Counts what checkpoint files hold. Writes nothing. */
@Command(name = "stats", description = { "Counts what checkpoint files hold. A running process is not disturbed.", "" },
        footer = { "", "Exit status: 0 where all is well, 1 where something is damaged or torn, 2 usage, 74 input/output.",
                "With --json: {\"files\":[{\"file\",\"documents\":{\"done\",\"failed\",\"forgotten\",\"unfinished\"},"
                        + "\"failedByKind\":{kind:documents},\"lines\",\"bytes\",\"garbageBytes\",\"garbageShare\",\"damagedBytes\","
                        + "\"tornBytes\",\"unreadable\",\"calls\",\"inputTokens\",\"outputTokens\",\"oldest\",\"newest\","
                        + "\"heldBy\"}],\"total\":{as a file}}."
                        + " Documents count once, by their last word; calls and tokens are those of done documents."
                        + " Garbage is what later lines have replaced. oldest and newest are times of lines that count, where they have"
                        + " one." })
final class StatsCommand implements Callable<Integer> {

    @Mixin
    HelpOption help = new HelpOption();

    @Mixin
    FileOptions options = new FileOptions();

    @Parameters(paramLabel = "FILE", arity = "0..*",
            description = "Names within the directory, or paths. Default: all *.jsonl of the directory.")
    List<String> names;

    private final Invocation invocation;

    StatsCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    @RegisterForReflection
    record Report(List<Stats> files, Stats total) {}

    /**
     * @param file null in the total
     * @param unreadable documents whose last line has a right checksum and can't be read all the same: another program's work
     * @param oldest ISO-8601; null where no line has a time
     */
    @RegisterForReflection
    record Stats(String file, Checkpoints.Totals documents, Map<String, Long> failedByKind, long lines, long bytes,
            long garbageBytes, double garbageShare, long damagedBytes, long tornBytes, long unreadable, long calls, long inputTokens,
            long outputTokens, String oldest, String newest, String heldBy) {

        boolean sound() {
            return damagedBytes == 0 && unreadable == 0 && (tornBytes == 0 || heldBy != null);
        }
    }

    /** What the live lines of one file, or of all, say together. */
    private static final class Sum {

        private Checkpoints.Totals documents = new Checkpoints.Totals(0, 0, 0, 0);
        private final Map<String, Long> failedByKind = new TreeMap<>();
        private long lines;
        private long bytes;
        private long garbageBytes;
        private long damagedBytes;
        private long tornBytes;
        private long unreadable;
        private long calls;
        private long inputTokens;
        private long outputTokens;
        private Instant oldest = Instant.MAX;
        private Instant newest = Instant.EPOCH;

        void add(CheckpointLine line) {
            switch (line) {
                case CheckpointLine.Done done -> add(done.usage());
                case CheckpointLine.Failed failed -> failedByKind.merge(failed.error().kind().text(), 1L, Long::sum);
                case CheckpointLine.Step _, CheckpointLine.Forgotten _ -> { }
            }
            // A hand-written line may have no time.
            if (line.ts().isAfter(Instant.EPOCH)) {
                oldest = line.ts().isBefore(oldest) ? line.ts() : oldest;
                newest = line.ts().isAfter(newest) ? line.ts() : newest;
            }
        }

        private void add(Usage usage) {
            calls += usage.calls();
            inputTokens += usage.inputTokens();
            outputTokens += usage.outputTokens();
        }

        void add(Content content) {
            documents = documents.plus(content.documents());
            lines += content.lines().sum();
            bytes += content.bytes();
            garbageBytes += content.garbageBytes();
            damagedBytes += content.damagedBytes();
            tornBytes += content.torn() == null ? 0 : content.torn().length();
        }

        Stats stats(String file, String heldBy) {
            double garbageShare = bytes == 0 ? 0 : Math.round(10_000.0 * garbageBytes / bytes) / 10_000.0;
            boolean timed = newest.isAfter(Instant.EPOCH);
            return new Stats(file, documents, failedByKind, lines, bytes, garbageBytes, garbageShare, damagedBytes, tornBytes,
                    unreadable, calls, inputTokens, outputTokens, timed ? oldest.toString() : null,
                    timed ? newest.toString() : null, heldBy);
        }
    }

    @Override
    public Integer call() throws IOException {
        List<Stats> files = new ArrayList<>();
        Sum all = new Sum();
        for (Path path : options.files(invocation, names)) {
            files.add(stats(path, all));
        }
        Stats total = all.stats(null, null);
        if (options.json) {
            Json.writeLine(invocation.out(), new Report(files, total));
        } else if (!files.isEmpty()) {
            print(files, total);
        }
        return files.stream().allMatch(Stats::sound) ? ExitStatus.OK : ExitStatus.CONTENT;
    }

    private Stats stats(Path path, Sum all) throws IOException {
        String name = path.getFileName().toString();
        try (ReadOnlyCheckpoint file = ReadOnlyCheckpoint.open(path)) {
            ProgressLine progress = new ProgressLine(invocation, options, name, 2 * file.size());
            Sum sum = new Sum();
            Content content = file.load(progress);
            sum.add(content);
            all.add(content);
            long unreadable = file.forEachLive(line -> {
                sum.add(line);
                all.add(line);
            }, progress.from(file.size()));
            sum.unreadable += unreadable;
            all.unreadable += unreadable;
            progress.end(2 * file.size());
            return sum.stats(name, file.holder());
        }
    }

    private void print(List<Stats> files, Stats total) throws IOException {
        List<Stats> rows = new ArrayList<>(files);
        if (files.size() > 1) {
            rows.add(total);
        }
        Table documents = new Table("file", "done", "failed", "forgotten", "unfinished", "calls", "input tokens", "output tokens");
        Table bytes = new Table("file", "lines", "bytes", "garbage", "share", "damaged", "oldest", "newest");
        for (Stats row : rows) {
            String name = row.file() == null ? "total" : row.file();
            documents.add(name, row.documents().done(), row.documents().failed(), row.documents().forgotten(),
                    row.documents().unfinished(), row.calls(), row.inputTokens(), row.outputTokens());
            bytes.add(name, row.lines(), row.bytes(), row.garbageBytes(), Math.round(100 * row.garbageShare()) + " %",
                    row.damagedBytes() + row.tornBytes(), row.oldest() == null ? "-" : row.oldest(),
                    row.newest() == null ? "-" : row.newest());
        }
        invocation.print(documents + "\n" + bytes);
        if (!total.failedByKind().isEmpty()) {
            invocation.print("%nfailed: %s%n".formatted(total.failedByKind().entrySet().stream()
                    .map(kind -> kind.getValue() + " " + kind.getKey()).collect(Collectors.joining(", "))));
        }
        for (Stats file : files) {
            if (file.heldBy() != null) {
                invocation.print("%s: held by %s%n".formatted(file.file(), file.heldBy()));
            }
        }
    }
}
