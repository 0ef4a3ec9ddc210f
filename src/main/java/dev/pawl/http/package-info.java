/** Thin resources, and what all of them have in common: who may call, how much, and what an error looks like. */
@OpenAPIDefinition(
        info = @Info(title = "Pawl", version = "1", license = @License(name = "Apache-2.0"),
                description = "Publishes documents, tells how far they are, and replays those that failed. Errors are problem details (RFC 9457)."),
        tags = {
                @Tag(name = "Documents", description = "Publishing documents, and what became of them."),
                @Tag(name = "Progress", description = "How far the work is, what it cost and what was not paid for again."),
                @Tag(name = "Failures", description = "Dead letters, and publishing their records again."),
                @Tag(name = "Intake", description = "Whether documents are taken.") },
        components = @Components(responses = {
                @APIResponse(name = "BadRequest", description = "The request can't be read; detail says where and what is allowed.",
                        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class))),
                @APIResponse(name = "Unauthorized", description = "The API token is missing or wrong.",
                        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class))),
                @APIResponse(name = "Forbidden", description = "No API token is configured and this is not dev mode; or it is, and the call comes from "
                        + "the page of another site.",
                        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class))),
                @APIResponse(name = "UnknownDocument", description = "No checkpoint that this process holds knows the document.",
                        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class))),
                @APIResponse(name = "TooLarge", description = "The body, or one document in it, is larger than pawl.http.max-body-size or max-line-size.",
                        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class))),
                @APIResponse(name = "UnsupportedMediaType", description = "The call does not take a body of this Content-Type.",
                        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class))),
                @APIResponse(name = "Unavailable", description = "The broker did not answer in time. What it has by then stays; call again.",
                        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class))) },
        securitySchemes = @SecurityScheme(securitySchemeName = "token", type = SecuritySchemeType.HTTP, scheme = "bearer",
                description = "pawl.api.token. In dev mode without one, not needed.")))
package dev.pawl.http;

import org.eclipse.microprofile.openapi.annotations.Components;
import org.eclipse.microprofile.openapi.annotations.OpenAPIDefinition;
import org.eclipse.microprofile.openapi.annotations.enums.SecuritySchemeType;
import org.eclipse.microprofile.openapi.annotations.info.Info;
import org.eclipse.microprofile.openapi.annotations.info.License;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityScheme;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
