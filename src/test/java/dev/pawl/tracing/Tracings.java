package dev.pawl.tracing;

import java.net.URI;

import dev.pawl.harness.Configs;
import io.opentelemetry.api.OpenTelemetry;

/** Tracing for tests of other packages. */
public final class Tracings {

    private Tracings() {
    }

    public static Tracing off() {
        return new Tracing(Configs.of(), OpenTelemetry.noop(), URI.create("http://localhost:1/v1/"));
    }
}
