package dev.pawl.checkpoint;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

import com.sun.management.OperatingSystemMXBean;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.pawl.Processors;
import dev.pawl.bench.Bench;
import dev.pawl.bench.Bench.Child;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;

/**
 * How many lines a second 1,000 callers append, each waiting for its line before it makes the next, beside a bare loop that writes
 * and forces the same lines, encoded before, in groups of the size that the callers' had. And how long one of them waits,
 * beside the time of one such group. A JVM of its own; rounds take turns after some that do not count: the JVM's compilers are busy
 * for as long. A round is so long that the collector's pauses, which hit all callers at once, are as rare in it as they are. How long the first
 * lines of a caller wait says more about the start of a thousand threads than about the load, and does not count.
 *
 * <p>On a busy machine much of that wait is for a processor. So the same callers are measured as well while they hand lines
 * that are encoded already to a thread that does nothing but write and force what waits.
 */
final class AppendBench {

    private static final int CALLERS = 1_000;
    private static final int WARM_UP_ROUNDS = Bench.QUICK ? 1 : 4;
    /** Of a caller's first appends so many don't count. */
    private static final int UNCOUNTED = 10;
    /** The bare loop's, which it writes again and again. */
    private static final int ENCODED = 20_000;
    /** As a service has it that was given its memory at the start. */
    private static final String FIXED_HEAP = "-Xms768m";

    static List<Finding> run() throws IOException {
        List<Finding> findings = new ArrayList<>();
        for (int resultBytes : new int[] { 400, 4_000 }) {
            findings.addAll(run(resultBytes));
        }
        return findings;
    }

    private static List<Finding> run(int resultBytes) throws IOException {
        Path file = Data.fresh("appended.jsonl");
        int appendsEach = (Bench.QUICK ? 60 : 300) * (resultBytes > 1_000 ? 1 : 3) / 3;
        Child child = Child.run(List.of(FIXED_HEAP), AppendBench.class, file, appendsEach, Bench.ROUNDS, resultBytes);
        Bench.deleteCheckpoint(file);
        double group = Arrays.stream(child.column(1)).average().orElseThrow();
        Sample appends = Sample.rate("%,d callers append results of %,d bytes, %s lines a group".formatted(CALLERS, resultBytes, Sample.number(group)), "lines/s",
                child.column(0));
        Sample bare = Sample.rate("write and force such groups", "lines/s", child.column(4));
        Sample p99 = Sample.time("p99 of an append", "ms", child.column(3));
        Sample force = Sample.time("median of one such group", "ms", child.column(5));
        Sample underLoad = Sample.time("median of writing and forcing one group under that load", "ms", child.column(12));
        return List.of(Finding.atLeast(0.6, appends, bare), Finding.atMost(5, p99, force),
                Finding.beside(p99, underLoad), Finding.beside(p99, Sample.time("p99 of one group", "ms", child.column(7))),
                Finding.beside(appends, Sample.rate("the callers hand over encoded lines", "lines/s", child.column(10))),
                Finding.beside(p99, Sample.time("p99 of handing over encoded lines", "ms", child.column(11))),
                Finding.beside(Sample.time("median of an append", "ms", child.column(2)), underLoad),
                Finding.beside(Sample.time("processor time of an append", "us", child.column(8)),
                        Sample.time("of a line written and forced so", "us", child.column(9))),
                Finding.beside(force, Sample.time("median of writing and forcing one line", "ms", child.column(6))));
    }

    public static void main(String[] arguments) throws Exception {
        Processors.spareOne();
        Path path = Path.of(arguments[0]);
        int appendsEach = Integer.parseInt(arguments[1]);
        int rounds = Integer.parseInt(arguments[2]);
        ObjectNode result = Data.result(Integer.parseInt(arguments[3]));
        Path barePath = Data.fresh("bare.jsonl");
        FaultyDisk disk = new FaultyDisk();
        Checkpoint checkpoint = Opening.with(new GroupCommit()).with(disk).open(path);
        int lines = CALLERS * appendsEach;
        // Made once: the collector shall find nothing of the bare loop's to do while the callers append.
        byte[][] encoded = new byte[ENCODED][];
        Arrays.setAll(encoded, i -> LineFormat.encode(Data.done(i, result)));
        double[] waitedMs = new double[lines - CALLERS * UNCOUNTED];
        double[] handedOverMs = new double[waitedMs.length];
        System.gc();
        try (FileChannel bare = FileChannel.open(barePath, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            for (int round = -WARM_UP_ROUNDS; round < rounds; round++) {
                int first = (round + WARM_UP_ROUNDS) * lines;
                bare.truncate(0);
                int forcesBefore = disk.forces.get();
                List<Long> groupsUnderLoad = new ArrayList<>();
                disk.timing = groupsUnderLoad::add;
                long cpu = processorNs();
                double appendMs = appendAtOnce(i -> checkpoint.append(Data.done(first + i, result)), waitedMs);
                double appendCpuNs = processorNs() - cpu;
                double[] underLoadMs = groupsUnderLoad.stream().mapToDouble(ns -> ns / 1e6).toArray();
                double group = (double) lines / (disk.forces.get() - forcesBefore);
                Arrays.sort(waitedMs);

                cpu = processorNs();
                double[] groupMs = writeInGroups(bare, encoded, lines, group);
                double bareCpuNs = processorNs() - cpu;
                double bareMs = Arrays.stream(groupMs).sum();
                double handOverMs = handOver(bare, encoded, handedOverMs);
                double[] lineMs = writeInGroups(bare, encoded, 500, 1);
                if (round >= 0) {
                    Bench.print(lines * 1e3 / appendMs, group, percentile(waitedMs, 50), percentile(waitedMs, 99),
                            lines * 1e3 / bareMs, percentile(groupMs, 50), percentile(lineMs, 50), percentile(groupMs, 99),
                            appendCpuNs / 1e3 / lines, bareCpuNs / 1e3 / lines,
                            lines * 1e3 / handOverMs, percentile(handedOverMs, 99), percentile(underLoadMs, 50));
                }
            }
        }
        Bench.deleteCheckpoint(barePath);
        System.exit(0);
    }

    /** Of all threads. */
    private static long processorNs() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private interface Appender {
        CompletableFuture<Void> append(int line);
    }

    private static double appendAtOnce(Appender appender, double[] waitedMs) throws Exception {
        int countedEach = waitedMs.length / CALLERS;
        CountDownLatch start = new CountDownLatch(1);
        List<Thread> threads = new ArrayList<>();
        for (int caller = 0; caller < CALLERS; caller++) {
            int own = caller;
            threads.add(Thread.startVirtualThread(() -> {
                await(start);
                for (int i = -UNCOUNTED; i < countedEach; i++) {
                    long from = System.nanoTime();
                    appender.append((i + UNCOUNTED) * CALLERS + own).join();
                    if (i >= 0) {
                        waitedMs[i * CALLERS + own] = (System.nanoTime() - from) / 1e6;
                    }
                }
            }));
        }
        long from = System.nanoTime();
        start.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        return (System.nanoTime() - from) / 1e6;
    }

    private static void await(CountDownLatch start) {
        try {
            start.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static double handOver(FileChannel file, byte[][] lines, double[] waitedMs) throws Exception {
        record Waiting(byte[] line, CompletableFuture<Void> forced) {}
        BlockingQueue<Waiting> queue = new LinkedBlockingQueue<>();
        ByteBuffer buffer = ByteBuffer.allocateDirect(CALLERS * lines[0].length);
        Thread writer = Thread.ofPlatform().start(() -> {
            List<Waiting> group = new ArrayList<>();
            try {
                for (int written = 0; written < waitedMs.length + CALLERS * UNCOUNTED; written += group.size()) {
                    group.clear();
                    group.add(queue.take());
                    queue.drainTo(group);
                    buffer.clear();
                    group.forEach(waiting -> buffer.put(waiting.line()));
                    file.write(buffer.flip());
                    file.force(false);
                    group.forEach(waiting -> waiting.forced().complete(null));
                }
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        double ms = appendAtOnce(i -> {
            Waiting waiting = new Waiting(lines[i % lines.length], new CompletableFuture<>());
            queue.add(waiting);
            return waiting.forced();
        }, waitedMs);
        writer.join();
        Arrays.sort(waitedMs);
        return ms;
    }

    /** Milliseconds of each group. A mean of 412.5 means groups of 412 and of 413 in turns. */
    private static double[] writeInGroups(FileChannel file, byte[][] lines, int count, double mean) throws IOException {
        List<Double> groupMs = new ArrayList<>();
        int largest = (int) Math.ceil(mean);
        ByteBuffer buffer = ByteBuffer.allocateDirect(largest * lines[0].length);
        int written = 0;
        for (int group = 1; written < count; group++) {
            int end = (int) Math.min(count, Math.round(group * mean));
            long from = System.nanoTime();
            buffer.clear();
            for (; written < end; written++) {
                buffer.put(lines[written % lines.length]);
            }
            file.write(buffer.flip());
            file.force(false);
            groupMs.add((System.nanoTime() - from) / 1e6);
        }
        return groupMs.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static double percentile(double[] values, int percent) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)];
    }

    private AppendBench() {
    }
}
