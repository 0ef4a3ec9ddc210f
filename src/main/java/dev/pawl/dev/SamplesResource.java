package dev.pawl.dev;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

import jakarta.inject.Singleton;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

import org.eclipse.microprofile.openapi.annotations.Operation;

import io.quarkus.arc.profile.IfBuildProfile;

/** The sample documents that the page offers to publish. */
@Singleton
@IfBuildProfile("dev")
@Path("/dev/samples")
@Produces(MediaType.APPLICATION_JSON)
final class SamplesResource {

    private static final String EXTENSION = ".txt";

    private final java.nio.file.Path directory;

    SamplesResource(DevConfig config) {
        this.directory = config.samples();
    }

    /** Their IDs, sorted; none where the directory is missing. */
    @GET
    @Operation(hidden = true)
    public List<String> ids() throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (var files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(EXTENSION))
                    .map(name -> name.substring(0, name.length() - EXTENSION.length()))
                    .sorted()
                    .toList();
        }
    }
}
