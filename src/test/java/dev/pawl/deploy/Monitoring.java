package dev.pawl.deploy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.Rule;

/** The dashboard and the alert rules, wherever they are used. */
final class Monitoring {

    private Monitoring() {
    }

    static JsonNode dashboard() {
        return Yaml.value(Yaml.text(Path.of("deploy/components/monitoring/pawl.json")));
    }

    static List<JsonNode> panels() {
        return dashboard().get("panels").valueStream().toList();
    }

    static List<Rule> rules() {
        return Manifests.of("overlays/monitoring").all(PrometheusRule.class).stream()
                .flatMap(object -> object.getSpec().getGroups().stream())
                .flatMap(group -> group.getRules().stream())
                .toList();
    }

    static List<String> expressions() {
        List<String> expressions = new ArrayList<>(rules().stream().map(rule -> rule.getExpr().getStrVal()).toList());
        expressions.addAll(dashboard().findValuesAsText("expr"));
        return expressions;
    }
}
