package dev.pawl.spend;

import java.io.Closeable;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;

import org.jboss.logging.Logger;

import dev.pawl.checkpoint.CheckpointLock.HeldByAnotherException;
import dev.pawl.spend.Account.DamagedException;
import dev.pawl.spend.Account.Row;
import dev.pawl.spend.Account.Side;

/**
 * What model calls took, over all lives of all processes that share the directory. Each process writes the first file
 * {@code spend-<n>.json} that no other holds; what is told is the sum over all files.
 *
 * <p>A call is in the file before it is made, and its answer before anything else is done with it. So a killed process leaves
 * behind exactly the calls that were in the air, and the next that takes the file, or comes upon it, counts them as possibly
 * paid twice. A power cut costs the last second or so. What was saved is in the file some milliseconds late.
 *
 * <pre>
 * found at the start                   what happens
 * ───────────────────────────────────  ─────────────────────────────────────────────────────────────────
 * no file, or an empty one             begins at zero
 * a file another process holds         the next number; its figures are read once a second
 * a file of a dead process             taken over; calls in the air become possibly paid twice
 * more files of dead processes         the same, and left where they are
 * one line torn or damaged             the other counts
 * both lines damaged                   reported, set aside as spend-0.json.damaged; begins at zero
 * a file that can't be read or written reported; the next number
 * </pre>
 *
 * Thread-safe. Who begins or ends a call waits for one small write, which those who come together share.
 */
final class Ledger implements Closeable {

    private static final Logger LOG = Logger.getLogger(Ledger.class);

    private static final int MAX_FILES = 1_000;
    private static final int SAVED_DELAY_MS = 20;
    private static final int PERIOD_MS = 1_000;
    private static final int CLOSE_LIMIT_S = 5;
    /** A line may be torn for the microseconds that its writer takes. */
    private static final int READ_ATTEMPTS = 5;

    private final Path directory;
    private final boolean force;
    private final BiConsumer<Path, IOException> onFailure;
    private final ScheduledThreadPoolExecutor thread;
    private final ReentrantLock writing = new ReentrantLock();
    /** One after the other, so that what was read later is never replaced by what was read before. */
    private final ReentrantLock reading = new ReentrantLock();

    /** Guarded by {@link #writing}. */
    private LedgerFile file;
    private long writtenVersion;
    private boolean unforced;
    private boolean closed;

    /** What follows is guarded by this; it is never held during a write. */
    private Account own;
    private Map<Path, Account> others = Map.of();
    private Path firstFree;
    private boolean savedWaits;

    private Ledger(Path directory, boolean force, BiConsumer<Path, IOException> onFailure) {
        this.directory = directory;
        this.force = force;
        this.onFailure = onFailure;
        this.thread = new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("ledger").factory());
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        thread.setRejectedExecutionHandler(new ThreadPoolExecutor.DiscardPolicy());
    }

    /**
     * @param force whether what is written is to outlive a power cut
     * @param onFailure told where the file can't be written any more
     * @throws IOException where no file can be written
     */
    static Ledger open(Path directory, boolean force, Clock clock, BiConsumer<Path, IOException> onFailure) throws IOException {
        Files.createDirectories(directory);
        Ledger ledger = new Ledger(directory, force, onFailure);
        ledger.takeFile(clock.instant().truncatedTo(ChronoUnit.MILLIS));
        ledger.settleDead();
        ledger.readOthers();
        return ledger;
    }

    /** @param afterReading run once a second where other processes write here, too */
    void start(Runnable afterReading) {
        thread.scheduleWithFixedDelay(() -> upkeep(afterReading), PERIOD_MS, PERIOD_MS, TimeUnit.MILLISECONDS);
    }

    // ---- Opening ----

    private void takeFile(Instant now) throws IOException {
        for (int number = 0; number < MAX_FILES; number++) {
            LedgerFile taken = takeIfFree(LedgerFile.path(directory, number));
            if (taken == null) {
                continue;
            }
            try {
                own = settled(taken, now);
                taken.write(own.encode());
                writtenVersion = own.version();
                file = taken;
                return;
            } catch (IOException e) {
                LOG.warnf("%s can't be used: %s", taken.path(), e);
                taken.close();
            }
        }
        throw new IOException("none of %d files %s can be written".formatted(MAX_FILES, LedgerFile.path(directory, 0)));
    }

    private static LedgerFile takeIfFree(Path path) {
        try {
            return LedgerFile.take(path);
        } catch (HeldByAnotherException e) {
            return null;
        } catch (IOException e) {
            LOG.warnf("%s can't be used: %s", path, e);
            return null;
        }
    }

    private static Account settled(LedgerFile file, Instant now) throws IOException {
        Account account;
        try {
            account = LedgerFile.read(file.path());
        } catch (DamagedException e) {
            LOG.errorf("%s is damaged: %s. What calls took begins at zero; the file is kept as %s", file.path(), e.getMessage(),
                    file.setAside());
            account = null;
        }
        if (account == null) {
            return new Account(now);
        }
        long inAir = account.total(Side.IN_AIR).calls();
        if (inAir > 0) {
            LOG.warnf("%d calls were in the air when the process that wrote %s died: they may be paid twice", inAir, file.path());
            account.settle();
        }
        return account;
    }

    /** Files that nobody took over: of processes that died and were not started again. */
    private void settleDead() throws IOException {
        for (Path path : files()) {
            if (path.equals(file.path())) {
                continue;
            }
            try (LedgerFile dead = takeIfFree(path)) {
                Account account = dead == null ? null : LedgerFile.read(path);
                if (account != null && account.total(Side.IN_AIR).calls() > 0) {
                    account.settle();
                    dead.write(account.encode());
                }
            } catch (IOException e) {
                LOG.warnf("%s is passed over: %s", path, e.getMessage());
            }
        }
    }

    private Set<Path> files() throws IOException {
        Set<Path> files = new HashSet<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, LedgerFile.PREFIX + "*" + LedgerFile.SUFFIX)) {
            found.forEach(files::add);
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return files;
    }

    // ---- Calls ----

    /** Takes the call for one in the air, for {@link #write} to write down. */
    synchronized void begin(Row row, Tally expected) {
        own.add(Side.IN_AIR, row, expected);
    }

    /** It was answered. */
    synchronized void answered(Row begun, Tally expected, Row row, Tally actual) {
        own.subtract(Side.IN_AIR, begun, expected);
        own.add(Side.SPENT, row, actual);
    }

    /** It ended without an answer. */
    synchronized void failed(Row begun, Tally expected, boolean maybePaid) {
        own.subtract(Side.IN_AIR, begun, expected);
        if (maybePaid) {
            own.add(Side.POSSIBLY_PAID_TWICE, begun, expected);
        }
    }

    /** Calls need not be made. Does not wait for the file. */
    void saved(Row row, Tally tally) {
        boolean first;
        synchronized (this) {
            own.add(Side.SAVED, row, tally);
            first = !savedWaits;
            savedWaits = true;
        }
        if (first) {
            thread.schedule(this::writeSaved, SAVED_DELAY_MS, TimeUnit.MILLISECONDS);
        }
    }

    private void writeSaved() {
        synchronized (this) {
            savedWaits = false;
        }
        write();
    }

    /**
     * Returns when all that happened before is in the file. Of those who wait, the first writes for all.
     *
     * @return false where it can't be written any more, or the ledger is closed
     */
    boolean write() {
        long wanted;
        synchronized (this) {
            wanted = own.version();
        }
        writing.lock();
        try {
            if (writtenVersion < wanted && !closed) {
                byte[] line;
                long version;
                synchronized (this) {
                    line = own.encode();
                    version = own.version();
                }
                file.write(line);
                writtenVersion = version;
                unforced = true;
            }
            return writtenVersion >= wanted;
        } catch (IOException e) {
            closed = true;
            onFailure.accept(file.path(), e);
            return false;
        } finally {
            writing.unlock();
        }
    }

    // ---- What it tells ----

    synchronized Instant since() {
        return others.values().stream().map(Account::since).reduce(own.since(), (one, other) -> one.isBefore(other) ? one : other);
    }

    synchronized Tally total(Side side) {
        return others.values().stream().map(account -> account.total(side)).reduce(own.total(side), Tally::plus);
    }

    synchronized BigDecimal cost(Side side, Prices prices) {
        return others.values().stream().map(account -> account.cost(side, prices)).reduce(own.cost(side, prices), BigDecimal::add);
    }

    synchronized void forEach(Side side, BiConsumer<Row, Tally> consumer) {
        own.rows(side).forEach(consumer);
        others.values().forEach(account -> account.rows(side).forEach(consumer));
    }

    /** Whether there are other files. A process that begins takes the first number without one, so there it shows at once. */
    boolean isShared() {
        Path free;
        synchronized (this) {
            if (!others.isEmpty()) {
                return true;
            }
            free = firstFree;
        }
        return Files.exists(free);
    }

    // ---- The other processes ----

    /** Reads again what other processes have written down: all that they had when this was called. */
    void readOthers() {
        reading.lock();
        try {
            readInTurn();
        } finally {
            reading.unlock();
        }
    }

    private void readInTurn() {
        Map<Path, Account> before;
        synchronized (this) {
            before = others;
        }
        Map<Path, Account> read = new HashMap<>();
        Path free;
        try {
            Set<Path> files = files();
            free = firstFree(files);
            for (Path path : files) {
                Account account = path.equals(file.path()) ? null : read(path, before.get(path));
                if (account != null) {
                    read.put(path, account);
                }
            }
        } catch (IOException e) {
            LOG.warnf("%s can't be listed: %s", directory, e);
            return;
        }
        synchronized (this) {
            others = read;
            firstFree = free;
        }
    }

    private Path firstFree(Set<Path> files) {
        int number = 0;
        while (files.contains(LedgerFile.path(directory, number))) {
            number++;
        }
        return LedgerFile.path(directory, number);
    }

    private static Account read(Path path, Account before) {
        for (int attempt = 1; attempt <= READ_ATTEMPTS; attempt++) {
            try {
                return LedgerFile.read(path);
            } catch (IOException e) {
                LOG.debugf("%s: %s", path, e.getMessage());
            }
        }
        return before;
    }

    private void upkeep(Runnable afterReading) {
        try {
            forceWritten();
            readOthers();
            if (isShared()) {
                afterReading.run();
            }
        } catch (RuntimeException e) {
            // One that left this method would be the last.
            LOG.errorf(e, "%s was not looked after, trying again", directory);
        }
    }

    private void forceWritten() {
        LedgerFile toForce;
        writing.lock();
        try {
            if (!force || !unforced || closed) {
                return;
            }
            unforced = false;
            toForce = file;
        } finally {
            writing.unlock();
        }
        try {
            toForce.force();
        } catch (IOException e) {
            writing.lock();
            try {
                if (!closed) {
                    closed = true;
                    onFailure.accept(toForce.path(), e);
                }
            } finally {
                writing.unlock();
            }
        }
    }

    /** Calls still in the air stay so in the file. */
    @Override
    public void close() throws IOException {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(CLOSE_LIMIT_S, TimeUnit.SECONDS)) {
                LOG.warn("The ledger's last force takes long; going on without it");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        write();
        writing.lock();
        try (LedgerFile closing = file) {
            boolean whole = !closed;
            closed = true;
            if (force && whole) {
                closing.force();
            }
        } finally {
            writing.unlock();
        }
    }
}
