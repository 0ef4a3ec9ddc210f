package dev.pawl.checkpoint;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Looks for bytes eight at a time: loops over all bytes of a file, or of all lines, are what loading and appending spend. */
final class LineBytes {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long EACH = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x80 * EACH;

    private LineBytes() {
    }

    /** The first newline from {@code from} on; {@code to} without one. */
    static int nextNewline(byte[] bytes, int from, int to) {
        int i = from;
        for (; i <= to - Long.BYTES; i += Long.BYTES) {
            long found = zeros((long) LONGS.get(bytes, i) ^ '\n' * EACH);
            if (found != 0) {
                return i + Long.numberOfTrailingZeros(found) / Byte.SIZE;
            }
        }
        while (i < to && bytes[i] != '\n') {
            i++;
        }
        return i;
    }

    /** The first byte from {@code from} on that a JSON string needs escaped; {@code to} without one. */
    static int nextSpecial(byte[] bytes, int from, int to) {
        int i = from;
        for (; i <= to - Long.BYTES; i += Long.BYTES) {
            long word = (long) LONGS.get(bytes, i);
            long found = word - ' ' * EACH & ~word & HIGH_BITS | zeros(word ^ '"' * EACH) | zeros(word ^ '\\' * EACH);
            if (found != 0) {
                return i + Long.numberOfTrailingZeros(found) / Byte.SIZE;
            }
        }
        while (i < to && !isSpecial(bytes[i])) {
            i++;
        }
        return i;
    }

    private static boolean isSpecial(byte b) {
        return b >= 0 && b < ' ' || b == '"' || b == '\\';
    }

    /** The high bit of the lowest byte that is zero, and of none below it. */
    private static long zeros(long word) {
        return word - EACH & ~word & HIGH_BITS;
    }
}
