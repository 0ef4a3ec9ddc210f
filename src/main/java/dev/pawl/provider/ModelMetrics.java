package dev.pawl.provider;

import java.util.regex.Pattern;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

import io.micrometer.core.instrument.config.MeterFilter;

/**
 * The client's metrics carry the message of an exception as a tag: a refusal there is what the model wrote, and each one a time series
 * of its own. What a {@link StatusException} says stays.
 */
final class ModelMetrics {

    private static final Pattern HARMLESS = Pattern.compile("none|status \\d{3}(, [\\w.\\[\\]-]+)?");

    @Produces
    @Singleton
    MeterFilter errorTypes() {
        return MeterFilter.replaceTagValues("error.type", value -> HARMLESS.matcher(value).matches() ? value : "other");
    }
}
