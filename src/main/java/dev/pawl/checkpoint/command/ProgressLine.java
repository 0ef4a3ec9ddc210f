package dev.pawl.checkpoint.command;

import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongConsumer;

import dev.pawl.command.Invocation;

/** How far a long file is read: a line on standard error that is written over a few times a second. */
final class ProgressLine implements LongConsumer {

    private static final long EVERY_NS = 250_000_000;
    /** The clock is asked no more often. */
    private static final long EVERY_BYTES = 1 << 20;

    private final PrintStream err;
    private final boolean shown;
    private final boolean asked;
    private final String name;
    private final long size;
    private final long startNs = System.nanoTime();

    private long base;
    private long lastLookAt;
    private long lastDrawnNs = startNs;
    private boolean drawn;

    /** @param size in bytes; 0 where it is not known */
    ProgressLine(Invocation invocation, FileOptions options, String name, long size) {
        this.err = invocation.err();
        this.asked = options.progress;
        this.shown = asked || invocation.errIsTerminal() && !options.json;
        this.name = name;
        this.size = size;
    }

    /** What is accepted from now on comes on top of so many bytes. */
    ProgressLine from(long bytes) {
        base = bytes;
        return this;
    }

    /** Called for every line of a file. */
    @Override
    public void accept(long bytes) {
        long read = base + bytes;
        if (!shown || read - lastLookAt < EVERY_BYTES) {
            return;
        }
        lastLookAt = read;
        long now = System.nanoTime();
        if (now - lastDrawnNs >= EVERY_NS) {
            lastDrawnNs = now;
            draw(read);
        }
    }

    private void draw(long read) {
        drawn = true;
        double megabytesPerSecond = read / 1e6 / Math.max(1e-9, (System.nanoTime() - startNs) / 1e9);
        String percent = size == 0 ? "" : "  %3d %%".formatted(Math.min(100, 100 * read / size));
        err.print(String.format(Locale.ROOT, "\r%s%s  %,.0f MB/s  ", name, percent, megabytesPerSecond));
        err.flush();
    }

    /** Leaves the line as it was last, where there is one. */
    void end(long read) {
        if (drawn || asked) {
            draw(read);
            err.println();
        }
    }
}
