package dev.pawl.provider;

import java.time.Duration;

import dev.pawl.Failure;

/** Why a call brought no answer that can be used, and by that what happens next. {@link FaultClassifier} has the table. */
sealed interface Fault {

    /**
     * The document's: another one would not have had it. A dead letter.
     *
     * @param message without a word of what was sent or received
     */
    record OfDocument(Failure.Kind kind, String message) implements Fault {}

    /**
     * The endpoint is well and wants fewer calls.
     *
     * @param retryAfter what it asks to wait; null where it asks for nothing
     */
    record RateLimit(Duration retryAfter) implements Fault {}

    /**
     * The provider's, or its operator's: every document would have it. Tried again until it is over, however long that takes.
     *
     * @param what in words, for people
     * @param retryAfter what the endpoint asks to wait; null where it asks for nothing
     */
    record OfProvider(String what, Duration retryAfter) implements Fault {}

    /**
     * Like the provider's, until there is proof that only this document has it ({@link Suspicion}).
     *
     * @param kind what the document's dead letter would say then
     */
    record Unclear(Failure.Kind kind, String what, Duration retryAfter) implements Fault {}
}
