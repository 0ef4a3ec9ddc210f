package dev.pawl.provider;

import java.time.Duration;

import dev.langchain4j.exception.HttpException;

/**
 * The endpoint answered with a status that is no success. The client's own exception holds the body, which may quote the prompt,
 * and loses the headers; this one holds what the endpoint said about the fault and nothing else.
 */
final class StatusException extends HttpException {

    private final transient ErrorBody error;
    private final Duration retryAfter;

    /** @param retryAfter what the endpoint asks to wait; null where it asks for nothing */
    StatusException(int status, ErrorBody error, Duration retryAfter) {
        super(status, error.code() == null ? "status " + status : "status " + status + ", " + error.code());
        this.error = error;
        this.retryAfter = retryAfter;
    }

    ErrorBody error() {
        return error;
    }

    Duration retryAfter() {
        return retryAfter;
    }
}
