package dev.pawl.failures;

import java.util.Set;

import dev.pawl.Failure;

/** Which of the open dead letters are meant. */
public sealed interface Selection {

    /** Those of these documents. */
    record Ids(Set<String> ids) implements Selection {}

    /** Those of these records: the only name of a record that holds no document. */
    record Sources(Set<TopicPosition> sources) implements Selection {}

    record OfKind(Failure.Kind kind) implements Selection {}

    record All() implements Selection {}
}
