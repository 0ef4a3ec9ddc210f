package dev.pawl.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.pawl.PawlConfig;
import dev.pawl.deploy.Keda.Behavior;
import dev.pawl.deploy.Keda.ScaledObject;
import dev.pawl.deploy.Keda.SecretReference;
import dev.pawl.deploy.Keda.Trigger;
import dev.pawl.deploy.Keda.TriggerAuthentication;
import dev.pawl.deploy.Manifests.Pods;
import dev.pawl.harness.Configs;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.TopologySpreadConstraint;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyIngressRule;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.PodMonitor;

/** What holds for every object of {@code deploy/}, as rendered. That each has only fields of its type, {@link Manifests} has seen to. */
class ManifestsTest {

    private static final Path DEPLOY = Path.of("deploy");
    private static final Path SCALED = DEPLOY.resolve("overlays/scaled/README.md");
    private static final String INSTANCE_ID = "MP_MESSAGING_INCOMING_DOCUMENTS_GROUP_INSTANCE_ID";
    private static final Pattern CREATES_TOPIC = Pattern.compile("--create --topic (\\S+) --partitions (\\d+)");
    private static final Pattern CREATES_SECRET = Pattern.compile("create secret generic (\\S+)((?: --from-[^\\s`]+)+)");
    private static final Pattern WORKING_DIRECTORY = Pattern.compile("(?m)^WORKDIR (\\S+)\\s(?![\\s\\S]*^WORKDIR)");
    private static final Set<String> RESOURCES = Set.of("cpu", "memory", "ephemeral-storage");

    /** What is there and what a README shows. A component is part of an overlay. */
    static Stream<String> folders() throws IOException {
        return Stream.concat(ownFolders().stream(), Examples.folders().stream());
    }

    private static List<String> ownFolders() throws IOException {
        try (Stream<Path> files = Files.walk(DEPLOY)) {
            return files.filter(file -> file.endsWith("kustomization.yaml"))
                    .filter(file -> Yaml.read(file).get("kind").asText().equals("Kustomization"))
                    .map(file -> DEPLOY.relativize(file.getParent()).toString())
                    .toList();
        }
    }

    static Stream<String> foldersWithAVolume() throws IOException {
        return folders().filter(folder -> hasAVolume(Manifests.of(folder)));
    }

    static Stream<String> foldersWithoutAVolume() throws IOException {
        return folders().filter(folder -> !hasAVolume(Manifests.of(folder)));
    }

    private static boolean hasAVolume(Manifests manifests) {
        return pawlsPods(manifests).spec().getVolumes().stream().anyMatch(volume -> volume.getPersistentVolumeClaim() != null);
    }

    static Stream<String> foldersWithAnAutoscaler() throws IOException {
        return folders().filter(folder -> !Manifests.of(folder).all(ScaledObject.class).isEmpty());
    }

    @Test
    void folders_areThoseOfTheReadme() throws IOException {
        assertThat(ownFolders()).containsExactlyInAnyOrder("base", "overlays/dev", "overlays/tls", "overlays/monitoring", "overlays/scaled");
        assertThat(Yaml.text(DEPLOY.resolve("README.md"))).contains("overlays/dev", "overlays/tls", "overlays/monitoring", "overlays/scaled");
        assertThat(Examples.folders()).hasSize(2);
    }

    @ParameterizedTest
    @MethodSource("folders")
    void objects_areInOneNamespaceThatAdmitsRestrictedPodsOnly(String folder) {
        Manifests manifests = Manifests.of(folder);

        Namespace namespace = manifests.all(Namespace.class).getFirst();
        assertThat(namespace.getMetadata().getLabels()).containsEntry("pod-security.kubernetes.io/enforce", "restricted");
        assertThat(manifests.objects()).extracting(object -> object.getKind() + " " + object.getMetadata().getName()).doesNotHaveDuplicates();
        assertThat(manifests.objects()).filteredOn(object -> !(object instanceof Namespace))
                .allSatisfy(object -> assertThat(object.getMetadata().getNamespace()).isEqualTo(namespace.getMetadata().getName()));
    }

    @ParameterizedTest
    @MethodSource("folders")
    void pods_asRestricted_runWithoutRights(String folder) {
        forEachPods(folder, (manifests, pods) -> {
            assertThat(pods.spec().getAutomountServiceAccountToken()).isFalse();
            assertThat(pods.spec().getEnableServiceLinks()).isFalse();
            assertThat(pods.spec().getHostNetwork()).isNull();
            assertThat(pods.spec().getHostPID()).isNull();
            assertThat(pods.spec().getHostIPC()).isNull();
            var security = pods.spec().getSecurityContext();
            assertThat(security.getRunAsNonRoot()).isTrue();
            assertThat(security.getRunAsUser()).isPositive();
            assertThat(security.getFsGroup()).isPositive();
            assertThat(security.getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
            assertThat(pods.spec().getVolumes()).allSatisfy(volume -> assertThat(volume.getHostPath()).isNull());
        });
        forEachContainer(folder, (_, container) -> {
            var own = container.getSecurityContext();
            assertThat(own.getAllowPrivilegeEscalation()).isFalse();
            assertThat(own.getReadOnlyRootFilesystem()).isTrue();
            assertThat(own.getCapabilities().getDrop()).containsExactly("ALL");
            assertThat(own.getCapabilities().getAdd()).isEmpty();
            assertThat(own.getPrivileged()).isNull();
            assertThat(own.getRunAsUser()).isNull();
            assertThat(own.getRunAsNonRoot()).isNull();
            assertThat(own.getSeccompProfile()).isNull();
            assertThat(container.getPorts()).allSatisfy(port -> assertThat(port.getHostPort()).isNull());
        });
    }

    @ParameterizedTest
    @MethodSource("folders")
    void containers_haveProbesOnNamedPorts(String folder) {
        forEachContainer(folder, (pods, container) -> {
            List<String> ports = container.getPorts().stream().map(port -> port.getName()).toList();
            assertThat(ports).doesNotContainNull().doesNotHaveDuplicates();
            // What runs before the others ends by itself.
            if (pods.spec().getContainers().contains(container)) {
                assertThat(ports).contains(port(container.getStartupProbe()), port(container.getReadinessProbe()), port(container.getLivenessProbe()));
            }
        });
    }

    private static String port(Probe probe) {
        assertThat(probe).isNotNull();
        IntOrString port = probe.getHttpGet() == null ? probe.getTcpSocket().getPort() : probe.getHttpGet().getPort();
        return port.getStrVal();
    }

    @ParameterizedTest
    @MethodSource("folders")
    void containers_haveRequestsAndLimits(String folder) {
        forEachContainer(folder, (_, container) -> {
            assertThat(container.getResources().getRequests()).containsOnlyKeys(RESOURCES);
            assertThat(container.getResources().getLimits()).containsOnlyKeys(RESOURCES);
            assertThat(container.getResources().getRequests().get("memory")).isEqualTo(container.getResources().getLimits().get("memory"));
        });
    }

    @ParameterizedTest
    @MethodSource("folders")
    void images_haveAnExactTag(String folder) {
        forEachContainer(folder, (_, container) -> {
            assertThat(Images.isExact(container.getImage())).as(container.getImage()).isTrue();
            assertThat(container.getImagePullPolicy()).isEqualTo("IfNotPresent");
        });
    }

    @ParameterizedTest
    @MethodSource("folders")
    void selectors_selectPodsThatAreThere(String folder) {
        Manifests manifests = Manifests.of(folder);

        Map<String, Map<String, String>> selectors = new HashMap<>();
        manifests.pods().forEach(pods -> selectors.put(pods.owner(), pods.selector()));
        manifests.all(Service.class).forEach(service -> selectors.put(name(service), service.getSpec().getSelector()));
        manifests.all(PodDisruptionBudget.class).forEach(budget -> selectors.put(name(budget), labels(budget.getSpec().getSelector())));
        manifests.all(NetworkPolicy.class).forEach(policy -> selectors.put(name(policy), labels(policy.getSpec().getPodSelector())));
        manifests.all(PodMonitor.class).forEach(monitor -> selectors.put(name(monitor), labels(monitor.getSpec().getSelector())));
        manifests.pods().forEach(pods -> pods.spec().getTopologySpreadConstraints().forEach(constraint ->
                selectors.put(pods.owner() + " over " + constraint.getTopologyKey(), labels(constraint.getLabelSelector()))));

        assertThat(selectors).hasSizeGreaterThanOrEqualTo(4)
                .allSatisfy((_, selector) -> assertThat(selector).isNotEmpty())
                .allSatisfy((owner, selector) -> assertThat(manifests.pods(selector)).as(owner).hasSize(1));
    }

    private static String name(HasMetadata object) {
        return object.getKind() + " " + object.getMetadata().getName();
    }

    private static Map<String, String> labels(LabelSelector selector) {
        assertThat(selector.getMatchExpressions()).isEmpty();
        return selector.getMatchLabels();
    }

    @ParameterizedTest
    @MethodSource("folders")
    void portNames_areThePods(String folder) {
        Manifests manifests = Manifests.of(folder);

        assertThat(manifests.all(Service.class)).allSatisfy(service -> assertThat(service.getSpec().getPorts())
                .allSatisfy(port -> assertThat(portNames(manifests, service.getSpec().getSelector())).contains(port.getTargetPort().getStrVal())));
        assertThat(manifests.all(NetworkPolicy.class)).allSatisfy(policy -> assertThat(policy.getSpec().getIngress())
                .flatExtracting(NetworkPolicyIngressRule::getPorts)
                .allSatisfy(port -> assertThat(portNames(manifests, labels(policy.getSpec().getPodSelector()))).contains(port.getPort().getStrVal())));
        assertThat(manifests.all(PodMonitor.class)).allSatisfy(monitor -> assertThat(monitor.getSpec().getPodMetricsEndpoints())
                .allSatisfy(endpoint -> assertThat(portNames(manifests, labels(monitor.getSpec().getSelector()))).contains(endpoint.getPort())));
    }

    private static List<String> portNames(Manifests manifests, Map<String, String> selector) {
        return manifests.pods(selector).stream().flatMap(pods -> pods.portNames().stream()).toList();
    }

    @ParameterizedTest
    @MethodSource("folders")
    void pods_haveANetworkPolicyForBothDirections(String folder) {
        forEachPods(folder, (manifests, pods) -> {
            List<NetworkPolicy> policies = manifests.all(NetworkPolicy.class).stream()
                    .filter(policy -> pods.labels().entrySet().containsAll(labels(policy.getSpec().getPodSelector()).entrySet()))
                    .toList();
            assertThat(policies).singleElement()
                    .satisfies(policy -> assertThat(policy.getSpec().getPolicyTypes()).containsExactlyInAnyOrder("Ingress", "Egress"))
                    .satisfies(policy -> assertThat(policy.getSpec().getIngress()).isNotEmpty()
                            .allSatisfy(rule -> assertThat(rule.getPorts()).isNotEmpty())
                            .allSatisfy(rule -> assertThat(rule.getFrom()).isNotEmpty()))
                    .satisfies(policy -> assertThat(policy.getSpec().getEgress()).allSatisfy(rule -> assertThat(rule.getPorts()).isNotEmpty()));
        });
    }

    /** The broker's port is written twice: where Pawl connects to, and where it may. */
    @ParameterizedTest
    @MethodSource("folders")
    void networkPolicy_letsPawlReachItsBroker(String folder) {
        Manifests manifests = Manifests.of(folder);
        String brokers = variables(pawl(manifests)).get("KAFKA_BOOTSTRAP_SERVERS");

        assertThat(manifests.one(NetworkPolicy.class, "pawl").getSpec().getEgress())
                .anySatisfy(rule -> assertThat(rule.getPorts())
                        .anySatisfy(port -> assertThat(port.getPort().getIntVal()).hasToString(brokers.replaceAll(".*:", ""))));
    }

    @ParameterizedTest
    @MethodSource("folders")
    void serviceAccounts_areThereAndHaveNoToken(String folder) {
        Manifests manifests = Manifests.of(folder);

        assertThat(manifests.pods()).filteredOn(pods -> pods.spec().getServiceAccountName() != null)
                .allSatisfy(pods -> assertThat(manifests.one(ServiceAccount.class, pods.spec().getServiceAccountName())
                        .getAutomountServiceAccountToken()).isFalse());
    }

    @ParameterizedTest
    @MethodSource("folders")
    void disruptionBudgets_letNodesBeDrained(String folder) {
        assertThat(Manifests.of(folder).all(PodDisruptionBudget.class)).isNotEmpty().allSatisfy(budget -> {
            assertThat(budget.getSpec().getMinAvailable()).isNull();
            assertThat(budget.getSpec().getMaxUnavailable().getIntVal()).isPositive();
        });
    }

    @ParameterizedTest
    @MethodSource("folders")
    void mounts_haveVolumesAndVolumesHaveWhatTheyName(String folder) {
        forEachPods(folder, (manifests, pods) -> {
            Set<String> volumes = new TreeSet<>(pods.spec().getVolumes().stream().map(Volume::getName).toList());
            volumes.addAll(pods.claims().stream().map(claim -> claim.getMetadata().getName()).toList());
            assertThat(pods.containers().stream().flatMap(container -> container.getVolumeMounts().stream()).map(VolumeMount::getName))
                    .containsExactlyInAnyOrderElementsOf(volumes);
            assertThat(pods.spec().getVolumes()).allSatisfy(volume -> assertThat(content(manifests, volume)).isNotNull());
        });
    }

    @ParameterizedTest
    @MethodSource("folders")
    void claims_areThoseOfVolumes(String folder) {
        Manifests manifests = Manifests.of(folder);

        assertThat(manifests.all(PersistentVolumeClaim.class)).extracting(claim -> claim.getMetadata().getName())
                .containsExactlyInAnyOrderElementsOf(manifests.pods().stream()
                        .flatMap(pods -> pods.spec().getVolumes().stream())
                        .filter(volume -> volume.getPersistentVolumeClaim() != null)
                        .map(volume -> volume.getPersistentVolumeClaim().getClaimName())
                        .toList());
    }

    /** Else the kubelet evicts the pod before a volume of its own has reached its limit. Logs need some room, too. */
    @ParameterizedTest
    @MethodSource("folders")
    void temporaryVolumes_fitIntoTheStorageOfTheirPod(String folder) {
        forEachPods(folder, (_, pods) -> {
            BigDecimal volumes = pods.spec().getVolumes().stream()
                    .filter(volume -> volume.getEmptyDir() != null)
                    .map(volume -> volume.getEmptyDir().getSizeLimit().getNumericalAmount())
                    .reduce(BigDecimal.ZERO, BigDecimal::add);
            BigDecimal storage = pods.spec().getContainers().stream()
                    .map(container -> container.getResources().getLimits().get("ephemeral-storage").getNumericalAmount())
                    .reduce(BigDecimal.ZERO, BigDecimal::add);
            assertThat(storage).isGreaterThanOrEqualTo(volumes.add(Quantity.parse("64Mi").getNumericalAmount()));
        });
    }

    /** The files a volume begins with. */
    private static Set<String> content(Manifests manifests, Volume volume) {
        if (volume.getConfigMap() != null) {
            assertThat(volume.getConfigMap().getItems()).isEmpty();
            return manifests.one(ConfigMap.class, volume.getConfigMap().getName()).getData().keySet();
        }
        if (volume.getSecret() != null) {
            Set<String> keys = secrets().get(volume.getSecret().getSecretName());
            assertThat(keys).containsAll(volume.getSecret().getItems().stream().map(item -> item.getKey()).toList());
            return volume.getSecret().getItems().stream().map(item -> item.getPath()).collect(Collectors.toSet());
        }
        if (volume.getPersistentVolumeClaim() != null) {
            manifests.one(PersistentVolumeClaim.class, volume.getPersistentVolumeClaim().getClaimName());
        } else {
            assertThat(volume.getEmptyDir().getSizeLimit()).isNotNull();
        }
        return Set.of();
    }

    /** The keys of each Secret that a README says how to make. */
    private static Map<String, Set<String>> secrets() {
        Map<String, Set<String>> secrets = new HashMap<>();
        CREATES_SECRET.matcher(Yaml.text(DEPLOY.resolve("README.md")) + Yaml.text(SCALED)).results().forEach(command -> {
            Set<String> keys = secrets.computeIfAbsent(command.group(1), _ -> new TreeSet<>());
            for (String option : command.group(2).strip().split(" ")) {
                String value = option.substring(option.indexOf('=') + 1);
                if (option.startsWith("--from-env-file=")) {
                    keys.addAll(properties(Yaml.text(Path.of(value + ".example"))).keySet());
                } else if (option.startsWith("--from-literal=")) {
                    keys.add(value.substring(0, value.indexOf('=')));
                } else {
                    keys.add(Path.of(value).getFileName().toString());
                }
            }
        });
        return secrets;
    }

    @ParameterizedTest
    @MethodSource("folders")
    void secretsInTheEnvironment_areThoseOfTheReadme(String folder) {
        forEachContainer(folder, (_, container) -> assertThat(container.getEnv().stream()
                .filter(variable -> variable.getValueFrom() != null)
                .map(variable -> variable.getValueFrom().getSecretKeyRef()))
                .allSatisfy(reference -> assertThat(secrets().get(reference.getName())).contains(reference.getKey())));
    }

    @ParameterizedTest
    @MethodSource("folders")
    void variables_meanSomethingToTheirContainer(String folder) {
        forEachContainer(folder, (_, container) -> {
            assertThat(container.getEnvFrom()).isEmpty();
            assertThat(container.getEnv().stream().map(EnvVar::getName)).doesNotHaveDuplicates();
            assertThat(container.getName().equals("kafka") ? Variables.unknownToTheBroker(variables(container).keySet())
                    : Variables.refusedByPawl(variables(container))).isEmpty();
        });
    }

    private static Map<String, String> variables(Container container) {
        return container.getEnv().stream()
                .collect(Collectors.toMap(EnvVar::getName, variable -> variable.getValue() == null ? "" : variable.getValue()));
    }

    // ---- Pawl's own Deployment ----

    @ParameterizedTest
    @MethodSource("foldersWithAVolume")
    void pawl_asOnlyOneProcess_leavesBeforeTheNextComesAndKeepsItsName(String folder) {
        Manifests manifests = Manifests.of(folder);
        var deployment = manifests.one(Deployment.class, "pawl").getSpec();

        assertThat(deployment.getReplicas()).isEqualTo(1);
        assertThat(deployment.getStrategy().getType()).isEqualTo("Recreate");
        assertThat(manifests.all(ScaledObject.class)).isEmpty();
        assertThat(variables(pawl(manifests))).containsKey(INSTANCE_ID);
    }

    /** Which is what lets there be several. Two of one name would shut each other out. */
    @ParameterizedTest
    @MethodSource("foldersWithoutAVolume")
    void pawl_withoutAVolume_mirrorsItsCheckpointAndHasNoName(String folder) {
        Manifests manifests = Manifests.of(folder);

        assertThat(config(manifests).checkpoint().mirror()).isEqualTo(PawlConfig.Checkpoint.Mirror.KAFKA);
        assertThat(config(manifests).budget().maxCost()).isEmpty();
        assertThat(config(manifests).budget().maxTokens()).isEmpty();
        assertThat(variables(pawl(manifests))).doesNotContainKey(INSTANCE_ID);
        assertThat(pawlsPods(manifests).labels()).containsEntry("pawl.dev/ledger", "own");
    }

    @ParameterizedTest
    @MethodSource("foldersWithoutAVolume")
    void pawl_inSeveralPods_comesBeforeAnotherLeavesAndIsSpread(String folder) {
        Manifests manifests = Manifests.of(folder);
        var deployment = manifests.one(Deployment.class, "pawl").getSpec();

        assertThat(deployment.getStrategy().getType()).isEqualTo("RollingUpdate");
        assertThat(deployment.getStrategy().getRollingUpdate().getMaxUnavailable().getIntVal()).isZero();
        assertThat(deployment.getMinReadySeconds()).isGreaterThan((int) config(manifests).shutdown().drain().toSeconds());
        assertThat(pawlsPods(manifests).spec().getTopologySpreadConstraints())
                .allSatisfy(constraint -> assertThat(constraint.getWhenUnsatisfiable()).isEqualTo("ScheduleAnyway"))
                .allSatisfy(constraint -> assertThat(constraint.getMatchLabelKeys()).containsExactly("pod-template-hash"))
                .extracting(TopologySpreadConstraint::getTopologyKey)
                .containsExactly("kubernetes.io/hostname", "topology.kubernetes.io/zone");
        assertThat(manifests.one(Service.class, "pawl").getSpec().getSessionAffinity()).isEqualTo("ClientIP");
    }

    /** A rollout's pods are there as well. And together they shall not leave much of it unused. */
    @ParameterizedTest
    @MethodSource("foldersWithoutAVolume")
    void pawl_inSeveralPods_keepsToTheLimitsOfTheirKeyTogether(String folder) {
        Manifests manifests = Manifests.of(folder);
        int surge = manifests.one(Deployment.class, "pawl").getSpec().getStrategy().getRollingUpdate().getMaxSurge().getIntVal();

        assertThat(config(manifests).provider().limits().share() * (most(manifests) + surge)).isBetween(0.9, 1.0);
    }

    @ParameterizedTest
    @MethodSource("foldersWithoutAVolume")
    void disruptionBudget_ofSeveralPods_leavesSome(String folder) {
        Manifests manifests = Manifests.of(folder);

        PodDisruptionBudget budget = manifests.one(PodDisruptionBudget.class, "pawl");
        assertThat(manifests.pods(labels(budget.getSpec().getSelector()))).extracting(Pods::owner).containsExactly("Deployment pawl");
        assertThat(budget.getSpec().getMaxUnavailable().getIntVal()).isLessThan(least(manifests));
        assertThat(budget.getSpec().getUnhealthyPodEvictionPolicy()).isEqualTo("AlwaysAllow");
    }

    /** How many pods there are at least. */
    private static int least(Manifests manifests) {
        return manifests.all(ScaledObject.class).stream().findFirst()
                .map(autoscaler -> autoscaler.getSpec().minReplicaCount())
                .orElseGet(() -> manifests.one(Deployment.class, "pawl").getSpec().getReplicas());
    }

    private static int most(Manifests manifests) {
        return manifests.all(ScaledObject.class).stream().findFirst()
                .map(autoscaler -> autoscaler.getSpec().maxReplicaCount())
                .orElseGet(() -> manifests.one(Deployment.class, "pawl").getSpec().getReplicas());
    }

    /** Said in the Deployment as well, it would be set back to that by each {@code kubectl apply}. */
    @ParameterizedTest
    @MethodSource("foldersWithAnAutoscaler")
    void autoscaler_alone_saysHowManyPodsItsTargetHas(String folder) {
        Manifests manifests = Manifests.of(folder);

        assertThat(manifests.all(ScaledObject.class)).singleElement()
                .satisfies(autoscaler -> assertThat(manifests.pods()).extracting(Pods::owner).contains(autoscaler.getSpec().scaleTargetRef().owner()));
        assertThat(manifests.one(Deployment.class, "pawl").getSpec().getReplicas()).isNull();
    }

    @ParameterizedTest
    @MethodSource("foldersWithAnAutoscaler")
    void autoscaler_looksAtTheGroupAndTheTopicThatPawlReads(String folder) {
        Manifests manifests = Manifests.of(folder);
        Map<String, String> trigger = trigger(manifests).metadata();

        assertThat(trigger).containsEntry("bootstrapServers", variables(pawl(manifests)).get("KAFKA_BOOTSTRAP_SERVERS"))
                .containsEntry("consumerGroup", config(manifests).consumerGroup())
                .containsEntry("topic", config(manifests).topics().documents())
                .containsEntry("offsetResetPolicy", "earliest");
        // It asks from another namespace.
        assertThat(trigger.get("bootstrapServers").split(",")).allSatisfy(broker -> assertThat(broker).contains(".svc:"));
        // Kafka 4 refuses what older clients speak.
        assertThat(trigger.get("version").split("\\.")).satisfies(version -> assertThat(Integer.parseInt(version[0]) * 100 + Integer.parseInt(version[1]))
                .isGreaterThanOrEqualTo(201));
    }

    @ParameterizedTest
    @MethodSource("foldersWithAnAutoscaler")
    void autoscaler_makesNoPodThatHasNothingToDo(String folder) {
        Manifests manifests = Manifests.of(folder);
        Map<String, String> trigger = trigger(manifests).metadata();

        assertThat(trigger).containsEntry("allowIdleConsumers", "false");
        assertThat(Integer.parseInt(trigger.get("lagThreshold"))).isGreaterThan(config(manifests).maxInFlight());
        assertThat(CREATES_TOPIC.matcher(Yaml.text(SCALED)).results()).singleElement().satisfies(topic -> {
            assertThat(topic.group(1)).isEqualTo(trigger.get("topic"));
            assertThat(Integer.parseInt(topic.group(2))).isGreaterThanOrEqualTo(most(manifests)).matches(partitions -> partitions % most(manifests) == 0);
        });
    }

    /** A rebalance for each pod, which has to be over before the next. */
    @ParameterizedTest
    @MethodSource("foldersWithAnAutoscaler")
    void autoscaler_takesPodsAwaySlowly(String folder) {
        Manifests manifests = Manifests.of(folder);
        Behavior behavior = manifests.all(ScaledObject.class).getFirst().getSpec().advanced().horizontalPodAutoscalerConfig().behavior();

        assertThat(behavior.scaleDown().policies()).singleElement()
                .satisfies(policy -> assertThat(policy.type() + " " + policy.value()).isEqualTo("Pods 1"))
                .satisfies(policy -> assertThat(policy.periodSeconds().longValue())
                        .isGreaterThanOrEqualTo(2 * pawlsPods(manifests).spec().getTerminationGracePeriodSeconds()));
        assertThat(behavior.scaleDown().stabilizationWindowSeconds()).isGreaterThan(behavior.scaleUp().stabilizationWindowSeconds());
    }

    @ParameterizedTest
    @MethodSource("foldersWithAnAutoscaler")
    void autoscaler_speaksToTheBrokersAsPawlDoes(String folder) {
        Manifests manifests = Manifests.of(folder);
        Trigger trigger = trigger(manifests);
        String protocol = variables(pawl(manifests)).getOrDefault("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT");

        assertThat(trigger.metadata().getOrDefault("tls", "disable")).isEqualTo(protocol.endsWith("SSL") ? "enable" : "disable");
        assertThat(trigger.metadata().getOrDefault("sasl", "none")).isEqualTo(!protocol.startsWith("SASL") ? "none"
                : variables(pawl(manifests)).get("KAFKA_SASL_MECHANISM").toLowerCase(Locale.ROOT).replace("-sha-", "_sha"));
        assertThat(trigger.authenticationRef() != null).isEqualTo(!protocol.equals("PLAINTEXT"));
        if (trigger.authenticationRef() != null) {
            assertThat(manifests.one(TriggerAuthentication.class, trigger.authenticationRef().name()).getSpec().secretTargetRef())
                    .allSatisfy(reference -> assertThat(secrets().get(reference.name())).contains(reference.key()))
                    .extracting(SecretReference::parameter).containsExactlyInAnyOrder("username", "password", "ca");
        }
    }

    private static Trigger trigger(Manifests manifests) {
        List<Trigger> triggers = manifests.all(ScaledObject.class).getFirst().getSpec().triggers();
        assertThat(triggers).hasSize(1);
        return triggers.getFirst();
    }

    /** What Pawl makes of its file and its variables. */
    private static PawlConfig config(Manifests manifests) {
        Map<String, String> keys = properties(manifests.one(ConfigMap.class, "pawl-config").getData().get("application.properties"));
        keys.keySet().removeIf(key -> !key.startsWith("pawl."));
        keys.putAll(Variables.keys(variables(pawl(manifests))));
        return Configs.of(keys);
    }

    @ParameterizedTest
    @MethodSource("folders")
    void pawl_toldToStop_hasMoreTimeThanItsDrainTakes(String folder) {
        Duration drain = Configs.of().shutdown().drain();
        Duration grace = Duration.ofSeconds(Manifests.of(folder).one(Deployment.class, "pawl").getSpec().getTemplate().getSpec()
                .getTerminationGracePeriodSeconds());

        assertThat(grace).isGreaterThanOrEqualTo(drain.plusSeconds(20));
    }

    @ParameterizedTest
    @MethodSource("folders")
    void pawl_onItsReadOnlyFileSystem_writesItsCheckpointToItsVolume(String folder) {
        Manifests manifests = Manifests.of(folder);

        Path checkpoint = workingDirectory().resolve(Configs.of().checkpoint().directory());
        assertThat(pawl(manifests).getVolumeMounts())
                .filteredOn(mount -> mount.getName().equals("checkpoint"))
                .singleElement()
                .satisfies(mount -> assertThat(checkpoint).startsWithRaw(Path.of(mount.getMountPath())))
                .satisfies(mount -> assertThat(mount.getReadOnly()).isNull());
    }

    @ParameterizedTest
    @MethodSource("folders")
    void pawl_onItsManagementPort_isAskedForItsHealth(String folder) {
        Container pawl = pawl(Manifests.of(folder));

        assertThat(pawl.getPorts()).filteredOn(port -> port.getName().equals("management")).singleElement()
                .satisfies(port -> assertThat(variables(pawl)).containsEntry("PAWL_MANAGEMENT_PORT", port.getContainerPort().toString()));
        assertThat(Stream.of(pawl.getStartupProbe(), pawl.getReadinessProbe(), pawl.getLivenessProbe())
                .map(probe -> probe.getHttpGet().getPort().getStrVal() + probe.getHttpGet().getPath()))
                .containsExactly("management/q/health/started", "management/q/health/ready", "management/q/health/live");
    }

    @ParameterizedTest
    @MethodSource("folders")
    void pawl_readingItsConfiguration_findsTheFilesItNames(String folder) {
        Manifests manifests = Manifests.of(folder);
        Map<String, String> keys = properties(manifests.one(ConfigMap.class, "pawl-config").getData().get("application.properties"));

        assertThat(Variables.refusal(keys.entrySet().stream().filter(key -> key.getKey().startsWith("pawl."))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)))).isEmpty();
        List<String> files = new ArrayList<>(keys.entrySet().stream()
                .filter(key -> key.getKey().matches(".*\\.(prompt|schema)"))
                .map(Map.Entry::getValue)
                .toList());
        files.add("config/application.properties");
        files.addAll(variables(pawl(manifests)).entrySet().stream()
                .filter(variable -> variable.getKey().endsWith("_LOCATION"))
                .map(Map.Entry::getValue)
                .toList());
        assertThat(files).allSatisfy(file -> assertThat(files(manifests)).contains(workingDirectory().resolve(file)));
    }

    /** Those that are mounted into Pawl's container when it starts. */
    private static Set<Path> files(Manifests manifests) {
        Set<Path> files = new TreeSet<>();
        Pods pods = pawlsPods(manifests);
        for (VolumeMount mount : pawl(manifests).getVolumeMounts()) {
            Volume volume = pods.spec().getVolumes().stream().filter(some -> some.getName().equals(mount.getName())).findFirst().orElseThrow();
            content(manifests, volume).forEach(file -> files.add(Path.of(mount.getMountPath(), file)));
        }
        return files;
    }

    /** Else a deployment by these files would be another chain, and a document done before would not be reused. */
    @Test
    void prompts_areThoseThatPawlShips() throws IOException {
        Path shipped = Path.of("src/main/resources/prompts");
        try (Stream<Path> files = Files.list(shipped)) {
            assertThat(files.map(Path::getFileName)).isNotEmpty()
                    .allSatisfy(file -> assertThat(DEPLOY.resolve("base/config").resolve(file)).hasSameTextualContentAs(shipped.resolve(file)));
        }
    }

    private static Pods pawlsPods(Manifests manifests) {
        return manifests.pods().stream().filter(some -> some.owner().equals("Deployment pawl")).findFirst().orElseThrow();
    }

    private static Container pawl(Manifests manifests) {
        return manifests.one(Deployment.class, "pawl").getSpec().getTemplate().getSpec().getContainers().getFirst();
    }

    private static Path workingDirectory() {
        return Stream.of("Dockerfile.jvm", "Dockerfile.native")
                .map(file -> WORKING_DIRECTORY.matcher(Yaml.text(Path.of("src/main/docker", file))).results()
                        .map((MatchResult found) -> Path.of(found.group(1)))
                        .findFirst().orElseThrow())
                .reduce((one, other) -> {
                    assertThat(one).isEqualTo(other);
                    return one;
                }).orElseThrow();
    }

    private static void forEachPods(String folder, BiConsumer<Manifests, Pods> rule) {
        Manifests manifests = Manifests.of(folder);
        assertThat(manifests.pods()).isNotEmpty();
        manifests.pods().forEach(pods -> rule.accept(manifests, pods));
    }

    private static void forEachContainer(String folder, BiConsumer<Pods, Container> rule) {
        forEachPods(folder, (_, pods) -> {
            assertThat(pods.containers()).isNotEmpty();
            pods.containers().forEach(container -> rule.accept(pods, container));
        });
    }

    private static Map<String, String> properties(String text) {
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(text));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return properties.stringPropertyNames().stream().collect(Collectors.toMap(name -> name, properties::getProperty));
    }
}
