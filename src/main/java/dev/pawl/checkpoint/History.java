package dev.pawl.checkpoint;

import java.util.HashMap;
import java.util.Map;

/**
 * What the checkpoint holds of one document.
 *
 * @param last its last done, failed or forgotten line; null where it has none
 * @param journalled the answers of steps that came after the last done or forgotten line, by step
 */
public record History(CheckpointLine last, Map<String, CheckpointLine.StepOutput> journalled) {

    public static final History NONE = new History(null, Map.of());

    public boolean isEmpty() {
        return last == null && journalled.isEmpty();
    }

    /** The answers that a chain may reuse, by step, whatever fingerprint they carry. */
    public Map<String, CheckpointLine.StepOutput> steps() {
        if (!(last instanceof CheckpointLine.Done done)) {
            return journalled;
        }
        Map<String, CheckpointLine.StepOutput> steps = new HashMap<>();
        done.steps().forEach(step -> steps.put(step.step(), step));
        steps.putAll(journalled);
        return steps;
    }
}
