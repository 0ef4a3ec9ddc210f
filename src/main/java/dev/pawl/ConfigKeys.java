package dev.pawl;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import jakarta.annotation.Priority;

import io.quarkus.runtime.configuration.DurationConverter;
import io.quarkus.runtime.configuration.MemorySize;
import io.quarkus.runtime.configuration.MemorySizeConverter;
import io.smallrye.config.ConfigSourceInterceptor;
import io.smallrye.config.ConfigSourceInterceptorContext;
import io.smallrye.config.ConfigValue;
import io.smallrye.config.Priorities;

/**
 * Refuses a {@code pawl} key that {@link PawlConfig} does not have, and a value that its key's type can't hold, in the
 * sentence that every refusal has: the library's own messages name Java classes, and not what is allowed.
 *
 * <p>Sees each value as it is read, with its expressions expanded. Found through {@code META-INF/services}.
 */
@Priority(Priorities.APPLICATION)
public final class ConfigKeys implements ConfigSourceInterceptor {

    private static final String PREFIX = "pawl";
    /** A mapping of its own, and not in the package. */
    private static final String DEV_MODE = "pawl.dev.";
    /** A mistyped key may hold one. */
    private static final String SECRETS = "pawl.api.";
    /** A map's key, quoted where it holds a dot. */
    private static final String ANY_NAME = "(\"[^\"]+\"|[^.\"]+)";

    /**
     * @param parent what stands before the last dot
     * @param name what stands after it
     * @param optional whether an empty value means that there is none
     * @param choices of an enum or a truth value, as people write them
     */
    private record Key(Pattern parent, String name, Class<?> type, boolean optional, List<String> choices) {}

    private static final List<Key> KEYS = new ArrayList<>();

    static {
        addKeys(PREFIX, PawlConfig.class);
    }

    private static void addKeys(String parent, Class<?> group) {
        for (Method method : group.getMethods()) {
            if (!Modifier.isStatic(method.getModifiers())) {
                String name = method.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
                addKey(parent, name, method.getGenericReturnType(), false);
            }
        }
    }

    private static void addKey(String parent, String name, Type type, boolean optional) {
        if (type instanceof ParameterizedType generic) {
            Type last = generic.getActualTypeArguments()[generic.getActualTypeArguments().length - 1];
            if (generic.getRawType() == Map.class) {
                addKeys(parent + "\\." + name + "\\." + ANY_NAME, (Class<?>) last);
            } else {
                addKey(parent, name, last, optional || generic.getRawType() == Optional.class);
            }
        } else if (((Class<?>) type).getEnclosingClass() != null && ((Class<?>) type).isInterface()) {
            addKeys(parent + "\\." + name, (Class<?>) type);
        } else {
            Class<?> plain = (Class<?>) type;
            KEYS.add(new Key(Pattern.compile(parent), name, plain, optional || plain == OptionalInt.class || plain == OptionalLong.class, choices(plain)));
        }
    }

    private static List<String> choices(Class<?> type) {
        return type == boolean.class ? List.of("true", "false") : !type.isEnum() ? List.of() : Arrays.stream(type.getEnumConstants())
                .map(constant -> constant.toString().toLowerCase(Locale.ROOT).replace('_', '-')).toList();
    }

    @Override
    public ConfigValue getValue(ConfigSourceInterceptorContext context, String name) {
        ConfigValue value = context.proceed(name);
        if (value != null && value.getValue() != null && name.startsWith(PREFIX + ".") && !name.startsWith(DEV_MODE)) {
            check(name, value);
        }
        return value;
    }

    private static void check(String name, ConfigValue value) {
        int lastDot = name.lastIndexOf('.');
        String last = name.substring(lastDot + 1).replaceFirst("\\[\\d+]$", "");
        List<Key> siblings = KEYS.stream().filter(key -> key.parent().matcher(name.substring(0, lastDot)).matches()).toList();
        Key known = siblings.stream().filter(key -> key.name().equals(last)).findFirst().orElse(null);
        if (known == null) {
            refuseUnknown(name, value, siblings);
        } else if (value.getValue().isEmpty() && !known.optional()) {
            throw PawlConfig.refusal(name, "(nothing)", "it must be " + allowed(known) + "; leave the key out for its default");
        } else if (!value.getValue().isEmpty() && !fits(value.getValue(), known)) {
            throw PawlConfig.refusal(name, value.getValue(), "it must be " + allowed(known));
        }
    }

    /** In the environment anything may begin with PAWL_: Kubernetes describes a service called pawl so. */
    private static void refuseUnknown(String name, ConfigValue value, List<Key> siblings) {
        if (value.getSourceName() == null || !value.getSourceName().startsWith("EnvConfigSource")) {
            String names = siblings.stream().map(Key::name).sorted().collect(Collectors.joining(", "));
            throw PawlConfig.refusal(name, name.startsWith(SECRETS) ? "(hidden)" : value.getValue(),
                    "there is no such key" + (names.isEmpty() ? "" : "; beside it there are " + names));
        }
    }

    private static boolean fits(String value, Key key) {
        Class<?> type = key.type();
        try {
            if (type == int.class || type == OptionalInt.class) {
                Integer.parseInt(value);
            } else if (type == OptionalLong.class) {
                Long.parseLong(value);
            } else if (type == double.class || type == Double.class) {
                Double.parseDouble(value);
            } else if (type == BigDecimal.class) {
                new BigDecimal(value);
            } else if (type == Duration.class) {
                DurationConverter.parseDuration(value);
            } else if (type == MemorySize.class) {
                new MemorySizeConverter().convert(value);
            }
            return key.choices().isEmpty() || key.choices().contains(value.toLowerCase(Locale.ROOT));
        } catch (RuntimeException e) {
            return false;
        }
    }

    private static String allowed(Key key) {
        Class<?> type = key.type();
        if (type == int.class || type == OptionalInt.class || type == OptionalLong.class) {
            return "a whole number";
        }
        if (type == double.class || type == Double.class || type == BigDecimal.class) {
            return "a number";
        }
        if (type == Duration.class) {
            return "a duration such as 500ms, 30s or 5m";
        }
        if (type == MemorySize.class) {
            return "a size such as 512K or 1M";
        }
        return key.choices().isEmpty() ? "set" : String.join(" or ", key.choices());
    }
}
