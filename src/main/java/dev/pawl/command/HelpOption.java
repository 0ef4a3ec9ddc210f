package dev.pawl.command;

import picocli.CommandLine.Option;

/** Picocli's own brings a version option to every command. */
public final class HelpOption {

    @Option(names = { "-h", "--help" }, usageHelp = true, description = "Says how to use this.")
    public boolean help;
}
