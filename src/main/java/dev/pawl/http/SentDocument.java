package dev.pawl.http;

import java.util.Map;

import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** Describes what {@code POST /documents} takes; it is read without this. */
@Schema(name = "SentDocument", description = "A document as a publisher sends it.")
interface SentDocument {

    @Schema(description = "1 to 512 bytes of UTF-8 without control characters.", required = true, examples = "doc-0847")
    String getId();

    @Schema(description = "The document itself. Without text and uri it is read from pawl.documents.location.")
    String getText();

    @Schema(description = "Where to read it; pawl.documents.allowed-uris must allow its prefix.")
    String getUri();

    @Schema(description = "For the prompts.")
    Map<String, Object> getMetadata();
}
