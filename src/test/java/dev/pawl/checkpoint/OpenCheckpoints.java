package dev.pawl.checkpoint;

import java.nio.file.Path;
import java.time.Clock;

import dev.pawl.harness.Configs;

/** Real checkpoints for tests of other packages. */
public final class OpenCheckpoints {

    private OpenCheckpoints() {
    }

    public static Checkpoints in(Path directory) {
        return new Checkpoints(Configs.of("pawl.checkpoint.directory", directory.toString()), new FailStop(), Clock.systemUTC());
    }

    public static void close(Checkpoints checkpoints) {
        checkpoints.closeAll();
    }
}
