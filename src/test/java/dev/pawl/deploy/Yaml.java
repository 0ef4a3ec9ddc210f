package dev.pawl.deploy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;

/** Reads the YAML under test. A key that stands twice is a mistake. */
final class Yaml {

    private static final YAMLMapper MAPPER = YAMLMapper.builder(YAMLFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(YAMLParser.Feature.EMPTY_STRING_AS_NULL)
            .build()).build();

    private Yaml() {
    }

    static ObjectNode read(Path file) {
        List<ObjectNode> documents = readAll(text(file));
        if (documents.size() != 1) {
            throw new IllegalArgumentException("%s holds %d documents, not one".formatted(file, documents.size()));
        }
        return documents.getFirst();
    }

    static List<ObjectNode> readAll(String yaml) {
        try (MappingIterator<ObjectNode> documents = MAPPER.readerFor(ObjectNode.class).readValues(yaml)) {
            return documents.readAll();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static JsonNode value(String yaml) {
        try {
            return MAPPER.readTree(yaml);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a schema of src/test/resources/schemas has against the document; empty where it fits. */
    static List<String> violations(JsonNode document, String schema) {
        SchemaRegistry registry = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_7);
        ObjectNode definition = (ObjectNode) value(text(Path.of("src/test/resources/schemas", schema)));
        // One has a name that is no address, and none refers to itself by it.
        definition.remove("$id");
        Schema loaded = registry.getSchema(definition);
        return loaded.validate(document).stream().map(error -> error.getInstanceLocation() + ": " + error.getMessage()).toList();
    }
}
