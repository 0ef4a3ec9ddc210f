package dev.pawl.progress;

import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.Checkpoints.Totals;
import dev.pawl.intake.Gate;
import dev.pawl.intake.Gate.Reason;
import dev.pawl.intake.Partitions;
import dev.pawl.intake.Partitions.Lag;
import dev.pawl.mirror.KafkaMirror;
import dev.pawl.provider.Outage;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import io.quarkus.runtime.StartupEvent;

/**
 * What is looked at when it is asked for, for {@code /q/metrics}: what waits and why, and how the checkpoint is. What happens is counted
 * where it happens, in {@link Progress} for the most part.
 */
@Singleton
final class WorkMetrics {

    private final Partitions partitions;
    private final Gate gate;
    private final Outage outage;
    private final Checkpoints checkpoints;
    private final KafkaMirror mirror;

    WorkMetrics(Partitions partitions, Gate gate, Outage outage, Checkpoints checkpoints, KafkaMirror mirror) {
        this.partitions = partitions;
        this.gate = gate;
        this.outage = outage;
        this.checkpoints = checkpoints;
        this.mirror = mirror;
    }

    /** Before the first partition comes. */
    void register(@Observes @Priority(3) StartupEvent event, MeterRegistry meters) {
        gauge(meters, "pawl.lag", "Records of this process's partitions that are not settled, those in work included", partitions,
                partitions -> partitions.lags().stream().mapToLong(Lag::lag).sum());
        gauge(meters, "pawl.documents.in.work", "Documents in work", partitions,
                partitions -> partitions.lags().stream().mapToInt(Lag::inWork).sum());
        MultiGauge byPartition = MultiGauge.builder("pawl.partition.lag")
                .description("Records of a partition of this process's that are not settled")
                .register(meters);
        partitions.onChange(() -> byPartition.register(partitions.lags().stream().map(Lag::partition)
                .map(partition -> Row.of(Tags.of("partition", partition), () -> lag(partition)))
                .toList(), true));
        for (Reason reason : Reason.values()) {
            Gauge.builder("pawl.intake.closed", gate, gate -> gate.closed().stream().anyMatch(closed -> closed.reason() == reason) ? 1 : 0)
                    .description("1 while no documents are taken for this reason, 0 otherwise")
                    .tag("reason", reason.text())
                    .register(meters);
        }
        gauge(meters, "pawl.provider.outage", "1 while the model endpoint is down, 0 otherwise", outage,
                outage -> outage.down().isPresent() ? 1 : 0);
        gauge(meters, "pawl.takeovers", "Partitions of this process's whose documents wait for their checkpoint", partitions,
                partitions -> partitions.takeovers().size());
        gauge(meters, "pawl.takeovers.entries.left", "Entries of the mirror that are still to be read for them", partitions,
                partitions -> partitions.takeovers().stream().mapToLong(each -> each.entries() - each.read()).sum());
        registerCheckpoint(meters);
        registerMirror(meters);
    }

    private double lag(String partition) {
        return partitions.lags().stream().filter(lag -> lag.partition().equals(partition)).mapToLong(Lag::lag).sum();
    }

    private void registerCheckpoint(MeterRegistry meters) {
        FunctionTimer.builder("pawl.checkpoint.writes", checkpoints, it -> it.writes().groups(), it -> it.writes().nanos(), TimeUnit.NANOSECONDS)
                .description("Groups of lines that were written and forced together, and the time that took")
                .register(meters);
        FunctionCounter.builder("pawl.checkpoint.lines", checkpoints, it -> it.writes().lines())
                .description("Lines that were appended")
                .register(meters);
        gauge(meters, "pawl.checkpoint.bytes", "Size of this process's files", checkpoints, Checkpoints::bytes);
        gauge(meters, "pawl.checkpoint.garbage.bytes", "How much of them a compaction would drop", checkpoints, Checkpoints::garbageBytes);
        documents(meters, "done", Totals::done);
        documents(meters, "failed", Totals::failed);
        documents(meters, "forgotten", Totals::forgotten);
        documents(meters, "unfinished", Totals::unfinished);
        gauge(meters, "pawl.checkpoint.failed", "1 once no more can be appended and the process ends, 0 otherwise", checkpoints,
                it -> it.failure().isPresent() ? 1 : 0);
    }

    private void registerMirror(MeterRegistry meters) {
        FunctionCounter.builder("pawl.mirror.entries", mirror, KafkaMirror::sent)
                .description("Entries that the mirror of the checkpoint has confirmed")
                .register(meters);
        FunctionCounter.builder("pawl.mirror.entries.too.large", mirror, KafkaMirror::tooLarge)
                .description("Entries that the broker would not take for their size")
                .register(meters);
        gauge(meters, "pawl.mirror.entries.under.way", "Entries that the mirror has not confirmed yet", checkpoints, Checkpoints::mirrorUnderWay);
    }

    private void documents(MeterRegistry meters, String status, ToDoubleFunction<Totals> value) {
        Gauge.builder("pawl.checkpoint.documents", checkpoints, it -> value.applyAsDouble(it.totals()))
                .description("Documents by what the checkpoint holds of them last")
                .tag("status", status)
                .register(meters);
    }

    private static <T> void gauge(MeterRegistry meters, String name, String description, T source, ToDoubleFunction<T> value) {
        Gauge.builder(name, source, value).description(description).register(meters);
    }
}
