package dev.pawl;

import dev.pawl.checkpoint.command.Commands;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;

/** Where the process begins: the service without arguments, a command with them. */
@QuarkusMain
public final class Pawl {

    private Pawl() {
    }

    public static void main(String... arguments) {
        if (arguments.length == 0) {
            Quarkus.run();
        } else {
            System.exit(Commands.run(arguments));
        }
    }
}
