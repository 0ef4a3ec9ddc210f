package dev.pawl.command;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.pawl.checkpoint.CheckpointLock.HeldByAnotherException;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What the commands of Pawl's jar have in common: how they are called, and how they end. They start neither Quarkus nor Kafka. */
@RegisterForReflection(targets = { HelpCommand.class, HelpOption.class })
public final class Commands {

    private static final String JAR = "java -jar quarkus-run.jar";
    private static final int HELP_WIDTH = 100;

    private Commands() {
    }

    /**
     * Runs the one that the arguments name.
     *
     * @return the process's exit status; a sentence on standard error says what was wrong where it is not 0
     */
    public static int run(Invocation invocation, List<CommandLine> commands, String... arguments) {
        PrintStream err = invocation.err();
        try {
            CommandLine line = commandLine(invocation, commands);
            int status = line.execute(arguments);
            // Who has closed our output has heard of it once.
            if (status != ExitStatus.INPUT_OUTPUT) {
                line.getOut().flush();
                invocation.out().flush();
            }
            return status;
        } catch (IOException e) {
            err.println(sentence(e));
            return ExitStatus.INPUT_OUTPUT;
        } catch (OutOfMemoryError e) {
            err.println("The heap is too small for the index, which takes about 30 bytes a document: give java a larger -Xmx.");
            return ExitStatus.INPUT_OUTPUT;
        }
    }

    private static CommandLine commandLine(Invocation invocation, List<CommandLine> commands) {
        CommandSpec root = CommandSpec.create().name(JAR).versionProvider(() -> new String[] { version() });
        root.usageMessage()
                .description("Without arguments: runs the service. With a command: runs that, without the service.");
        root.addMixin("help", CommandSpec.forAnnotatedObject(new HelpOption()));
        root.addOption(OptionSpec.builder("--version").versionHelp(true).description("Says which version this is.").build());
        CommandLine line = new CommandLine(root);
        commands.forEach(line::addSubcommand);
        return line
                .addSubcommand(new HelpCommand())
                .setOut(new PrintWriter(invocation.out(), false, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(invocation.err(), true, StandardCharsets.UTF_8))
                .setUsageHelpWidth(HELP_WIDTH)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
                .setExecutionExceptionHandler((e, _, _) -> failed(e, invocation.err()))
                .setParameterExceptionHandler((e, _) -> refused(e, invocation.err()));
    }

    private static String version() {
        String version = Commands.class.getPackage().getImplementationVersion();
        return version == null ? "unpackaged" : version;
    }

    private static int refused(ParameterException e, PrintStream err) {
        String command = e.getCommandLine().getCommandSpec().qualifiedName();
        String wrong = e instanceof UnmatchedArgumentException unmatched ? unmatched(unmatched) : e.getMessage().replaceAll("\\s+", " ");
        err.println(Printable.of("%s; see %s --help".formatted(wrong, command)));
        return ExitStatus.USAGE;
    }

    private static String unmatched(UnmatchedArgumentException e) {
        CommandLine command = e.getCommandLine();
        Stream<String> options = command.getCommandSpec().options().stream()
                .filter(option -> !option.hidden())
                .map(option -> option.longestName());
        String allowed = Stream.concat(command.getSubcommands().keySet().stream(), options).sorted().collect(Collectors.joining(", "));
        return "%s is not allowed here; allowed are %s".formatted(e.getUnmatched().getFirst(), allowed);
    }

    private static int failed(Exception e, PrintStream err) throws Exception {
        switch (e) {
            case HeldByAnotherException held -> {
                err.println("%s is held by %s; nothing was written: stop that process, then import again"
                        .formatted(held.path(), held.holder()));
                return ExitStatus.HELD;
            }
            case CommandException refused -> {
                err.println(Printable.of(refused.getMessage()));
                return refused.status();
            }
            case IOException io -> {
                err.println(Printable.of(sentence(io)));
                return ExitStatus.INPUT_OUTPUT;
            }
            default -> throw e;
        }
    }

    /** A file system's exceptions may have a path alone for their message. */
    private static String sentence(IOException e) {
        return switch (e) {
            case NoSuchFileException file -> "%s does not exist".formatted(file.getFile());
            case AccessDeniedException file -> "%s is not accessible to this user".formatted(file.getFile());
            case NotDirectoryException file -> "%s is no directory".formatted(file.getFile());
            case FileSystemException file when file.getReason() == null -> "%s can't be used".formatted(file.getFile());
            default -> e.getMessage() == null ? e.toString() : e.getMessage();
        };
    }
}
