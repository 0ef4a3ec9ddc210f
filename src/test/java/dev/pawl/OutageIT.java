package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.MemberDescription;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.TestBroker;
import dev.pawl.harness.Wire;
import dev.pawl.harness.Wire.Cut;

/**
 * The endpoint goes away in the middle of documents and comes back, in every way, one after the other, in one life of the process.
 *
 * <p>{@code -Dpawl.outage} says for how long, 1 s by default; {@code ./mvnw verify -Dit.test=OutageIT -Dpawl.outage=120s} is two
 * minutes each, in the middle of 1,000 documents.
 */
@Isolated("It compares times, and its calls may not take long.")
class OutageIT {

    private static final Duration LENGTH = Duration.parse("PT" + System.getProperty("pawl.outage", "1s"));
    private static final boolean LONG = LENGTH.compareTo(Duration.ofSeconds(30)) >= 0;
    private static final int DOCUMENTS = LONG ? 1_000 : 40;
    private static final int IN_FLIGHT = LONG ? 200 : 20;
    /** Long enough for calls that are held until all are in the air. */
    private static final int TIMEOUT_SECONDS = LONG ? 10 : 3;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** What is promised. */
    private static final Duration RESUMES_WITHIN = Duration.ofSeconds(5);
    private static final JsonMapper JSON = new JsonMapper();

    enum Weather {
        REFUSED(Cut.REFUSED, null, "no connection"),
        RESET(Cut.RESET, null, "the connection broke off"),
        HALF_OPEN(Cut.SILENT, null, "no answer in time"),
        HANGING(null, new Reply.Hang(), "no answer in time"),
        STALLED(null, new Reply.Stall(), "the connection broke off"),
        UNAVAILABLE(null, new Reply.Status(503), "status 503"),
        WRONG_KEY(null, new Reply.Status(401), "wrong key: 401");

        private final Cut cut;
        private final Reply reply;
        private final String reason;

        Weather(Cut cut, Reply reply, String reason) {
            this.cut = cut;
            this.reply = reply;
            this.reason = reason;
        }
    }

    @TempDir
    static Path directory;

    private static Rig rig;
    private static Wire wire;
    private static PawlProcess pawl;
    private static Admin admin;

    private static volatile Weather bad;
    /** Answers, each of which costs money. */
    private static final AtomicInteger ANSWERS = new AtomicInteger();

    @BeforeAll
    static void start() {
        rig = new Rig(TestBroker.shared(), directory);
        wire = Wire.to(rig.model().baseUrl());
        rig.model().answer(OutageIT::answer);
        pawl = rig.config("quarkus.langchain4j.openai.base-url", wire.baseUrl())
                .config("quarkus.langchain4j.openai.timeout", TIMEOUT_SECONDS + "s")
                .config("pawl.max-in-flight", Integer.toString(IN_FLIGHT))
                .config("pawl.provider.backoff", "200ms")
                .config("pawl.provider.max-backoff", "30s")
                .startOwningAll();
        admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, rig.broker().bootstrapServers()));
    }

    @AfterAll
    static void close() {
        admin.close();
        rig.close();
        wire.close();
    }

    @AfterEach
    void fairWeather() {
        bad = null;
        wire.mend();
        rig.model().release();
    }

    private static Reply answer(Call call) {
        Weather now = bad;
        if (now != null && now.reply != null) {
            return now.reply;
        }
        ANSWERS.incrementAndGet();
        return ScriptedModel.usualAnswer(call);
    }

    /** Some differ from others for the network alone; what the client sees is the same. */
    static Stream<Weather> weathers() {
        return Stream.of(Weather.values()).filter(weather -> LONG || weather != Weather.RESET && weather != Weather.HANGING);
    }

    @ParameterizedTest
    @MethodSource("weathers")
    void outage_inTheMiddleOfDocuments_isWaitedOut(Weather weather) throws Exception {
        List<String> ids = IntStream.range(0, DOCUMENTS).mapToObj(i -> "%s-%04d".formatted(weather, i)).toList();
        ids.forEach(id -> rig.text(id, "This is the text of " + id + "."));
        Set<String> members = members();
        int answersBefore = ANSWERS.get();
        AtomicInteger calls = new AtomicInteger();
        // Half of the calls pass; then one of each document in work is held.
        rig.model().hold(_ -> calls.incrementAndGet() > DOCUMENTS);
        rig.publish(ids);
        await().atMost(PATIENCE).until(() -> calls.get() >= DOCUMENTS + IN_FLIGHT);

        // Calls in the air meet the weather; by a cut wire their answers get lost.
        int lost = weather.cut == null ? 0 : IN_FLIGHT;
        bad = weather;
        if (weather.cut != null) {
            wire.cut(weather.cut);
        }
        rig.model().release();
        await().atMost(PATIENCE).until(() -> !progress().path("waitingFor").isEmpty());
        int answersInOutage = ANSWERS.get();
        int callsAtFirst = rig.model().total();
        int connectionsAtFirst = wire.connections();
        await().pollDelay(LENGTH).atMost(LENGTH.plus(PATIENCE)).until(() -> true);

        assertThat(progress().path("waitingFor")).singleElement().satisfies(waitingFor -> {
            assertThat(waitingFor.path("reason").asText()).isEqualTo("provider");
            assertThat(waitingFor.path("detail").asText()).contains(weather.reason).contains(", since 20");
        });
        PawlProcess.Response ready = pawl.get("/q/health/ready");
        assertThat(ready.status()).as(ready.body()).isEqualTo(200);
        assertThat(ready.body()).contains(weather.reason);
        assertThat(pawl.get("/q/health/live").status()).isEqualTo(200);
        assertThat(rig.uncommitted()).isPositive();
        int probes = Math.max(rig.model().total() - callsAtFirst, wire.connections() - connectionsAtFirst);
        assertThat(probes).as("probes").isLessThanOrEqualTo(5 + (int) LENGTH.toSeconds() / 2);
        assertThat(ANSWERS).hasValue(answersInOutage);

        long returned = System.nanoTime();
        bad = null;
        wire.mend();
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10)).until(() -> ANSWERS.get() > answersInOutage);
        Duration resumedAfter = Duration.ofNanos(System.nanoTime() - returned);
        rig.awaitAllCommitted();

        System.out.printf("%s for %s: %d probes, resumed after %d ms%n", weather, LENGTH, probes, resumedAfter.toMillis());
        assertThat(resumedAfter).isLessThan(RESUMES_WITHIN);
        assertThat(rig.deadLetters()).isEmpty();
        assertThat(rig.checkpoint("done").map(CheckpointFile.Line::id).filter(id -> id.startsWith(weather.name() + "-")))
                .containsExactlyInAnyOrderElementsOf(ids);
        assertThat(ANSWERS.get() - answersBefore).as("answers").isEqualTo(DOCUMENTS * Rig.STEPS.size() + lost);
        assertThat(members()).isEqualTo(members).hasSize(1);
        assertThat(progress().path("waitingFor")).isEmpty();
    }

    private static JsonNode progress() throws IOException {
        return JSON.readTree(pawl.get("/progress").body());
    }

    /** A member that left and came back has another ID. */
    private static Set<String> members() throws InterruptedException, ExecutionException {
        String group = "group-of-" + rig.topics().documents();
        return admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get().members().stream()
                .map(MemberDescription::consumerId).collect(Collectors.toSet());
    }
}
