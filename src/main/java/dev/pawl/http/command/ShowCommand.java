package dev.pawl.http.command;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
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
import dev.pawl.http.command.RunningPawl.RefusedException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** What a running Pawl knows of one document. */
@Command(name = "show", description = { "Shows what a running Pawl knows of a document: its status, steps, tokens, result or error.", "" },
        footer = { "", "Exit status: 0 where it is known, 1 where not, 2 usage, 69 Pawl does not answer, 76 no Pawl answers.",
                "With --json: what GET /documents/{id} answers. A Pawl knows the documents of the partitions it holds." })
final class ShowCommand implements Callable<Integer> {

    @Mixin
    HelpOption help = new HelpOption();

    @Mixin
    ServerOptions server = new ServerOptions();

    @Parameters(paramLabel = "ID", description = "The document's ID.")
    String id;

    private final Invocation invocation;

    ShowCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    @Override
    public Integer call() throws CommandException, IOException {
        JsonNode document;
        try (RunningPawl pawl = server.open(invocation)) {
            document = find(pawl);
        }
        if (server.json) {
            Json.writePrintableLine(invocation.out(), document);
        } else {
            print(document);
        }
        return ExitStatus.OK;
    }

    private JsonNode find(RunningPawl pawl) throws CommandException {
        if (id.isEmpty()) {
            throw new CommandException(ExitStatus.USAGE, "a document ID has at least one character");
        }
        try {
            return pawl.get("/documents/" + URLEncoder.encode(id, StandardCharsets.UTF_8).replace("+", "%20"));
        } catch (RefusedException e) {
            // Whoever is no Pawl says it otherwise.
            boolean unknown = e.httpStatus() == 404 && !e.detail().isEmpty();
            throw unknown ? new CommandException(ExitStatus.CONTENT, "%s: %s".formatted(id, e.detail())) : e;
        }
    }

    private void print(JsonNode document) throws IOException {
        StringBuilder text = new StringBuilder();
        text.append(Printable.of(document.path("id").asText(id))).append(": ").append(word(document, "status"));
        if (document.hasNonNull("ts")) {
            text.append(" since ").append(word(document, "ts"));
        }
        if (document.hasNonNull("source")) {
            text.append(", published as ").append(word(document, "source"));
        }
        if (document.hasNonNull("durationMs")) {
            text.append(String.format(Locale.ROOT, ", in %,d ms", document.path("durationMs").asLong()));
        }
        text.append('\n');
        if (!document.path("steps").isEmpty()) {
            text.append('\n').append(steps(document));
        }
        JsonNode error = document.path("error");
        if (error.isObject()) {
            text.append("%nfailed: %s%n".formatted(failure(error)));
        }
        if (document.hasNonNull("result")) {
            text.append("%nresult:%n%s%n".formatted(Json.printable(document.get("result"))));
        } else if (!word(document, "status").equals("done")) {
            for (JsonNode step : document.path("steps")) {
                text.append("%n%s:%n%s%n".formatted(word(step, "step"), Json.printable(step.path("output"))));
            }
        }
        invocation.print(text.toString());
    }

    private static Table steps(JsonNode document) {
        Table table = new Table("step", "model", "calls", "input tokens", "output tokens");
        for (JsonNode step : document.path("steps")) {
            add(table, word(step, "step"), word(step, "model"), step.path("usage"));
        }
        if (document.path("usage").isObject()) {
            add(table, "total", "", document.path("usage"));
        }
        return table;
    }

    private static void add(Table table, String name, String model, JsonNode usage) {
        table.add(name, model, usage.path("calls").asLong(), usage.path("inputTokens").asLong(), usage.path("outputTokens").asLong());
    }

    /** Kind, step, attempts and message of an error or a dead letter, as far as they are there. */
    static String failure(JsonNode error) {
        String step = error.hasNonNull("step") ? " in " + word(error, "step") : "";
        String attempts = error.hasNonNull("attempts") ? ", attempts: " + error.path("attempts").asLong() : "";
        return "%s%s%s: %s".formatted(word(error, "kind"), step, attempts, word(error, "message"));
    }

    static String word(JsonNode of, String name) {
        return Printable.of(of.path(name).asText(""));
    }
}
