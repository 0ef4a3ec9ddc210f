package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

import jakarta.enterprise.inject.Default;
import jakarta.inject.Singleton;

import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.jboss.logging.Logger;

import io.quarkus.runtime.Quarkus;

/**
 * Ends the process when its storage can't be trusted any more, and says why: in the log, in readiness, in the exit
 * status. A supervisor starts it again, and the restart reads what is really on the disk.
 */
@Default
@Readiness
@Singleton
public final class FailStop implements HealthCheck {

    /** {@code EX_IOERR} of sysexits.h. */
    private static final int EXIT_STATUS = 74;
    /** How long readiness says why before the end begins: probes look now and then. */
    private static final int LINGER_SECONDS = 2;
    /** How long an orderly end may take before the process is halted. */
    private static final int GRACE_SECONDS = 10;

    private static final Logger LOG = Logger.getLogger(FailStop.class);

    private final AtomicReference<String> reason = new AtomicReference<>();

    void storageFailed(Path path, IOException cause) {
        stop("%s can't be written any more: %s".formatted(path, cause.getMessage()));
    }

    /** Begins the end of the process; returns at once. The first reason stays. */
    public void stop(String why) {
        if (!reason.compareAndSet(null, why)) {
            return;
        }
        LOG.fatalf("Stopping: %s", why);
        Thread.ofPlatform().daemon().name("fail-stop").start(() -> {
            pause(LINGER_SECONDS);
            Quarkus.asyncExit(EXIT_STATUS);
            pause(GRACE_SECONDS);
            Runtime.getRuntime().halt(EXIT_STATUS);
        });
    }

    private static void pause(int seconds) {
        try {
            TimeUnit.SECONDS.sleep(seconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public Optional<String> reason() {
        return Optional.ofNullable(reason.get());
    }

    @Override
    public HealthCheckResponse call() {
        var response = HealthCheckResponse.named("checkpoint");
        return reason().map(why -> response.down().withData("reason", why)).orElseGet(response::up).build();
    }
}
