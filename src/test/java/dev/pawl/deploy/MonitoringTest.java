package dev.pawl.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.deploy.Promql.Selector;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.openshift.api.model.monitoring.v1.PodMonitor;
import io.fabric8.openshift.api.model.monitoring.v1.RelabelConfig;

/** The dashboard and the alert rules by themselves; that Pawl has what they ask for, {@link DeploymentIT} has seen. */
class MonitoringTest {

    private static final Set<String> SEVERITIES = Set.of("info", "warning", "critical");
    private static final int COLUMNS = 24;
    private static final Pattern OF_ALL_PROCESSES = Pattern.compile("^(absent\\(|sum by \\(namespace\\))");

    @Test
    void rules_sayWhatItMeansAndWhatToDo() {
        assertThat(Monitoring.rules()).isNotEmpty().extracting(rule -> rule.getAlert()).doesNotHaveDuplicates()
                .allSatisfy(name -> assertThat(name).matches("Pawl[A-Za-z]+"));
        assertThat(Monitoring.rules()).allSatisfy(rule -> {
            assertThat(SEVERITIES).contains(rule.getLabels().get("severity"));
            assertThat(rule.getAnnotations()).containsOnlyKeys("summary", "description");
            assertThat(rule.getAnnotations().get("description")).hasSizeGreaterThan(100).endsWith(".");
        });
    }

    @Test
    void expressions_askForPawlAlone() {
        assertThat(Monitoring.expressions()).isNotEmpty().allSatisfy(expression -> {
            assertThat(expression.chars().filter(c -> c == '(').count()).isEqualTo(expression.chars().filter(c -> c == ')').count());
            assertThat(Promql.selectors(expression)).isNotEmpty()
                    .allSatisfy(selector -> assertThat(selector.labels()).containsEntry("job", List.of("pawl")));
        });
    }

    /** One of all processes together names none; one of each would otherwise be as many alerts that nobody can tell apart. */
    @Test
    void rules_ofOneProcess_nameIt() {
        assertThat(Monitoring.rules()).allSatisfy(rule -> {
            boolean ofAll = OF_ALL_PROCESSES.matcher(rule.getExpr().getStrVal()).find();
            assertThat(rule.getAnnotations().get("summary").contains("{{ or $labels.pod $labels.instance }}")).as(rule.getAlert()).isEqualTo(!ofAll);
            assertThat(rule.getAnnotations().get("description")).doesNotContain("deployment/pawl");
        });
        assertThat(Monitoring.rules()).filteredOn(rule -> OF_ALL_PROCESSES.matcher(rule.getExpr().getStrVal()).find())
                .extracting(rule -> rule.getAlert()).containsExactly("PawlDown", "PawlProviderDown", "PawlDeadLetters", "PawlLagGrows");
    }

    /** What each process has of its own is added up, and what several may show in common counts once. */
    @Test
    void panels_ofSeveralProcesses_countEverythingOnce() {
        List<String> expressions = Monitoring.dashboard().get("panels").findValuesAsText("expr");

        assertThat(expressions).filteredOn(expression -> expression.matches(".*\\bpawl_(lag|documents_in_work|provider_(calls|limit)_\\w+|checkpoint_\\w*bytes)\\{.*"))
                .hasSizeGreaterThan(5)
                .allSatisfy(expression -> assertThat(expression).matches("sum(?: by \\(\\w+\\) )?\\(pawl_.*"));
        assertThat(expressions).filteredOn(expression -> expression.matches(".*\\bpawl_(cost|ledger_\\w+)\\{.*")).hasSize(3)
                .allSatisfy(expression -> assertThat(expression).matches("sum(?: by \\(currency\\) )?\\(max by \\(namespace, (?:currency, )?ledger\\) \\(pawl_.*"));
        assertThat(expressions).filteredOn(expression -> expression.contains("pawl_intake_closed"))
                .allSatisfy(expression -> assertThat(expression).startsWith("sum"));
    }

    @Test
    void ledger_ofAPodThatHasItsOwn_isNamedAfterIt() {
        String scaledAndWatched = Examples.folders().getFirst();

        assertThat(ledger(Manifests.of(scaledAndWatched))).hasValue("a-pod");
        assertThat(ledger(Manifests.of("overlays/monitoring"))).isEmpty();
    }

    /** As Prometheus does it, by the labels that Pawl's pods have. */
    private static Optional<String> ledger(Manifests manifests) {
        PodMonitor monitor = manifests.one(PodMonitor.class, "pawl");
        RelabelConfig rule = monitor.getSpec().getPodMetricsEndpoints().getFirst().getRelabelings().stream()
                .filter(some -> some.getTargetLabel().equals("ledger"))
                .findFirst().orElseThrow();
        Map<String, String> labels = new HashMap<>(Map.of("__meta_kubernetes_pod_name", "a-pod"));
        manifests.pods(monitor.getSpec().getSelector().getMatchLabels()).getFirst().labels()
                .forEach((name, value) -> labels.put("__meta_kubernetes_pod_label_" + name.replaceAll("\\W", "_"), value));
        String source = rule.getSourceLabels().stream().map(name -> labels.getOrDefault(name, "")).collect(Collectors.joining(";"));
        Matcher matcher = Pattern.compile(rule.getRegex()).matcher(source);
        return matcher.matches() ? Optional.of(matcher.replaceFirst(rule.getReplacement())) : Optional.empty();
    }

    @Test
    void panels_standBesideEachOtherAndSayWhatTheyShow() {
        Set<String> taken = new HashSet<>();
        assertThat(Monitoring.panels()).extracting(panel -> panel.get("id").asInt()).doesNotHaveDuplicates();
        assertThat(Monitoring.panels()).isNotEmpty().allSatisfy(panel -> {
            JsonNode place = panel.get("gridPos");
            assertThat(place.get("x").asInt() + place.get("w").asInt()).isLessThanOrEqualTo(COLUMNS);
            for (int x = 0; x < place.get("w").asInt(); x++) {
                for (int y = 0; y < place.get("h").asInt(); y++) {
                    assertThat(taken.add((place.get("x").asInt() + x) + "/" + (place.get("y").asInt() + y))).as(panel.get("title").asText()).isTrue();
                }
            }
            if (!panel.get("type").asText().equals("row")) {
                assertThat(panel.get("description").asText()).endsWith(".");
                assertThat(panel.at("/datasource/uid").asText()).isEqualTo("$datasource");
            }
        });
        assertThat(Monitoring.dashboard().at("/templating/list").findValuesAsText("name")).contains("datasource", "instance");
    }

    @Test
    void dashboard_hasTheLabelThatGrafanasSidecarLooksFor() {
        ConfigMap map = Manifests.of("overlays/monitoring").one(ConfigMap.class, "pawl-dashboard");

        assertThat(map.getMetadata().getLabels()).containsEntry("grafana_dashboard", "1");
        assertThat(Yaml.value(map.getData().get("pawl.json"))).isEqualTo(Monitoring.dashboard());
    }

    @Test
    void selectors_ofAnExpression_areItsMetricsWithTheirLabels() {
        assertThat(Promql.selectors("60 * sum by (outcome, pod) (rate(a_total{job=\"x\", outcome=~\"one|two\", i=~\"$i\"}[$__rate_interval])) > bool 0"
                + " and on (pod) b == 0.5 or absent(c:d{e!=\"f\"}) offset 5m"))
                .containsExactly(new Selector("a_total", Map.of("job", List.of("x"), "outcome", List.of("one", "two"))),
                        new Selector("b", Map.of()), new Selector("c:d", Map.of()));
    }
}
