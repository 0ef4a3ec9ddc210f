package dev.pawl.deploy;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;

/**
 * KEDA's objects as its documentation of 2.20 has them, with what it says of values. A trigger's parameters are free text to the API server, and
 * KEDA passes over one that it does not know; here they are a list.
 *
 * @see <a href="https://keda.sh/docs/2.20/reference/scaledobject-spec/">ScaledObject</a>
 * @see <a href="https://keda.sh/docs/2.20/scalers/apache-kafka/">the trigger</a>
 * @see <a href="https://keda.sh/docs/2.20/concepts/authentication/">TriggerAuthentication</a>
 */
final class Keda {

    private static final String YES_OR_NO = "true|false";
    private static final Map<String, Pattern> OF_THE_KAFKA_TRIGGER = Map.ofEntries(
            parameter("bootstrapServers", "[\\w.-]+:\\d+(,[\\w.-]+:\\d+)*"),
            parameter("consumerGroup", "\\S+"),
            parameter("topic", "[\\w.-]+"),
            parameter("lagThreshold", "[1-9]\\d*"),
            parameter("activationLagThreshold", "\\d+"),
            parameter("offsetResetPolicy", "latest|earliest"),
            parameter("allowIdleConsumers", YES_OR_NO),
            parameter("scaleToZeroOnInvalidOffset", YES_OR_NO),
            parameter("excludePersistentLag", YES_OR_NO),
            parameter("limitToPartitionsWithLag", YES_OR_NO),
            parameter("ensureEvenDistributionOfPartitions", YES_OR_NO),
            parameter("version", "\\d+\\.\\d+\\.\\d+"),
            parameter("partitionLimitation", "[\\d,-]+"),
            parameter("sasl", "none|plaintext|scram_sha256|scram_sha512|oauthbearer|gssapi"),
            parameter("tls", "enable|disable"),
            parameter("unsafeSsl", YES_OR_NO));
    private static final Set<String> OF_ITS_AUTHENTICATION = Set.of("sasl", "username", "password", "tls", "ca", "cert", "key", "keyPassword");

    private Keda() {
    }

    private static Map.Entry<String, Pattern> parameter(String name, String values) {
        return Map.entry(name, Pattern.compile(values));
    }

    private static void check(boolean holds, String allowed, Object value) {
        if (!holds) {
            throw new IllegalArgumentException("%s is not allowed: %s".formatted(value, allowed));
        }
    }

    private static boolean isWithin(Integer value, int least, int most) {
        return value == null || value >= least && value <= most;
    }

    @Group("keda.sh")
    @Version("v1alpha1")
    static final class ScaledObject extends Resource<ScaledObjectSpec> {}

    @Group("keda.sh")
    @Version("v1alpha1")
    static final class TriggerAuthentication extends Resource<TriggerAuthenticationSpec> {}

    /** Read as its fields stand here, and not by the model's own reader, which takes any. */
    @JsonDeserialize(using = JsonDeserializer.None.class)
    abstract static class Resource<S> implements HasMetadata {

        private String apiVersion;
        private String kind;
        private ObjectMeta metadata;
        private S spec;

        @Override
        public String getApiVersion() {
            return apiVersion;
        }

        @Override
        public void setApiVersion(String apiVersion) {
            this.apiVersion = apiVersion;
        }

        @Override
        public String getKind() {
            return kind;
        }

        public void setKind(String kind) {
            this.kind = kind;
        }

        @Override
        public ObjectMeta getMetadata() {
            return metadata;
        }

        @Override
        public void setMetadata(ObjectMeta metadata) {
            this.metadata = metadata;
        }

        public S getSpec() {
            return spec;
        }

        public void setSpec(S spec) {
            this.spec = spec;
        }
    }

    record ScaledObjectSpec(ScaleTarget scaleTargetRef, Integer pollingInterval, Integer initialCooldownPeriod, Integer cooldownPeriod,
            Integer idleReplicaCount, Integer minReplicaCount, Integer maxReplicaCount, Advanced advanced, List<Trigger> triggers) {

        ScaledObjectSpec {
            check(triggers != null && !triggers.isEmpty(), "one trigger at least", "triggers");
            check(minReplicaCount == null || minReplicaCount >= 0, "0 and more", "minReplicaCount " + minReplicaCount);
            int most = maxReplicaCount == null ? 100 : maxReplicaCount;
            check(most >= 1 && (minReplicaCount == null || minReplicaCount <= most), "1 and more, and minReplicaCount and more",
                    "maxReplicaCount " + maxReplicaCount);
            // KEDA warns of settings that have no effect.
            boolean endsAtNone = minReplicaCount == null || minReplicaCount == 0 || idleReplicaCount != null;
            check(endsAtNone || cooldownPeriod == null, "only where pods may become none", "cooldownPeriod");
            check(endsAtNone || pollingInterval == null || triggers.stream().anyMatch(Trigger::isCached), "only with useCachedMetrics",
                    "pollingInterval");
        }
    }

    record ScaleTarget(String apiVersion, String kind, String name, String envSourceContainerName) {

        ScaleTarget {
            check(name != null && !name.isEmpty(), "a name", "scaleTargetRef");
        }

        /** As {@link Manifests.Pods#owner}. */
        String owner() {
            return (kind == null ? "Deployment" : kind) + " " + name;
        }
    }

    record Advanced(Boolean restoreToOriginalReplicaCount, AutoscalerConfig horizontalPodAutoscalerConfig) {}

    record AutoscalerConfig(String name, Behavior behavior) {}

    record Behavior(Rules scaleUp, Rules scaleDown) {}

    record Rules(Integer stabilizationWindowSeconds, String selectPolicy, List<Policy> policies) {

        Rules {
            check(isWithin(stabilizationWindowSeconds, 0, 3600), "0 to 3600", "stabilizationWindowSeconds " + stabilizationWindowSeconds);
            check(selectPolicy == null || Set.of("Max", "Min", "Disabled").contains(selectPolicy), "Max, Min or Disabled", selectPolicy);
        }
    }

    record Policy(String type, Integer value, Integer periodSeconds) {

        Policy {
            check(Set.of("Pods", "Percent").contains(String.valueOf(type)), "Pods or Percent", type);
            check(value != null && value > 0, "1 and more", "value " + value);
            check(periodSeconds != null && isWithin(periodSeconds, 1, 1800), "1 to 1800", "periodSeconds " + periodSeconds);
        }
    }

    record Trigger(String type, String name, Boolean useCachedMetrics, Map<String, String> metadata, Reference authenticationRef, String metricType) {

        Trigger {
            check("kafka".equals(type), "kafka", type);
            check(metadata != null && metadata.keySet().containsAll(Set.of("bootstrapServers", "consumerGroup", "topic")),
                    "brokers, group and topic", metadata);
            metadata.forEach((parameter, value) -> check(OF_THE_KAFKA_TRIGGER.containsKey(parameter)
                    && OF_THE_KAFKA_TRIGGER.get(parameter).matcher(value).matches(), "a parameter of the trigger's", parameter + " " + value));
            check(metricType == null || Set.of("AverageValue", "Value").contains(metricType), "AverageValue or Value", metricType);
        }

        boolean isCached() {
            return Boolean.TRUE.equals(useCachedMetrics);
        }
    }

    record Reference(String name, String kind) {}

    record TriggerAuthenticationSpec(List<SecretReference> secretTargetRef) {}

    record SecretReference(String parameter, String name, String key) {

        SecretReference {
            check(OF_ITS_AUTHENTICATION.contains(parameter), "a parameter of the trigger's", parameter);
            check(name != null && key != null, "a Secret's name and key", parameter);
        }
    }
}
