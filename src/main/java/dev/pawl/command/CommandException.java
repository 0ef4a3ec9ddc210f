package dev.pawl.command;

/** Ends a command with a status and one sentence that says what is wrong. */
public class CommandException extends Exception {

    private final int status;

    /** @param status one of {@link ExitStatus} */
    public CommandException(int status, String sentence) {
        super(sentence, null, false, false);
        this.status = status;
    }

    public final int status() {
        return status;
    }
}
