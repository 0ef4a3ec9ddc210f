package dev.pawl.document;

/** What a record turned out to be. */
public sealed interface Decoded {

    record Run(Document document) implements Decoded {}

    /** A tombstone: forget the document. */
    record Forget(String id) implements Decoded {}

    /** No document.
     *
     * @param reason what is wrong and what is allowed; no word of the value
     */
    record Invalid(String reason) implements Decoded {}
}
