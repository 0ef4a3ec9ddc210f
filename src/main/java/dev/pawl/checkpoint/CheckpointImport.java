package dev.pawl.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;

import com.dynatrace.hash4j.hashing.Hashing;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

import dev.pawl.PawlConfig.Checkpoint.Durability;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLock.HeldByAnotherException;
import dev.pawl.checkpoint.LineFormat.MalformedLineException;
import dev.pawl.document.RecordDecoder.InvalidDocumentException;

/**
 * Writes into checkpoint files that documents were done elsewhere, as the service would: under the lock, forced, with a sidecar
 * at the end. A rehearsal does all but writing, and needs no lock.
 *
 * <p>Not thread-safe.
 */
public final class CheckpointImport implements Closeable {

    /** A result nearly as long as this is still a line of a checkpoint, whatever its numbers look like when they are written. */
    public static final int MAX_OBJECT_BYTES = LineFormat.MAX_LINE_BYTES / 4;

    /** As many lines as one group commit takes. Bounds the lines in memory that are not durable yet. */
    private static final int BATCH = 4096;

    private static final Upkeep.Policy NO_COMPACTION = new Upkeep.Policy(1, Long.MAX_VALUE, null, null);

    /** One file to import into. */
    private interface Target extends Closeable {
        boolean isDone(String id) throws IOException;

        CompletableFuture<Void> append(Done line);
    }

    private record Writing(Checkpoint checkpoint) implements Target {
        @Override
        public boolean isDone(String id) {
            return checkpoint.find(id).last() instanceof Done;
        }

        @Override
        public CompletableFuture<Void> append(Done line) {
            return checkpoint.append(line);
        }

        @Override
        public void close() throws IOException {
            checkpoint.close();
        }
    }

    /** @param present null where there is no such file yet */
    private record Rehearsing(ReadOnlyCheckpoint present, PositionTable imported) implements Target {

        private static final long SOMEWHERE = 1;

        @Override
        public boolean isDone(String id) throws IOException {
            return imported.get(hash(id)) != LinePosition.NONE || present != null && present.last(id) instanceof Done;
        }

        @Override
        public CompletableFuture<Void> append(Done line) {
            imported.put(hash(line.id()), SOMEWHERE);
            return CompletableFuture.completedFuture(null);
        }

        private static long hash(String id) {
            return Hashing.xxh3_64().hashBytesToLong(id.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public void close() throws IOException {
            if (present != null) {
                present.close();
            }
        }
    }

    private final Map<Path, Target> targets = new LinkedHashMap<>();
    private final GroupCommit groupCommit = new GroupCommit();
    private final ScheduledThreadPoolExecutor upkeep =
            new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("checkpoint-upkeep").factory());
    private final List<CompletableFuture<Void>> underWay = new ArrayList<>();
    private final Set<String> idsUnderWay = new HashSet<>();

    private CheckpointImport() {
    }

    /**
     * Opens the files, and creates those there are not, with their directories. Blocks for as long as loading takes.
     *
     * @throws HeldByAnotherException where a process holds one of them; then nothing was written to any
     */
    public static CheckpointImport open(Collection<Path> files) throws IOException {
        for (Path file : files) {
            String holder = CheckpointLock.holder(file);
            if (holder != null) {
                throw new HeldByAnotherException(file, holder);
            }
        }
        CheckpointImport opened = new CheckpointImport();
        var shared = new Checkpoint.Shared(Durability.FSYNC, NO_COMPACTION, opened.groupCommit, opened.upkeep, Clock.systemUTC(),
                Disk.REAL, (_, _) -> { });
        return opened.with(files, file -> {
            Files.createDirectories(file.getParent());
            return new Writing(Checkpoint.open(file, shared));
        });
    }

    /** The same without a trace: {@link #add} answers as if it wrote. */
    public static CheckpointImport rehearse(Collection<Path> files) throws IOException {
        return new CheckpointImport().with(files, file -> {
            if (Files.notExists(file)) {
                return new Rehearsing(null, new PositionTable());
            }
            ReadOnlyCheckpoint present = ReadOnlyCheckpoint.open(file);
            present.load(_ -> { });
            return new Rehearsing(present, new PositionTable());
        });
    }

    @FunctionalInterface
    private interface Opener {
        Target open(Path file) throws IOException;
    }

    private CheckpointImport with(Collection<Path> files, Opener opener) throws IOException {
        try {
            for (Path file : files) {
                targets.put(file, opener.open(file));
            }
            return this;
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * The line of a document that another tool has done: without a source, like one written by hand.
     *
     * @param ts ISO-8601, or seconds or milliseconds since the epoch; null where the tool does not say
     * @param result null where the tool has kept none
     * @throws InvalidDocumentException where {@code ts} is none
     */
    public static Done done(String id, JsonNode ts, JsonNode result) throws InvalidDocumentException {
        try {
            return new Done(id, LineFormat.ts(ts == null ? MissingNode.getInstance() : ts), null, null,
                    new Answer(List.of(), result), Usage.NONE, 0);
        } catch (MalformedLineException e) {
            throw new InvalidDocumentException(e.getMessage());
        }
    }

    /**
     * Adds a document, unless it is done already. Durable after {@link #await}.
     *
     * @param file one of those that were opened
     * @return whether it was added
     */
    public boolean add(Path file, Done line) throws IOException {
        Target target = targets.get(file);
        if (idsUnderWay.contains(line.id()) || target.isDone(line.id())) {
            return false;
        }
        underWay.add(target.append(line));
        idsUnderWay.add(line.id());
        if (underWay.size() == BATCH) {
            await();
        }
        return true;
    }

    /** Returns when all that was added is durable. */
    public void await() throws IOException {
        try {
            underWay.forEach(CompletableFuture::join);
        } catch (CompletionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
        }
        underWay.clear();
        idsUnderWay.clear();
    }

    /** Closes the files and gives their locks back. What was added and not awaited is durable as well, if all went well. */
    @Override
    public void close() throws IOException {
        IOException failure = null;
        for (Target target : targets.values()) {
            try {
                target.close();
            } catch (IOException e) {
                failure = e;
            }
        }
        groupCommit.close();
        upkeep.shutdownNow();
        if (failure != null) {
            throw failure;
        }
    }
}
