package dev.pawl.http.command;

import java.util.List;

import dev.pawl.command.Invocation;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine;

/** The commands that call a running Pawl over HTTP: for those who don't want a page. */
@RegisterForReflection(targets = { ServerOptions.class, TokenOption.class, PublishCommand.class, StatusCommand.class, ShowCommand.class,
        FailuresCommand.class, ReplayCommand.class })
public final class HttpCommands {

    private HttpCommands() {
    }

    public static List<CommandLine> of(Invocation invocation) {
        return List.of(
                new CommandLine(new PublishCommand(invocation)),
                new CommandLine(new StatusCommand(invocation)),
                new CommandLine(new ShowCommand(invocation)),
                new CommandLine(new FailuresCommand(invocation)),
                new CommandLine(new ReplayCommand(invocation)));
    }
}
