package dev.pawl.spend;

import java.io.IOException;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

import javax.net.ssl.SSLHandshakeException;

import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import jakarta.ws.rs.WebApplicationException;

import org.jboss.logging.Logger;

import dev.langchain4j.exception.HttpException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.pawl.PawlConfig;
import dev.pawl.PawlConfig.Checkpoint.Durability;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import dev.pawl.checkpoint.FailStop;
import dev.pawl.intake.Gate;
import dev.pawl.provider.ModelEndpoint;
import dev.pawl.spend.Account.Row;
import dev.pawl.spend.Account.Side;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

/**
 * What model calls take and cost, kept over restarts, and the ceiling on it. Every call goes through {@link #call}.
 * Thread-safe.
 */
@Singleton
public final class Spend {

    private static final Logger LOG = Logger.getLogger(Spend.class);

    private static final int MAX_CAUSES = 16;

    private final Prices prices;
    private final Ledger ledger;
    private final Budget budget;
    /** The model of each step of the chain, by the name it is asked for. */
    private final Map<String, String> modelOfStep;
    /** The model that what was saved is priced at, where it need not be asked which; null where it must. */
    private final String onlyModel;

    Spend(PawlConfig config, ChatModel model, FailStop failStop, Gate gate, MeterRegistry meters, Clock clock) {
        this.modelOfStep = modelOfStep(config.chain(), model.defaultRequestParameters().modelName());
        this.prices = new Prices(config.prices(), modelOfStep);
        this.onlyModel = onlyModel();
        Budget.check(config.budget(), prices, modelOfStep);
        Path directory = config.checkpoint().directory().toAbsolutePath().normalize();
        try {
            this.ledger = Ledger.open(directory, config.checkpoint().durability() == Durability.FSYNC, clock,
                    (file, e) -> failStop.stop("%s can't be written any more: %s".formatted(file, e.getMessage())));
        } catch (IOException e) {
            throw PawlConfig.refusal("pawl.checkpoint.directory", config.checkpoint().directory(),
                    "it must be a directory that this process may create and write; %s is not".formatted(directory));
        }
        this.budget = new Budget(config.budget(), ledger, prices, new Expectations(maxOutputTokens(config.chain())), modelOfStep, gate);
        ledger.start(budget::othersChanged);
        register(meters);
    }

    /** A step that is not described has no model here; the chain refuses it. */
    private static Map<String, String> modelOfStep(PawlConfig.Chain chain, String defaultModel) {
        Map<String, String> models = new LinkedHashMap<>();
        for (String name : chain.steps().orElse(List.of())) {
            PawlConfig.Chain.Step step = chain.step().get(name);
            models.put(name, step == null ? defaultModel : step.model().orElse(defaultModel));
        }
        return models;
    }

    private static Map<String, Integer> maxOutputTokens(PawlConfig.Chain chain) {
        Map<String, Integer> bounds = new HashMap<>();
        chain.step().forEach((name, step) -> step.maxOutputTokens().ifPresent(tokens -> bounds.put(name, tokens)));
        return bounds;
    }

    /** To know which models answered, a done line's result has to be parsed, which skipping a million documents does not wait for. */
    private String onlyModel() {
        Set<String> models = Set.copyOf(modelOfStep.values());
        return models.size() == 1 || !models.isEmpty() && !prices.differ() ? models.iterator().next() : null;
    }

    // ---- Calls ----

    /**
     * Makes a call, as soon as the budget has room for it. Blocks; call it on a virtual thread, and nothing between it and the
     * endpoint should wait: what is in here counts as in the air.
     *
     * @throws dev.pawl.provider.Patience.AbandonedException where {@code leaving} reached zero before there was room
     */
    public ChatResponse call(String step, CountDownLatch leaving, Supplier<ChatResponse> call) throws InterruptedException {
        Budget.Begun begun = budget.begin(step, leaving);
        ChatResponse response;
        try {
            response = call.get();
        } catch (Throwable e) {
            budget.failed(begun, mayBePaid(e));
            throw e;
        }
        budget.answered(begun, response.modelName(), Tally.of(ModelEndpoint.usage(response)));
        return response;
    }

    /**
     * Whether the endpoint may have worked on a call that ended so. An error's status says that it has not, and so does a connection
     * that never came about; after a time-out or a broken connection nobody knows.
     */
    static boolean mayBePaid(Throwable failure) {
        Throwable cause = failure;
        for (int i = 0; i < MAX_CAUSES && cause != null; i++, cause = cause.getCause()) {
            if (cause instanceof HttpException || cause instanceof WebApplicationException || cause instanceof ConnectException
                    || cause instanceof UnknownHostException || cause instanceof NoRouteToHostException || cause instanceof SSLHandshakeException) {
                return false;
            }
        }
        return true;
    }

    /**
     * These documents are done already. Does not wait for anything.
     *
     * @param usage of all of them
     */
    public void saved(List<CheckpointLine.Done> lines, Usage usage) {
        if (onlyModel == null) {
            lines.forEach(line -> saved(line.steps()));
        } else {
            saved(new Row(null, onlyModel), usage);
        }
    }

    /** These steps were not called again. */
    public void saved(List<StepOutput> steps) {
        for (StepOutput step : steps) {
            String model = step.model() == null ? modelOfStep.getOrDefault(step.step(), "") : step.model();
            saved(onlyModel == null ? new Row(step.step(), model) : new Row(null, onlyModel), step.usage());
        }
    }

    private void saved(Row row, Usage usage) {
        if (usage.calls() > 0) {
            ledger.saved(row, Tally.of(usage));
        }
    }

    // ---- What it tells ----

    /**
     * Over all lives of all processes that share the checkpoint's directory.
     *
     * @param since when the ledger begins
     * @param inAir calls in the air now, and what they are expected to take
     * @param possiblyPaidTwice calls that ended without an answer, in the air when a process died or their connection broke, and what
     *        they were expected to take
     * @param cost null where no price is known
     * @param budget null where there is no ceiling
     */
    public record Report(Instant since, Tally spent, Tally saved, Tally inAir, Tally possiblyPaidTwice, Cost cost, Budget.Ceiling budget) {}

    /** @param unpricedTokens tokens spent with models that have no price, and are not part of the cost */
    public record Cost(String currency, BigDecimal spent, BigDecimal saved, BigDecimal possiblyPaidTwice, long unpricedTokens) {}

    public Report report() {
        return new Report(ledger.since(), ledger.total(Side.SPENT), ledger.total(Side.SAVED), ledger.total(Side.IN_AIR),
                ledger.total(Side.POSSIBLY_PAID_TWICE), cost(), budget.ceiling());
    }

    private Cost cost() {
        return prices.none() ? null : new Cost(prices.currency(), ledger.cost(Side.SPENT, prices), ledger.cost(Side.SAVED, prices),
                ledger.cost(Side.POSSIBLY_PAID_TWICE, prices), unpricedTokens());
    }

    private long unpricedTokens() {
        long[] tokens = { 0 };
        ledger.forEach(Side.SPENT, (row, tally) -> tokens[0] += prices.know(row) ? 0 : tally.tokens());
        return tokens[0];
    }

    private void register(MeterRegistry meters) {
        for (Side side : Side.values()) {
            String direction = side.name().toLowerCase(Locale.ROOT);
            gauge(meters, "pawl.ledger.calls", side, Tally::calls, "direction", direction);
            gauge(meters, "pawl.ledger.tokens", side, Tally::inputTokens, "direction", direction, "kind", "input");
            gauge(meters, "pawl.ledger.tokens", side, Tally::outputTokens, "direction", direction, "kind", "output");
            if (!prices.none()) {
                gauge(meters, "pawl.cost", "What model calls cost, over all lives", spend -> spend.ledger.cost(side, prices).doubleValue(),
                        "currency", prices.currency(), "direction", direction);
            }
        }
        Budget.Ceiling ceiling = budget.ceiling();
        if (ceiling != null && ceiling.maxTokens() != null) {
            gauge(meters, "pawl.budget.tokens.left", "What pawl.budget.max-tokens leaves", spend -> spend.budget.ceiling().tokensLeft());
        }
        if (ceiling != null && ceiling.maxCost() != null) {
            gauge(meters, "pawl.budget.cost.left", "What pawl.budget.max-cost leaves", spend -> spend.budget.ceiling().costLeft().doubleValue(),
                    "currency", prices.currency());
        }
    }

    private void gauge(MeterRegistry meters, String name, Side side, ToLongFunction<Tally> value, String... tags) {
        gauge(meters, name, "What model calls took, over all lives", spend -> value.applyAsLong(spend.ledger.total(side)), tags);
    }

    private void gauge(MeterRegistry meters, String name, String description, ToDoubleFunction<Spend> value, String... tags) {
        Gauge.builder(name, this, value).description(description).tags(tags).register(meters);
    }

    @PreDestroy
    void close() {
        try {
            ledger.close();
        } catch (IOException e) {
            LOG.errorf(e, "Closing the ledger failed");
        }
    }
}
