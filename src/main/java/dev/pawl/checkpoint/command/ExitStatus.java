package dev.pawl.checkpoint.command;

/** How a command ends; above 2 as in sysexits.h. */
final class ExitStatus {

    static final int OK = 0;
    /** Damage was found, or lines were rejected. */
    static final int CONTENT = 1;
    static final int USAGE = 2;
    /** A fault of Pawl's own. */
    static final int SOFTWARE = 70;
    static final int INPUT_OUTPUT = 74;
    /** Another process holds the file. */
    static final int HELD = 75;

    private ExitStatus() {
    }
}
