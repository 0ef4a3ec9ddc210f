package dev.pawl.tracing;

import java.time.Duration;
import java.util.Collection;
import java.util.function.LongSupplier;

import org.jboss.logging.Logger;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;

/**
 * Says at most once a minute that spans can't be delivered, in one line: the exporter's own lines come several at a time, each with a
 * stack trace. Those spans are lost. Thread-safe.
 */
final class LossReport implements SpanExporter {

    private static final Logger LOG = Logger.getLogger(LossReport.class);
    private static final long INTERVAL_NANOS = Duration.ofMinutes(1).toNanos();

    private final SpanExporter exporter;
    private final LongSupplier nanos;
    private long lost;
    private long toldAtNanos;
    private boolean told;

    LossReport(SpanExporter exporter, LongSupplier nanos) {
        this.exporter = exporter;
        this.nanos = nanos;
    }

    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
        int count = spans.size();
        CompletableResultCode result = exporter.export(spans);
        return result.whenComplete(() -> {
            String line = result.isSuccess() ? null : lost(count, result.getFailureThrowable());
            if (line != null) {
                LOG.warn(line);
            }
        });
    }

    /** What there is to say; null where it was said within the minute. */
    synchronized String lost(int spans, Throwable cause) {
        lost += spans;
        if (told && nanos.getAsLong() - toldAtNanos < INTERVAL_NANOS) {
            return null;
        }
        String line = "%,d spans were lost, their endpoint does not take them: %s".formatted(lost, describe(cause));
        told = true;
        toldAtNanos = nanos.getAsLong();
        lost = 0;
        return line;
    }

    private static String describe(Throwable cause) {
        Throwable root = cause;
        while (root != null && root.getCause() != null) {
            root = root.getCause();
        }
        return root == null ? "no answer" : root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }

    @Override
    public CompletableResultCode flush() {
        return exporter.flush();
    }

    @Override
    public CompletableResultCode shutdown() {
        return exporter.shutdown();
    }
}
