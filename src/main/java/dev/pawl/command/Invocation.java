package dev.pawl.command;

import java.io.BufferedOutputStream;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a command was called with beside its arguments.
 *
 * @param out flushed when the command ends
 * @param outIsTerminal whether a person sees {@code out} while it is written
 * @param errIsTerminal whether a person sees {@code err} while it is written
 */
public record Invocation(InputStream in, OutputStream out, boolean outIsTerminal, PrintStream err, boolean errIsTerminal,
        Map<String, String> environment) {

    private static final int BUFFER_BYTES = 1 << 16;

    /** This process's. */
    public static Invocation ofProcess() {
        return new Invocation(System.in, new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), BUFFER_BYTES),
                terminalReads(1), new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8), terminalReads(2),
                System.getenv());
    }

    /** The JDK knows only whether input and output are one, and a person may well send one of two outputs to a file. */
    private static boolean terminalReads(int descriptor) {
        try {
            String device = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
            return device.startsWith("/dev/pts/") || device.startsWith("/dev/tty") || device.equals("/dev/console");
        } catch (IOException | RuntimeException e) {
            Console console = System.console();
            return console != null && console.isTerminal();
        }
    }

    public void print(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }
}
