package dev.pawl.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;

import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Failed;
import dev.pawl.checkpoint.CheckpointLine.Forgotten;
import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;

/**
 * A line as the mirror has it: without its newline, under a key.
 *
 * <pre>
 * key                          value
 * ──────────────────────────   ──────────────────────────────────────────────────────────────────────────
 * doc-0847 TAB summary         the step's line; nothing once the document is done or forgotten
 * doc-0847                     its last done, failed or forgotten line; a done one without its result
 * doc-0847 TAB TAB forgotten   its last forgotten line once more
 * </pre>
 *
 * Who finds a done line in the mirror can't emit the result. So it comes there after the result was emitted, and what is done and not
 * emitted yet is there as what all of its steps answered: the next owner completes it without a call. A forgotten line also has a key of
 * its own, where neither a failed one nor what a former owner sends late hides it: a disk that was away may have steps from before.
 */
record MirrorEntry(byte[] key, byte[] value) {

    private static final char SEPARATOR = '\t';
    private static final String FORGOTTEN = SEPARATOR + "forgotten";

    /**
     * What a line puts into the mirror when it is appended.
     *
     * @param encoded its bytes in the file
     * @param before the steps of which the mirror has answers for the document that still count
     */
    static List<MirrorEntry> appended(CheckpointLine line, byte[] encoded, Set<String> before) {
        return switch (line) {
            case Step step -> List.of(step(step, encoded));
            case Done done -> completed(done, before);
            case Failed failed -> List.of(new MirrorEntry(key(failed.id()), withoutNewline(encoded)));
            case Forgotten forgotten -> {
                List<MirrorEntry> entries = new ArrayList<>(without(forgotten.id(), before));
                entries.add(new MirrorEntry(key(forgotten.id(), FORGOTTEN), withoutNewline(encoded)));
                entries.add(new MirrorEntry(key(forgotten.id()), withoutNewline(encoded)));
                yield entries;
            }
        };
    }

    /** Its last step, and those that came from an earlier done line. */
    private static List<MirrorEntry> completed(Done done, Set<String> before) {
        List<MirrorEntry> entries = new ArrayList<>();
        List<StepOutput> answered = done.steps().stream().filter(step -> step.output() != null).toList();
        for (StepOutput output : answered) {
            if (output == answered.getLast() || !before.contains(output.step())) {
                Step step = new Step(done.id(), done.ts(), done.source(), output);
                entries.add(step(step, LineFormat.encode(step)));
            }
        }
        if (answered.isEmpty()) {
            entries.add(document(done.withoutResult()));
        }
        return entries;
    }

    /** What a document's result leaves in the mirror once the broker has it. The done line first: it makes the steps needless. */
    static List<MirrorEntry> emitted(Done done) {
        List<MirrorEntry> entries = new ArrayList<>();
        entries.add(document(done.withoutResult()));
        entries.addAll(without(done.id(), done.steps().stream().map(StepOutput::step).toList()));
        return entries;
    }

    private static MirrorEntry document(Done line) {
        return new MirrorEntry(key(line.id()), withoutNewline(LineFormat.encode(line)));
    }

    private static MirrorEntry step(Step line, byte[] encoded) {
        return new MirrorEntry(key(line.id(), line.output().step()), withoutNewline(encoded));
    }

    private static List<MirrorEntry> without(String id, Collection<String> steps) {
        return steps.stream().map(step -> new MirrorEntry(key(id, step), null)).toList();
    }

    private static byte[] key(String id, String step) {
        return key(id + SEPARATOR + step);
    }

    private static byte[] key(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] withoutNewline(byte[] encoded) {
        return Arrays.copyOf(encoded, encoded.length - 1);
    }
}
