package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryAfterTest {

    private static final Instant NOW = Instant.parse("2026-11-23T09:35:12Z");

    @ParameterizedTest
    @CsvSource(nullValues = "-", delimiter = ';', value = {
            "-; -; -",
            "0; -; PT0S",
            "5; -; PT5S",
            "1.5; -; PT1.5S",
            " 7 ; -; PT7S",
            "3600; -; PT1M",
            "1e15; -; PT1M",
            "9999999999999999999999; -; -",
            "-1; -; -",
            "soon; -; -",
            "''; -; -",
            "Mon, 23 Nov 2026 09:35:22 GMT; -; PT10S",
            "Mon, 23 Nov 2026 10:35:22 GMT; -; PT1M",
            "Mon, 23 Nov 2026 09:35:02 GMT; -; PT0S",
            "Mon, 99 Nov 2026 09:35:02 GMT; -; -",
            "5; 250; PT0.25S",
            "-; 250.9; PT0.25S",
            "-; 7200000; PT1M",
            "5; never; PT5S"})
    void headers_sayHowLongToWait(String retryAfter, String retryAfterMs, Duration expected) {
        assertThat(RetryAfter.in(name -> name.equals("Retry-After") ? retryAfter : retryAfterMs, NOW)).isEqualTo(expected);
    }
}
