package dev.pawl.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** What the benchmarks share: where they work, how often they repeat, and programs in a fresh JVM. */
public final class Bench {

    /** Small files and few rounds: whether it works, and a first idea. Such a run misses no target. */
    public static final boolean QUICK = Boolean.getBoolean("pawl.bench.quick");
    public static final int ROUNDS = QUICK ? 3 : 5;
    public static final Path DIRECTORY = Path.of("target", "bench").toAbsolutePath();

    /** The same for all: 10,000,000 documents at 32 bytes are 305 MiB. */
    private static final String HEAP = "-Xmx768m";

    private Bench() {
    }

    public static int documents(int full, int quick) {
        return QUICK ? quick : full;
    }

    @FunctionalInterface
    public interface Action {
        void run() throws IOException;
    }

    /** By the clock, and of processor time of this thread, which does not see what else runs on the machine. */
    public static double[] milliseconds(Action action) throws IOException {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long startCpu = threads.getCurrentThreadCpuTime();
        long start = System.nanoTime();
        action.run();
        return new double[] { (System.nanoTime() - start) / 1e6, (threads.getCurrentThreadCpuTime() - startCpu) / 1e6 };
    }

    /**
     * What a program in a JVM of its own printed: numbers only, and no other measurement has warmed it up or filled its heap.
     *
     * @param untilAnswerMs from before the process was made to its first line
     */
    public record Child(double untilAnswerMs, List<double[]> lines) {

        public static Child run(Class<?> program, Object... arguments) throws IOException {
            return run(List.of(), program, arguments);
        }

        public static Child run(List<String> jvmOptions, Class<?> program, Object... arguments) throws IOException {
            List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), HEAP));
            command.addAll(jvmOptions);
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
            Stream.of(arguments).map(String::valueOf).forEach(command::add);
            Path log = DIRECTORY.resolve("children.log");
            long start = System.nanoTime();
            Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(log.toFile())).start();
            try (var output = process.inputReader()) {
                double untilAnswerMs = 0;
                List<double[]> lines = new ArrayList<>();
                for (String line = output.readLine(); line != null; line = output.readLine()) {
                    untilAnswerMs = lines.isEmpty() ? (System.nanoTime() - start) / 1e6 : untilAnswerMs;
                    lines.add(Arrays.stream(line.split(" ")).mapToDouble(Double::parseDouble).toArray());
                }
                if (lines.isEmpty()) {
                    throw new IOException("%s %s printed nothing, see %s".formatted(program.getName(), List.of(arguments), log));
                }
                return new Child(untilAnswerMs, lines);
            } finally {
                process.destroyForcibly();
            }
        }

        public double number(int index) {
            return lines.getFirst()[index];
        }

        /** One number of each line. */
        public double[] column(int index) {
            return lines.stream().mapToDouble(line -> line[index]).toArray();
        }
    }

    public static void print(double... numbers) {
        System.out.println(String.join(" ", Arrays.stream(numbers).mapToObj(Double::toString).toList()));
    }

    public static void deleteCheckpoint(Path path) throws IOException {
        for (String suffix : List.of("", ".index", ".index.new", ".lock", ".compacting")) {
            Files.deleteIfExists(path.resolveSibling(path.getFileName() + suffix));
        }
    }
}
