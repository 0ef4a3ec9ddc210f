package dev.pawl.http;

import jakarta.ws.rs.core.Response;

import org.eclipse.microprofile.openapi.annotations.media.Schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.quarkus.runtime.annotations.RegisterForReflection;

/** The body of every answer that says what was wrong: problem details, RFC 9457. */
@RegisterForReflection
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(description = "What was wrong: problem details, RFC 9457.")
public record Problem(
        @Schema(description = "Always about:blank: title and status say which sort of problem it is.", examples = "about:blank") String type,
        @Schema(description = "The status in words.", examples = "Bad Request") String title,
        @Schema(description = "The answer's HTTP status.", examples = "400") int status,
        @Schema(description = "A sentence for people: what was wrong and what is allowed.") String detail,
        @Schema(description = "Of a publication that broke off: documents that the broker has all the same.", nullable = true) Long accepted) {

    public static final String MEDIA_TYPE = "application/problem+json";

    private static final JsonMapper JSON = new JsonMapper();

    static Problem of(int status, String detail) {
        Response.Status known = Response.Status.fromStatusCode(status);
        return new Problem("about:blank", known == null ? "Status " + status : known.getReasonPhrase(), status, detail, null);
    }

    Problem withAccepted(long documents) {
        return new Problem(type, title, status, detail, documents);
    }

    String json() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** As text: the JSON writers answer to other media types. */
    Response.ResponseBuilder response() {
        return Response.status(status).type(MEDIA_TYPE).entity(json());
    }
}
