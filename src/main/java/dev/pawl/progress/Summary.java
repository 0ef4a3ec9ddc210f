package dev.pawl.progress;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import org.jboss.logging.Logger;

import dev.pawl.intake.Partitions;
import dev.pawl.intake.Partitions.Lag;
import dev.pawl.progress.Progress.Ended;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;

/**
 * A line a minute in the log, where a line a document would bury everything else: what became of those that ended, and what is left. None
 * where nothing has ended. And what {@link LogLimit} has counted.
 */
@Singleton
final class Summary {

    private static final Logger LOG = Logger.getLogger(Summary.class);
    private static final Duration INTERVAL = Duration.ofMinutes(1);

    private final Progress progress;
    private final Partitions partitions;
    private final LogLimit limit;
    private final Map<Ended, Long> before = new EnumMap<>(Ended.class);
    private long timer;

    Summary(Progress progress, Partitions partitions, LogLimit limit) {
        this.progress = progress;
        this.partitions = partitions;
        this.limit = limit;
    }

    void start(@Observes StartupEvent event, Vertx vertx) {
        timer = vertx.setPeriodic(INTERVAL.toMillis(), _ -> log());
    }

    void stop(@Observes ShutdownEvent event, Vertx vertx) {
        vertx.cancelTimer(timer);
        log();
    }

    private void log() {
        String line = next();
        if (line != null) {
            LOG.info(line);
        }
        limit.next().forEach(LOG::info);
    }

    /** What has ended since the last one; null where nothing has. */
    synchronized String next() {
        List<String> ended = new ArrayList<>();
        for (Ended how : Ended.values()) {
            long now = progress.documents(how);
            long since = now - before.getOrDefault(how, 0L);
            if (since > 0) {
                ended.add("%,d %s".formatted(since, how.name().toLowerCase(Locale.ROOT)));
            }
            before.put(how, now);
        }
        if (ended.isEmpty()) {
            return null;
        }
        List<Lag> lags = partitions.lags();
        int inWork = lags.stream().mapToInt(Lag::inWork).sum();
        return "Documents: %s; %,d in work, %,d waiting".formatted(String.join(", ", ended), inWork,
                lags.stream().mapToLong(Lag::lag).sum() - inWork);
    }
}
