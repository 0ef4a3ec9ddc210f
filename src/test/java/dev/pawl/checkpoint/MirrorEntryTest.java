package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;

import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Step;

class MirrorEntryTest {

    private static final String ID = "doc-0847";

    @Test
    void step_standsUnderItsName() {
        Step step = Lines.step(ID, "summary", "an answer");

        assertThat(appended(step)).isEqualTo(Map.of("doc-0847\tsummary", text(step)));
    }

    @Test
    void doneLine_standsAsItsStepsUntilItIsEmitted() {
        Done done = Lines.done(ID);

        assertThat(appended(done)).isEqualTo(Map.of("doc-0847\tsummary", text(new Step(ID, done.ts(), done.source(), done.steps().getLast()))));
        assertThat(texts(MirrorEntry.emitted(done))).containsExactly(Map.entry(ID, text(done.withoutResult())), Map.entry("doc-0847\tsummary", "nothing"));
        assertThat(text(done.withoutResult())).doesNotContain("a summary");
    }

    @Test
    void doneLineWithoutResult_standsAsItIs() {
        Done done = Lines.done(ID).withoutResult();

        assertThat(appended(done)).isEqualTo(Map.of(ID, text(done)));
    }

    @Test
    void failedLine_standsAsItIs() {
        assertThat(appended(Lines.failed(ID))).isEqualTo(Map.of(ID, text(Lines.failed(ID))));
    }

    @Test
    void forgottenLine_takesAwayStepsAndStandsWhereNothingHidesIt() {
        String forgotten = text(Lines.forgotten(ID));

        assertThat(appended(Lines.forgotten(ID), "summary"))
                .isEqualTo(Map.of("doc-0847\tsummary", "nothing", ID, forgotten, "doc-0847\t\tforgotten", forgotten));
    }

    private static Map<String, String> appended(CheckpointLine line, String... before) {
        return texts(MirrorEntry.appended(line, LineFormat.encode(line), Set.of(before)));
    }

    private static Map<String, String> texts(List<MirrorEntry> entries) {
        Map<String, String> texts = new TreeMap<>();
        entries.forEach(entry -> texts.put(new String(entry.key(), StandardCharsets.UTF_8),
                entry.value() == null ? "nothing" : new String(entry.value(), StandardCharsets.UTF_8)));
        return texts;
    }

    private static String text(CheckpointLine line) {
        return new String(LineFormat.encode(line), StandardCharsets.UTF_8).stripTrailing();
    }
}
