package dev.pawl.command;

/** How a command ends; above 2 as in sysexits.h. */
public final class ExitStatus {

    public static final int OK = 0;
    /** Damage was found, something was rejected, or a document is not known. */
    public static final int CONTENT = 1;
    public static final int USAGE = 2;
    /** No Pawl answers, or it can't do it now. */
    public static final int UNAVAILABLE = 69;
    /** A fault of Pawl's own. */
    public static final int SOFTWARE = 70;
    public static final int INPUT_OUTPUT = 74;
    /** Another process holds the file. */
    public static final int HELD = 75;
    /** What answers is no Pawl, or one of another version. */
    public static final int PROTOCOL = 76;
    /** The token is missing or wrong, or none is configured. */
    public static final int NO_PERMISSION = 77;

    private ExitStatus() {
    }
}
