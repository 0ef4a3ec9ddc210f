package dev.pawl.http.command;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.concurrent.Callable;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.command.CommandException;
import dev.pawl.command.ExitStatus;
import dev.pawl.command.HelpOption;
import dev.pawl.command.Invocation;
import dev.pawl.command.Json;
import dev.pawl.command.Printable;
import dev.pawl.command.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How far a running Pawl is: once, or again and again. */
@Command(name = "status", description = {
        "Shows how far a running Pawl is, what it waits for, and what calls took. A Pawl speaks for the partitions it holds.", "" },
        footer = { "", "Exit status: 0 where all is well, 1 where Pawl is stuck or not ready, 2 usage, 69 Pawl does not answer,"
                + " 76 no Pawl answers.",
                "With --json: what GET /progress answers; when watching, a line for each answer." })
final class StatusCommand implements Callable<Integer> {

    /** Pawl looks once a second for what was published; and what was published a moment ago it may not have seen. */
    private static final long SETTLED_NS = Duration.ofSeconds(2).toNanos();
    private static final double SHORTEST_SECONDS = 0.1;
    private static final double LONGEST_SECONDS = 3_600;
    /** Moves the cursor to the upper left corner and clears what is below. */
    private static final String CLEAR = "\033[H\033[J";

    @Mixin
    HelpOption help = new HelpOption();

    @Mixin
    ServerOptions server = new ServerOptions();

    @Option(names = "--watch", description = "Shows it again and again, until it is interrupted. A Pawl that restarts meanwhile is waited for.")
    boolean watch;

    @Option(names = "--until-done",
            description = "The same, until nothing that was published is left to do: all are done, skipped or failed.")
    boolean untilDone;

    @Option(names = "--interval", paramLabel = "SECONDS", description = "How often, when watching: 0.1 to 3600. Default: 1.")
    double intervalSeconds = 1;

    @Spec
    CommandSpec spec;

    private final Invocation invocation;

    StatusCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    @Override
    public Integer call() throws CommandException, IOException {
        if (!(intervalSeconds >= SHORTEST_SECONDS && intervalSeconds <= LONGEST_SECONDS)) {
            throw new ParameterException(spec.commandLine(),
                    "--interval %s is not allowed: 0.1 to 3600 seconds".formatted(intervalSeconds));
        }
        try (RunningPawl pawl = server.open(invocation)) {
            JsonNode report = progress(pawl);
            show(report, pawl);
            return watch || untilDone ? watch(pawl, report) : exitStatus(report);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ExitStatus.OK;
        }
    }

    private static JsonNode progress(RunningPawl pawl) throws CommandException {
        JsonNode report = pawl.get("/progress");
        if (!report.path("lag").path("total").isNumber()) {
            throw new CommandException(ExitStatus.PROTOCOL, "%s answers, but not as Pawl does: its progress has no lag".formatted(pawl.url()));
        }
        return report;
    }

    private static int exitStatus(JsonNode report) {
        boolean stuck = report.path("state").asText().equals("stuck");
        return stuck || !report.path("ready").asBoolean(true) ? ExitStatus.CONTENT : ExitStatus.OK;
    }

    /** Ends where that is asked for, or by a signal. */
    private int watch(RunningPawl pawl, JsonNode first) throws CommandException, IOException, InterruptedException {
        JsonNode report = first;
        long idleSinceNs = System.nanoTime();
        boolean lost = false;
        while (true) {
            long nowNs = System.nanoTime();
            if (lost || !isIdle(report)) {
                idleSinceNs = nowNs;
            } else if (untilDone && nowNs - idleSinceNs >= SETTLED_NS) {
                return exitStatus(report);
            }
            Thread.sleep(Duration.ofNanos((long) (intervalSeconds * 1e9)));
            try {
                report = progress(pawl);
                show(report, pawl);
                lost = false;
            } catch (CommandException e) {
                if (e.status() != ExitStatus.UNAVAILABLE) {
                    throw e;
                }
                if (!lost) {
                    invocation.err().println(Printable.of(e.getMessage()) + "; asking again");
                }
                lost = true;
            }
        }
    }

    private static boolean isIdle(JsonNode report) {
        return report.path("lag").path("total").asLong() == 0 && report.path("documents").path("inWork").asLong() == 0;
    }

    private void show(JsonNode report, RunningPawl pawl) throws IOException {
        if (server.json) {
            Json.writePrintableLine(invocation.out(), report);
        } else if (invocation.outIsTerminal() && (watch || untilDone)) {
            invocation.print(CLEAR + text(report, pawl));
        } else {
            invocation.print(text(report, pawl) + (watch || untilDone ? "\n" : ""));
        }
        invocation.out().flush();
    }

    // ---- In words ----

    private static String text(JsonNode report, RunningPawl pawl) {
        StringBuilder text = new StringBuilder();
        text.append("%s: %s, with %s%s%n".formatted(pawl.url(), ShowCommand.word(report, "state"), ShowCommand.word(report.path("model"), "name"),
                report.path("model").path("standIn").asBoolean() ? ", a stand-in for a model" : ""));
        text.append(sentence(report)).append('\n');
        if (!report.path("ready").asBoolean(true)) {
            text.append("not ready: %s%n".formatted(ShowCommand.word(report, "reason")));
        }
        for (JsonNode closed : report.path("waitingFor")) {
            text.append("takes no documents since %s: %s%n".formatted(ShowCommand.word(closed, "since"), ShowCommand.word(closed, "detail")));
        }
        for (JsonNode takeover : report.path("lag").path("takeovers")) {
            text.append(takeover.hasNonNull("holder")
                    ? "%s waits for its checkpoint: %s holds it%n".formatted(ShowCommand.word(takeover, "partition"), ShowCommand.word(takeover, "holder"))
                    : String.format(Locale.ROOT, "%s gets its checkpoint from the mirror: %,d of %,d lines%n", ShowCommand.word(takeover, "partition"),
                            takeover.path("read").asLong(), takeover.path("entries").asLong()));
        }
        text.append('\n').append(documents(report)).append('\n').append(calls(report)).append('\n').append(partitions(report));
        return text.toString();
    }

    private static String sentence(JsonNode report) {
        long lag = report.path("lag").path("total").asLong();
        long inWork = report.path("documents").path("inWork").asLong();
        JsonNode backlog = report.path("backlog");
        String settled = backlog.isObject()
                ? String.format(Locale.ROOT, "%,d of %,d settled, ", backlog.path("settled").asLong(), backlog.path("published").asLong())
                : "";
        return String.format(Locale.ROOT, "%s%,d to go, %,d in work; %,.1f documents a minute%s", settled, lag, inWork,
                report.path("rate").path("documentsPerMinute").asDouble(), eta(report));
    }

    /** By Pawl's own clock, where it tells its time. */
    private static String eta(JsonNode report) {
        if (!report.hasNonNull("eta")) {
            return "";
        }
        try {
            Instant eta = Instant.parse(report.path("eta").asText());
            Instant now = report.hasNonNull("at") ? Instant.parse(report.path("at").asText()) : Instant.now();
            Duration left = Duration.ofSeconds(Math.max(0, Duration.between(now, eta).toSeconds()));
            return ", done in %s (%s)".formatted(left.toString().substring(2).toLowerCase(Locale.ROOT), eta);
        } catch (DateTimeParseException e) {
            return "";
        }
    }

    private static Table documents(JsonNode report) {
        Table table = new Table("documents", "done", "failed", "forgotten", "unfinished", "resumed", "repeated", "skipped");
        JsonNode kept = report.path("checkpoint");
        JsonNode now = report.path("documents");
        table.add("in the checkpoint", kept.path("done").asLong(), kept.path("failed").asLong(), kept.path("forgotten").asLong(),
                kept.path("unfinished").asLong(), "-", "-", "-");
        table.add("since the start", now.path("completed").asLong(), now.path("failed").asLong(), now.path("forgotten").asLong(), "-",
                now.path("resumed").asLong(), now.path("repeated").asLong(), now.path("skipped").asLong());
        return table;
    }

    private static Table calls(JsonNode report) {
        Table table = new Table("over all lives", "spent", "saved", "possibly paid twice");
        JsonNode ledger = report.path("ledger");
        JsonNode tokens = report.path("tokens");
        JsonNode cost = report.path("cost");
        table.add("calls", ledger.path("spent").asLong(), ledger.path("saved").asLong(), ledger.path("possiblyPaidTwice").asLong());
        table.add("input tokens", tokens.path("inputSpent").asLong(), tokens.path("inputSaved").asLong(),
                tokens.path("inputPossiblyPaidTwice").asLong());
        table.add("output tokens", tokens.path("outputSpent").asLong(), tokens.path("outputSaved").asLong(),
                tokens.path("outputPossiblyPaidTwice").asLong());
        if (cost.isObject()) {
            table.add(ShowCommand.word(cost, "currency"), ShowCommand.word(cost, "spent"), ShowCommand.word(cost, "saved"),
                    ShowCommand.word(cost, "possiblyPaidTwice"));
        }
        return table;
    }

    private static Table partitions(JsonNode report) {
        Table table = new Table("partition", "to go", "in work");
        for (JsonNode partition : report.path("lag").path("partitions")) {
            table.add(ShowCommand.word(partition, "partition"), partition.path("lag").asLong(), partition.path("inWork").asLong());
        }
        return table;
    }
}
