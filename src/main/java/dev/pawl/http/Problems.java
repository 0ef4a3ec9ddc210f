package dev.pawl.http;

import java.util.Map;
import java.util.regex.Pattern;

import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;

import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

import dev.pawl.failures.Failures;

/**
 * Turns whatever ends a call into a {@link Problem}. What is the caller's fault is told, and what is Pawl's is logged: its message
 * could hold anything. Quarkus loads the types that are named here into Maven's JVM, which may be older than Pawl's own. A library for this
 * exists (quarkus-resteasy-problem); its releases for this Quarkus are not to be had.
 */
final class Problems {

    private static final Logger LOG = Logger.getLogger(Problems.class);

    private static final Pattern CHANGES = Pattern.compile("/?(documents|failures/replay|intake/(pause|resume))/?");

    private static final Map<Integer, String> DETAILS = Map.of(
            400, "the request can't be read: see /q/openapi for what is allowed",
            404, "there is nothing at this path: see /q/openapi for what there is",
            405, "this path does not take this method: the header Allow lists those that it takes",
            406, "no media type that Accept names can be answered here: JSON can",
            415, "this call does not take a body of this Content-Type: see /q/openapi for those that it takes");

    /** Dev mode has a page of its own for these, unless this type is named. */
    @ServerExceptionMapper
    Response notFound(NotFoundException e, UriInfo uri) {
        return refused(e, uri);
    }

    /** What the framework refused before a resource was asked. */
    @ServerExceptionMapper
    Response refused(WebApplicationException e, UriInfo uri) {
        if (e instanceof ProblemException) {
            return e.getResponse();
        }
        int status = e.getResponse().getStatus();
        if (status >= 500) {
            return broken(e);
        }
        Response.ResponseBuilder response = Problem.of(status, DETAILS.getOrDefault(status, "the call was refused")).response();
        return (status == 405 ? response.header(HttpHeaders.ALLOW, methodsOf(uri.getPath())) : response).build();
    }

    /** No path takes both. */
    private static String methodsOf(String path) {
        return CHANGES.matcher(path).matches() ? "POST" : "GET, HEAD";
    }

    @ServerExceptionMapper
    Response broken(Throwable e) {
        if (e instanceof Failures.UnavailableException) {
            return Problem.of(503, e.getMessage()).response().build();
        }
        LOG.error("A call failed", e);
        return Problem.of(500, "Pawl failed at this call; its log says why").response().build();
    }
}
