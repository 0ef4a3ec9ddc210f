package dev.pawl.tracing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.eclipse.microprofile.config.Config;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.pawl.harness.OtlpReceiver;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.smallrye.config.SmallRyeConfigBuilder;

class OtlpTest {

    private static final String ENDPOINT = "otel.exporter.otlp.endpoint";
    private static final String NOBODY = "http://127.0.0.1:1";

    @Test
    void withoutAnEndpoint_thereIsNothing() {
        assertThat(Otlp.configured(config())).isSameAs(OpenTelemetry.noop());
        assertThat(Otlp.configured(config(ENDPOINT, ""))).isSameAs(OpenTelemetry.noop());
        assertThat(Otlp.configured(config("otel.traces.exporter", "otlp"))).isSameAs(OpenTelemetry.noop());
    }

    @ParameterizedTest
    @CsvSource({ "otel.sdk.disabled, true", "otel.traces.exporter, none" })
    void switchedOff_thereIsNothing(String key, String value) {
        assertThat(Otlp.configured(config(ENDPOINT, NOBODY, key, value))).isSameAs(OpenTelemetry.noop());
    }

    @ParameterizedTest
    @CsvSource({ "otel.exporter.otlp.endpoint, ''", "otel.exporter.otlp.traces.endpoint, /v1/traces" })
    void endpoint_isExportedTo(String key, String path) {
        try (OtlpReceiver collector = OtlpReceiver.open()) {
            OpenTelemetrySdk sdk = (OpenTelemetrySdk) Otlp.configured(config(key, collector.endpoint() + path, "otel.service.name", "mine"));
            sdk.getTracer("test").spanBuilder("one").startSpan().end();

            sdk.shutdown().join(10, TimeUnit.SECONDS);

            assertThat(collector.spans()).singleElement().satisfies(span -> {
                assertThat(span.name()).isEqualTo("one");
                assertThat(span.resource()).containsEntry("service.name", "mine");
            });
        }
    }

    @ParameterizedTest
    @CsvSource({ "otel.exporter.otlp.endpoint, collector:4318, http: or https: URL", "otel.exporter.otlp.traces.endpoint, http://, http: or https: URL",
            "otel.exporter.otlp.protocol, grpc, http/protobuf", "otel.exporter.otlp.traces.protocol, http/json, http/protobuf" })
    void whatCantWork_isRefusedByName(String key, String value, String allowed) {
        assertThatThrownBy(() -> Otlp.configured(config(ENDPOINT, NOBODY, key, value)))
                .hasMessageContainingAll(key, " = " + value + " is not allowed: ", allowed);
    }

    @Test
    void whatTheSdkRefuses_isRefused() {
        assertThatThrownBy(() -> Otlp.configured(config(ENDPOINT, NOBODY, "otel.traces.sampler", "sometimes")))
                .hasMessageContainingAll("OTEL_*", "is not allowed", "otel.traces.sampler", "sometimes");
    }

    @Test
    void brokenHeaders_areRefusedAndNotQuoted() {
        assertThatThrownBy(() -> Otlp.configured(config(ENDPOINT, NOBODY, "otel.exporter.otlp.headers", "Bearer-sk-123")))
                .hasMessageContainingAll("OTEL_*", "headers are key=value").hasMessageNotContaining("sk-123");
    }

    private static Config config(String... keysAndValues) {
        Map<String, String> values = new HashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            values.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        return new SmallRyeConfigBuilder().addDefaultInterceptors().withDefaultValues(values).build();
    }
}
