package dev.pawl.http;

import java.util.regex.Pattern;

import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import org.eclipse.microprofile.config.inject.ConfigProperty;

import dev.pawl.PawlConfig;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;

/**
 * Answers {@code /q/*} on {@code pawl.management.port}, where that is set, with the routes of the first port. Quarkus's own
 * management interface is chosen when the application is built, and takes these routes away from the first port.
 */
@Singleton
final class ManagementPort {

    /** Without dots or escapes: the routes' own reading of {@code /q/../progress} leads elsewhere. */
    private static final Pattern PATH = Pattern.compile("/q/[A-Za-z0-9/_-]*");
    private static final int MAX_PORT = 65_535;

    private final PawlConfig.Management config;
    private final String host;
    private Router router;
    private HttpServer server;

    ManagementPort(PawlConfig config, @ConfigProperty(name = "quarkus.http.host") String host) {
        this.config = config.management();
        this.host = host;
    }

    void routes(@Observes Router router) {
        this.router = router;
    }

    /** With the other checks of the configuration, before Kafka is connected to. */
    void start(@Observes @Priority(2) StartupEvent event, Vertx vertx) {
        if (config.port().isEmpty()) {
            return;
        }
        int port = config.port().getAsInt();
        if (port < 1 || port > MAX_PORT) {
            throw PawlConfig.refusal("pawl.management.port", port, "a port from 1 to " + MAX_PORT);
        }
        server = vertx.createHttpServer().requestHandler(this::answer);
        try {
            server.listen(port, host).toCompletionStage().toCompletableFuture().join();
        } catch (RuntimeException e) {
            throw PawlConfig.refusal("pawl.management.port", port, "a port that is free");
        }
    }

    private void answer(HttpServerRequest request) {
        if (request.path() != null && PATH.matcher(request.path()).matches()) {
            router.handle(request);
        } else {
            request.response().setStatusCode(404).end();
        }
    }

    /** Dev mode starts the application again in the same process. */
    void stop(@Observes ShutdownEvent event) {
        if (server != null) {
            server.close();
        }
    }
}
