package dev.pawl.http;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;

import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response.Status;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jboss.resteasy.reactive.RestStreamElementType;

import dev.pawl.PawlConfig;
import dev.pawl.chain.Chain;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.http.ProgressReport.Backlog;
import dev.pawl.http.ProgressReport.Calls;
import dev.pawl.http.ProgressReport.Closed;
import dev.pawl.http.ProgressReport.Documents;
import dev.pawl.http.ProgressReport.Model;
import dev.pawl.http.ProgressReport.Partition;
import dev.pawl.http.ProgressReport.Spread;
import dev.pawl.intake.Gate;
import dev.pawl.intake.Partitions;
import dev.pawl.intake.Partitions.Lag;
import dev.pawl.progress.Progress;
import dev.pawl.progress.Progress.Ended;
import dev.pawl.progress.Trend;
import dev.pawl.progress.Watchdog;
import dev.pawl.provider.Limits;
import dev.pawl.spend.Spend;
import io.smallrye.common.annotation.NonBlocking;
import io.smallrye.mutiny.Multi;

/** How far the work is, what it cost and what was not paid for again. */
@Path("/progress")
@Produces(MediaType.APPLICATION_JSON)
@NonBlocking
@Tag(name = "Progress")
public class ProgressResource {

    /** Dev mode's stand-in calls itself so; its code is not in the package, so the name is written here once more. */
    private static final String STAND_IN = "pawl-offline-stand-in";
    private static final Duration STREAM_INTERVAL = Duration.ofSeconds(1);
    /** Each costs a connection and a report a second. */
    private static final int MOST_STREAMS = 100;

    private final Progress progress;
    private final Trend trend;
    private final Checkpoints checkpoints;
    private final Partitions partitions;
    private final dev.pawl.intake.Backlog backlog;
    private final Spend spend;
    private final Chain chain;
    private final Limits limits;
    private final Gate gate;
    private final Watchdog watchdog;
    private final PawlConfig config;
    private final Clock clock;
    private final ProgressReport.Process process = new ProgressReport.Process(host(), ProcessHandle.current().pid());
    private final Semaphore streams = new Semaphore(MOST_STREAMS);

    ProgressResource(Progress progress, Trend trend, Checkpoints checkpoints, Partitions partitions, dev.pawl.intake.Backlog backlog, Spend spend,
            Chain chain, Limits limits, Gate gate, Watchdog watchdog, PawlConfig config, Clock clock) {
        this.progress = progress;
        this.trend = trend;
        this.checkpoints = checkpoints;
        this.partitions = partitions;
        this.backlog = backlog;
        this.spend = spend;
        this.chain = chain;
        this.limits = limits;
        this.gate = gate;
        this.watchdog = watchdog;
        this.config = config;
        this.clock = clock;
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "unknown";
        }
    }

    @GET
    @Operation(operationId = "progress", summary = "How far the work is",
            description = "Of this process; tokens, cost, ledger and budget are of all that share the checkpoint's directory.")
    @APIResponse(responseCode = "200", description = "As it is now.")
    public ProgressReport report() {
        List<Lag> lags = partitions.lags();
        long lag = lags.stream().mapToLong(Lag::lag).sum();
        int inWork = lags.stream().mapToInt(Lag::inWork).sum();
        dev.pawl.intake.Backlog.State extent = backlog.state();
        Spend.Report spent = spend.report();
        Progress.Eta eta = lag == 0 || !gate.isOpen() ? null : progress.eta(lag, extent.since());
        return new ProgressReport(
                clock.instant().truncatedTo(ChronoUnit.MILLIS),
                progress.startedAt(),
                process,
                watchdog.state().text(),
                new Model(chain.defaultModel(), STAND_IN.equals(chain.defaultModel())),
                new Backlog(extent.published(), extent.publishedBy(), Math.max(0, extent.published() - lag), extent.since(), extent.doneAt()),
                new Documents(progress.documents(Ended.COMPLETED), progress.documents(Ended.RESUMED), progress.documents(Ended.REPEATED),
                        progress.documents(Ended.SKIPPED), progress.documents(Ended.FAILED), progress.documents(Ended.FORGOTTEN),
                        inWork, config.maxInFlight()),
                ProgressReport.Totals.of(checkpoints.totals()),
                new Calls(progress.spent().calls(), progress.saved().calls()),
                ProgressReport.Tokens.of(spent),
                ProgressReport.Cost.of(spent.cost()),
                ProgressReport.Ledger.of(spent),
                ProgressReport.Budget.of(spent.budget()),
                new ProgressReport.Rate(Math.round(progress.documentsPerMinute(extent.since()) * 10) / 10.0),
                ProgressReport.Limits.of(limits.state()),
                new ProgressReport.Lag(lag, lags.stream().map(this::partition).toList(), partitions.takeovers().stream()
                        .map(each -> new ProgressReport.Takeover(each.partition(), each.read(), each.entries(), each.holder())).toList()),
                eta == null ? null : eta.at(),
                eta == null ? null : new Spread(eta.earliest(), eta.latest()),
                checkpoints.failure().isEmpty(),
                checkpoints.failure().orElse(null),
                Closed.of(gate),
                ApiToken.access(config).name().toLowerCase(Locale.ROOT));
    }

    private Partition partition(Lag lag) {
        return new Partition(lag.partition(), lag.lag(), lag.inWork(), lag.settled(), lag.end(), checkpoints.bytes(lag.partition()));
    }

    /** One at once, then one a second: whoever hears nothing for some seconds knows that there is no Pawl. */
    @GET
    @Path("stream")
    @Produces(MediaType.SERVER_SENT_EVENTS)
    @RestStreamElementType(MediaType.APPLICATION_JSON)
    @Operation(operationId = "progressStream", summary = "The same, once a second",
            description = "Server-sent events without a name; the data of each is what GET /progress answers.")
    @APIResponse(responseCode = "200", description = "Never ends by itself.", content = @Content(mediaType = MediaType.SERVER_SENT_EVENTS,
            schema = @Schema(implementation = ProgressReport.class)))
    @APIResponse(responseCode = "503", ref = "Unavailable")
    public Multi<ProgressReport> stream() {
        if (!streams.tryAcquire()) {
            throw new ProblemException(Status.SERVICE_UNAVAILABLE, "%d streams are open already; ask GET /progress".formatted(MOST_STREAMS));
        }
        return Multi.createFrom().ticks().every(STREAM_INTERVAL)
                // Whoever reads too slowly gets the next one.
                .onOverflow().drop()
                .map(_ -> report())
                .onTermination().invoke(() -> streams.release());
    }

    @GET
    @Path("history")
    @Operation(operationId = "progressHistory", summary = "How the figures have changed",
            description = "Samples since this process started, for charts. Counters only grow: a rate is the difference of two samples.")
    @APIResponse(responseCode = "200", description = "The oldest first; the last is as it is now.")
    @APIResponse(responseCode = "400", ref = "BadRequest")
    public ProgressHistory history(
            @Parameter(description = "How far back: 10m (a sample every 2 s), 1h (12 s) or 24h (5 min).")
            @QueryParam("span") @DefaultValue("10m") String span) {
        for (Trend.Span each : Trend.Span.values()) {
            if (each.text().equals(span)) {
                return ProgressHistory.of(each, trend.over(each));
            }
        }
        throw new ProblemException(Status.BAD_REQUEST, "span = %s is not allowed: 10m, 1h or 24h".formatted(span));
    }
}
