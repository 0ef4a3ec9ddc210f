package dev.pawl.provider;

import java.time.Instant;

import jakarta.ws.rs.core.MultivaluedMap;
import jakarta.ws.rs.core.Response;

import org.eclipse.microprofile.rest.client.ext.ResponseExceptionMapper;

/** Makes a {@link StatusException} of every answer that is no success, before the client's own mapper drops the headers. */
final class StatusMapper implements ResponseExceptionMapper<StatusException> {

    /** Before the client's own, which has 5000. */
    static final int PRIORITY = 1_000;

    @Override
    public int getPriority() {
        return PRIORITY;
    }

    /** By default a redirect is none of its business, and the client does not follow it. Zero stands for no answer at all. */
    @Override
    public boolean handles(int status, MultivaluedMap<String, Object> headers) {
        return status >= 100 && status / 100 != 2;
    }

    /** On the client's event loop. */
    @Override
    public StatusException toThrowable(Response response) {
        return new StatusException(response.getStatus(), ErrorBody.parse(body(response)),
                RetryAfter.in(response::getHeaderString, Instant.now()));
    }

    private static String body(Response response) {
        try {
            return response.hasEntity() ? response.readEntity(String.class) : null;
        } catch (RuntimeException e) {
            // The status says enough.
            return null;
        }
    }
}
