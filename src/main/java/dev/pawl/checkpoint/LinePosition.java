package dev.pawl.checkpoint;

/**
 * Where a line lies and what it says, in one long, so that the index holds primitives only:
 *
 * <pre>
 *  63                    26 25              2 1      0
 * ┌────────────────────────┬─────────────────┬────────┐
 * │ offset, 38 bits: 256 G │ length, 24 bits │ status │
 * └────────────────────────┴─────────────────┴────────┘
 * </pre>
 *
 * A line of 16 MiB or more has length 0 and is read to its newline.
 */
final class LinePosition {

    static final long NONE = -1;
    static final long MAX_OFFSET = (1L << 38) - 1;

    private static final int MAX_LENGTH = (1 << 24) - 1;
    private static final LineFormat.Status[] STATUSES = LineFormat.Status.values();

    private LinePosition() {
    }

    static long of(long offset, int length, LineFormat.Status status) {
        return offset << 26 | (length > MAX_LENGTH ? 0L : length) << 2 | status.ordinal();
    }

    static long offset(long position) {
        return position >>> 26;
    }

    /** Bytes without the newline; 0 where it is not known. */
    static int length(long position) {
        return (int) (position >>> 2) & MAX_LENGTH;
    }

    static LineFormat.Status status(long position) {
        return STATUSES[(int) position & 3];
    }
}
