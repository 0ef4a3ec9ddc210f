package dev.pawl.spend;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import dev.pawl.PawlConfig;
import dev.pawl.spend.Account.Row;

/**
 * What tokens cost. A row is priced by the name the model answered with, else by the name that its step asks for, else by the
 * price that holds for all models. Immutable.
 */
final class Prices {

    private static final int MILLION_DIGITS = 6;

    /** For a million tokens. */
    private record Price(BigDecimal input, BigDecimal output) {}

    private record Named(String prefix, Price price) {}

    private final String currency;
    private final Price general;
    /** The longest name first. */
    private final List<Named> named;
    private final Map<String, String> modelOfStep;

    /** @param modelOfStep the model that each step of the chain asks for */
    Prices(PawlConfig.Prices config, Map<String, String> modelOfStep) {
        this.currency = config.currency();
        this.general = price("pawl.prices", config.inputPerMillion(), config.outputPerMillion());
        List<Named> prices = new ArrayList<>();
        config.model().forEach((name, price) -> prices.add(new Named(name,
                price("pawl.prices.model.\"%s\"".formatted(name), price.inputPerMillion(), price.outputPerMillion()))));
        this.named = prices.stream().filter(price -> price.price() != null)
                .sorted(Comparator.comparing((Named price) -> price.prefix().length()).reversed()).toList();
        this.modelOfStep = Map.copyOf(modelOfStep);
    }

    private static Price price(String parent, Optional<BigDecimal> input, Optional<BigDecimal> output) {
        checkNotNegative(parent + ".input-per-million", input);
        checkNotNegative(parent + ".output-per-million", output);
        if (input.isPresent() != output.isPresent()) {
            throw PawlConfig.refusal(parent + (input.isPresent() ? ".output-per-million" : ".input-per-million"), "(nothing)",
                    "tokens sent and tokens received need a price each; 0 is one");
        }
        return input.isEmpty() ? null : new Price(input.get(), output.get());
    }

    private static void checkNotNegative(String key, Optional<BigDecimal> price) {
        if (price.isPresent() && price.get().signum() < 0) {
            throw PawlConfig.refusal(key, price.get(), "a number from 0");
        }
    }

    String currency() {
        return currency;
    }

    /** Without any, there is no cost to show. */
    boolean none() {
        return general == null && named.isEmpty();
    }

    /** Whether it may matter for the cost which model answered. */
    boolean differ() {
        return !named.isEmpty();
    }

    boolean know(Row row) {
        return price(row) != null;
    }

    /** In the currency; 0 where no price is known. Exact. */
    BigDecimal cost(Row row, Tally tally) {
        Price price = price(row);
        return price == null ? BigDecimal.ZERO
                : price.input().multiply(BigDecimal.valueOf(tally.inputTokens()))
                        .add(price.output().multiply(BigDecimal.valueOf(tally.outputTokens())))
                        .movePointLeft(MILLION_DIGITS);
    }

    private Price price(Row row) {
        Price price = named(row.model());
        if (price == null && row.step() != null) {
            price = named(modelOfStep.get(row.step()));
        }
        return price == null ? general : price;
    }

    private Price named(String model) {
        if (model != null) {
            for (Named candidate : named) {
                if (model.startsWith(candidate.prefix())) {
                    return candidate.price();
                }
            }
        }
        return null;
    }
}
