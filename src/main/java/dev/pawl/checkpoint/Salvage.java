package dev.pawl.checkpoint;

import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Finds the beginnings of whole sealed lines within damaged bytes, each byte of which is looked at once, however many of them
 * look like a beginning or an end of a line.
 *
 * <p>A checksum is a polynomial over GF(2), and those of joined bytes A and B are related by
 * {@code crc(AB) = crc(A) · x^(8·|B|) + crc(B)}. So a line that begins at {@code s} and whose seal at {@code e} says
 * {@code c} has {@code crc(0…s) · x^(-8s) = (crc(0…e) + c) · x^(-8e)}. The left side is kept for each possible beginning;
 * a seal asks for its right side.
 */
final class Salvage {

    /** Castagnoli's polynomial with its bits reversed, as all polynomials here: x^0 is the highest bit. */
    private static final int POLYNOMIAL = 0x82F63B78;
    private static final int ONE = 1 << 31;
    /** x^(-8), and its powers by 2, 4, 8 and so on. */
    private static final int[] SHIFTS_BACK = new int[Integer.SIZE];

    static {
        SHIFTS_BACK[0] = ONE;
        for (int bit = 0; bit < Byte.SIZE; bit++) {
            SHIFTS_BACK[0] = overX(SHIFTS_BACK[0]);
        }
        for (int i = 1; i < SHIFTS_BACK.length; i++) {
            SHIFTS_BACK[i] = multiply(SHIFTS_BACK[i - 1], SHIFTS_BACK[i - 1]);
        }
    }

    private static final byte[] LINE_START = { '{', '"' };
    static final int NONE = -1;

    private final byte[] bytes;
    private final int from;
    private final int to;
    private final Map<Integer, Integer> beginnings = new HashMap<>();
    private final CRC32C crc = new CRC32C();
    private int position;
    /** x^(-8 · (position - from)). */
    private int shiftBack = ONE;

    Salvage(byte[] bytes, int from, int to) {
        this.bytes = bytes;
        this.from = from;
        this.to = to;
        this.position = from;
    }

    /** Takes note of a possible beginning, or says where the line begins that ends with a seal here; in the order of the bytes. */
    int beginningOfLineSealedAt(int at) {
        if (bytes[at] == '{' && LineFormat.startsWith(bytes, at, LINE_START)) {
            beginnings.put(multiply(crcUpTo(at), shiftBack), at);
        } else if (bytes[at] == ',' && LineFormat.isSeal(bytes, at, to)) {
            return beginnings.getOrDefault(multiply(crcUpTo(at) ^ LineFormat.crcOfSeal(bytes, at), shiftBack), NONE);
        }
        return NONE;
    }

    private int crcUpTo(int at) {
        crc.update(bytes, position, at - position);
        for (int i = 0, distance = at - position; distance != 0; i++, distance >>>= 1) {
            if ((distance & 1) != 0) {
                shiftBack = multiply(shiftBack, SHIFTS_BACK[i]);
            }
        }
        position = at;
        return (int) crc.getValue();
    }

    private static int multiply(int a, int b) {
        int product = 0;
        for (int bit = ONE; bit != 0; bit >>>= 1) {
            if ((a & bit) != 0) {
                product ^= b;
            }
            b = (b & 1) == 0 ? b >>> 1 : b >>> 1 ^ POLYNOMIAL;
        }
        return product;
    }

    private static int overX(int a) {
        return a >= 0 ? a << 1 : (a ^ POLYNOMIAL) << 1 | 1;
    }
}
