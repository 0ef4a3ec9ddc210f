package dev.pawl.checkpoint.command;

import picocli.CommandLine.Option;

/** Picocli's own brings a version option to every command. */
final class HelpOption {

    @Option(names = { "-h", "--help" }, usageHelp = true, description = "Says how to use this.")
    boolean help;
}
