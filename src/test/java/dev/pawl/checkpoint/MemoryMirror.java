package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A partition of the mirror's topic in memory. What is sent there gets there when a test says so, or at once. */
final class MemoryMirror {

    static final String TOPIC = "qZ0cXWB2TU6CFsJ_y5lHEw";

    /** @param value null for a tombstone */
    record Entry(long offset, String key, byte[] value) {

        @Override
        public String toString() {
            return key.replace('\t', '/') + (value == null ? " nothing" : " " + new String(value, StandardCharsets.UTF_8));
        }
    }

    private final List<Entry> entries = new ArrayList<>();
    private long end;

    /** The way there of one process. */
    final class Way implements Mirror {

        private record Sent(byte[] key, byte[] value, Confirmation confirmation) {}

        private final Deque<Sent> underWay = new ArrayDeque<>();
        boolean held;

        @Override
        public synchronized void send(byte[] key, byte[] value, Confirmation confirmation) {
            underWay.add(new Sent(key, value, confirmation));
            if (!held) {
                confirm(underWay.size());
            }
        }

        synchronized int underWay() {
            return underWay.size();
        }

        /** What is under way, for people. */
        synchronized String content() {
            return underWay.stream().map(sent -> new Entry(-1, text(sent.key), sent.value).toString()).collect(Collectors.joining("\n"));
        }

        /** The oldest that are under way get there. */
        synchronized void confirm(int count) {
            for (int i = 0; i < count; i++) {
                Sent sent = underWay.remove();
                sent.confirmation.confirmed(write(text(sent.key), sent.value), null);
            }
        }

        /** The oldest does not get there, for good. */
        synchronized void fail() {
            underWay.remove().confirmation.confirmed(Mirror.NOWHERE, new IOException("not authorized"));
        }

        /** It is taken away at once, before those that wait for the broker. */
        synchronized void refuseLastForItsSize() {
            underWay.removeLast().confirmation.confirmed(Mirror.NOWHERE, null);
        }

        /** The process is killed: so many of those under way get there yet, and it never learns of that. */
        synchronized void kill(int arriving) {
            for (int i = 0; i < arriving; i++) {
                write(text(underWay.peek().key), underWay.peek().value);
                fail();
            }
            while (!underWay.isEmpty()) {
                fail();
            }
        }
    }

    Way way() {
        return new Way();
    }

    synchronized long write(String key, byte[] value) {
        Entry entry = new Entry(end++, key, value);
        entries.add(entry);
        return entry.offset();
    }

    /** What another process would have sent for a line. */
    void writeAppended(CheckpointLine line) {
        MirrorEntry.appended(line, LineFormat.encode(line), Set.of()).forEach(entry -> write(text(entry.key()), entry.value()));
    }

    void writeEmitted(CheckpointLine.Done line) {
        MirrorEntry.emitted(line).forEach(entry -> write(text(entry.key()), entry.value()));
    }

    synchronized long end() {
        return end;
    }

    synchronized List<Entry> from(long offset) {
        return entries.stream().filter(entry -> entry.offset() >= offset).toList();
    }

    synchronized void loseFrom(long offset) {
        entries.removeIf(entry -> entry.offset() >= offset);
        end = offset;
    }

    /** Only the last entry of a key stays, and after a while no tombstone. Offsets stay. */
    synchronized void compact() {
        Map<String, Entry> last = new HashMap<>();
        entries.forEach(entry -> last.put(entry.key(), entry));
        entries.removeIf(entry -> last.get(entry.key()) != entry || entry.value() == null);
    }

    /** What is there by key, as a reader of it all knows it. */
    synchronized Map<String, String> content() {
        Map<String, String> content = new HashMap<>();
        entries.forEach(entry -> {
            content.remove(entry.key());
            if (entry.value() != null) {
                content.put(entry.key(), new String(entry.value(), StandardCharsets.UTF_8));
            }
        });
        return content;
    }

    private static String text(byte[] key) {
        return new String(key, StandardCharsets.UTF_8);
    }
}
