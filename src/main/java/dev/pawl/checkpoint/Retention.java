package dev.pawl.checkpoint;

import java.nio.ByteBuffer;
import java.time.Instant;

import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.LineFormat.MalformedLineException;

/**
 * What a compaction drops for its age. A line made by hand without a time has no age and stays.
 *
 * @param resultsBefore done lines made before this lose their result; null keeps all
 * @param linesBefore lines made before this are dropped; null keeps all
 */
record Retention(Instant resultsBefore, Instant linesBefore) {

    /** The line as it stays, without its newline; null where it goes. */
    ByteBuffer retain(byte[] bytes, int from, int to) {
        ByteBuffer asItIs = ByteBuffer.wrap(bytes, from, to - from);
        if (resultsBefore == null && linesBefore == null) {
            return asItIs;
        }
        CheckpointLine line;
        try {
            line = LineFormat.decode(bytes, from, to);
        } catch (MalformedLineException e) {
            return asItIs;
        }
        if (isBefore(line.ts(), linesBefore)) {
            return null;
        }
        if (line instanceof Done done && done.hasResult() && isBefore(line.ts(), resultsBefore)) {
            byte[] shorter = LineFormat.encode(done.withoutResult());
            return ByteBuffer.wrap(shorter, 0, shorter.length - 1);
        }
        return asItIs;
    }

    private static boolean isBefore(Instant ts, Instant limit) {
        return limit != null && ts.isAfter(Instant.EPOCH) && ts.isBefore(limit);
    }
}
