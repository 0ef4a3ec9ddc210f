package dev.pawl.http;

import java.util.List;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response.Status;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import dev.pawl.intake.Group;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.Blocking;

/** Which process has which partition. */
@Path("/partitions")
@Produces(MediaType.APPLICATION_JSON)
@Blocking
@Tag(name = "Progress")
public class PartitionsResource {

    private final Group group;

    PartitionsResource(Group group) {
        this.group = group;
    }

    @RegisterForReflection
    @Schema(name = "Partitions", description = "The partitions of the documents topic.")
    public record Listed(@Schema(description = "In the order of their numbers.") List<Entry> partitions) {}

    @RegisterForReflection
    @Schema(name = "PartitionOfGroup", description = "A partition, as the broker sees it.")
    public record Entry(
            @Schema(description = "Topic and number.", examples = "documents-3") String partition,
            @Schema(description = "The offset that is committed; null where none is.", nullable = true) Long committed,
            @Schema(description = "Where its log ends.") long end,
            @Schema(description = "Records that are not committed; null where nothing is.", nullable = true) Long lag,
            @Schema(description = "The process that has it; null where none does.", nullable = true) Owner owner) {}

    @RegisterForReflection
    @Schema(name = "PartitionOwner", description = "A process of the consumer group.")
    public record Owner(
            @Schema(description = "Its address.") String host,
            @Schema(description = "Its name in the group.") String member,
            @Schema(description = "Whether it is the one that answers.") boolean here) {}

    @GET
    @Operation(operationId = "partitions", summary = "Which process has which partition",
            description = "Of the whole consumer group. Asks the broker.")
    @APIResponse(responseCode = "200", description = "As the broker has it.")
    @APIResponse(responseCode = "503", ref = "Unavailable")
    public Listed list() {
        try {
            return new Listed(group.partitions().stream().map(PartitionsResource::entry).toList());
        } catch (Group.UnavailableException e) {
            throw new ProblemException(Status.SERVICE_UNAVAILABLE, e.getMessage());
        }
    }

    private static Entry entry(Group.Held held) {
        Group.Owner owner = held.owner();
        return new Entry(held.partition(), held.committed(), held.end(), held.committed() == null ? null : Math.max(0, held.end() - held.committed()),
                owner == null ? null : new Owner(owner.host(), owner.member(), owner.here()));
    }
}
