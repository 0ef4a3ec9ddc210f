package dev.pawl.deploy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The overlays that a README shows, so that they can be rendered: its blocks of YAML become files by the name in their first line, each
 * {@code kustomization.yaml} begins a folder, and this repository's address leads to this copy of it.
 */
final class Examples {

    private static final Path README = Path.of("deploy/overlays/scaled/README.md");
    private static final Path TARGET = Path.of("target/examples");
    private static final Pattern BLOCK = Pattern.compile("(?s)```yaml\\n# (\\S+\\.yaml)\\n(.*?)```");
    private static final Pattern ADDRESS = Pattern.compile("https://git\\.example/pawl//(\\S+?)\\?ref=v[\\d.]+");

    private static final List<String> FOLDERS = write();

    private Examples() {
    }

    /** Below {@code deploy/}, as {@link Manifests#of} wants them. */
    static List<String> folders() {
        return FOLDERS;
    }

    private static List<String> write() {
        List<String> folders = new ArrayList<>();
        try {
            Path folder = null;
            for (MatchResult block : BLOCK.matcher(Yaml.text(README)).results().toList()) {
                if (block.group(1).equals("kustomization.yaml")) {
                    folder = Files.createDirectories(TARGET.resolve("scaled-" + (folders.size() + 1)));
                    folders.add(Path.of("deploy").relativize(folder).toString());
                }
                Path root = folder.relativize(Path.of(""));
                Files.writeString(folder.resolve(block.group(1)), ADDRESS.matcher(block.group(2)).replaceAll(root + "/$1"));
            }
            return folders;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
