package dev.pawl.checkpoint.command;

import dev.pawl.command.HelpOption;
import dev.pawl.command.Invocation;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the four commands stand under. */
@RegisterForReflection(targets = { FileOptions.class, CheckpointCommand.class, VerifyCommand.class, StatsCommand.class, ExportCommand.class,
        ImportCommand.class })
@Command(name = "checkpoint", description = "Looks into checkpoint files, or adds to them, without starting the service.",
        synopsisSubcommandLabel = "COMMAND")
public final class CheckpointCommand implements Runnable {

    @Mixin
    HelpOption help;

    @Spec
    CommandSpec spec;

    /** With the four. */
    public static CommandLine of(Invocation invocation) {
        return new CommandLine(new CheckpointCommand())
                .addSubcommand(new VerifyCommand(invocation))
                .addSubcommand(new StatsCommand(invocation))
                .addSubcommand(new ExportCommand(invocation))
                .addSubcommand(new ImportCommand(invocation));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "A command is missing: verify, stats, export or import");
    }
}
