package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Predicate;

import org.jboss.logging.Logger;

import dev.pawl.checkpoint.CheckpointIndex.Positions;
import dev.pawl.checkpoint.CheckpointIndex.StepLine;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.LineFormat.Head;
import dev.pawl.checkpoint.LineFormat.MalformedLineException;
import dev.pawl.checkpoint.LineFormat.Status;

/**
 * Brings a file and its mirror level, before the first document of the partition runs:
 *
 * <pre>
 * the mirror has         the file has                                     what happens
 * ────────────────────   ──────────────────────────────────────────────   ─────────────────────────────────────────
 * an entry before        what was there by then                           neither is read
 * the {@link MirrorMark}
 * an entry after it      nothing, or a line before the mark               the entry is appended: another owner's word
 *                        a line after the mark, the same                  nothing
 *                        a line after the mark, of another time           the later one counts, and so does a later record's
 *                        any line that is later, and a later record's     nothing: it came from an owner that did not know yet
 *                                                                         that it had lost the partition
 * nothing                a line after the mark: its owner was killed      the line is sent to the mirror
 *                        before the mirror had it, or had none
 * </pre>
 *
 * So a disk that was away for a while reads what happened meanwhile, an empty one everything, and files that had no mirror before
 * are copied there. The file is not compacted meanwhile. Not thread-safe.
 */
public final class Restoration {

    private static final Logger LOG = Logger.getLogger(Restoration.class);

    /** Bounds the lines in memory that are not in the file yet, and how often somebody waits. */
    private static final int BATCH = 4096;
    /** Two megabytes: of a million documents, one in twenty shares its bit with another. */
    private static final int KNOWN_BITS = 24;
    /** Spreads hashes of numbered IDs: 2^32 divided by the golden ratio. */
    private static final int SPREAD = 0x9E3779B9;

    private final Checkpoint checkpoint;
    private final Mirror mirror;
    private final Duration markEvery;
    private MirrorMark mark;
    /** The file's length when it was opened: lines behind it have come from the mirror. */
    private final long openedEnd;
    /** Where those lines after the mark begin that the mirror has. */
    private final Set<Long> confirmed = new HashSet<>();
    /** What the writer is given, and what it was given before that. */
    private Batch filling = new Batch();
    private Batch before = new Batch();
    /** By a hash of the ID, of which documents an empty disk has lines by now; null for another disk. Most entries need no look-up, then. */
    private final BitSet known;
    private long malformed;

    /** Lines that may not be in the file yet: lines are written in their order, so that the last of them tells of all. */
    private static final class Batch {

        /** Of documents whose last word is among them: that, as the index may not know it yet. */
        private final Map<String, byte[]> lastWords = new HashMap<>();
        private final CompletableFuture<Void> whenever = new CompletableFuture<>();
        private final CompletableFuture<Void> written = new CompletableFuture<>();
        private int lines;

        /** What is completed when its next line is written. */
        CompletableFuture<Void> next() {
            return ++lines == BATCH ? written : whenever;
        }

        boolean isFull() {
            return lines == BATCH;
        }
    }

    /** @param topic what the broker calls the mirror's topic */
    Restoration(Checkpoint checkpoint, Mirror mirror, String topic) throws IOException {
        this(checkpoint, mirror, topic, MirroredLines.MARK_EVERY);
    }

    Restoration(Checkpoint checkpoint, Mirror mirror, String topic, Duration markEvery) throws IOException {
        this.checkpoint = checkpoint;
        this.mirror = mirror;
        this.markEvery = markEvery;
        this.openedEnd = checkpoint.end();
        this.known = openedEnd == 0 ? new BitSet(1 << KNOWN_BITS) : null;
        this.mark = MirrorMark.read(checkpoint.path(), topic, openedEnd);
    }

    /** The first offset of the mirror that has to be read. */
    public long offset() {
        return mark.offset();
    }

    /** Whether the mirror, which ends at this offset, has lost entries that the file is said to be level with. */
    public boolean isBehind(long end) {
        return end < mark.offset();
    }

    /** Lets nothing count that was level: all of it is compared. Before the first entry. */
    public void compareAll() {
        mark = new MirrorMark(mark.topic(), 0, 0);
    }

    /** Whether nothing has to be read or sent, where the mirror ends at this offset. */
    public boolean isLevel(long end) {
        return mark.offset() == end && mark.length() == openedEnd;
    }

    /**
     * Takes an entry of the mirror, from {@link #offset} on in their order.
     *
     * @param value null where the key has none any more
     * @throws IOException where the file can't be written
     */
    public void take(byte[] value) throws IOException {
        if (value == null) {
            // A step of a document whose later line makes it needless.
            return;
        }
        Head head;
        try {
            head = LineFormat.head(value, 0, value.length);
        } catch (MalformedLineException e) {
            malformed++;
            LOG.debugf("%s: an entry of its mirror is no line: %s", checkpoint.path(), e.getMessage());
            return;
        }
        if (isNew(head.id())) {
            append(head, value);
        } else if (!isSuperseded(head, value)) {
            append(head, withResult(head, value));
        }
    }

    /**
     * The file's own line in the place of an entry that says no more than that its result was emitted. Written again, since steps of the
     * document may have come from the mirror meanwhile.
     */
    private byte[] withResult(Head head, byte[] value) throws IOException {
        byte[] present = head.status() == Status.DONE ? lastWord(head.id()) : null;
        try {
            boolean known = present != null
                    && LineFormat.decode(present, 0, present.length) instanceof Done line
                    && LineFormat.decode(value, 0, value.length) instanceof Done entry
                    && line.id().equals(entry.id()) && line.ts().equals(entry.ts()) && Objects.equals(line.source(), entry.source())
                    && Objects.equals(line.fingerprint(), entry.fingerprint()) && line.hasResult();
            return known ? present : value;
        } catch (MalformedLineException e) {
            return value;
        }
    }

    private byte[] lastWord(String id) throws IOException {
        byte[] restored = filling.lastWords.getOrDefault(id, before.lastWords.get(id));
        long last = restored == null ? checkpoint.index().find(id).last() : LinePosition.NONE;
        return last == LinePosition.NONE ? restored : checkpoint.read(last);
    }

    private boolean isNew(String id) {
        if (known == null) {
            return false;
        }
        int bit = id.hashCode() * SPREAD >>> Integer.SIZE - KNOWN_BITS;
        boolean isNew = !known.get(bit);
        known.set(bit);
        return isNew;
    }

    private boolean isSuperseded(Head head, byte[] value) throws IOException {
        byte[] restored = filling.lastWords.getOrDefault(head.id(), before.lastWords.get(head.id()));
        if (restored != null) {
            return isStale(value, restored);
        }
        long present = rival(head);
        if (present == LinePosition.NONE) {
            return false;
        }
        byte[] line = checkpoint.read(present);
        boolean ofThisOwner = LinePosition.offset(present) >= mark.length() && LinePosition.offset(present) < openedEnd;
        return ofThisOwner ? !isLater(value, line, LinePosition.offset(present)) : isStale(value, line);
    }

    /** What the file has in an entry's place: for a step that it has no line of, the line that may have ended the document. */
    private long rival(Head head) {
        Positions positions = checkpoint.index().find(head.id());
        if (head.status() == Status.STEP) {
            for (StepLine step : positions.steps()) {
                if (step.step().equals(head.step())) {
                    return step.position();
                }
            }
        }
        return positions.last();
    }

    /** Whether an entry is later than a line of which the mirror may know nothing, whose owner's clock may be another. */
    private boolean isLater(byte[] value, byte[] present, long offset) {
        try {
            CheckpointLine line = LineFormat.decode(present, 0, present.length);
            CheckpointLine entry = LineFormat.decode(value, 0, value.length);
            if (!line.id().equals(entry.id())) {
                return true;
            }
            if (line.ts().equals(entry.ts()) && isSame(line, entry)) {
                confirmed.add(offset);
            }
            return entry.ts().isAfter(line.ts()) || entry.isOfLaterRecordThan(line);
        } catch (MalformedLineException e) {
            return true;
        }
    }

    /**
     * Whether an entry came behind a line that it can't have followed: a step that the line has completed, or one sent by an owner that did
     * not know it was none any more. That may have completed a document that had been forgotten meanwhile; as done, what was published
     * since would be passed over.
     */
    private static boolean isStale(byte[] value, byte[] present) {
        if (Arrays.equals(value, present)) {
            // A forgotten line is there twice.
            return true;
        }
        try {
            CheckpointLine line = LineFormat.decode(present, 0, present.length);
            CheckpointLine entry = LineFormat.decode(value, 0, value.length);
            if (!line.id().equals(entry.id())) {
                return false;
            }
            if (line instanceof Done && entry instanceof Step && Objects.equals(line.source(), entry.source())) {
                return !entry.ts().isAfter(line.ts());
            }
            return line.isOfLaterRecordThan(entry)
                    && (line.ts().isAfter(entry.ts()) || line instanceof CheckpointLine.Forgotten && entry instanceof Done);
        } catch (MalformedLineException e) {
            return false;
        }
    }

    /** Of two of the same document and time. A done line may be there as its {@linkplain MirrorEntry last step}. */
    private static boolean isSame(CheckpointLine line, CheckpointLine entry) {
        return switch (entry) {
            case Step step when line instanceof Done done ->
                !done.steps().isEmpty() && done.steps().getLast().step().equals(step.output().step());
            case Step step -> line instanceof Step other && other.output().step().equals(step.output().step());
            case Done _, CheckpointLine.Failed _, CheckpointLine.Forgotten _ -> line.getClass() == entry.getClass();
        };
    }

    private void append(Head head, byte[] value) throws IOException {
        byte[] line = Arrays.copyOf(value, value.length + 1);
        line[value.length] = '\n';
        if (head.status() != Status.STEP) {
            filling.lastWords.put(head.id(), value);
        }
        checkpoint.appendRestored(head, line, filling.next());
        if (filling.isFull()) {
            if (before.isFull()) {
                await(before.written);
            }
            before = filling;
            filling = new Batch();
        }
    }

    private static void await(CompletableFuture<Void> answer) throws IOException {
        try {
            answer.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
        }
    }

    /**
     * Ends it: sends what the mirror lacks, waits for all, and lets later lines go to both. Blocks for as long as that takes.
     *
     * @param offset behind the last entry that was taken
     * @param isAcknowledged of a record's source, whether its offset was committed: then its result was emitted
     * @return how many lines the mirror lacked
     */
    public int finish(long offset, Predicate<String> isAcknowledged) throws IOException {
        if (malformed > 0) {
            LOG.warnf("%s: passed over %d entries of its mirror that are no lines", checkpoint.path(), malformed);
        }
        MirroredLines sender = checkpoint.mirrored(mirror, mark.topic(), markEvery, offset);
        int sent = 0;
        if (mark.length() < openedEnd) {
            sent = sendWhatIsMissing(sender, isAcknowledged);
        }
        sender.level();
        checkpoint.begin();
        return sent;
    }

    private int sendWhatIsMissing(MirroredLines sender, Predicate<String> isAcknowledged) throws IOException {
        int[] sent = {0};
        Queue<CompletableFuture<Void>> underWay = new ArrayDeque<>();
        try (FileChannel file = FileChannel.open(checkpoint.path(), StandardOpenOption.READ)) {
            new CheckpointScanner(file, new CheckpointScanner.Visitor() {
                @Override
                public void line(Head head, byte[] bytes, int from, int to, long offset) throws IOException {
                    long position = LinePosition.of(offset, to - from, head.status(), checkpoint.generation());
                    if (!confirmed.contains(offset) && checkpoint.index().isLive(head.id(), head.step(), position)) {
                        underWay.add(sender.send(entries(bytes, from, to, isAcknowledged)));
                        sent[0]++;
                    }
                    if (underWay.size() > BATCH) {
                        await(underWay.remove());
                    }
                }

                @Override
                public void damaged(long offset, long length, String why) {
                    // Reported when it was opened.
                }
            }).scan(mark.length(), openedEnd);
        }
        while (!underWay.isEmpty()) {
            await(underWay.remove());
        }
        return sent[0];
    }

    private static List<MirrorEntry> entries(byte[] bytes, int from, int to, Predicate<String> isAcknowledged) throws IOException {
        try {
            CheckpointLine line = LineFormat.decode(bytes, from, to);
            if (line instanceof Done done && (done.source() == null || isAcknowledged.test(done.source()))) {
                return MirrorEntry.emitted(done);
            }
            return MirrorEntry.appended(line, LineFormat.encode(line), Set.of());
        } catch (MalformedLineException e) {
            throw new IOException("a line changed while it was read", e);
        }
    }
}
