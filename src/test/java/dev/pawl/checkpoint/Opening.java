package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BiConsumer;

import dev.pawl.PawlConfig.Checkpoint.Durability;

/** Opens checkpoints with what a test wants of their surroundings, and the usual for the rest. */
record Opening(GroupCommit groupCommit, Durability durability, Upkeep.Policy policy, Disk disk, Clock clock,
        BiConsumer<Path, IOException> onFailure) {

    /** Compacts nothing. */
    static final Upkeep.Policy NO_COMPACTION = new Upkeep.Policy(1, Long.MAX_VALUE, null, null);

    private static final ScheduledExecutorService UPKEEP =
            Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().name("checkpoint-upkeep").factory());

    static Opening with(GroupCommit groupCommit) {
        return new Opening(groupCommit, Durability.FSYNC, NO_COMPACTION, Disk.REAL, Clock.systemUTC(), (_, _) -> { });
    }

    Opening with(Durability other) {
        return new Opening(groupCommit, other, policy, disk, clock, onFailure);
    }

    Opening with(Upkeep.Policy other) {
        return new Opening(groupCommit, durability, other, disk, clock, onFailure);
    }

    Opening with(Disk other) {
        return new Opening(groupCommit, durability, policy, other, clock, onFailure);
    }

    Opening with(Clock other) {
        return new Opening(groupCommit, durability, policy, disk, other, onFailure);
    }

    Opening with(BiConsumer<Path, IOException> other) {
        return new Opening(groupCommit, durability, policy, disk, clock, other);
    }

    Checkpoint open(Path path) throws IOException {
        return Checkpoint.open(path, shared());
    }

    Checkpoint openToRestore(Path path) throws IOException {
        return Checkpoint.openToRestore(path, shared());
    }

    private Checkpoint.Shared shared() {
        return new Checkpoint.Shared(durability, policy, groupCommit, UPKEEP, clock, disk, onFailure);
    }

    /** Returns when the upkeep that was asked for so far is done. */
    static void awaitUpkeep() throws Exception {
        UPKEEP.submit(() -> { }).get();
    }
}
