package dev.pawl.checkpoint.command;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

import dev.pawl.checkpoint.CheckpointImport;
import dev.pawl.checkpoint.ReadOnlyCheckpoint;
import dev.pawl.command.ExitStatus;
import dev.pawl.command.HelpOption;
import dev.pawl.command.Invocation;
import dev.pawl.command.Json;
import dev.pawl.command.Table;
import dev.pawl.document.RecordDecoder.InvalidDocumentException;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lets Pawl know what another tool has done already, so that none of it is paid for again. */
@Command(name = "import", description = {
        "Marks documents as done that another tool has done. Refused while a process holds one of the files.", "" },
        footer = { "", "Exit status: 0 where all is well, 1 where lines were rejected, 2 usage, 74 input/output, 75 held by a process.",
                "With --json: {\"imported\",\"alreadyDone\",\"rejected\",\"dryRun\",\"files\":[{\"file\",\"imported\"}]}." })
final class ImportCommand implements Callable<Integer> {

    private static final int REJECTIONS_SHOWN = 20;
    private static final int MAX_PARTITIONS = 10_000;

    @Mixin
    HelpOption help = new HelpOption();

    @Mixin
    FileOptions options = new FileOptions();

    @Option(names = "--topic", paramLabel = "TOPIC",
            description = "Puts each document where a publisher with Kafka's default partitioner puts its key; with --partitions.")
    String topic;

    @Option(names = "--partitions", paramLabel = "N", description = "How many partitions the topic has, 1 to 10,000.")
    Integer partitions;

    @Option(names = "--into", paramLabel = "FILE",
            description = "Puts all into one file instead: a name such as documents-0.jsonl within the directory, or a path.")
    String into;

    @Option(names = "--id-field", paramLabel = "NAME", description = "The member of an object that holds the ID. Default: id.")
    String idField = "id";

    @Option(names = "--dry-run", description = "Counts, and writes nothing.")
    boolean dryRun;

    @Parameters(paramLabel = "LIST", description = {
            "A file, or - for standard input. A document a line: its ID, or a JSON object with an id, whose ts (ISO-8601, or seconds"
                    + " or milliseconds since 1970) and result are kept." })
    String list;

    @Spec
    CommandSpec spec;

    private final Invocation invocation;

    private long alreadyDone;
    private long rejected;
    private long[] imported;

    ImportCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    @RegisterForReflection
    record Report(long imported, long alreadyDone, long rejected, boolean dryRun, List<FileReport> files) {}

    @RegisterForReflection
    record FileReport(String file, long imported) {}

    @Override
    public Integer call() throws IOException {
        List<Path> targets = targets();
        imported = new long[targets.size()];
        try (InputStream in = list.equals("-") ? invocation.in() : Files.newInputStream(Path.of(list));
                CheckpointImport target = dryRun ? CheckpointImport.rehearse(targets) : CheckpointImport.open(targets)) {
            read(new ListReader(in, idField), targets, target);
        }
        report(targets);
        return rejected > 0 ? ExitStatus.CONTENT : ExitStatus.OK;
    }

    private List<Path> targets() {
        if ((into != null) == (topic != null) || (topic == null) != (partitions == null)) {
            throw new ParameterException(spec.commandLine(),
                    "Where to import to must be said: either --into FILE, or --topic TOPIC and --partitions N");
        }
        Path directory = options.directory(invocation);
        List<Path> targets = new ArrayList<>();
        if (into != null) {
            boolean isName = Path.of(into).getNameCount() == 1;
            targets.add((isName ? directory.resolve(into) : Path.of(into).toAbsolutePath()).normalize());
        } else if (partitions < 1 || partitions > MAX_PARTITIONS) {
            throw new ParameterException(spec.commandLine(),
                    "--partitions %d is not allowed: 1 to %d".formatted(partitions, MAX_PARTITIONS));
        } else {
            for (int partition = 0; partition < partitions; partition++) {
                targets.add(directory.resolve("%s-%d.jsonl".formatted(topic, partition)));
            }
        }
        if (!FileOptions.isCheckpointName(targets.getFirst()) || topic != null && !topic.matches("[a-zA-Z0-9._-]{1,249}")) {
            throw new ParameterException(spec.commandLine(), "%s is not the name of a checkpoint file, which is topic-partition.jsonl"
                    .formatted(targets.getFirst().getFileName()));
        }
        return targets;
    }

    private void read(ListReader reader, List<Path> targets, CheckpointImport target) throws IOException {
        long size = list.equals("-") ? 0 : Files.size(Path.of(list));
        ProgressLine progress = new ProgressLine(invocation, options, list.equals("-") ? "standard input" : list, size);
        for (ListEntry entry = reader.next(); entry != null; entry = reader.next()) {
            switch (entry) {
                case ListEntry.Rejected(long line, String reason) -> reject(line, reason);
                case ListEntry.Document document -> add(document, targets, target);
            }
            progress.accept(reader.bytes());
        }
        target.await();
        progress.end(reader.bytes());
    }

    private void add(ListEntry.Document document, List<Path> targets, CheckpointImport target) throws IOException {
        int partition = BuiltInPartitioner.partitionForKey(document.id().getBytes(StandardCharsets.UTF_8), targets.size());
        try {
            if (target.add(targets.get(partition), CheckpointImport.done(document.id(), document.ts(), document.result()))) {
                imported[partition]++;
            } else {
                alreadyDone++;
            }
        } catch (InvalidDocumentException e) {
            reject(document.line(), e.getMessage());
        }
    }

    private void reject(long line, String reason) {
        if (rejected++ < REJECTIONS_SHOWN) {
            invocation.err().println("line %d rejected: %s".formatted(line, reason));
        }
    }

    private void report(List<Path> targets) throws IOException {
        if (rejected > REJECTIONS_SHOWN) {
            invocation.err().println("and %d more lines rejected".formatted(rejected - REJECTIONS_SHOWN));
        }
        long all = 0;
        List<FileReport> files = new ArrayList<>();
        for (int i = 0; i < imported.length; i++) {
            all += imported[i];
            files.add(new FileReport(targets.get(i).getFileName().toString(), imported[i]));
        }
        if (options.json) {
            Json.writeLine(invocation.out(), new Report(all, alreadyDone, rejected, dryRun, files));
            return;
        }
        Table table = new Table();
        table.add(dryRun ? "would be imported" : "imported", all);
        table.add("already done", alreadyDone);
        table.add("rejected", rejected);
        invocation.print(table.toString());
        for (Path target : dryRun ? targets : List.<Path>of()) {
            String holder = ReadOnlyCheckpoint.holder(target);
            if (holder != null) {
                invocation.err().println("%s is held by %s, which has to stop before the import".formatted(target, holder));
            }
        }
    }
}
