package dev.pawl.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;

/** One quantity, measured in several rounds, which take turns with those of what it is compared with. */
public record Sample(String what, String unit, boolean moreIsBetter, double... rounds) {

    public static Sample time(String what, String unit, double... rounds) {
        return new Sample(what, unit, false, rounds);
    }

    public static Sample rate(String what, String unit, double... rounds) {
        return new Sample(what, unit, true, rounds);
    }

    public double best() {
        return sorted()[moreIsBetter ? rounds.length - 1 : 0];
    }

    public double median() {
        double[] sorted = sorted();
        return (sorted[(rounds.length - 1) / 2] + sorted[rounds.length / 2]) / 2;
    }

    /** The middle one of the ratios that the rounds have, each beside its neighbour. */
    public double medianRatio(Sample peer) {
        double[] ratios = IntStream.range(0, Math.min(rounds.length, peer.rounds.length)).mapToDouble(i -> rounds[i] / peer.rounds[i])
                .toArray();
        return new Sample(what, "", moreIsBetter, ratios).median();
    }

    public double worst() {
        return sorted()[moreIsBetter ? 0 : rounds.length - 1];
    }

    private double[] sorted() {
        double[] sorted = rounds.clone();
        Arrays.sort(sorted);
        return sorted;
    }

    @Override
    public String toString() {
        return rounds.length == 1 ? "%s %s".formatted(number(best()), unit)
                : "%s (%s; %s) %s".formatted(number(best()), number(median()), number(worst()), unit);
    }

    public static String number(double value) {
        double size = Math.abs(value);
        return String.format(Locale.ROOT, size >= 100 ? "%,.0f" : size >= 10 ? "%.1f" : "%.2f", value);
    }
}
