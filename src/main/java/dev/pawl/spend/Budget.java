package dev.pawl.spend;

import java.math.BigDecimal;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import org.jboss.logging.Logger;

import dev.pawl.PawlConfig;
import dev.pawl.intake.Gate;
import dev.pawl.provider.Patience.AbandonedException;
import dev.pawl.spend.Account.Row;
import dev.pawl.spend.Account.Side;

/**
 * Lets a call begin only where what is spent, what is possibly spent, what the calls in the air are expected to take and what this
 * one is expected to take stay within the ceiling together. So near the ceiling fewer and fewer are in the air, and the last
 * one takes what is left. The gate before the intake closes when the first call has to wait.
 *
 * <p>Nobody knows what a step's first call will take: with a ceiling, a process calls a step once at a time until it is
 * answered. With these first calls, and where calls take more than expected, the ceiling can be passed.
 *
 * <p>Where several processes share the ledger, each writes its call down and then reads what the others have written down. Of two
 * that both think they are the last, at least one sees the other and steps back.
 *
 * <p>Thread-safe. What waits is a document's virtual thread, on nothing but the condition.
 */
public final class Budget {

    private static final Logger LOG = Logger.getLogger(Budget.class);

    /** A call that has begun; each ends once. */
    record Begun(String step, Row row, Tally expected) {}

    /** Null where there is no such ceiling. */
    private final BigDecimal maxCost;
    private final Long maxTokens;
    private final Ledger ledger;
    private final Prices prices;
    private final Map<String, String> modelOfStep;
    private final Gate gate;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /** Guarded by the lock, as all that follows. */
    private final Expectations expectations;
    /** Steps whose first call is in the air. */
    private final Set<String> tried = new HashSet<>();
    private final Map<String, Integer> waiting = new HashMap<>();
    private final Set<CountDownLatch> watched = new HashSet<>();
    /** The step of a call that the ceiling keeps waiting, and for which the gate is closed; null while it is open. */
    private String refused;
    private boolean warned;

    Budget(PawlConfig.Budget config, Ledger ledger, Prices prices, Expectations expectations, Map<String, String> modelOfStep, Gate gate) {
        this.maxCost = config.maxCost().orElse(null);
        this.maxTokens = config.maxTokens().isPresent() ? config.maxTokens().getAsLong() : null;
        this.ledger = ledger;
        this.prices = prices;
        this.expectations = expectations;
        this.modelOfStep = modelOfStep;
        this.gate = gate;
        learnWhatIsUnknown();
        closeIfUsedUp();
    }

    /** Refuses a ceiling that can't be kept. */
    static void check(PawlConfig.Budget config, Prices prices, Map<String, String> modelOfStep) {
        if (config.maxTokens().isPresent() && config.maxTokens().getAsLong() < 1) {
            throw PawlConfig.refusal("pawl.budget.max-tokens", config.maxTokens().getAsLong(), "a whole number from 1");
        }
        if (config.maxCost().isEmpty()) {
            return;
        }
        if (config.maxCost().get().signum() <= 0) {
            throw PawlConfig.refusal("pawl.budget.max-cost", config.maxCost().get(), "a number above 0");
        }
        modelOfStep.forEach((step, model) -> {
            if (!prices.know(new Row(step, model))) {
                throw PawlConfig.refusal("pawl.budget.max-cost", config.maxCost().get(), ("it needs the price of %2$s, the model of step "
                        + "%1$s: pawl.prices.model.\"%2$s\".input-per-million and .output-per-million, or pawl.prices.input-per-million and "
                        + ".output-per-million for all models").formatted(step, model));
            }
        });
    }

    private void learnWhatIsUnknown() {
        Set<String> unknown = new HashSet<>(modelOfStep.keySet());
        unknown.removeIf(expectations::know);
        ledger.forEach(Side.SPENT, (row, tally) -> {
            if (unknown.contains(row.step()) && tally.calls() > 0) {
                expectations.learn(row.step(), tally);
            }
        });
    }

    /** No document need come to find out. */
    private void closeIfUsedUp() {
        List<String> steps = List.copyOf(modelOfStep.keySet());
        if (!steps.isEmpty() && steps.stream().allMatch(step -> exceeded(step) != null)) {
            close(steps.getFirst(), exceeded(steps.getFirst()));
        }
    }

    // ---- A call ----

    /**
     * Blocks until there is room for a call, and until it is in the ledger.
     *
     * @throws AbandonedException where {@code leaving} reached zero first, or the ledger can't be written any more
     */
    Begun begin(String step, CountDownLatch leaving) throws InterruptedException {
        while (true) {
            Begun begun = reserve(step, leaving);
            if (!ledger.write()) {
                throw new AbandonedException();
            }
            if (!isLimited() || !ledger.isShared() || stillFits()) {
                return begun;
            }
            ended(begun, () -> ledger.failed(begun.row(), begun.expected(), false));
        }
    }

    private Begun reserve(String step, CountDownLatch leaving) throws InterruptedException {
        lock.lock();
        try {
            while (true) {
                if (leaving.getCount() == 0) {
                    throw new AbandonedException();
                }
                if (!isLimited() || expectations.know(step) || !tried.contains(step)) {
                    String exceeded = exceeded(step);
                    if (exceeded == null) {
                        return enter(step);
                    }
                    close(step, exceeded);
                }
                await(step, leaving);
            }
        } finally {
            lock.unlock();
        }
    }

    private Begun enter(String step) {
        if (!expectations.know(step)) {
            tried.add(step);
        }
        Begun begun = new Begun(step, new Row(step, modelOfStep.getOrDefault(step, "")), expectations.of(step));
        ledger.begin(begun.row(), begun.expected());
        return begun;
    }

    private void await(String step, CountDownLatch leaving) throws InterruptedException {
        if (watched.add(leaving)) {
            Thread.ofVirtual().name("budget-leaving").start(() -> wakeAtZero(leaving));
        }
        waiting.merge(step, 1, Integer::sum);
        try {
            changed.await();
        } finally {
            waiting.merge(step, -1, (one, other) -> one + other == 0 ? null : one + other);
        }
    }

    /** One thread a partition, not one a document. */
    private void wakeAtZero(CountDownLatch leaving) {
        try {
            leaving.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        lock.lock();
        try {
            watched.remove(leaving);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private boolean stillFits() {
        ledger.readOthers();
        return exceeded(Tally.NONE, BigDecimal.ZERO, false) == null;
    }

    /** @param model as the endpoint names it; null where it does not */
    void answered(Begun begun, String model, Tally actual) {
        Row row = model == null ? begun.row() : new Row(begun.step(), model);
        ended(begun, () -> {
            expectations.learn(begun.step(), actual);
            ledger.answered(begun.row(), begun.expected(), row, actual);
            warnWhereNothingIsCounted(actual);
        });
    }

    private void warnWhereNothingIsCounted(Tally actual) {
        if (isLimited() && actual.tokens() == 0 && !warned) {
            warned = true;
            LOG.warn("The endpoint does not say how many tokens its answers took: pawl.budget can't be kept");
        }
    }

    /** @param maybePaid whether the endpoint may have worked on it all the same */
    void failed(Begun begun, boolean maybePaid) {
        ended(begun, () -> ledger.failed(begun.row(), begun.expected(), maybePaid));
    }

    private void ended(Begun begun, Runnable account) {
        lock.lock();
        try {
            boolean firstAnswer = tried.remove(begun.step());
            account.run();
            if (firstAnswer) {
                // Who waited for it knows now what a call takes, and whether there is room for one.
                changed.signalAll();
            }
            recheck();
        } finally {
            lock.unlock();
        }
        ledger.write();
    }

    /** After other processes' figures were read: what they have learnt is learnt. */
    void othersChanged() {
        lock.lock();
        try {
            learnWhatIsUnknown();
            recheck();
        } finally {
            lock.unlock();
        }
    }

    private void recheck() {
        if (waiting.keySet().stream().anyMatch(step -> exceeded(step) == null)) {
            changed.signalAll();
        }
        if (refused == null) {
            return;
        }
        String exceeded = exceeded(refused);
        if (exceeded == null) {
            refused = null;
            gate.open(Gate.Reason.BUDGET);
            LOG.info("There is room in pawl.budget again; intake goes on");
        } else if (ledger.total(Side.IN_AIR).calls() == 0) {
            gate.close(Gate.Reason.BUDGET, exceeded);
        }
    }

    private void close(String step, String why) {
        if (refused == null) {
            LOG.warnf("Intake pauses: %s", why);
        }
        if (refused == null || !refused.equals(step)) {
            refused = step;
            gate.close(Gate.Reason.BUDGET, why);
        }
    }

    // ---- The ceiling ----

    private boolean isLimited() {
        return maxCost != null || maxTokens != null;
    }

    /** Why a call of the step may not begin now, in a sentence; null where it may. */
    private String exceeded(String step) {
        if (!isLimited()) {
            return null;
        }
        Tally expected = expectations.of(step);
        return exceeded(expected, prices.cost(new Row(step, modelOfStep.get(step)), expected), true);
    }

    /** @param toBegin false where the call is counted already: then the ceiling may just be reached */
    private String exceeded(Tally expected, BigDecimal expectedCost, boolean toBegin) {
        if (maxTokens != null) {
            long tokens = tokens();
            if (tokens + expected.tokens() > maxTokens || toBegin && tokens >= maxTokens) {
                return sentence("pawl.budget.max-tokens", maxTokens, Long.toString(tokens), Long.toString(expected.tokens()), "tokens");
            }
        }
        if (maxCost != null) {
            BigDecimal cost = cost();
            if (cost.add(expectedCost).compareTo(maxCost) > 0 || toBegin && cost.compareTo(maxCost) >= 0) {
                return sentence("pawl.budget.max-cost", maxCost, plain(cost), plain(expectedCost), prices.currency());
            }
        }
        return null;
    }

    private static String sentence(String key, Object ceiling, String taken, String expected, String unit) {
        return "%s = %s leaves no room for a call: %s %s are spent or in the air, and a call is expected to take %s. Start Pawl with a higher ceiling to go on"
                .formatted(key, ceiling, taken, unit, expected);
    }

    private static String plain(BigDecimal amount) {
        return amount.signum() == 0 ? "0" : amount.stripTrailingZeros().toPlainString();
    }

    /** Spent, for certain or possibly, or about to be. */
    private long tokens() {
        return ledger.total(Side.SPENT).plus(ledger.total(Side.POSSIBLY_PAID_TWICE)).plus(ledger.total(Side.IN_AIR)).tokens();
    }

    private BigDecimal cost() {
        return ledger.cost(Side.SPENT, prices).add(ledger.cost(Side.POSSIBLY_PAID_TWICE, prices)).add(ledger.cost(Side.IN_AIR, prices));
    }

    /**
     * A ceiling and what it leaves; below zero where it was lowered, or calls took more than expected.
     *
     * @param maxCost null where there is no such ceiling, as all that depends on it
     * @param usedUp why no call may begin, in a sentence; null where one may
     */
    public record Ceiling(BigDecimal maxCost, BigDecimal costLeft, Long maxTokens, Long tokensLeft, String usedUp) {}

    /** Null where there is no ceiling. */
    Ceiling ceiling() {
        if (!isLimited()) {
            return null;
        }
        lock.lock();
        try {
            return new Ceiling(maxCost, maxCost == null ? null : maxCost.subtract(cost()), maxTokens, maxTokens == null ? null : maxTokens - tokens(),
                    refused == null ? null : exceeded(refused));
        } finally {
            lock.unlock();
        }
    }
}
