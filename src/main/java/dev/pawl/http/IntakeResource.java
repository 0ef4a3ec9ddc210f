package dev.pawl.http;

import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.List;

import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import dev.pawl.http.ProgressReport.Closed;
import dev.pawl.intake.Gate;
import dev.pawl.intake.Gate.Reason;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.NonBlocking;
import io.vertx.core.http.HttpServerRequest;

/** Stops taking documents, and takes them again; what is in work goes on. Both calls may be repeated. */
@Path("/intake")
@Produces(MediaType.APPLICATION_JSON)
@Changes
@NonBlocking
@Tag(name = "Intake")
@SecurityRequirement(name = "token")
public class IntakeResource {

    private final Gate gate;
    private final Clock clock;

    IntakeResource(Gate gate, Clock clock) {
        this.gate = gate;
        this.clock = clock;
    }

    @RegisterForReflection
    @Schema(name = "Intake", description = "Whether documents are taken.")
    public record State(
            @Schema(description = "Whether they are.") boolean open,
            @Schema(description = "Why they are not; empty where they are.") List<Closed> closed) {

        static State of(Gate gate) {
            List<Closed> closed = Closed.of(gate);
            return new State(closed.isEmpty(), closed);
        }
    }

    /** A second call changes nothing. */
    @POST
    @Path("pause")
    @Operation(operationId = "pause", summary = "Stops taking documents",
            description = "In this process. What is in work goes on. A second call changes nothing.")
    @APIResponse(responseCode = "200", description = "No more are taken.")
    @APIResponse(responseCode = "401", ref = "Unauthorized")
    @APIResponse(responseCode = "403", ref = "Forbidden")
    public State pause(@Context HttpServerRequest request) {
        if (gate.closed().stream().noneMatch(closed -> closed.reason() == Reason.PAUSED)) {
            gate.close(Reason.PAUSED, "paused by a call from %s at %s".formatted(request.remoteAddress().hostAddress(),
                    clock.instant().truncatedTo(ChronoUnit.SECONDS)));
        }
        return State.of(gate);
    }

    /** Takes back what {@link #pause} did; the intake stays closed where there are other reasons. */
    @POST
    @Path("resume")
    @Operation(operationId = "resume", summary = "Takes documents again",
            description = "Takes back what a pause did. None are taken all the same while there are other reasons.")
    @APIResponse(responseCode = "200", description = "Taken back.")
    @APIResponse(responseCode = "401", ref = "Unauthorized")
    @APIResponse(responseCode = "403", ref = "Forbidden")
    public State resume() {
        gate.open(Reason.PAUSED);
        return State.of(gate);
    }
}
