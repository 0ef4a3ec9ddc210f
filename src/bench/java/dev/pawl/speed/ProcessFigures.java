package dev.pawl.speed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** What Linux knows of a running process. */
final class ProcessFigures {

    /** Linux gives processor time in these, on every architecture that Java runs on. */
    private static final int TICKS_PER_SECOND = 100;

    private ProcessFigures() {
    }

    /** The most memory it has held so far. */
    static double peakMegabytes(long pid) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/%d/status".formatted(pid)))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) * 1024 / 1e6;
            }
        }
        throw new IOException("process %d has no VmHWM".formatted(pid));
    }

    /** Of all threads, since its start. */
    static double processorMs(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/%d/stat".formatted(pid)));
        // The name comes second, in parentheses, and may hold anything; user and system time are the 14th and 15th.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * (double) TimeUnit.SECONDS.toMillis(1) / TICKS_PER_SECOND;
    }
}
