package dev.pawl;

import java.util.ArrayList;
import java.util.List;

import dev.pawl.checkpoint.command.CheckpointCommand;
import dev.pawl.command.Commands;
import dev.pawl.command.Invocation;
import dev.pawl.http.command.HttpCommands;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import picocli.CommandLine;

/** Where the process begins: the service without arguments, a command with them. */
@QuarkusMain
public final class Pawl {

    private Pawl() {
    }

    public static void main(String... arguments) {
        if (arguments.length == 0) {
            Processors.spareOne();
            Quarkus.run();
        } else {
            System.exit(command(Invocation.ofProcess(), arguments));
        }
    }

    /** Runs a command in this process, without the service; returns the exit status. */
    public static int command(Invocation invocation, String... arguments) {
        List<CommandLine> commands = new ArrayList<>(HttpCommands.of(invocation));
        commands.add(CheckpointCommand.of(invocation));
        return Commands.run(invocation, commands, arguments);
    }
}
