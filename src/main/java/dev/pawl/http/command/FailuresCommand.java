package dev.pawl.http.command;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
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

/** The dead letters of a running Pawl, by kind and one by one. */
@Command(name = "failures", description = {
        "Lists the dead letters that a running Pawl knows: how many are open, by kind, and a page of them.", "" },
        footer = { "", "Exit status: 0 where all is well, 2 usage, 69 Pawl does not answer, 76 no Pawl answers.",
                "With --json: what GET /failures answers, a line a page." })
final class FailuresCommand implements Callable<Integer> {

    /** Of one call. */
    private static final int PAGE = 1_000;

    @Mixin
    HelpOption help = new HelpOption();

    @Mixin
    ServerOptions server = new ServerOptions();

    @Option(names = "--kind", paramLabel = "KIND", description = "Lists those of one kind, such as invalid-output.")
    String kind;

    @Option(names = "--all", description = "Lists also those that are not open any more.")
    boolean all;

    @Option(names = "--limit", paramLabel = "N", description = "How many to list. Default: 100.")
    long limit = 100;

    @Option(names = "--after", paramLabel = "POSITION", description = "Lists those behind this one: what the list before has said at its end.")
    String after;

    @Spec
    CommandSpec spec;

    private final Invocation invocation;

    FailuresCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    @Override
    public Integer call() throws CommandException, IOException {
        if (limit < 1) {
            throw new ParameterException(spec.commandLine(), "--limit %d is not allowed: from 1".formatted(limit));
        }
        try (RunningPawl pawl = server.open(invocation)) {
            String next = after;
            long left = limit;
            do {
                JsonNode page = pawl.get("/failures" + query(next, Math.min(left, PAGE)));
                if (!page.path("failures").isArray()) {
                    throw new CommandException(ExitStatus.PROTOCOL, "%s answers, but not as Pawl does".formatted(pawl.url()));
                }
                if (server.json) {
                    Json.writePrintableLine(invocation.out(), page);
                } else {
                    print(page, left == limit);
                }
                left -= Math.max(1, page.path("failures").size());
                next = page.hasNonNull("next") ? page.path("next").asText() : null;
            } while (next != null && left > 0);
            if (next != null && !server.json) {
                invocation.print("%nmore with --after %s%n".formatted(Printable.of(next)));
            }
        }
        return ExitStatus.OK;
    }

    private String query(String from, long most) {
        List<String> parts = new ArrayList<>(List.of("limit=" + most));
        if (kind != null) {
            parts.add("kind=" + encoded(kind));
        }
        if (from != null) {
            parts.add("after=" + encoded(from));
        }
        if (all) {
            parts.add("all=true");
        }
        return "?" + String.join("&", parts);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private void print(JsonNode page, boolean first) throws IOException {
        StringBuilder text = new StringBuilder();
        if (first) {
            text.append(kinds(page));
            note(page);
        }
        for (JsonNode letter : page.path("failures")) {
            text.append("%n%s  %s  %s%s%n  %s%n".formatted(name(letter), ShowCommand.word(letter, "failedAt"), ShowCommand.word(letter, "source"),
                    letter.path("open").asBoolean(true) ? "" : "  not open", ShowCommand.failure(letter)));
        }
        invocation.print(text.toString());
    }

    private static Table kinds(JsonNode page) {
        Table table = new Table("kind", "open");
        JsonNode open = page.path("open");
        open.path("kinds").properties().forEach(each -> table.add(Printable.of(each.getKey()), each.getValue().asLong()));
        table.add("total", open.path("total").asLong());
        return table;
    }

    private void note(JsonNode page) {
        if (!page.path("complete").asBoolean(true)) {
            invocation.err().println("the dead letters are not counted to their end yet; ask again, and the count goes on");
        }
        printElsewhere(invocation, page);
    }

    static void printElsewhere(Invocation invocation, JsonNode answer) {
        List<String> partitions = new ArrayList<>();
        answer.path("elsewhere").forEach(each -> partitions.add(Printable.of(each.asText())));
        if (!partitions.isEmpty()) {
            invocation.err().println("other processes hold %s: ask these for the dead letters of those"
                    .formatted(String.join(", ", partitions)));
        }
    }

    /** A record that holds no document has a key perhaps. */
    private static String name(JsonNode letter) {
        String name = letter.hasNonNull("id") ? "id" : letter.hasNonNull("key") ? "key" : "position";
        return ShowCommand.word(letter, name);
    }
}
