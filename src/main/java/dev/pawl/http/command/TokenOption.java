package dev.pawl.http.command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import dev.pawl.command.CommandException;
import dev.pawl.command.ExitStatus;
import dev.pawl.command.Invocation;
import picocli.CommandLine.Option;

/** Where the token is read: never from the arguments, which every user of the machine can see. */
final class TokenOption {

    private static final String VARIABLE = "PAWL_API_TOKEN";
    /** What a header can hold; Pawl allows no other either. */
    private static final String ALLOWED = "[\\x21-\\x7e]+";

    @Option(names = "--token-file", paramLabel = "FILE",
            description = "A file with the token of pawl.api.token. Default: the environment variable " + VARIABLE + ".")
    Path file;

    Token token(Invocation invocation) throws CommandException, IOException {
        String origin = file != null ? file.toString() : VARIABLE;
        // In ISO-8859-1 every file is text, and what is no token is refused below.
        String text = file != null ? Files.readString(file, StandardCharsets.ISO_8859_1) : invocation.environment().getOrDefault(VARIABLE, "");
        String token = text.strip();
        if (token.isEmpty() && file == null) {
            return Token.NONE;
        }
        if (!token.matches(ALLOWED)) {
            throw new CommandException(ExitStatus.USAGE,
                    "%s holds no token: one line of ASCII without blanks".formatted(origin));
        }
        return new Token(token, origin);
    }
}
