package dev.pawl.bench;

/**
 * A figure beside what it is compared with.
 *
 * @param peer null where the target is a plain number
 * @param ratio of the two, however the question compares them
 * @param target empty where there is none: then {@code met} is null
 */
public record Finding(Sample measured, Sample peer, String ratio, String target, Boolean met) {

    /** Compares round with round: both of a round meet the same weather. */
    public static Finding atMost(double times, Sample measured, Sample peer) {
        double ratio = measured.medianRatio(peer);
        return new Finding(measured, peer, Sample.number(ratio), "at most %s times".formatted(Sample.number(times)), ratio <= times);
    }

    /** Compares round with round. */
    public static Finding atLeast(double times, Sample measured, Sample peer) {
        double ratio = measured.medianRatio(peer);
        return new Finding(measured, peer, Sample.number(ratio), "at least %s times".formatted(Sample.number(times)), ratio >= times);
    }

    /** For the reader: no target. */
    public static Finding beside(Sample measured, Sample peer) {
        return new Finding(measured, peer, Sample.number(measured.medianRatio(peer)), "", null);
    }

    /** For the reader: beside nothing. */
    public static Finding plain(Sample measured) {
        return new Finding(measured, null, "", "", null);
    }

    public boolean missed() {
        return Boolean.FALSE.equals(met);
    }
}
