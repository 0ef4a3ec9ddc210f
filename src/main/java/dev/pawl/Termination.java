package dev.pawl;

import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import io.quarkus.runtime.LaunchMode;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.StartupEvent;
import sun.misc.Signal;

/**
 * Makes of SIGTERM a request to end in order, with status 0, which a JVM by itself would answer with 143: a supervisor is to
 * tell a restart it asked for from a failure. A second one changes nothing, and a failure meanwhile has its own status.
 */
@Singleton
final class Termination {

    /** In dev mode the process is Maven's. */
    void await(@Observes @Priority(1) StartupEvent event) {
        if (LaunchMode.current() == LaunchMode.NORMAL) {
            Signal.handle(new Signal("TERM"), _ -> Quarkus.asyncExit());
        }
    }
}
