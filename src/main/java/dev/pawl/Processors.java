package dev.pawl;

/**
 * How many processors the virtual threads may keep busy: all but one. The event loops and the checkpoint's writer need one, too; with more
 * threads ready than there are processors, the writer waits for its turn while a thousand documents wait for the writer.
 */
public final class Processors {

    /** <a href="https://docs.oracle.com/en/java/javase/25/docs/api/java.base/java/lang/Thread.html#virtual-threads">The JDK's own.</a> */
    private static final String PARALLELISM = "jdk.virtualThreadScheduler.parallelism";

    private Processors() {
    }

    /** Before the first virtual thread starts; has no effect later. Who has set the property has the last word. */
    public static void spareOne() {
        int others = Math.max(1, Runtime.getRuntime().availableProcessors() - 1);
        System.getProperties().putIfAbsent(PARALLELISM, Integer.toString(others));
    }
}
