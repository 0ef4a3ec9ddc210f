package dev.pawl.checkpoint;

/**
 * Where a line lies and what it says, in one long, so that the index holds primitives only:
 *
 * <pre>
 *  63                    27     26      25              2 1      0
 * ┌────────────────────────┬────────────┬─────────────────┬────────┐
 * │ offset, 37 bits: 128 G │ generation │ length, 24 bits │ status │
 * └────────────────────────┴────────────┴─────────────────┴────────┘
 * </pre>
 *
 * A line of 16 MiB or more has length 0 and is read to its newline. The generation tells the file before a
 * {@linkplain Compaction compaction} from the one after it, while the index still points into both.
 */
final class LinePosition {

    static final long NONE = -1;
    static final long MAX_OFFSET = (1L << 37) - 1;

    private static final int MAX_LENGTH = (1 << 24) - 1;
    private static final int GENERATION_BIT = 26;
    private static final LineFormat.Status[] STATUSES = LineFormat.Status.values();

    private LinePosition() {
    }

    /** @param generation 0 or 1 */
    static long of(long offset, int length, LineFormat.Status status, int generation) {
        return offset << 27 | (long) generation << GENERATION_BIT | (length > MAX_LENGTH ? 0L : length) << 2 | status.ordinal();
    }

    static long offset(long position) {
        return position >>> 27;
    }

    static int generation(long position) {
        return (int) (position >>> GENERATION_BIT) & 1;
    }

    static long withGeneration(long position, int generation) {
        return position & ~(1L << GENERATION_BIT) | (long) generation << GENERATION_BIT;
    }

    /** Bytes without the newline; 0 where it is not known. */
    static int length(long position) {
        return (int) (position >>> 2) & MAX_LENGTH;
    }

    /** Bytes with the newline; at least so many where the length is not known. */
    static int size(long position) {
        return (length(position) == 0 ? MAX_LENGTH : length(position)) + 1;
    }

    static LineFormat.Status status(long position) {
        return STATUSES[(int) position & 3];
    }
}
