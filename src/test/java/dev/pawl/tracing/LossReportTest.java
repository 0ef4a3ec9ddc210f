package dev.pawl.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;

import org.junit.jupiter.api.Test;

class LossReportTest {

    private static final IOException REFUSED = new IOException("failed", new IOException("Connection refused"));

    private long nanos = Long.MAX_VALUE - 5;
    private final LossReport report = new LossReport(null, () -> nanos);

    @Test
    void losses_areToldOfOnceAMinute() {
        assertThat(report.lost(3, REFUSED)).isEqualTo("3 spans were lost, their endpoint does not take them: Connection refused");
        assertThat(report.lost(512, REFUSED)).isNull();
        nanos += Duration.ofSeconds(59).toNanos();
        assertThat(report.lost(512, REFUSED)).isNull();

        nanos += Duration.ofSeconds(1).toNanos();

        assertThat(report.lost(1, null)).isEqualTo("1,025 spans were lost, their endpoint does not take them: no answer");
        assertThat(report.lost(1, null)).isNull();
    }
}
