package dev.pawl.deploy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Renders a folder as {@code kubectl kustomize} does, so that the tests need no kubectl: what {@code deploy/} uses of Kustomize, and
 * anything else is refused. Generated names lack their hash. {@link RenderingTest} compares it with the real one where there is one.
 */
final class Kustomization {

    private static final Set<String> FIELDS = Set.of("apiVersion", "kind", "namespace", "resources", "components", "configMapGenerator",
            "patches");
    private static final Set<String> CLUSTER_WIDE = Set.of("Namespace");
    /** What tells the elements of a list apart that a patch adds to. */
    private static final Map<String, String> MERGE_KEYS = Map.of("containers", "name", "env", "name", "volumes", "name",
            "volumeMounts", "mountPath", "items", "key");

    private final Path directory;
    private final ObjectNode content;
    private final List<ObjectNode> objects;

    private Kustomization(Path directory, List<ObjectNode> objects) {
        this.directory = directory;
        this.content = Yaml.read(directory.resolve("kustomization.yaml"));
        this.objects = objects;
        refuseOthers(content, FIELDS);
    }

    static List<ObjectNode> render(Path directory) {
        return new Kustomization(directory.normalize(), new ArrayList<>()).render();
    }

    private List<ObjectNode> render() {
        for (JsonNode resource : content.path("resources")) {
            Path path = inside(resource.asText());
            objects.addAll(Files.isDirectory(path) ? render(path) : Yaml.readAll(Yaml.text(path)));
        }
        content.path("configMapGenerator").forEach(generator -> objects.add(configMap((ObjectNode) generator)));
        for (JsonNode component : content.path("components")) {
            new Kustomization(inside(component.asText()), objects).render();
        }
        content.path("patches").forEach(patch -> patch((ObjectNode) patch));
        if (content.has("namespace")) {
            objects.forEach(object -> setNamespace(object, content.get("namespace").asText()));
        }
        return objects;
    }

    private Path inside(String path) {
        return directory.resolve(path).normalize();
    }

    private ObjectNode configMap(ObjectNode generator) {
        refuseOthers(generator, Set.of("name", "files", "options"));
        ObjectNode map = JsonNodeFactory.instance.objectNode().put("apiVersion", "v1").put("kind", "ConfigMap");
        ObjectNode metadata = map.putObject("metadata").put("name", generator.get("name").asText());
        if (generator.has("options")) {
            refuseOthers((ObjectNode) generator.get("options"), Set.of("disableNameSuffixHash", "labels"));
            metadata.set("labels", generator.get("options").get("labels"));
        }
        ObjectNode data = map.putObject("data");
        for (JsonNode file : generator.get("files")) {
            Path path = inside(file.asText());
            if (!path.startsWith(directory)) {
                throw new IllegalArgumentException("%s lies outside %s: Kustomize does not read it".formatted(path, directory));
            }
            data.put(path.getFileName().toString(), Yaml.text(path));
        }
        return map;
    }

    private void patch(ObjectNode patch) {
        refuseOthers(patch, Set.of("path", "patch", "target"));
        JsonNode change = patch.has("path") ? Yaml.read(inside(patch.get("path").asText())) : Yaml.value(patch.get("patch").asText());
        if (change.isArray()) {
            refuseOthers((ObjectNode) patch.get("target"), Set.of("kind", "name"));
            ObjectNode target = find(patch.at("/target/kind").asText(), patch.at("/target/name").asText());
            change.forEach(operation -> apply((ObjectNode) operation, target));
        } else {
            ObjectNode target = find(change.get("kind").asText(), change.at("/metadata/name").asText());
            if (isDeletion(change)) {
                objects.remove(target);
            } else {
                merge((ObjectNode) change, target);
            }
        }
    }

    private static boolean isDeletion(JsonNode change) {
        String directive = change.path("$patch").asText("");
        if (!Set.of("", "delete").contains(directive)) {
            throw new IllegalArgumentException("unknown here: $patch: " + directive);
        }
        return !directive.isEmpty();
    }

    private ObjectNode find(String kind, String name) {
        return objects.stream()
                .filter(object -> object.get("kind").asText().equals(kind) && object.at("/metadata/name").asText().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("%s patches %s %s, which is not there".formatted(directory, kind, name)));
    }

    /** One operation of RFC 6902. */
    private void apply(ObjectNode operation, ObjectNode target) {
        refuseOthers(operation, Set.of("op", "path", "value"));
        String path = operation.get("path").asText();
        JsonNode parent = target.at(path.substring(0, path.lastIndexOf('/')));
        String name = path.substring(path.lastIndexOf('/') + 1);
        JsonNode present = target.at(path);
        JsonNode value = operation.get("value");
        switch (operation.get("op").asText()) {
            case "test" -> {
                if (!present.equals(value)) {
                    throw new IllegalArgumentException("%s: %s is %s and not %s".formatted(directory, path, present, value));
                }
            }
            case "add" -> {
                if (!(parent instanceof ObjectNode object)) {
                    throw new IllegalArgumentException("%s: %s is in no object".formatted(directory, path));
                }
                object.set(name, value);
            }
            case "replace" -> {
                if (present.isMissingNode()) {
                    throw new IllegalArgumentException("%s: there is no %s to replace".formatted(directory, path));
                }
                if (parent instanceof ArrayNode array) {
                    array.set(Integer.parseInt(name), value);
                } else {
                    ((ObjectNode) parent).set(name, value);
                }
            }
            case String other -> throw new IllegalArgumentException("unknown here: " + other);
        }
    }

    /** A strategic merge: objects field by field, lists element by element where these have names; null takes a field away. */
    private static void merge(ObjectNode change, ObjectNode target) {
        for (Map.Entry<String, JsonNode> field : change.properties()) {
            JsonNode present = target.get(field.getKey());
            switch (field.getValue()) {
                case ObjectNode object when present instanceof ObjectNode into -> merge(object, into);
                case ArrayNode list when present instanceof ArrayNode into -> mergeLists(field.getKey(), list, into);
                case NullNode _ -> target.remove(field.getKey());
                case JsonNode value -> target.set(field.getKey(), value);
            }
        }
    }

    private static void mergeLists(String field, ArrayNode changes, ArrayNode target) {
        String key = MERGE_KEYS.get(field);
        if (key == null) {
            throw new IllegalArgumentException("what tells the elements of %s apart is unknown here".formatted(field));
        }
        // As the real one does: what the patch names comes first, in its order.
        List<JsonNode> merged = new ArrayList<>();
        List<JsonNode> others = new ArrayList<>();
        target.forEach(others::add);
        for (JsonNode change : changes) {
            JsonNode element = others.stream().filter(other -> other.get(key).equals(change.get(key))).findFirst().orElse(change);
            boolean isThere = others.remove(element);
            if (isDeletion(change)) {
                if (!isThere) {
                    throw new IllegalArgumentException("there is no %s to delete from %s".formatted(change.get(key), field));
                }
                continue;
            }
            if (isThere) {
                merge((ObjectNode) change, (ObjectNode) element);
            }
            merged.add(element);
        }
        target.removeAll().addAll(merged).addAll(others);
    }

    private static void setNamespace(ObjectNode object, String namespace) {
        ObjectNode metadata = (ObjectNode) object.get("metadata");
        metadata.put(CLUSTER_WIDE.contains(object.get("kind").asText()) ? "name" : "namespace", namespace);
    }

    private static void refuseOthers(ObjectNode node, Set<String> known) {
        for (Iterator<String> names = node.fieldNames(); names.hasNext();) {
            String name = names.next();
            if (!known.contains(name)) {
                throw new IllegalArgumentException("%s is a part of Kustomize that this renderer does not know".formatted(name));
            }
        }
    }
}
