package dev.pawl;

import java.util.List;

import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;

/** How a delivery ended. {@link dev.pawl.intake.Intake} settles its offset by it. */
public sealed interface Outcome {

    /**
     * The chain ran to its end; the result is in the checkpoint and with the broker.
     *
     * @param reused the steps that an earlier delivery had called
     */
    record Completed(CheckpointLine.Done line, Usage spent, List<StepOutput> reused) implements Outcome {}

    /** Done in an earlier delivery of the same record: the stored result went to the broker once more, without a call. */
    record Repeated(CheckpointLine.Done line) implements Outcome {}

    /** Done under another record: no call, nothing emitted. */
    record Skipped(CheckpointLine.Done line) implements Outcome {}

    /** The document's own fault: a dead letter. */
    record Failed(Failure failure) implements Outcome {}

    /** A tombstone was followed. */
    record Forgotten(String id) implements Outcome {}

    /** The partition goes to another owner, who takes the document up at its first step without a line. Stays unacknowledged. */
    record Abandoned() implements Outcome {}
}
