package dev.pawl.http;

import java.util.List;

import org.eclipse.microprofile.openapi.annotations.media.Schema;

import com.fasterxml.jackson.annotation.JsonInclude;

import io.quarkus.runtime.annotations.RegisterForReflection;

/** What became of a publication. */
@RegisterForReflection
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(description = "What became of a publication.")
public record Published(
        @Schema(description = "Documents that the broker has.", examples = "1000") long accepted,
        @Schema(description = "What was left out, the first hundred of it, in the order of the lines.") List<Rejected> rejected,
        @Schema(description = "How many were left out in all; missing where none was.", nullable = true) Long rejectedTotal) {

    @RegisterForReflection
    @Schema(description = "One that was left out.")
    public record Rejected(
            @Schema(description = "Its line in the body, from 1; of a JSON array, the element.", examples = "4") long line,
            @Schema(description = "What was wrong and what is allowed.") String reason) {}
}
