package dev.pawl.tracing;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

import org.eclipse.microprofile.config.Config;

import dev.pawl.PawlConfig;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.runtime.annotations.RegisterResources;

/**
 * Where spans go to, by OpenTelemetry's own keys: as variables ({@code OTEL_EXPORTER_OTLP_ENDPOINT}), properties or in Pawl's files. Without
 * an endpoint the SDK is not even loaded.
 *
 * <p>What the SDK finds through {@code META-INF/services} a native image holds where somebody registers it.
 */
@RegisterForReflection(classNames = { "io.opentelemetry.exporter.otlp.internal.OtlpSpanExporterProvider",
        "io.opentelemetry.exporter.sender.jdk.internal.JdkHttpSenderProvider",
        "io.opentelemetry.sdk.autoconfigure.EnvironmentResourceProvider" })
@RegisterResources(globs = { "META-INF/services/io.opentelemetry.sdk.autoconfigure.spi.traces.ConfigurableSpanExporterProvider",
        "META-INF/services/io.opentelemetry.exporter.internal.http.HttpSenderProvider",
        "META-INF/services/io.opentelemetry.sdk.autoconfigure.spi.ResourceProvider" })
final class Otlp {

    private static final String PREFIX = "otel.";
    private static final String ENDPOINT = "otel.exporter.otlp.endpoint";
    private static final String TRACES_ENDPOINT = "otel.exporter.otlp.traces.endpoint";
    private static final String PROTOCOL = "otel.exporter.otlp.protocol";
    private static final String TRACES_PROTOCOL = "otel.exporter.otlp.traces.protocol";
    private static final String HTTP = "http/protobuf";
    /** Metrics are at {@code /q/metrics}, logs on standard output. */
    private static final Map<String, String> DEFAULTS = Map.of("otel.service.name", "pawl", PROTOCOL, HTTP,
            "otel.metrics.exporter", "none", "otel.logs.exporter", "none");

    private Otlp() {
    }

    /** Nothing that costs anything where no endpoint is given, or it is switched off. */
    static OpenTelemetry configured(Config config) {
        boolean given = config.getOptionalValue(ENDPOINT, String.class).isPresent() || config.getOptionalValue(TRACES_ENDPOINT, String.class).isPresent();
        boolean disabled = config.getOptionalValue("otel.sdk.disabled", Boolean.class).orElse(false)
                || config.getOptionalValue("otel.traces.exporter", String.class).equals(Optional.of("none"));
        return given && !disabled ? Sdk.open(config) : OpenTelemetry.noop();
    }

    /** Refuses what can't work, in place of exporting to nobody. */
    private static void check(Config config) {
        for (String key : new String[] { ENDPOINT, TRACES_ENDPOINT }) {
            config.getOptionalValue(key, String.class).filter(value -> !value.matches("https?://[^/?#]+[^?#]*")).ifPresent(value -> {
                throw PawlConfig.refusal(named(key), value, "it must be an http: or https: URL, such as http://collector:4318");
            });
        }
        for (String key : new String[] { PROTOCOL, TRACES_PROTOCOL }) {
            config.getOptionalValue(key, String.class).filter(value -> !value.equals(HTTP)).ifPresent(value -> {
                throw PawlConfig.refusal(named(key), value, "it must be " + HTTP + ", which collectors take on port 4318");
            });
        }
    }

    /** As most people know it. */
    private static String named(String key) {
        return "%s (%s)".formatted(key.toUpperCase(Locale.ROOT).replace('.', '_'), key);
    }

    /** Apart, so that the SDK's classes are loaded where they are needed only. */
    private static final class Sdk {

        static OpenTelemetry open(Config config) {
            check(config);
            Map<String, String> settings = new HashMap<>(DEFAULTS);
            for (String name : config.getPropertyNames()) {
                if (name.startsWith(PREFIX)) {
                    config.getOptionalValue(name, String.class).ifPresent(value -> settings.put(name, value));
                }
            }
            try {
                return AutoConfiguredOpenTelemetrySdk.builder()
                        .disableShutdownHook()
                        .addPropertiesSupplier(() -> settings)
                        .addSpanExporterCustomizer((exporter, _) -> new LossReport(exporter, System::nanoTime))
                        .build()
                        .getOpenTelemetrySdk();
            } catch (ConfigurationException e) {
                // Some of its messages quote headers, which hold keys.
                boolean harmless = e.getMessage() != null && !e.getMessage().contains("header");
                throw PawlConfig.refusal("OTEL_* (otel.*)", "(as configured)", harmless ? e.getMessage() : "headers are key=value, with commas between");
            }
        }
    }
}
