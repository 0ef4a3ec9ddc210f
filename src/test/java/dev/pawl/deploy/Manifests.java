package dev.pawl.deploy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.type.LogicalType;

import dev.pawl.deploy.Keda.ScaledObject;
import dev.pawl.deploy.Keda.TriggerAuthentication;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.PodMonitor;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;

/** A rendered folder of {@code deploy/} as typed objects. A field that the API does not have, or a value of another type, is refused. */
record Manifests(List<HasMetadata> objects) {

    private static final Map<String, Class<? extends HasMetadata>> TYPES = new HashMap<>();

    static {
        Stream.of(ConfigMap.class, Deployment.class, Namespace.class, NetworkPolicy.class, PersistentVolumeClaim.class, PodDisruptionBudget.class,
                PodMonitor.class, PrometheusRule.class, ScaledObject.class, Service.class, ServiceAccount.class, StatefulSet.class,
                TriggerAuthentication.class)
                .forEach(type -> TYPES.put(HasMetadata.getApiVersion(type) + " " + HasMetadata.getKind(type), type));
    }

    /** The models collect what they don't know, instead of refusing it, and Jackson makes strings of numbers; the API server does neither. */
    private static final JsonMapper STRICT = JsonMapper.builder()
            .annotationIntrospector(new JacksonAnnotationIntrospector() {
                @Override
                public Boolean hasAnySetter(Annotated annotated) {
                    return false;
                }
            })
            .withCoercionConfig(LogicalType.Textual, config -> config
                    .setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                    .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                    .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail))
            .build();

    /**
     * @param owner the object that makes the pods, as {@code Deployment pawl}
     * @param claims those that a StatefulSet makes for each of its pods, by volume
     */
    record Pods(String owner, Map<String, String> selector, PodTemplateSpec template, List<PersistentVolumeClaim> claims) {

        PodSpec spec() {
            return template.getSpec();
        }

        Map<String, String> labels() {
            return template.getMetadata().getLabels();
        }

        List<Container> containers() {
            List<Container> all = new ArrayList<>(spec().getContainers());
            all.addAll(spec().getInitContainers());
            return all;
        }

        List<String> portNames() {
            return containers().stream().flatMap(container -> container.getPorts().stream()).map(port -> port.getName()).toList();
        }
    }

    /** @param folder below {@code deploy/} */
    static Manifests of(String folder) {
        return new Manifests(Kustomization.render(Path.of("deploy", folder)).stream().map(Manifests::typed).toList());
    }

    static HasMetadata typed(ObjectNode object) {
        String type = object.path("apiVersion").asText() + " " + object.path("kind").asText();
        if (!TYPES.containsKey(type)) {
            throw new IllegalArgumentException("the tests know no " + type);
        }
        try {
            return STRICT.treeToValue(object, TYPES.get(type));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("%s %s: %s".formatted(type, object.at("/metadata/name").asText(), e.getMessage()), e);
        }
    }

    <T extends HasMetadata> List<T> all(Class<T> type) {
        return objects.stream().filter(type::isInstance).map(type::cast).toList();
    }

    <T extends HasMetadata> T one(Class<T> type, String name) {
        return all(type).stream()
                .filter(object -> object.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no %s %s".formatted(type.getSimpleName(), name)));
    }

    List<Pods> pods() {
        List<Pods> pods = new ArrayList<>();
        for (HasMetadata object : objects) {
            String owner = object.getKind() + " " + object.getMetadata().getName();
            if (object instanceof Deployment deployment) {
                pods.add(new Pods(owner, deployment.getSpec().getSelector().getMatchLabels(), deployment.getSpec().getTemplate(), List.of()));
            } else if (object instanceof StatefulSet set) {
                pods.add(new Pods(owner, set.getSpec().getSelector().getMatchLabels(), set.getSpec().getTemplate(),
                        set.getSpec().getVolumeClaimTemplates()));
            }
        }
        return pods;
    }

    /** Those that a selector selects. */
    List<Pods> pods(Map<String, String> selector) {
        return pods().stream().filter(pods -> pods.labels().entrySet().containsAll(selector.entrySet())).toList();
    }
}
