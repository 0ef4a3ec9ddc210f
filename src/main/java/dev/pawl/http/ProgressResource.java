package dev.pawl.http;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

import dev.pawl.PawlConfig;
import dev.pawl.chain.Chain;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.intake.Gate;
import dev.pawl.intake.Partitions;
import dev.pawl.intake.Partitions.Lag;
import dev.pawl.progress.Progress;
import dev.pawl.progress.Progress.Ended;
import dev.pawl.progress.Watchdog;
import dev.pawl.provider.Limits;
import dev.pawl.spend.Budget;
import dev.pawl.spend.Spend;
import io.smallrye.common.annotation.NonBlocking;

/** How far the work is, what it cost and what was not paid for again. */
@Path("/progress")
@Produces(MediaType.APPLICATION_JSON)
@NonBlocking
public class ProgressResource {

    /** Dev mode's stand-in calls itself so; its code is not in the package, so the name is written here once more. */
    private static final String STAND_IN = "pawl-offline-stand-in";

    private final Progress progress;
    private final Checkpoints checkpoints;
    private final Partitions partitions;
    private final Spend spend;
    private final Chain chain;
    private final Limits limits;
    private final Gate gate;
    private final Watchdog watchdog;
    private final PawlConfig config;
    private final Clock clock;

    ProgressResource(Progress progress, Checkpoints checkpoints, Partitions partitions, Spend spend, Chain chain, Limits limits, Gate gate,
            Watchdog watchdog, PawlConfig config, Clock clock) {
        this.progress = progress;
        this.checkpoints = checkpoints;
        this.partitions = partitions;
        this.spend = spend;
        this.chain = chain;
        this.limits = limits;
        this.gate = gate;
        this.watchdog = watchdog;
        this.config = config;
        this.clock = clock;
    }

    /**
     * @param state {@code idle}, {@code working}, {@code waiting} (for what {@code waitingFor} says) or {@code stuck}
     * @param documents how deliveries ended since this process started
     * @param checkpoint what the checkpoints of this process's partitions hold, over all its lives
     * @param calls since this process started
     * @param tokens over all lives of all processes that share the checkpoint's directory, as cost, ledger and budget
     * @param cost null where {@code pawl.prices} says nothing
     * @param budget null where {@code pawl.budget} says nothing
     * @param limits what the model's endpoint permits, and what waits for it
     * @param eta when the lag will be worked off at the present rate; null where nothing waits or nothing moves
     * @param reason why {@code ready} is false; null where it is true
     * @param waitingFor why no documents are taken at present; empty where they are
     */
    public record Report(Instant startedAt, String state, Model model, Documents documents, Checkpoints.Totals checkpoint, Calls calls,
            Tokens tokens, Spend.Cost cost, Ledger ledger, Budget.Ceiling budget, Rate rate, Limits.State limits, Waiting lag, Instant eta,
            boolean ready, String reason, List<WaitingFor> waitingFor) {}

    public record Model(String name, boolean standIn) {}

    public record Documents(long completed, long resumed, long repeated, long skipped, long failed, long forgotten, int inWork,
            int maxInFlight) {}

    public record Calls(long made, long saved) {}

    public record Tokens(long inputSpent, long outputSpent, long inputSaved, long outputSaved, long inputPossiblyPaidTwice,
            long outputPossiblyPaidTwice) {

        private static Tokens of(Spend.Report report) {
            return new Tokens(report.spent().inputTokens(), report.spent().outputTokens(), report.saved().inputTokens(),
                    report.saved().outputTokens(), report.possiblyPaidTwice().inputTokens(), report.possiblyPaidTwice().outputTokens());
        }
    }

    /** Calls since the ledger began. */
    public record Ledger(Instant since, long spent, long saved, long inAir, long possiblyPaidTwice) {

        private static Ledger of(Spend.Report report) {
            return new Ledger(report.since(), report.spent().calls(), report.saved().calls(), report.inAir().calls(),
                    report.possiblyPaidTwice().calls());
        }
    }

    public record Rate(double documentsPerMinute) {}

    public record Waiting(long total, List<Lag> partitions) {}

    /**
     * A {@link Gate.Closed}, with its reason as text: the build loads an enum that names itself for JSON, perhaps into an older JVM.
     */
    public record WaitingFor(String reason, String detail, Instant since) {}

    @GET
    public Report report() {
        List<Lag> lags = partitions.lags();
        long lag = lags.stream().mapToLong(Lag::lag).sum();
        int inWork = lags.stream().mapToInt(Lag::inWork).sum();
        double perMinute = progress.documentsPerMinute();
        Spend.Report report = spend.report();
        return new Report(
                progress.startedAt(),
                watchdog.state().text(),
                new Model(chain.defaultModel(), STAND_IN.equals(chain.defaultModel())),
                new Documents(progress.documents(Ended.COMPLETED), progress.documents(Ended.RESUMED), progress.documents(Ended.REPEATED),
                        progress.documents(Ended.SKIPPED), progress.documents(Ended.FAILED), progress.documents(Ended.FORGOTTEN),
                        inWork, config.maxInFlight()),
                checkpoints.totals(),
                new Calls(progress.spent().calls(), progress.saved().calls()),
                Tokens.of(report),
                report.cost(),
                Ledger.of(report),
                report.budget(),
                new Rate(Math.round(perMinute * 10) / 10.0),
                limits.state(),
                new Waiting(lag, lags),
                lag == 0 || perMinute == 0 ? null : eta(lag, perMinute),
                checkpoints.failure().isEmpty(),
                checkpoints.failure().orElse(null),
                gate.closed().stream().map(closed -> new WaitingFor(closed.reason().text(), closed.detail(), closed.since())).toList());
    }

    private Instant eta(long lag, double perMinute) {
        return clock.instant().plus(Duration.ofMillis((long) (lag / perMinute * 60_000))).truncatedTo(ChronoUnit.SECONDS);
    }
}
