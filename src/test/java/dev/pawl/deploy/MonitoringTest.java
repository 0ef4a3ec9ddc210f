package dev.pawl.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.deploy.Promql.Selector;
import io.fabric8.kubernetes.api.model.ConfigMap;

/** The dashboard and the alert rules by themselves; that Pawl has what they ask for, {@link DeploymentIT} has seen. */
class MonitoringTest {

    private static final Set<String> SEVERITIES = Set.of("info", "warning", "critical");
    private static final int COLUMNS = 24;

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
