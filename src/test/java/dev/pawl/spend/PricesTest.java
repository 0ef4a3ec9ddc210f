package dev.pawl.spend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.pawl.harness.Configs;
import dev.pawl.spend.Account.Row;
import io.quarkus.runtime.configuration.ConfigurationException;

class PricesTest {

    private static final Tally MILLION = new Tally(1, 1_000_000, 1_000_000);

    @ParameterizedTest
    @CsvSource({
            "summary, gpt-4o-mini,            0.75",
            "summary, gpt-4o-mini-2024-07-18, 0.75",
            "summary, gpt-4o-2024-11-20,      12.50",
            "summary, gpt-4.1,                10",
            "summary, llama,                  3",
            "grade,   llama,                  12.50",
            ",        llama,                  3",
    })
    void cost_ofAModel_isThatOfTheLongestNameElseOfTheStepsModelElseOfAll(String step, String model, String cost) {
        Prices prices = prices(Map.of("grade", "gpt-4o"), """
                pawl.prices.input-per-million=1
                pawl.prices.output-per-million=2
                pawl.prices.model."gpt-4o".input-per-million=2.50
                pawl.prices.model."gpt-4o".output-per-million=10.00
                pawl.prices.model."gpt-4o-mini".input-per-million=0.15
                pawl.prices.model."gpt-4o-mini".output-per-million=0.60
                pawl.prices.model."gpt-4.1".input-per-million=2
                pawl.prices.model."gpt-4.1".output-per-million=8""");

        assertThat(prices.cost(new Row(step, model), MILLION)).isEqualByComparingTo(cost);
    }

    @Test
    void cost_ofOneToken_isExact() {
        Prices prices = prices(Map.of(), "pawl.prices.input-per-million=0.15\npawl.prices.output-per-million=0.60");

        assertThat(prices.cost(new Row(null, "any"), new Tally(1, 1, 3))).isEqualByComparingTo("0.00000195");
    }

    @Test
    void cost_withoutAPrice_isUnknown() {
        Prices prices = prices(Map.of(), "pawl.prices.model.gpt.input-per-million=1\npawl.prices.model.gpt.output-per-million=1");

        assertThat(prices.know(new Row("summary", "llama"))).isFalse();
        assertThat(prices.cost(new Row("summary", "llama"), MILLION)).isZero();
        assertThat(prices.none()).isFalse();
        assertThat(prices(Map.of(), "").none()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
            "pawl.prices.input-per-million=1,                  pawl.prices.output-per-million = (nothing)",
            "pawl.prices.model.gpt.output-per-million=1,       pawl.prices.model.\"gpt\".input-per-million = (nothing)",
            "pawl.prices.output-per-million=-1,                pawl.prices.output-per-million = -1",
    })
    void prices_thatCantBe_areRefused(String config, String message) {
        assertThatThrownBy(() -> prices(Map.of(), config)).isInstanceOf(ConfigurationException.class).hasMessageStartingWith(message);
    }

    private static Prices prices(Map<String, String> modelOfStep, String properties) {
        String[] keysAndValues = properties.lines().flatMap(line -> java.util.stream.Stream.of(line.split("=", 2))).toArray(String[]::new);
        return new Prices(Configs.of(keysAndValues).prices(), modelOfStep);
    }
}
