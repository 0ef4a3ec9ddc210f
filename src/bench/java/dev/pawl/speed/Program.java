package dev.pawl.speed;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import dev.pawl.bench.Bench;
import dev.pawl.harness.PawlProcess;

/**
 * A program of the benchmark's own, in a process of its own: it answers each line with numbers, as long as it runs.
 * Standard error goes to {@code target/bench/programs.log}.
 */
final class Program implements AutoCloseable {

    /** Its manifest names all the others. */
    private static final Path PACKAGE = PawlProcess.packagedJar();

    private final Process process;
    private final BufferedWriter questions;
    private final BufferedReader answers;

    private Program(List<String> command, Map<String, String> environment) throws IOException {
        Files.createDirectories(Bench.DIRECTORY);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(Bench.DIRECTORY.resolve("programs.log").toFile()));
        builder.environment().putAll(environment);
        process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        questions = process.outputWriter();
        answers = process.inputReader();
    }

    /** With the class path of the benchmarks. */
    static Program plain(Class<?> main, Object... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(java(), "-Xmx512m"));
        command.addAll(Site.jvmOptions());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        Stream.of(arguments).map(String::valueOf).forEach(command::add);
        return new Program(command, Map.of());
    }

    /**
     * With the packaged application around it, as Quarkus has built it, on one flat class path: the program finds the application's
     * own beans, configured as in the service.
     */
    static Program inPackage(Class<?> main, Map<String, String> config, Map<String, String> environment) throws IOException {
        List<String> command = new ArrayList<>(List.of(java(), "-Xmx512m", "-cp", PACKAGE + ":" + Path.of("target/test-classes").toAbsolutePath(),
                "--add-opens=java.base/java.lang=ALL-UNNAMED", "-Djava.util.logging.manager=org.jboss.logmanager.LogManager"));
        config.forEach((key, value) -> command.add("-D" + key + "=" + value));
        command.add(main.getName());
        return new Program(command, environment);
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    long pid() {
        return process.pid();
    }

    double ask(String question) throws IOException {
        questions.write(question);
        questions.newLine();
        questions.flush();
        String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("it has ended, see programs.log");
        }
        return Double.parseDouble(answer);
    }

    /** SIGKILL; returns when it is gone. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws Exception {
        kill();
    }
}
