package dev.pawl.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Makes the AOT cache that the packaged application starts with: what a JVM loaded, linked and profiled in a life of the application
 * that did once what all lives do. It lies beside the jar, belongs to this very build and JDK, and is passed over with others.
 *
 * <p>Run by the build before the integration tests, and where an image is built.
 *
 * @see <a href="https://openjdk.org/jeps/514">JEP 514</a>
 */
public final class AotTraining {

    private static final int DOCUMENTS = 400;
    private static final List<String> PAGES = List.of("/", "/progress", "/failures", "/documents/doc-0000", "/q/metrics", "/q/health", "/q/openapi");

    private AotTraining() {
    }

    public static void main(String... arguments) throws IOException {
        Path cache = PawlProcess.aotCache();
        Files.deleteIfExists(cache);
        Path directory = Files.createTempDirectory("pawl-training-");
        try (TestBroker broker = TestBroker.open(); Rig rig = new Rig(broker, directory).longLived()) {
            rig.publish(rig.texts(DOCUMENTS));
            PawlProcess first = rig.start();
            rig.awaitAllCommitted();
            PAGES.forEach(first::get);
            first.terminate();

            // What it learns is a restart: with a checkpoint to load, documents that are done, and new ones.
            PawlProcess trained = rig.jvmOption("-XX:AOTCacheOutput=" + cache).start();
            rig.publish(rig.texts(2 * DOCUMENTS));
            rig.awaitAllCommitted();
            PAGES.forEach(trained::get);
            assertThat(trained.terminate()).isZero();
            assertThat(cache).as("made by the JVM as it ended; its log: %s", trained.log()).isNotEmptyFile();
        } finally {
            delete(directory);
        }
        System.out.printf("%s: %,d bytes%n", cache, Files.size(cache));
        // The broker's threads need not be waited for.
        System.exit(0);
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }
}
