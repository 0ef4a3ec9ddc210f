package dev.pawl.intake;

import java.time.Clock;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

import jakarta.inject.Singleton;

import com.fasterxml.jackson.annotation.JsonValue;

/**
 * Whether documents are taken from the topic. Several may close it, each for a reason of its own, and it is open while nobody
 * keeps it closed. What is in work goes on. Thread-safe.
 */
@Singleton
public final class Gate {

    /** Who keeps documents out, the one that lasts longest first. */
    public enum Reason {
        /** Somebody asked for it: {@code POST /intake/pause}. */
        PAUSED("paused"),
        /** {@code pawl.budget} is used up. */
        BUDGET("budget"),
        /** The model's endpoint answers no document. */
        PROVIDER("provider");

        private final String text;

        Reason(String text) {
            this.text = text;
        }

        @JsonValue
        public String text() {
            return text;
        }
    }

    /**
     * One reason for which it is closed.
     *
     * @param detail a sentence for people
     */
    public record Closed(Reason reason, String detail, Instant since) {}

    private final Clock clock;
    private final Map<Reason, Closed> closed = new EnumMap<>(Reason.class);
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

    Gate(Clock clock) {
        this.clock = clock;
    }

    /** Closed for this reason already, it stays so since then, with the new detail. */
    public void close(Reason reason, String detail) {
        synchronized (this) {
            Closed before = closed.get(reason);
            closed.put(reason, new Closed(reason, detail, before == null ? clock.instant() : before.since()));
        }
        listeners.forEach(Runnable::run);
    }

    /** Takes this reason away; others may remain. */
    public void open(Reason reason) {
        synchronized (this) {
            if (closed.remove(reason) == null) {
                return;
            }
        }
        listeners.forEach(Runnable::run);
    }

    public synchronized boolean isOpen() {
        return closed.isEmpty();
    }

    /** Why it is closed; empty while it is open. */
    public synchronized List<Closed> closed() {
        return List.copyOf(closed.values());
    }

    /** Told after each change, on the thread that made it; it must not block. */
    void onChange(Runnable listener) {
        listeners.add(listener);
    }
}
