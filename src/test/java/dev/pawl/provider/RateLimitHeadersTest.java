package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalLong;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RateLimitHeadersTest {

    @ParameterizedTest
    @CsvSource(nullValues = "none", value = {"10000, 10000", "' 7 ', 7", "150000000, 150000000"})
    void limit_isRead(String value, long expected) {
        assertThat(RateLimitHeaders.count(value)).isEqualTo(OptionalLong.of(expected));
    }

    @ParameterizedTest
    @CsvSource(nullValues = "none", value = {"none", "''", "0", "-1", "unlimited", "1.5", "6m0s", "99999999999999999999"})
    void noLimit_isPassedOver(String value) {
        assertThat(RateLimitHeaders.count(value)).isEmpty();
    }
}
