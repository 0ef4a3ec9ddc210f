package dev.pawl.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Forgotten;
import dev.pawl.checkpoint.CheckpointLine.Step;

/**
 * A line as the mirror has it: without its newline, under a key of its own.
 *
 * <pre>
 * key                     value
 * ─────────────────────   ───────────────────────────────────────────────────────────────────────────────
 * doc-0847 TAB summary    the step's line; nothing once the document is done or forgotten
 * doc-0847                its last done, failed or forgotten line; a done one without its result
 * </pre>
 *
 * Who finds a done line in the mirror can't emit the result. So it comes there after the result was emitted, and what is done and not
 * emitted yet is there as what all of its steps answered: the next owner completes it without a call.
 */
record MirrorEntry(byte[] key, byte[] value) {

    private static final char SEPARATOR = '\t';

    /** What a line puts into the mirror when it is appended, {@code encoded} being its bytes in the file. */
    static List<MirrorEntry> appended(CheckpointLine line, byte[] encoded, Collection<String> stepsBefore) {
        return switch (line) {
            case Step step -> List.of(step(step, encoded));
            case Done done when done.steps().isEmpty() -> List.of(document(done.withoutResult()));
            case Done done -> {
                Step last = new Step(done.id(), done.ts(), done.source(), done.steps().getLast());
                yield List.of(step(last, LineFormat.encode(last)));
            }
            case CheckpointLine.Failed failed -> List.of(new MirrorEntry(key(failed.id()), withoutNewline(encoded)));
            case Forgotten forgotten -> {
                List<MirrorEntry> entries = new ArrayList<>(withoutSteps(forgotten.id(), stepsBefore));
                entries.add(new MirrorEntry(key(forgotten.id()), withoutNewline(encoded)));
                yield entries;
            }
        };
    }

    /** What a document's result leaves in the mirror once the broker has it. The done line first: it makes the steps needless. */
    static List<MirrorEntry> emitted(Done done) {
        List<MirrorEntry> entries = new ArrayList<>();
        entries.add(document(done.withoutResult()));
        entries.addAll(withoutSteps(done.id(), done.steps().stream().map(CheckpointLine.StepOutput::step).toList()));
        return entries;
    }

    private static MirrorEntry document(CheckpointLine line) {
        return new MirrorEntry(key(line.id()), withoutNewline(LineFormat.encode(line)));
    }

    private static MirrorEntry step(Step line, byte[] encoded) {
        return new MirrorEntry(key(line.id() + SEPARATOR + line.output().step()), withoutNewline(encoded));
    }

    /** What takes steps out of the mirror. */
    static List<MirrorEntry> withoutSteps(String id, Collection<String> steps) {
        return steps.stream().map(step -> new MirrorEntry(key(id + SEPARATOR + step), null)).toList();
    }

    private static byte[] key(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] withoutNewline(byte[] encoded) {
        return Arrays.copyOf(encoded, encoded.length - 1);
    }
}
