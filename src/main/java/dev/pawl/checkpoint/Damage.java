package dev.pawl.checkpoint;

/**
 * What of a file is no line and was passed over.
 *
 * @param places how many runs of such bytes there are
 * @param first where the first of them is and why it is none; null without one
 */
record Damage(int places, long bytes, String first) {

    static final Damage NONE = new Damage(0, 0, null);

    Damage plus(long offset, long length, String why) {
        return new Damage(places + 1, bytes + length, first == null ? "byte %d: %s".formatted(offset, why) : first);
    }
}
