package dev.pawl;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonValue;

import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * Why a document became a dead letter: something that another document would not have had.
 *
 * @param kind what sort of fault
 * @param step the step it happened in; null before the first
 * @param message what was wrong and what is allowed, without a word of the document's text
 * @param attempts the calls or readings made before giving up
 */
@RegisterForReflection
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Failure(Kind kind, String step, String message, int attempts) {

    /** The same, after this many calls that did not fail in this way. */
    public Failure after(int earlierAttempts) {
        return new Failure(kind, step, message, earlierAttempts + attempts);
    }

    public enum Kind {
        /** The record holds no document: no ID, a malformed one, or a value that can't be read. */
        INVALID_DOCUMENT("invalid-document"),
        /** No text lies where {@code pawl.documents.location} or the record's {@code uri} says. */
        DOCUMENT_NOT_FOUND("document-not-found"),
        /** The text is there and can't be read: no permission, not UTF-8, refused by its host. */
        UNREADABLE_DOCUMENT("unreadable-document"),
        /** Larger than {@code pawl.documents.max-bytes}. */
        DOCUMENT_TOO_LARGE("document-too-large"),
        /** The record's {@code uri} has no prefix that {@code pawl.documents.allowed-uris} lists. */
        URI_NOT_ALLOWED("uri-not-allowed"),
        /** The provider or its model refused this prompt. */
        REFUSED("refused"),
        /** The provider's content filter refused this prompt or its answer. */
        CONTENT_FILTERED("content-filtered"),
        /** The prompt is longer than what the model reads. */
        CONTEXT_LENGTH_EXCEEDED("context-length-exceeded"),
        /** The model's answer was cut off at the limit of output tokens. */
        TRUNCATED_OUTPUT("truncated-output"),
        /** The endpoint answers calls for other documents, and for this one never. */
        UNANSWERED("unanswered"),
        /** The model's answer did not fit the step's output format, however often it was asked. */
        INVALID_OUTPUT("invalid-output"),
        /** The broker does not take a result of this size. */
        RESULT_TOO_LARGE("result-too-large"),
        /** Written by another version or by hand. */
        OTHER("other");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        @JsonValue
        public String text() {
            return text;
        }

        @JsonCreator
        public static Kind of(String text) {
            for (Kind kind : values()) {
                if (kind.text.equals(text)) {
                    return kind;
                }
            }
            return OTHER;
        }
    }

    /** Thrown where the fault is found, caught once, in {@link DocumentPipeline}. */
    public static final class Raised extends Exception {

        private final transient Failure failure;

        public Raised(Failure failure) {
            super(failure.message(), null, false, false);
            this.failure = failure;
        }

        public Failure failure() {
            return failure;
        }
    }

    public static Raised raise(Kind kind, String message) {
        return new Raised(new Failure(kind, null, message, 1));
    }
}
