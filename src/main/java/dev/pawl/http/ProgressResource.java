package dev.pawl.http;

import java.math.BigDecimal;
import java.math.MathContext;
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
import dev.pawl.Usage;
import dev.pawl.chain.Chain;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.intake.Partitions;
import dev.pawl.intake.Partitions.Lag;
import dev.pawl.progress.Progress;
import dev.pawl.progress.Progress.Ended;
import dev.pawl.provider.Limits;
import io.smallrye.common.annotation.NonBlocking;

/** How far the work is, what it cost and what was not paid for again. */
@Path("/progress")
@Produces(MediaType.APPLICATION_JSON)
@NonBlocking
public class ProgressResource {

    /** Dev mode's stand-in calls itself so; its code is not in the package, so the name is written here once more. */
    private static final String STAND_IN = "pawl-offline-stand-in";
    private static final BigDecimal MILLION = BigDecimal.valueOf(1_000_000);

    private final Progress progress;
    private final Checkpoints checkpoints;
    private final Partitions partitions;
    private final Chain chain;
    private final Limits limits;
    private final PawlConfig config;
    private final Clock clock;

    ProgressResource(Progress progress, Checkpoints checkpoints, Partitions partitions, Chain chain, Limits limits, PawlConfig config,
            Clock clock) {
        this.progress = progress;
        this.checkpoints = checkpoints;
        this.partitions = partitions;
        this.chain = chain;
        this.limits = limits;
        this.config = config;
        this.clock = clock;
    }

    /**
     * @param documents how deliveries ended since this process started
     * @param checkpoint what the checkpoints of this process's partitions hold, over all its lives
     * @param cost null where {@code pawl.prices} says nothing
     * @param limits what the model's endpoint permits, and what waits for it
     * @param eta when the lag will be worked off at the present rate; null where nothing waits or nothing moves
     * @param reason why {@code ready} is false; null where it is true
     */
    public record Report(Instant startedAt, Model model, Documents documents, Checkpoints.Totals checkpoint, Calls calls, Tokens tokens,
            Cost cost, Rate rate, Limits.State limits, Waiting lag, Instant eta, boolean ready, String reason) {}

    public record Model(String name, boolean standIn) {}

    public record Documents(long completed, long resumed, long repeated, long skipped, long failed, long forgotten, int inWork,
            int maxInFlight) {}

    public record Calls(long made, long saved) {}

    public record Tokens(long inputSpent, long outputSpent, long inputSaved, long outputSaved) {}

    public record Cost(String currency, BigDecimal spent, BigDecimal saved) {}

    public record Rate(double documentsPerMinute) {}

    public record Waiting(long total, List<Lag> partitions) {}

    @GET
    public Report report() {
        List<Lag> lags = partitions.lags();
        long lag = lags.stream().mapToLong(Lag::lag).sum();
        int inWork = lags.stream().mapToInt(Lag::inWork).sum();
        double perMinute = progress.documentsPerMinute();
        Usage spent = progress.spent();
        Usage saved = progress.saved();
        return new Report(
                progress.startedAt(),
                new Model(chain.defaultModel(), STAND_IN.equals(chain.defaultModel())),
                new Documents(progress.documents(Ended.COMPLETED), progress.documents(Ended.RESUMED), progress.documents(Ended.REPEATED),
                        progress.documents(Ended.SKIPPED), progress.documents(Ended.FAILED), progress.documents(Ended.FORGOTTEN),
                        inWork, config.maxInFlight()),
                checkpoints.totals(),
                new Calls(spent.calls(), saved.calls()),
                new Tokens(spent.inputTokens(), spent.outputTokens(), saved.inputTokens(), saved.outputTokens()),
                cost(spent, saved),
                new Rate(Math.round(perMinute * 10) / 10.0),
                limits.state(),
                new Waiting(lag, lags),
                lag == 0 || perMinute == 0 ? null : eta(lag, perMinute),
                checkpoints.failure().isEmpty(),
                checkpoints.failure().orElse(null));
    }

    private Instant eta(long lag, double perMinute) {
        return clock.instant().plus(Duration.ofMillis((long) (lag / perMinute * 60_000))).truncatedTo(ChronoUnit.SECONDS);
    }

    private Cost cost(Usage spent, Usage saved) {
        PawlConfig.Prices prices = config.prices();
        if (prices.inputPerMillion().isEmpty() || prices.outputPerMillion().isEmpty()) {
            return null;
        }
        return new Cost(prices.currency(), cost(spent, prices), cost(saved, prices));
    }

    private static BigDecimal cost(Usage usage, PawlConfig.Prices prices) {
        return BigDecimal.valueOf(usage.inputTokens()).multiply(prices.inputPerMillion().orElseThrow())
                .add(BigDecimal.valueOf(usage.outputTokens()).multiply(prices.outputPerMillion().orElseThrow()))
                .divide(MILLION, MathContext.DECIMAL64);
    }
}
