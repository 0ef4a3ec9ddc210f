package dev.pawl.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.harness.Configs;
import io.quarkus.runtime.configuration.DurationConverter;

class ComposeTest {

    private static final JsonNode COMPOSE = Yaml.read(Path.of("docker-compose.yml"));
    private static final JsonNode SERVICES = COMPOSE.get("services");
    private static final Pattern INTERPOLATED = Pattern.compile("\\$\\{([A-Z_]+)(?::([-?])([^}]*))?}");

    @Test
    void file_fitsTheComposeSpecification() {
        assertThat(Yaml.violations(COMPOSE, "compose-spec.json")).isEmpty();
    }

    @Test
    void services_runWithoutRights() {
        assertThat(SERVICES.properties()).hasSize(5).allSatisfy(service -> {
            JsonNode settings = service.getValue();
            assertThat(Images.isExact(settings.get("image").asText())).isTrue();
            assertThat(settings.get("read_only").asBoolean()).isTrue();
            assertThat(settings.get("cap_drop")).extracting(JsonNode::asText).containsExactly("ALL");
            assertThat(settings.get("security_opt")).extracting(JsonNode::asText).containsExactly("no-new-privileges:true");
            assertThat(settings.has("privileged")).isFalse();
            // The one that hands the volume over has root's name and one of root's rights.
            assertThat(settings.has("user")).isEqualTo(service.getKey().equals("kafka-volume"));
            assertThat(settings.path("cap_add")).hasSize(service.getKey().equals("kafka-volume") ? 1 : 0);
        });
    }

    @Test
    void ports_areThisMachinesAlone() {
        assertThat(SERVICES.findValues("ports").stream().flatMap(JsonNode::valueStream)).isNotEmpty()
                .allSatisfy(port -> assertThat(port.asText()).startsWith("127.0.0.1:"));
    }

    @Test
    void volumes_areDeclaredAndFilesAreThere() {
        Set<String> declared = new TreeSet<>();
        COMPOSE.get("volumes").fieldNames().forEachRemaining(declared::add);
        Set<String> used = new TreeSet<>();
        for (JsonNode volume : SERVICES.findValues("volumes").stream().flatMap(JsonNode::valueStream).toList()) {
            String source = interpolated(volume.asText(), Map.of()).split(":")[0];
            if (source.startsWith(".")) {
                assertThat(Path.of(source)).exists();
                assertThat(volume.asText()).endsWith(":ro");
            } else {
                used.add(source);
            }
        }
        assertThat(used).isEqualTo(declared);
    }

    @Test
    void variables_meanSomethingToTheirContainer() {
        assertThat(Variables.refusedByPawl(environment("pawl"))).isEmpty();
        assertThat(Variables.unknownToTheBroker(environment("kafka").keySet())).isEmpty();
    }

    /** As with the keys alone in {@code .env}. */
    private static Map<String, String> environment(String service) {
        return SERVICES.get(service).get("environment").properties().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, variable -> interpolated(variable.getValue().asText(), Map.of("OPENAI_API_KEY", "sk-1"))));
    }

    private static String interpolated(String text, Map<String, String> variables) {
        return INTERPOLATED.matcher(text).replaceAll(found -> variables.getOrDefault(found.group(1), "-".equals(found.group(2)) ? found.group(3) : ""));
    }

    @Test
    void variables_ofTheUsers_areExplainedInTheExample() {
        String example = Yaml.text(Path.of(".env.example"));
        Set<String> used = INTERPOLATED.matcher(COMPOSE.toString()).results().map(found -> found.group(1)).collect(Collectors.toCollection(TreeSet::new));

        assertThat(used).contains("OPENAI_API_KEY", "PAWL_API_TOKEN").allSatisfy(name -> assertThat(example).containsPattern("(?m)^#?" + name + "="));
    }

    @Test
    void keyOfTheModel_whereThereIsNone_isAskedForInASentence() {
        String value = SERVICES.at("/pawl/environment/OPENAI_API_KEY").asText();

        assertThat(INTERPOLATED.matcher(value).results()).singleElement().satisfies(found -> {
            assertThat(found.group(2)).isEqualTo("?");
            assertThat(found.group(3)).contains(".env.example", ".env", "key");
        });
    }

    @Test
    void pawl_toldToStop_hasMoreTimeThanItsDrainTakes() {
        Duration grace = DurationConverter.parseDuration(SERVICES.at("/pawl/stop_grace_period").asText());

        assertThat(grace).isGreaterThanOrEqualTo(Configs.of().shutdown().drain().plusSeconds(20));
    }

    @Test
    void pawl_onItsReadOnlyFileSystem_writesItsCheckpointToTheVolume() {
        assertThat(SERVICES.at("/pawl/volumes")).extracting(JsonNode::asText).contains("checkpoint:/work/data");
        assertThat(Configs.of().checkpoint().directory()).startsWithRaw(Path.of("data"));
    }

    @Test
    void pawl_waitsForABrokerThatSaysItIsHealthy() {
        assertThat(SERVICES.at("/pawl/depends_on/kafka/condition").asText()).isEqualTo("service_healthy");
        assertThat(SERVICES.at("/kafka/healthcheck/test")).isNotEmpty();
        Map<String, String> broker = new HashMap<>(environment("kafka"));
        assertThat(broker.get("KAFKA_ADVERTISED_LISTENERS").split(",")).contains("PLAINTEXT://" + environment("pawl").get("KAFKA_BOOTSTRAP_SERVERS"));
    }

    @Test
    void prometheus_asksPawlsManagementPort() {
        JsonNode job = Yaml.read(Path.of("deploy/compose/prometheus.yml")).get("scrape_configs").get(0);

        assertThat(job.get("job_name").asText()).isEqualTo("pawl");
        assertThat(job.get("metrics_path").asText()).isEqualTo("/q/metrics");
        assertThat(job.at("/static_configs/0/targets")).extracting(JsonNode::asText)
                .containsExactly("pawl:" + environment("pawl").get("PAWL_MANAGEMENT_PORT"));
    }

    /** The entrypoint makes rules of the operator's object by a line of sed, done here as sed does it. */
    @Test
    void prometheus_getsTheRulesOfTheOperatorsObject() {
        Path file = Path.of("deploy/components/monitoring/prometheusrule.yaml");
        assertThat(SERVICES.at("/prometheus/entrypoint").toString()).contains("sed '1,/^spec:/d; s/^  //' /etc/pawl/prometheusrule.yaml > /tmp/rules.yaml");
        assertThat(SERVICES.at("/prometheus/volumes").toString()).contains("./" + file + ":/etc/pawl/prometheusrule.yaml:ro");
        assertThat(Yaml.read(Path.of("deploy/compose/prometheus.yml")).get("rule_files")).extracting(JsonNode::asText).containsExactly("/tmp/rules.yaml");

        List<String> lines = Yaml.text(file).lines().toList();
        String rules = lines.stream().skip(lines.indexOf("spec:") + 1L).map(line -> line.replaceFirst("^ {2}", "")).collect(Collectors.joining("\n"));

        assertThat(Yaml.value(rules)).isEqualTo(Yaml.read(file).get("spec"));
    }

    @Test
    void grafana_showsTheDashboardOfTheCluster() {
        assertThat(SERVICES.at("/grafana/volumes").toString()).contains("./deploy/components/monitoring/pawl.json:/etc/pawl/dashboards/pawl.json:ro");
        assertThat(Yaml.read(Path.of("deploy/compose/grafana/dashboards.yaml")).at("/providers/0/options/path").asText()).isEqualTo("/etc/pawl/dashboards");
    }
}
