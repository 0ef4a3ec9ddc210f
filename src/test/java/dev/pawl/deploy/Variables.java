package dev.pawl.deploy;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.server.config.AbstractKafkaConfig;

import dev.pawl.ConfigKeys;
import dev.pawl.PawlConfig;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;

/** Which environment variables mean something to the container they are given to. A mistyped one is passed over in silence. */
final class Variables {

    private static final Set<String> OF_THE_MODEL = Set.of("OPENAI_API_KEY", "OPENAI_BASE_URL");
    private static final String CONSUMER = "MP_MESSAGING_INCOMING_DOCUMENTS_";
    private static final String KAFKA = "KAFKA_";

    /** {@code PAWL_MAX_IN_FLIGHT} and the key it sets. Steps and models, whose names are free, are set in the file. */
    private static final Map<String, String> OF_PAWL = new HashMap<>();

    static {
        addKeys("pawl", PawlConfig.class);
    }

    private Variables() {
    }

    private static void addKeys(String parent, Class<?> group) {
        for (Method method : group.getMethods()) {
            if (!Modifier.isStatic(method.getModifiers())) {
                String key = parent + "." + method.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
                if (method.getReturnType().getEnclosingClass() == null || method.getReturnType().isEnum()) {
                    OF_PAWL.put(key.toUpperCase(Locale.ROOT).replaceAll("[^A-Z]", "_"), key);
                } else {
                    addKeys(key, method.getReturnType());
                }
            }
        }
    }

    /**
     * Those that Pawl, its model client and its Kafka client do not know, or not with such a value.
     *
     * @param variables an empty value where it is not known here, since it comes out of a Secret
     */
    static List<String> refusedByPawl(Map<String, String> variables) {
        return variables.entrySet().stream()
                .filter(variable -> !isKnownToPawl(variable.getKey(), variable.getValue()))
                .map(Map.Entry::getKey)
                .toList();
    }

    private static boolean isKnownToPawl(String name, String value) {
        if (OF_PAWL.containsKey(name)) {
            return value.isEmpty() || refusal(Map.of(OF_PAWL.get(name), value)).isEmpty();
        }
        if (name.startsWith(CONSUMER)) {
            return ConsumerConfig.configNames().contains(dotted(name, CONSUMER));
        }
        return name.startsWith(KAFKA) ? ConsumerConfig.configNames().contains(dotted(name, KAFKA)) : OF_THE_MODEL.contains(name);
    }

    /** The keys of Pawl's own that these set, and their values. */
    static Map<String, String> keys(Map<String, String> variables) {
        Map<String, String> keys = new HashMap<>();
        variables.forEach((name, value) -> {
            if (OF_PAWL.containsKey(name) && !value.isEmpty()) {
                keys.put(OF_PAWL.get(name), value);
            }
        });
        return keys;
    }

    static List<String> unknownToTheBroker(Set<String> names) {
        Set<String> known = AbstractKafkaConfig.CONFIG_DEF.names();
        return names.stream().filter(name -> !name.startsWith(KAFKA) || !known.contains(dotted(name, KAFKA))).toList();
    }

    /** As a variable names a setting of Kafka's. */
    private static String dotted(String name, String prefix) {
        return name.substring(prefix.length()).toLowerCase(Locale.ROOT).replace('_', '.');
    }

    /** What Pawl has against these keys or their values; empty where it takes them. */
    static Optional<String> refusal(Map<String, String> keys) {
        try {
            new SmallRyeConfigBuilder()
                    .addDefaultInterceptors()
                    .addDiscoveredConverters()
                    .withInterceptors(new ConfigKeys())
                    .withMapping(PawlConfig.class)
                    .withSources(new PropertiesConfigSource(new HashMap<>(keys), "keys", 300))
                    .build();
            return Optional.empty();
        } catch (RuntimeException e) {
            return Optional.of(e.toString());
        }
    }
}
