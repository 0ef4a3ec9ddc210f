package dev.pawl.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.sun.net.httpserver.HttpServer;

import dev.pawl.harness.PawlProcess.Response;

/** With a stand-in for the application, so that it needs no package. */
class PawlProcessTest {

    private static final Duration LIMIT = Duration.ofSeconds(30);

    @TempDir
    Path directory;
    private PawlProcess.Builder builder;

    /** Ready at once; echoes requests; ends by itself if told to. */
    public static final class StandIn {

        public static void main(String[] arguments) throws IOException {
            System.out.println("variable=" + System.getenv("PAWL_TEST") + " key=" + System.getProperty("pawl.test")
                    + " heap=" + Runtime.getRuntime().maxMemory());
            System.err.println("directory=" + Path.of("").toAbsolutePath());
            if (Boolean.getBoolean("stand-in.fails")) {
                System.exit(3);
            }
            var server = HttpServer.create(new InetSocketAddress(System.getProperty("quarkus.http.host"),
                    Integer.getInteger("quarkus.http.port")), 0);
            server.createContext("/", exchange -> {
                String echo = exchange.getRequestMethod() + " " + exchange.getRequestURI() + " "
                        + exchange.getRequestHeaders().getFirst("Authorization") + " "
                        + new String(exchange.getRequestBody().readAllBytes());
                exchange.sendResponseHeaders(Boolean.getBoolean("stand-in.down") ? 503 : 200, echo.length());
                try (OutputStream out = exchange.getResponseBody()) {
                    out.write(echo.getBytes());
                }
            });
            server.start();
        }
    }

    @BeforeEach
    void packageStandIn() throws Exception {
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, StandIn.class.getName());
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH,
                StandIn.class.getProtectionDomain().getCodeSource().getLocation().toString());
        Path jar = directory.resolve("stand-in.jar");
        new JarOutputStream(Files.newOutputStream(jar), manifest).close();
        builder = PawlProcess.builder().jar(jar).directory(directory.resolve("work"));
    }

    @Test
    void process_hasItsConfigurationAndAnswers() {
        try (var pawl = builder.config("pawl.test", "a b").env("PAWL_TEST", "given").start().awaitReady(LIMIT)) {
            assertThat(pawl.log()).contains("variable=given key=a b").contains("directory=" + directory.resolve("work"));
            assertThat(pawl.get("/progress")).isEqualTo(new Response(200, "GET /progress null "));
            assertThat(pawl.post("/documents", "text/plain", "doc-1", "secret").body())
                    .isEqualTo("POST /documents Bearer secret doc-1");
        }
    }

    @Test
    void killedProcess_canBeStartedAgainInItsDirectory() {
        var first = builder.start().awaitReady(LIMIT);
        first.kill();
        assertThat(first.exitCode()).isEqualTo(137);
        assertThat(ProcessHandle.of(first.pid()).filter(ProcessHandle::isAlive)).isEmpty();

        try (var second = builder.start().awaitReady(LIMIT)) {
            assertThat(second.terminate()).isEqualTo(143);
        }
        assertThat(directory.resolve("work/pawl-1.log")).isNotEmptyFile();
        assertThat(directory.resolve("work/pawl-2.log")).isNotEmptyFile();
        first.close();
    }

    @Test
    void processThatEnds_failsTheWaitAtOnceWithItsLog() {
        try (var pawl = builder.config("stand-in.fails", "true").start()) {
            assertThatThrownBy(() -> pawl.awaitReady(Duration.ofMinutes(10)))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("exit code 3").hasMessageContaining("variable=null");
            assertThat(pawl.awaitExit(LIMIT)).isEqualTo(3);
        }
    }

    @Test
    void processThatIsNotReady_failsTheWaitWithItsLog() {
        try (var pawl = builder.config("stand-in.down", "true").start()) {
            assertThatThrownBy(() -> pawl.awaitReady(Duration.ofSeconds(3)))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("not ready").hasMessageContaining("directory=");
            assertThatThrownBy(() -> pawl.awaitExit(Duration.ofMillis(10))).hasMessageContaining("still running");
        }
    }
}
