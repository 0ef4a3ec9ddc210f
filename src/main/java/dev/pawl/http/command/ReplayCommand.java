package dev.pawl.http.command;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.command.CommandException;
import dev.pawl.command.ExitStatus;
import dev.pawl.command.HelpOption;
import dev.pawl.command.Invocation;
import dev.pawl.command.Json;
import dev.pawl.command.Printable;
import dev.pawl.command.Table;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lets a running Pawl publish the records of open dead letters again, until it says that there are no more. */
@Command(name = "replay", description = {
        "Lets a running Pawl publish the records of open dead letters again. They reuse their finished steps.", "" },
        footer = { "", "Exit status: 0 where all is well, 1 where something that was named was not replayed, 2 usage,"
                + " 69 Pawl does not answer, 76 no Pawl answers, 77 the token.",
                "With --json: {\"replayed\",\"skipped\":[{\"reason\",\"count\",\"of\"}],\"elsewhere\"}." })
final class ReplayCommand implements Callable<Integer> {

    private static final int NAMES_SHOWN = 20;
    /** What Pawl says, in a later call, of those that an earlier one has replayed. */
    private static final Set<String> AFTER_A_REPLAY = Set.of("replayed before", "done");

    @Mixin
    HelpOption help = new HelpOption();

    @Mixin
    ServerOptions server = new ServerOptions();

    @Mixin
    TokenOption tokens = new TokenOption();

    @Parameters(paramLabel = "ID", arity = "0..*", description = "Those of these documents.")
    List<String> ids;

    @Option(names = "--source", paramLabel = "SOURCE",
            description = "That of this record, such as documents-3@847: the only name of one that holds no document. May be repeated.")
    List<String> sources;

    @Option(names = "--kind", paramLabel = "KIND", description = "Those of one kind, such as invalid-output.")
    String kind;

    @Option(names = "--all", description = "All.")
    boolean all;

    @Spec
    CommandSpec spec;

    private final Invocation invocation;
    private final Map<String, String> skipped = new LinkedHashMap<>();
    private long replayed;

    ReplayCommand(Invocation invocation) {
        this.invocation = invocation;
    }

    @RegisterForReflection
    record Report(long replayed, List<Skipped> skipped, List<String> elsewhere) {}

    @RegisterForReflection
    record Skipped(String reason, int count, List<String> of) {}

    @Override
    public Integer call() throws CommandException, IOException {
        byte[] selection = selection();
        JsonNode answer;
        try (RunningPawl pawl = server.open(invocation, tokens.token(invocation))) {
            boolean later = false;
            do {
                answer = replay(pawl, selection);
                replayed += answer.path("replayed").asLong();
                note(answer, later);
                later = true;
                if (!answer.path("complete").asBoolean() && invocation.errIsTerminal()) {
                    invocation.err().println(String.format(Locale.ROOT, "replayed %,d so far", replayed));
                }
            } while (!answer.path("complete").asBoolean());
        }
        report(answer);
        return skipped.isEmpty() ? ExitStatus.OK : ExitStatus.CONTENT;
    }

    private byte[] selection() throws IOException {
        if (Stream.of(ids != null, sources != null, kind != null, all).filter(given -> given).count() != 1) {
            throw new ParameterException(spec.commandLine(), "Which ones must be said, in one way: IDs, --source, --kind or --all");
        }
        return Json.bytes(ids != null ? Map.of("ids", ids)
                : sources != null ? Map.of("sources", sources)
                : kind != null ? Map.of("kind", kind)
                : Map.of("all", true));
    }

    private JsonNode replay(RunningPawl pawl, byte[] selection) throws CommandException {
        try {
            JsonNode answer = pawl.post("/failures/replay", "application/json", selection);
            if (!answer.path("complete").isBoolean()) {
                throw new CommandException(ExitStatus.PROTOCOL, "%s answers, but not as Pawl does".formatted(pawl.url()));
            }
            return answer;
        } catch (CommandException e) {
            throw replayed == 0 ? e : new CommandException(e.status(),
                    "%s; %d were replayed before, run this again for the rest".formatted(e.getMessage(), replayed));
        }
    }

    /** A later call does not know what an earlier one has replayed: it was still to come then, and is no longer open now. */
    private void note(JsonNode answer, boolean later) {
        Map<String, String> now = new LinkedHashMap<>();
        for (JsonNode group : answer.path("skipped")) {
            String reason = group.path("reason").asText();
            group.path("of").forEach(each -> now.put(each.asText(), reason));
        }
        if (later) {
            now.entrySet().removeIf(each -> !skipped.containsKey(each.getKey()) && AFTER_A_REPLAY.contains(each.getValue()));
        }
        // What was not read yet at first may be replayed by now.
        if (ids != null || sources != null) {
            skipped.clear();
        }
        skipped.putAll(now);
    }

    private void report(JsonNode answer) throws IOException {
        Map<String, List<String>> byReason = new TreeMap<>();
        skipped.forEach((name, reason) -> byReason.computeIfAbsent(reason, _ -> new ArrayList<>()).add(name));
        if (server.json) {
            List<String> elsewhere = new ArrayList<>();
            answer.path("elsewhere").forEach(each -> elsewhere.add(each.asText()));
            Json.writePrintableLine(invocation.out(), new Report(replayed, byReason.entrySet().stream()
                    .map(each -> new Skipped(each.getKey(), each.getValue().size(), each.getValue())).toList(), elsewhere));
            return;
        }
        Table table = new Table();
        table.add("replayed", replayed);
        table.add("skipped", skipped.size());
        invocation.print(table.toString());
        byReason.forEach((reason, of) -> invocation.err().println(Printable.of("%s: %s%s".formatted(reason,
                String.join(", ", of.subList(0, Math.min(NAMES_SHOWN, of.size()))),
                of.size() > NAMES_SHOWN ? " and %d more".formatted(of.size() - NAMES_SHOWN) : ""))));
        FailuresCommand.printElsewhere(invocation, answer);
    }
}
