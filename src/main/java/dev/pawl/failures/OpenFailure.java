package dev.pawl.failures;

import java.time.Instant;

import dev.pawl.Failure;

/** What is remembered of a dead letter whose document has not got beyond it; {@link DeadLetter} says of what. */
record OpenFailure(TopicPosition position, TopicPosition source, String id, Failure.Kind kind, Instant failedAt)
        implements Comparable<OpenFailure> {

    static OpenFailure of(DeadLetter letter) {
        return new OpenFailure(letter.position(), letter.source(), letter.id(), letter.kind(), letter.failedAt());
    }

    /** What can be open once only: the document, or a record that holds none. */
    Object document() {
        return id == null ? source : id;
    }

    @Override
    public int compareTo(OpenFailure other) {
        return position.compareTo(other.position);
    }
}
