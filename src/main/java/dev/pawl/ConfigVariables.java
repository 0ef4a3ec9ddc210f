package dev.pawl;

import java.util.Set;

import jakarta.annotation.Priority;

import io.smallrye.config.ConfigSourceInterceptor;
import io.smallrye.config.ConfigSourceInterceptorContext;
import io.smallrye.config.ConfigValue;
import io.smallrye.config.Priorities;

/**
 * Takes an empty variable of the model endpoint for one that is not set, so that its default holds: a compose file makes
 * the one of the other. Below the interceptor that expands expressions such as <code>${OPENAI_API_KEY:none}</code>.
 * Found through {@code META-INF/services}.
 */
@Priority(Priorities.LIBRARY)
public final class ConfigVariables implements ConfigSourceInterceptor {

    private static final Set<String> NAMES = Set.of("OPENAI_API_KEY", "OPENAI_BASE_URL");

    @Override
    public ConfigValue getValue(ConfigSourceInterceptorContext context, String name) {
        ConfigValue value = context.proceed(name);
        return value != null && NAMES.contains(name) && "".equals(value.getValue()) ? null : value;
    }
}
