package dev.pawl.http.command;

import java.io.PrintStream;
import java.util.Locale;

/** How far a publication is: a line on standard error that is written over a few times a second. */
final class PublishBar {

    private static final long EVERY_NS = 200_000_000;
    private static final int WIDTH = 24;

    private final PrintStream err;
    private final boolean shown;
    private final long size;
    private final long startNs = System.nanoTime();
    private long lastDrawnNs = startNs - EVERY_NS;

    /** @param size of the list in bytes; 0 where it is not known */
    PublishBar(PrintStream err, boolean shown, long size) {
        this.err = err;
        this.shown = shown;
        this.size = size;
    }

    /** Called for each batch that the broker has. */
    void show(long bytes, long documents) {
        if (shown && System.nanoTime() - lastDrawnNs >= EVERY_NS) {
            draw(bytes, documents);
        }
    }

    private void draw(long bytes, long documents) {
        lastDrawnNs = System.nanoTime();
        double perSecond = documents / Math.max(1e-9, (lastDrawnNs - startNs) / 1e9);
        err.print(String.format(Locale.ROOT, "\r%s%,d documents  %,.0f/s  ", size == 0 ? "" : bar(Math.min(1.0, (double) bytes / size)),
                documents, perSecond));
        err.flush();
    }

    private static String bar(double share) {
        int full = (int) (share * WIDTH);
        return "[%s%s] %3d %%  ".formatted("#".repeat(full), ".".repeat(WIDTH - full), (int) (100 * share));
    }

    /** Leaves the line as it is at the end, or where it broke off. */
    void end(long bytes, long documents) {
        if (shown) {
            draw(bytes, documents);
            err.println();
        }
    }
}
