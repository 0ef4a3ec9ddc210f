package dev.pawl.http.command;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
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
import dev.pawl.command.TextLines;
import dev.pawl.http.command.RunningPawl.RefusedException;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Publishes a list of documents of any length, call by call. */
@Command(name = "publish", description = {
        "Publishes documents through a running Pawl, and returns when the broker has them. A list is read as it comes, and may be of any"
                + " length.", "" },
        footer = { "", "Exit status: 0 where all is well, 1 where documents were rejected, 2 usage, 69 Pawl does not answer, 74 input/output,"
                + " 76 no Pawl answers, 77 the token.",
                "With --json: {\"accepted\",\"rejected\",\"rejections\":[{\"line\",\"reason\"}]}, of which the first 100 are listed." })
final class PublishCommand implements Callable<Integer> {

    private static final int MAX_LINE_BYTES = 64 << 20;
    private static final int REJECTIONS_SHOWN = 20;
    private static final int REJECTIONS_KEPT = 100;

    @Mixin
    HelpOption help = new HelpOption();

    @Mixin
    ServerOptions server = new ServerOptions();

    @Mixin
    TokenOption tokens = new TokenOption();

    @Option(names = "--file", paramLabel = "FILE", description = {
            "A list, or - for standard input: a document a line, its ID, or JSON where the line begins with {, [ or \": a string, or an object"
                    + " with id and perhaps text, uri and metadata. Blank lines are passed over." })
    String file;

    @Option(names = "--progress", description = "Shows on standard error how far it is, even where that is no terminal.")
    boolean progress;

    @Parameters(paramLabel = "ID", arity = "0..*", description = "Documents by their IDs. Default: a list from standard input.")
    List<String> ids;

    @Spec
    CommandSpec spec;

    private final Invocation invocation;
    private final Batch batch = new Batch();
    private final List<Rejection> rejections = new ArrayList<>();
    private TextLines lines;
    private PublishBar bar;
    private long accepted;
    private long rejected;

    PublishCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    @RegisterForReflection
    record Report(long accepted, long rejected, List<Rejection> rejections) {}

    /** @param line of the list, or of the arguments, from 1 */
    @RegisterForReflection
    record Rejection(long line, String reason) {}

    @Override
    public Integer call() throws CommandException, IOException {
        if (ids != null && file != null) {
            throw new ParameterException(spec.commandLine(), "IDs and --file are not allowed together");
        }
        boolean isFile = file != null && !file.equals("-");
        bar = new PublishBar(invocation.err(), progress || invocation.errIsTerminal() && !server.json && ids == null,
                isFile ? Files.size(Path.of(file)) : 0);
        try (RunningPawl pawl = server.open(invocation, tokens.token(invocation));
                InputStream in = isFile ? Files.newInputStream(Path.of(file))
                        : ids == null ? invocation.in() : new ByteArrayInputStream(new byte[0])) {
            lines = new TextLines(in, MAX_LINE_BYTES);
            bar.show(0, 0);
            try {
                if (ids != null) {
                    publishIds(pawl);
                } else {
                    publishLines(pawl);
                }
            } finally {
                bar.end(lines.bytes(), accepted);
                printRejections();
            }
        }
        report();
        return rejected > 0 ? ExitStatus.CONTENT : ExitStatus.OK;
    }

    /** As they are: here nothing is read as JSON. */
    private void publishIds(RunningPawl pawl) throws CommandException, IOException {
        for (int i = 0; i < ids.size(); i++) {
            add(pawl, i + 1, Json.bytes(ids.get(i)));
        }
        send(pawl);
    }

    private void publishLines(RunningPawl pawl) throws CommandException, IOException {
        for (TextLines.Line line = lines.next(); line != null; line = lines.next()) {
            if (line.wrong() != null) {
                reject(line.number(), line.wrong());
            } else if (!line.text().isBlank()) {
                add(pawl, line.number(), isJson(line.text()) ? line.text().getBytes(StandardCharsets.UTF_8) : Json.bytes(line.text()));
            }
        }
        send(pawl);
    }

    /** As in the value of a record. */
    private static boolean isJson(String line) {
        return "{[\"".indexOf(line.stripLeading().charAt(0)) >= 0;
    }

    private void add(RunningPawl pawl, long number, byte[] line) throws CommandException {
        if (!batch.hasRoomFor(line)) {
            send(pawl);
        }
        batch.add(number, line);
    }

    private void send(RunningPawl pawl) throws CommandException {
        if (batch.isEmpty()) {
            return;
        }
        try {
            JsonNode answer = pawl.post("/documents", "application/x-ndjson", batch.body());
            accepted += answer.path("accepted").asLong();
            JsonNode named = answer.path("rejected");
            named.forEach(each -> reject(batch.number(each.path("line").asLong()), each.path("reason").asText()));
            // Of very many, Pawl names the first.
            rejected += Math.max(0, answer.path("rejectedTotal").asLong() - named.size());
        } catch (RefusedException e) {
            if (e.httpStatus() != 413 || batch.lines() > 1) {
                throw brokenOff(e);
            }
            reject(batch.number(1), e.detail().isEmpty() ? "too large for Pawl" : e.detail());
        } catch (CommandException e) {
            throw brokenOff(e);
        }
        batch.clear();
        bar.show(lines.bytes(), accepted);
    }

    private CommandException brokenOff(CommandException e) {
        return accepted + rejected == 0 ? e : new CommandException(e.status(),
                "%s; %d documents before line %d are published, go on there".formatted(e.getMessage(), accepted, batch.number(1)));
    }

    private void reject(long line, String reason) {
        rejected++;
        if (rejections.size() < REJECTIONS_KEPT) {
            rejections.add(new Rejection(line, reason));
        }
    }

    /** Once the bar stands still; in their order, though Pawl's answer comes after what was seen here. */
    private void printRejections() {
        rejections.sort(Comparator.comparingLong(Rejection::line));
        rejections.stream().limit(REJECTIONS_SHOWN).forEach(rejection -> invocation.err().println("%s %d rejected: %s"
                .formatted(ids == null ? "line" : "argument", rejection.line(), Printable.of(rejection.reason()))));
        if (rejected > REJECTIONS_SHOWN) {
            invocation.err().println("and %d more rejected".formatted(rejected - Math.min(REJECTIONS_SHOWN, rejections.size())));
        }
    }

    private void report() throws IOException {
        if (server.json) {
            Json.writePrintableLine(invocation.out(), new Report(accepted, rejected, rejections));
            return;
        }
        Table table = new Table();
        table.add("accepted", accepted);
        table.add("rejected", rejected);
        invocation.print(table.toString());
    }
}
