package dev.pawl.http.command;

import java.net.URI;
import java.net.URISyntaxException;

import dev.pawl.command.CommandException;
import dev.pawl.command.ExitStatus;
import dev.pawl.command.Invocation;
import picocli.CommandLine.Option;

/** Which Pawl is called, and what is printed. */
final class ServerOptions {

    private static final String VARIABLE = "PAWL_URL";
    private static final String DEFAULT = "http://localhost:8080";

    @Option(names = "--url", paramLabel = "URL",
            description = "Where Pawl runs. Default: the environment variable " + VARIABLE + ", else " + DEFAULT + ".")
    String url;

    @Option(names = "--json", description = "Prints JSON instead, one object a line.")
    boolean json;

    /** For calls that change nothing, and need no token. */
    RunningPawl open(Invocation invocation) throws CommandException {
        return open(invocation, Token.NONE);
    }

    RunningPawl open(Invocation invocation, Token token) throws CommandException {
        String variable = invocation.environment().getOrDefault(VARIABLE, "");
        String name = url != null ? "--url" : VARIABLE;
        return new RunningPawl(base(name, url != null ? url : variable.isEmpty() ? DEFAULT : variable), token);
    }

    private static String base(String name, String text) throws CommandException {
        URI uri;
        try {
            uri = new URI(text.strip());
        } catch (URISyntaxException e) {
            throw refusal(name, text);
        }
        if (uri.getUserInfo() != null) {
            throw new CommandException(ExitStatus.USAGE, "%s holds a user or a password, which Pawl does not know".formatted(name));
        }
        boolean overHttp = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
        if (!overHttp || uri.getHost() == null || uri.getRawQuery() != null || uri.getRawFragment() != null) {
            throw refusal(name, text);
        }
        return uri.toString().replaceAll("/+$", "");
    }

    private static CommandException refusal(String name, String text) {
        return new CommandException(ExitStatus.USAGE, "%s = %s is not allowed: http or https, a host and perhaps a port, such as %s"
                .formatted(name, text, DEFAULT));
    }
}
