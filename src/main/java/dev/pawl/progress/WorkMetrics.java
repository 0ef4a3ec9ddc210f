package dev.pawl.progress;

import java.util.function.ToDoubleFunction;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import dev.pawl.intake.Gate;
import dev.pawl.intake.Gate.Reason;
import dev.pawl.intake.Partitions;
import dev.pawl.intake.Partitions.Lag;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;

/** What waits and why, for {@code /q/metrics}: the figures of {@code GET /progress} that an alert asks for. */
@Singleton
final class WorkMetrics {

    private final Partitions partitions;
    private final Gate gate;

    WorkMetrics(Partitions partitions, Gate gate) {
        this.partitions = partitions;
        this.gate = gate;
    }

    void register(@Observes StartupEvent event, MeterRegistry meters) {
        gauge(meters, "pawl.lag", "Records of this process's partitions that are not settled, those in work included",
                partitions -> partitions.lags().stream().mapToLong(Lag::lag).sum());
        gauge(meters, "pawl.documents.in.work", "Documents in work",
                partitions -> partitions.lags().stream().mapToInt(Lag::inWork).sum());
        for (Reason reason : Reason.values()) {
            Gauge.builder("pawl.intake.closed", gate, gate -> gate.closed().stream().anyMatch(closed -> closed.reason() == reason) ? 1 : 0)
                    .description("1 while no documents are taken for this reason, 0 otherwise")
                    .tag("reason", reason.text())
                    .register(meters);
        }
    }

    private void gauge(MeterRegistry meters, String name, String description, ToDoubleFunction<Partitions> value) {
        Gauge.builder(name, partitions, value).description(description).register(meters);
    }
}
