package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A process that opens the checkpoint it is given, appends {@code doc-child}, says {@code held} and keeps it. */
public final class CheckpointHolder {

    private CheckpointHolder() {
    }

    public static void main(String[] arguments) throws IOException {
        try (GroupCommit groupCommit = new GroupCommit()) {
            Checkpoint checkpoint = Opening.with(groupCommit).open(Path.of(arguments[0]));
            checkpoint.append(Lines.done("doc-child")).join();
            System.out.println("held");
            System.in.read();
        } catch (CheckpointLock.HeldByAnotherException e) {
            System.out.println(e.getMessage());
        }
    }

    public static Process start(Path file) throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "-cp", System.getProperty("java.class.path"), CheckpointHolder.class.getName(), file.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** The first line it says, which it says at once. */
    public static String answer(Process process) throws IOException {
        return process.inputReader(StandardCharsets.UTF_8).readLine();
    }
}
