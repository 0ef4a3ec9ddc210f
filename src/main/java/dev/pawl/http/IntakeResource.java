package dev.pawl.http;

import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

import dev.pawl.intake.Gate;
import dev.pawl.intake.Gate.Reason;
import io.smallrye.common.annotation.NonBlocking;

/** Stops taking documents, and takes them again; what is in work goes on. Both calls may be repeated. */
@Path("/intake")
@Produces(MediaType.APPLICATION_JSON)
@Changes
@NonBlocking
public class IntakeResource {

    private final Gate gate;
    private final Clock clock;

    IntakeResource(Gate gate, Clock clock) {
        this.gate = gate;
        this.clock = clock;
    }

    /**
     * @param open whether documents are taken
     * @param closed why they are not; empty where they are
     */
    public record State(boolean open, List<Closed> closed) {

        static State of(Gate gate) {
            List<Closed> closed = gate.closed().stream()
                    .map(each -> new Closed(each.reason().text(), each.detail(), each.since()))
                    .toList();
            return new State(closed.isEmpty(), closed);
        }
    }

    /** A {@link Gate.Closed} with its reason as text: the build loads an enum that names itself for JSON, perhaps into an older JVM. */
    public record Closed(String reason, String detail, Instant since) {}

    /** A second call changes nothing. */
    @POST
    @Path("pause")
    public State pause() {
        if (gate.closed().stream().noneMatch(closed -> closed.reason() == Reason.PAUSED)) {
            gate.close(Reason.PAUSED, "paused by a call at " + clock.instant().truncatedTo(ChronoUnit.SECONDS));
        }
        return State.of(gate);
    }

    /** Takes back what {@link #pause} did; the intake stays closed where there are other reasons. */
    @POST
    @Path("resume")
    public State resume() {
        gate.open(Reason.PAUSED);
        return State.of(gate);
    }
}
