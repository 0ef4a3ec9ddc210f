package dev.pawl.checkpoint;

/**
 * An open-addressing table from hashes to positions, kept in the order of the hashes so that it grows by less than a
 * doubling: with between 57 and 80 % of its slots taken it costs 20 to 28 bytes an entry, at any size but the smallest.
 * A primitive map that doubles would cost up to 43, and twice that for a moment.
 *
 * <p>Not thread-safe.
 */
final class PositionTable {

    /** Never a position: one of status {@code STEP}, which is kept elsewhere. */
    private static final long EMPTY = 0;
    private static final int SMALLEST = 8;

    /** A hash and its position side by side: one cache line serves both. */
    private long[] slots = {};
    private int capacity;
    private int size;

    int size() {
        return size;
    }

    long get(long hash) {
        if (size == 0) {
            return LinePosition.NONE;
        }
        long position = slots[2 * slot(hash) + 1];
        return position == EMPTY ? LinePosition.NONE : position;
    }

    void put(long hash, long position) {
        if (5L * (size + 1) > 4L * capacity) {
            resize(Math.max(SMALLEST, capacity + capacity * 2 / 5));
        }
        int slot = slot(hash);
        if (slots[2 * slot + 1] == EMPTY) {
            slots[2 * slot] = hash;
            size++;
        }
        slots[2 * slot + 1] = position;
    }

    /** Makes room for so many entries and some more, with one allocation. */
    void expect(int entries) {
        resize(Math.max(SMALLEST, (int) (entries * 1.45)));
    }

    void remove(long hash) {
        if (size == 0 || slots[2 * slot(hash) + 1] == EMPTY) {
            return;
        }
        int hole = slot(hash);
        size--;
        for (int next = after(hole); slots[2 * next + 1] != EMPTY; next = after(next)) {
            if (distance(home(slots[2 * next]), next) >= distance(hole, next)) {
                slots[2 * hole] = slots[2 * next];
                slots[2 * hole + 1] = slots[2 * next + 1];
                hole = next;
            }
        }
        slots[2 * hole + 1] = EMPTY;
    }

    @FunctionalInterface
    interface Visitor {
        void entry(long hash, long position);
    }

    void forEach(Visitor visitor) {
        for (int slot = 0; slot < capacity; slot++) {
            if (slots[2 * slot + 1] != EMPTY) {
                visitor.entry(slots[2 * slot], slots[2 * slot + 1]);
            }
        }
    }

    private void resize(int newCapacity) {
        long[] old = slots;
        slots = new long[2 * newCapacity];
        capacity = newCapacity;
        for (int i = 0; i < old.length; i += 2) {
            if (old[i + 1] != EMPTY) {
                int slot = slot(old[i]);
                slots[2 * slot] = old[i];
                slots[2 * slot + 1] = old[i + 1];
            }
        }
    }

    /** The hash's slot, or the empty one where it would go. */
    private int slot(long hash) {
        int slot = home(hash);
        while (slots[2 * slot + 1] != EMPTY && slots[2 * slot] != hash) {
            slot = after(slot);
        }
        return slot;
    }

    /** In the order of the hashes; their first bits have already chosen the table. */
    private int home(long hash) {
        return (int) Math.unsignedMultiplyHigh(hash << CheckpointIndex.TABLE_BITS, capacity);
    }

    private int after(int slot) {
        return slot + 1 == capacity ? 0 : slot + 1;
    }

    private int distance(int from, int to) {
        return to >= from ? to - from : to - from + capacity;
    }
}
