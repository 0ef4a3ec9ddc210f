package dev.pawl.checkpoint.command;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the four commands stand under. */
@Command(name = "checkpoint", description = "Looks into checkpoint files, or adds to them, without starting the service.",
        synopsisSubcommandLabel = "COMMAND")
final class CheckpointCommand implements Runnable {

    @Mixin
    HelpOption help;

    @Spec
    CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "A command is missing: verify, stats, export or import");
    }
}
