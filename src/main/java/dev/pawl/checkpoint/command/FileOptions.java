package dev.pawl.checkpoint.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import dev.pawl.command.Invocation;
import picocli.CommandLine.Option;

/** Where the files are, and what is printed. */
final class FileOptions {

    static final String SUFFIX = ".jsonl";

    private static final String VARIABLE = "PAWL_CHECKPOINT_DIRECTORY";
    private static final String DEFAULT = "data/checkpoint";
    /** As the service names them. */
    private static final Pattern NAME = Pattern.compile("(.+)-(\\d{1,9})\\.jsonl");

    @Option(names = "--directory", paramLabel = "DIRECTORY",
            description = "Where the checkpoint lies. Default: the environment variable " + VARIABLE + ", else " + DEFAULT + ".")
    Path directory;

    @Option(names = "--json", description = "Prints one JSON object instead.")
    boolean json;

    @Option(names = "--progress", description = "Shows on standard error how far it is, even where that is no terminal.")
    boolean progress;

    /** Absolute, so that one file has one name. */
    Path directory(Invocation invocation) {
        String variable = invocation.environment().getOrDefault(VARIABLE, "");
        Path chosen = directory != null ? directory : Path.of(variable.isEmpty() ? DEFAULT : variable);
        return chosen.toAbsolutePath().normalize();
    }

    /** All files of the directory, by topic and partition, where none are named. */
    List<Path> files(Invocation invocation, List<String> names) throws IOException {
        Path in = directory(invocation);
        if (names != null) {
            return names.stream().map(name -> file(in, name)).distinct().toList();
        }
        if (Files.notExists(in)) {
            throw new NoSuchFileException(in.toString());
        }
        try (Stream<Path> files = Files.list(in)) {
            List<Path> found = files.filter(file -> file.toString().endsWith(SUFFIX) && Files.isRegularFile(file))
                    .sorted(Comparator.comparing(FileOptions::topic).thenComparingInt(FileOptions::partition))
                    .toList();
            if (found.isEmpty()) {
                invocation.err().println("%s holds no file *%s".formatted(in, SUFFIX));
            }
            return found;
        }
    }

    /** A name within the directory, or a path. */
    private static Path file(Path directory, String name) {
        Path within = directory.resolve(name);
        boolean isPath = Path.of(name).getNameCount() > 1 || Files.notExists(within) && Files.exists(Path.of(name));
        return (isPath ? Path.of(name) : within).toAbsolutePath().normalize();
    }

    /** Whether the service would look for a file of this name. */
    static boolean isCheckpointName(Path file) {
        return NAME.matcher(file.getFileName().toString()).matches();
    }

    private static String topic(Path file) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        return name.matches() ? name.group(1) : file.getFileName().toString();
    }

    private static int partition(Path file) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        return name.matches() ? Integer.parseInt(name.group(2)) : 0;
    }
}
