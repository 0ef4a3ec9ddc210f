package dev.pawl.harness;

import java.util.HashMap;
import java.util.Map;

import dev.pawl.PawlConfig;
import io.smallrye.config.SmallRyeConfigBuilder;

/** Configurations for tests that need no Quarkus: what is given, and the product's defaults for the rest. */
public final class Configs {

    private Configs() {
    }

    /** @param keysAndValues in turn, {@code "pawl.max-in-flight", "7"} */
    public static PawlConfig of(String... keysAndValues) {
        var values = new HashMap<String, String>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            values.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        return of(values);
    }

    public static PawlConfig of(Map<String, String> values) {
        return new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .addDiscoveredConverters()
                .withMapping(PawlConfig.class)
                .withDefaultValues(values)
                .build()
                .getConfigMapping(PawlConfig.class);
    }
}
