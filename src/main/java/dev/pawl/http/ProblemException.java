package dev.pawl.http;

import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response.Status;

/** Ends a call with this problem. Something was wrong with the call, or with what it needs; not with Pawl. */
final class ProblemException extends WebApplicationException {

    private final transient Problem problem;

    private ProblemException(Problem problem) {
        super(problem.detail(), problem.response().build());
        this.problem = problem;
    }

    ProblemException(Status status, String detail) {
        this(Problem.of(status.getStatusCode(), detail));
    }

    /** The same, of a publication that broke off when the broker had so many. */
    ProblemException after(long accepted) {
        return new ProblemException(problem.withAccepted(accepted));
    }

    /** What goes wrong here is the caller's to know, and no place in the code. */
    @Override
    public Throwable fillInStackTrace() {
        return this;
    }
}
