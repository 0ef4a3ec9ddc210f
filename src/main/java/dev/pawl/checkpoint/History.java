package dev.pawl.checkpoint;

import java.util.Map;

/**
 * What the checkpoint holds of one document.
 *
 * @param last its last done, failed or forgotten line; null where it has none
 * @param steps the answers that a chain may reuse, by step, whatever fingerprint they carry
 */
public record History(CheckpointLine last, Map<String, CheckpointLine.StepOutput> steps) {

    public static final History NONE = new History(null, Map.of());

    public boolean isEmpty() {
        return last == null && steps.isEmpty();
    }
}
