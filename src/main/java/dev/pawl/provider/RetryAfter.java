package dev.pawl.provider;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.function.UnaryOperator;

/**
 * How long an endpoint asks to be left alone: {@code retry-after-ms}, milliseconds, as OpenAI sends it; else {@code Retry-After},
 * seconds or a date (RFC 9110, 10.2.3).
 */
final class RetryAfter {

    /** Heeded up to this. An endpoint that names an hour is asked once a minute: it costs nothing, and hours get shorter. */
    static final Duration LONGEST = Duration.ofSeconds(60);

    private RetryAfter() {
    }

    /**
     * @param header gives the value of the header with a name, or null
     * @return from zero to {@link #LONGEST}; null where the headers say nothing, or nothing that can be understood
     */
    static Duration in(UnaryOperator<String> header, Instant now) {
        Duration asked = milliseconds(header.apply("retry-after-ms"), 1);
        String value = header.apply("Retry-After");
        if (asked == null) {
            asked = milliseconds(value, 1_000);
        }
        if (asked == null) {
            asked = until(value, now);
        }
        if (asked == null || asked.compareTo(LONGEST) <= 0) {
            return asked;
        }
        return LONGEST;
    }

    /** Fractions, too, which some endpoints send; null where it is no number from 0. */
    private static Duration milliseconds(String value, int unit) {
        try {
            BigDecimal number = value == null || value.length() > 20 ? null : new BigDecimal(value.strip());
            if (number == null || number.signum() < 0) {
                return null;
            }
            return Duration.ofMillis(number.min(BigDecimal.valueOf(LONGEST.toMillis())).multiply(BigDecimal.valueOf(unit)).longValue());
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static Duration until(String date, Instant now) {
        try {
            Instant then = date == null ? null : ZonedDateTime.parse(date.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            if (then == null) {
                return null;
            }
            return then.isBefore(now) ? Duration.ZERO : Duration.between(now, then);
        } catch (DateTimeException e) {
            return null;
        }
    }
}
