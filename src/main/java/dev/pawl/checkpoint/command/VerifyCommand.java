package dev.pawl.checkpoint.command;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.ReadOnlyCheckpoint;
import dev.pawl.checkpoint.ReadOnlyCheckpoint.Content;
import dev.pawl.checkpoint.ReadOnlyCheckpoint.Lines;
import dev.pawl.checkpoint.ReadOnlyCheckpoint.Place;
import dev.pawl.checkpoint.ReadOnlyCheckpoint.SidecarCheck;
import dev.pawl.checkpoint.ReadOnlyCheckpoint.SidecarState;
import dev.pawl.command.ExitStatus;
import dev.pawl.command.HelpOption;
import dev.pawl.command.Invocation;
import dev.pawl.command.Json;
import dev.pawl.command.Table;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Says of each file whether a start would believe all of it, and where not. Writes nothing. */
@Command(name = "verify", description = {
        "Reads checkpoint files as the service does, and says which bytes are no line. A running process is not disturbed.", "" },
        footer = { "", "Exit status: 0 where all is well, 1 where something is damaged, torn or wrong, 2 usage, 74 input/output.",
                "With --json: {\"sound\",\"files\":[{\"file\",\"bytes\",\"lines\":{\"step\",\"done\",\"failed\",\"forgotten\"},"
                        + "\"documents\":{\"done\",\"failed\",\"forgotten\",\"unfinished\"},"
                        + "\"damagedPlaces\",\"damagedBytes\",\"damaged\":[{\"line\",\"offset\",\"length\",\"why\"}],"
                        + "\"torn\":{as damaged},\"heldBy\",\"sidecar\":{\"state\",\"why\"}}]}."
                        + " Lines count from 1; offsets and lengths are bytes. Of damaged, the first 1,000 are listed. torn is there"
                        + " where the last line is not whole; with heldBy that is one under way, and no fault." })
final class VerifyCommand implements Callable<Integer> {

    @Mixin
    HelpOption help = new HelpOption();

    @Mixin
    FileOptions options = new FileOptions();

    @Parameters(paramLabel = "FILE", arity = "0..*",
            description = "Names within the directory, or paths. Default: all *.jsonl of the directory.")
    List<String> names;

    private final Invocation invocation;

    VerifyCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    @RegisterForReflection
    record Report(boolean sound, List<FileReport> files) {}

    @RegisterForReflection(targets = { FileReport.class, Lines.class, Checkpoints.Totals.class, Place.class, Sidecar.class })
    record FileReport(String file, long bytes, Lines lines, Checkpoints.Totals documents, long damagedPlaces, long damagedBytes,
            List<Place> damaged, Place torn, String heldBy, Sidecar sidecar) {

        boolean sound() {
            return damagedPlaces == 0 && (torn == null || heldBy != null) && !sidecar.state().equals(word(SidecarState.WRONG));
        }
    }

    record Sidecar(String state, String why) {}

    @Override
    public Integer call() throws IOException {
        List<FileReport> files = new ArrayList<>();
        for (Path path : options.files(invocation, names)) {
            files.add(verify(path));
        }
        boolean sound = files.stream().allMatch(FileReport::sound);
        if (options.json) {
            Json.writeLine(invocation.out(), new Report(sound, files));
        } else {
            print(files);
        }
        return sound ? ExitStatus.OK : ExitStatus.CONTENT;
    }

    private FileReport verify(Path path) throws IOException {
        String name = path.getFileName().toString();
        try (ReadOnlyCheckpoint file = ReadOnlyCheckpoint.open(path)) {
            ProgressLine progress = new ProgressLine(invocation, options, name, file.size());
            Content content = file.load(progress);
            progress.end(file.size());
            SidecarCheck sidecar = file.checkSidecar();
            return new FileReport(name, content.bytes(), content.lines(), content.documents(), content.damagedPlaces(),
                    content.damagedBytes(), content.damaged(), content.torn(), file.holder(),
                    new Sidecar(word(sidecar.state()), sidecar.why()));
        }
    }

    private static String word(SidecarState state) {
        return state.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private void print(List<FileReport> files) throws IOException {
        Table table = new Table("file", "documents", "lines", "step", "done", "failed", "forgotten", "damaged", "sidecar");
        for (FileReport file : files) {
            Lines lines = file.lines();
            table.add(file.file(), file.documents().sum(), lines.sum(), lines.step(), lines.done(), lines.failed(), lines.forgotten(),
                    file.damagedPlaces(), file.sidecar().state());
        }
        invocation.print(files.isEmpty() ? "" : table.toString());
        for (FileReport file : files) {
            for (Place place : file.damaged()) {
                print(file, place, place.why());
            }
            if (file.damagedPlaces() > file.damaged().size()) {
                invocation.print("%s: and %d more damaged places%n".formatted(file.file(), file.damagedPlaces() - file.damaged().size()));
            }
            if (file.torn() != null) {
                print(file, file.torn(), file.heldBy() == null
                        ? "torn: the last line is not whole; Pawl cuts it off at its next start"
                        : "the last line is under way, which is as it should be");
            }
            if (file.heldBy() != null) {
                invocation.print("%s: held by %s%n".formatted(file.file(), file.heldBy()));
            }
            if (file.sidecar().why() != null) {
                invocation.print("%s: sidecar %s: %s%n".formatted(file.file(), file.sidecar().state(), file.sidecar().why()));
            }
        }
    }

    private void print(FileReport file, Place place, String why) throws IOException {
        invocation.print("%s: line %d, byte %d, %d bytes: %s%n"
                .formatted(file.file(), place.line(), place.offset(), place.length(), why));
    }
}
