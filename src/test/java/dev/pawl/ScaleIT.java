package dev.pawl;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.Beside;
import dev.pawl.harness.CheckpointFile.Line;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Answered;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.TestBroker;

/**
 * Several processes, each with a disk of its own, share the partitions of one topic, while processes come, go, are killed and stand still,
 * and brokers restart. What was answered is not asked for again, but for what nobody could know: what a killed process had in the air,
 * and what was in work where two processes took themselves for the owner at once.
 *
 * <p>{@code ./mvnw verify -Dit.test=ScaleIT -Dpawl.scale.documents=20000 -Dpawl.scale.processes=4 -Dpawl.scale.partitions=12
 * -Dpawl.scale.in-flight=32 -Dpawl.scale.events=40 -Dpawl.scale.brokers=3} is the heavier suite. {@code -Dpawl.scale.seed} makes the same choices
 * again, as far as the machine's pace lets them fall alike. It also chooses the group's protocol, unless {@code -Dpawl.scale.protocol} does.
 */
class ScaleIT {

    private static final int DOCUMENTS = Integer.getInteger("pawl.scale.documents", 360);
    private static final int PROCESSES = Integer.getInteger("pawl.scale.processes", 3);
    private static final int PARTITIONS = Integer.getInteger("pawl.scale.partitions", 6);
    private static final int MAX_IN_FLIGHT = Integer.getInteger("pawl.scale.in-flight", 8);
    private static final int EVENTS = Integer.getInteger("pawl.scale.events", Kind.values().length);
    private static final int BROKERS = Integer.getInteger("pawl.scale.brokers", 1);
    private static final long SEED = Long.getLong("pawl.scale.seed", ThreadLocalRandom.current().nextInt(1_000_000));
    private static final String PROTOCOL = System.getProperty("pawl.scale.protocol", SEED % 2 == 0 ? "classic" : "consumer");

    private static final int SHORTEST_CALL_MS = 100;
    private static final int LONGEST_CALL_MS = 400;
    /** Every so manieth document's second step is refused. */
    private static final int ONE_REFUSED_IN = 25;
    private static final Duration SESSION = Duration.ofSeconds(6);
    /** One process that is left alone may have all that waits before it. */
    private static final Duration PATIENCE = Duration.ofSeconds(60 + DOCUMENTS / 50);
    private static final Duration POLL = Duration.ofMillis(20);

    private static final String SUMMARY = "summary";
    private static final String ENTITIES = "entities";
    private static final JsonMapper JSON = new JsonMapper();

    /** In the order in which a small run has each of them once. */
    private enum Kind {
        ADDED("a process is added"),
        STOPPED("SIGSTOP, until another has taken over, and SIGCONT"),
        RESTARTED("a broker is restarted"),
        KILLED("SIGKILL"),
        TERMINATED("SIGTERM");

        final String text;

        Kind(String text) {
            this.text = text;
        }
    }

    private record Event(Kind kind, Instant at) {}

    /** A process stood still. */
    private record Pause(Instant from, Instant to) {

        /** Whether the process may have taken itself for the owner of what was another's then. */
        boolean blinded(Call call) {
            return call.receivedAt().isBefore(to.plus(SESSION));
        }
    }

    /** A process from its start to its end. Each shows the model a key of its own, so that a call tells whose it is. */
    private static final class Life {

        final String pod;
        final PawlProcess process;
        final List<Pause> pauses = new ArrayList<>();
        /** Where the mirror's partitions ended after SIGKILL; null otherwise. */
        Map<Integer, Long> mirrorAtKill;
        Instant killedAt = Instant.MAX;

        Life(String pod, PawlProcess process) {
            this.pod = pod;
            this.process = process;
        }
    }

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path directory;

    private final Random random = new Random(SEED);
    private final List<Life> lives = new ArrayList<>();
    private final List<Life> running = new ArrayList<>();
    private final List<String> freePods = new ArrayList<>();
    private final List<Event> events = new ArrayList<>();
    private final Map<Integer, Long> committedBefore = new HashMap<>();
    private List<String> ids;
    private int published;
    private int looks;
    private TestBroker broker;
    private Rig rig;

    @BeforeEach
    void open() {
        broker = TestBroker.open(PARTITIONS, BROKERS, Map.of(
                "group.consumer.min.session.timeout.ms", "1000",
                "group.consumer.session.timeout.ms", Long.toString(SESSION.toMillis()),
                "group.consumer.min.heartbeat.interval.ms", "100",
                "group.consumer.heartbeat.interval.ms", "500"));
        rig = new Rig(broker, directory, PARTITIONS)
                .without("mp.messaging.incoming.documents.group.instance.id")
                .config("pawl.checkpoint.mirror", "kafka")
                .config("pawl.max-in-flight", Integer.toString(MAX_IN_FLIGHT));
        rig.model().answer(ScaleIT::answer);
        ids = rig.texts(DOCUMENTS);
    }

    @AfterEach
    void close() {
        rig.close();
        broker.close();
    }

    @Test
    void processesComeGoAndStandStill_whatWasAnsweredIsNotAskedForAgain() {
        rig.config("pawl.group-protocol", PROTOCOL)
                .config("mp.messaging.incoming.documents.session.timeout.ms", Long.toString(SESSION.toMillis()))
                .config("mp.messaging.incoming.documents.heartbeat.interval.ms", "500");
        System.out.printf("ScaleIT: -Dpawl.scale.documents=%d -Dpawl.scale.processes=%d -Dpawl.scale.partitions=%d -Dpawl.scale.in-flight=%d "
                + "-Dpawl.scale.events=%d -Dpawl.scale.brokers=%d -Dpawl.scale.protocol=%s -Dpawl.scale.seed=%d%n", DOCUMENTS, PROCESSES, PARTITIONS, MAX_IN_FLIGHT, EVENTS,
                BROKERS, PROTOCOL, SEED);
        Instant begin = Instant.now();
        try {
            for (int i = 1; i < PROCESSES; i++) {
                begin();
            }
            running.forEach(life -> life.process.awaitReady(Rig.READY));
            for (int i = 0; i < EVENTS; i++) {
                publishASlice();
                happen(i < Kind.values().length ? Kind.values()[i] : anyKind());
                lookAtCommitted();
            }
            rig.publish(ids.subList(published, ids.size()));
            until("all committed", () -> rig.uncommitted() == 0);
            lookAtCommitted();
            endAll();
            verifyEverythingIsThere();
            String table = verifyCalls();
            verifyMirrorAfterARestoration();
            System.out.printf("ScaleIT: %s%n%s%n", summary(begin), table);
        } catch (Throwable e) {
            throw new AssertionError("after %s of -Dpawl.scale.seed=%d, see %s: %s".formatted(
                    events.stream().map(Event::kind).toList(), SEED, directory, e.getMessage()), e);
        }
    }

    // ---- What happens ----

    private static Reply answer(Call call) {
        return isRefused(call.id()) && call.step().equals(ENTITIES) ? new Reply.Status(422) : ScriptedModel.usualAnswer(call);
    }

    private static boolean isRefused(String id) {
        return Integer.parseInt(id.substring("doc-".length())) % ONE_REFUSED_IN == ONE_REFUSED_IN - 1;
    }

    /** Returns while a part of it is still to be done. */
    private void publishASlice() {
        int slice = DOCUMENTS / (EVENTS + 1);
        rig.publish(ids.subList(published, published + slice));
        published += slice;
        rig.model().delay(Duration.ofMillis(random.nextInt(SHORTEST_CALL_MS, LONGEST_CALL_MS)));
        int calls = rig.model().total() + random.nextInt(slice);
        until("some calls", () -> rig.model().total() >= calls || rig.uncommitted() == 0);
    }

    private Kind anyKind() {
        while (true) {
            Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
            boolean possible = switch (kind) {
                case ADDED -> running.size() <= PROCESSES;
                case STOPPED, KILLED, TERMINATED -> running.size() >= 2;
                case RESTARTED -> true;
            };
            if (possible) {
                return kind;
            }
        }
    }

    private void happen(Kind kind) {
        events.add(new Event(kind, Instant.now()));
        switch (kind) {
            case ADDED -> {
                Life added = begin();
                added.process.awaitReady(Rig.READY);
                until("calls of the added process", () -> calls(added).findAny().isPresent() || rig.uncommitted() == 0);
            }
            case STOPPED -> standStill(anyRunning());
            case KILLED -> {
                Life life = anyRunning();
                end(life);
                life.process.kill();
                life.killedAt = Instant.now();
                life.mirrorAtKill = broker.endOffsets(rig.topics().checkpoint());
            }
            case TERMINATED -> {
                Life life = anyRunning();
                end(life);
                assertThat(life.process.terminate()).as("exit code of %s", life.pod).isZero();
            }
            case RESTARTED -> {
                if (BROKERS > 1) {
                    broker.restart(random.nextInt(BROKERS));
                } else {
                    broker.stop();
                    broker.start();
                }
            }
        }
    }

    /** On a disk that is empty, or one that was away for a while. */
    private Life begin() {
        String pod = freePods.isEmpty() || random.nextBoolean() ? "pod-" + (lives.size() + 1) : freePods.remove(random.nextInt(freePods.size()));
        Life life = new Life(pod, rig.config("quarkus.langchain4j.openai.api-key", "life-" + lives.size()).launch(pod));
        lives.add(life);
        running.add(life);
        return life;
    }

    private Life lifeOf(Call call) {
        return lives.get(Integer.parseInt(call.headers().get("authorization").substring("Bearer life-".length())));
    }

    private Stream<Call> calls(Life life) {
        return rig.model().calls().stream().filter(call -> lifeOf(call) == life);
    }

    private Life anyRunning() {
        return running.get(random.nextInt(running.size()));
    }

    private void end(Life life) {
        running.remove(life);
        freePods.add(life.pod);
    }

    /** For longer than its session: it goes on when another calls what it has in the air, or, half of the time, when all is done. */
    private void standStill(Life life) {
        until("calls in the air", () -> !inTheAir(life).isEmpty() || rig.uncommitted() == 0);
        Instant from = Instant.now();
        life.process.suspend();
        Set<String> inTheAir = inTheAir(life);
        boolean untilAllIsDone = random.nextBoolean();
        until("another owner", () -> !untilAllIsDone && rig.model().calls().stream()
                .anyMatch(call -> lifeOf(call) != life && call.receivedAt().isAfter(from) && inTheAir.contains(call.key()))
                || rig.uncommitted() == 0);
        life.process.resume();
        life.pauses.add(new Pause(from, Instant.now()));
    }

    private Set<String> inTheAir(Life life) {
        Set<String> calls = calls(life).map(Call::key).collect(toSet());
        rig.model().answers().stream().filter(answer -> lifeOf(answer.call()) == life).forEach(answer -> calls.remove(answer.call().key()));
        return calls;
    }

    private void endAll() {
        List<CompletableFuture<Integer>> exits = running.stream().map(life -> Beside.supply(life.process::terminate)).toList();
        assertThat(exits).as("exit codes").allSatisfy(exit -> assertThat(exit.join()).isZero());
        running.clear();
        // The client of one that stood still says at ERROR that its group knows it no more.
        assertThat(lives).allSatisfy(life -> assertThat(life.process.log()).as("log of %s", life.pod)
                .doesNotContain("ERROR [dev.pawl", "malformed", "that are no lines", "can't be read back"));
    }

    private void until(String what, BooleanSupplier condition) {
        await(what).atMost(PATIENCE).pollInterval(POLL).until(() -> {
            assertThat(running).as("those that run").allMatch(life -> life.process.isAlive());
            return condition.getAsBoolean();
        });
    }

    // ---- What must be true ----

    /** Everything before a committed offset has its result or its dead letter, and no such offset ever goes back. */
    private void lookAtCommitted() {
        // In this order: what was committed by now has its result by now.
        Map<Integer, Long> committed = broker.committed(rig.group(), rig.topics().documents());
        Set<String> ended = Stream.concat(rig.results().stream(), rig.deadLetters().stream()).map(ScaleIT::id).collect(toSet());
        assertThat(new Reader(broker.bootstrapServers()).readAll(rig.topics().documents())).as("committed, without a result")
                .filteredOn(record -> record.offset() < committed.getOrDefault(record.partition(), 0L) && !ended.contains(id(record)))
                .extracting(ScaleIT::id).isEmpty();
        assertThat(committedBefore).as("committed before").allSatisfy((partition, offset) ->
                assertThat(committed.get(partition)).as("partition %d", partition).isGreaterThanOrEqualTo(offset));
        committedBefore.putAll(committed);
        looks++;
    }

    private void verifyEverythingIsThere() {
        Map<String, Set<String>> results = valuesById(rig.results(), "ce_id");
        Map<String, Set<String>> deadLetters = valuesById(rig.deadLetters(), "dead-letter-offset");
        assertThat(results.keySet()).as("documents with a result").containsExactlyInAnyOrderElementsOf(ids.stream().filter(id -> !isRefused(id)).toList());
        assertThat(deadLetters.keySet()).as("dead letters").containsExactlyInAnyOrderElementsOf(ids.stream().filter(ScaleIT::isRefused).toList());
        assertThat(results).allSatisfy((id, completions) -> assertThat(completions).as("completions of %s", id).hasSize(1).doesNotContainNull());
        assertThat(deadLetters).allSatisfy((id, records) -> assertThat(records).as("failed records of %s", id).hasSize(1).doesNotContainNull());
    }

    private static Map<String, Set<String>> valuesById(List<ConsumerRecord<byte[], byte[]>> records, String header) {
        return records.stream().collect(groupingBy(ScaleIT::id, mapping(record -> Reader.header(record, header), toSet())));
    }

    private static String id(ConsumerRecord<byte[], byte[]> record) {
        return Reader.text(record.key());
    }

    private List<ConsumerRecord<byte[], byte[]>> mirror() {
        return new Reader(broker.bootstrapServers()).readAll(rig.topics().checkpoint());
    }

    /** Who finds the whole in the mirror calls nothing. */
    private void verifyMirrorAfterARestoration() {
        int calls = rig.model().total();
        Life last = begin();
        await().atMost(PATIENCE).until(() -> restorations(last).size() == PARTITIONS);
        assertThat(last.process.terminate()).isZero();
        verifyMirror();
        assertThat(rig.model().total()).as("calls").isEqualTo(calls);
        Set<String> known = rig.checkpointOf(last.pod).stream().filter(line -> Set.of("done", "failed").contains(line.status())).map(Line::id).collect(toSet());
        assertThat(known).as("known on the last disk").containsExactlyInAnyOrderElementsOf(ids);
    }

    /** One last word of each document, and answers only where it failed, or where one that stood still sent them when it was done already. */
    private void verifyMirror() {
        Map<String, String> lastWords = new HashMap<>();
        mirror().forEach(entry -> {
            if (entry.value() == null) {
                lastWords.remove(id(entry));
            } else {
                lastWords.put(id(entry), status(entry));
            }
        });
        Map<String, String> expected = new HashMap<>();
        ids.forEach(id -> {
            expected.put(id, isRefused(id) ? "failed" : "done");
            if (isRefused(id)) {
                expected.put(id + "\t" + SUMMARY, "step");
            }
        });
        boolean late = lives.stream().anyMatch(life -> !life.pauses.isEmpty());
        lastWords.entrySet().removeIf(word -> late && word.getValue().equals("step") && !expected.containsKey(word.getKey()));
        assertThat(Stream.of(lastWords, expected).flatMap(words -> words.keySet().stream()).distinct().filter(key -> !Objects.equals(lastWords.get(key), expected.get(key)))
                .map(key -> "%s: %s, and not %s".formatted(key, lastWords.get(key), expected.get(key)))).as("the mirror's last words").isEmpty();
    }

    private static String status(ConsumerRecord<byte[], byte[]> entry) {
        try {
            JsonNode line = JSON.readTree(entry.value());
            assertThat(line.has("result")).isFalse();
            return line.path("status").asText();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A step that was called again after it was answered. */
    private record Again(Answered first, Call again) {}

    private String verifyCalls() {
        List<ConsumerRecord<byte[], byte[]>> mirror = mirror();
        Map<Kind, Integer> counted = new EnumMap<>(Kind.class);
        List<String> forbidden = new ArrayList<>();
        for (Again again : answeredAndCalledAgain()) {
            Life first = lifeOf(again.first.call());
            Life second = lifeOf(again.again);
            boolean twoOwners = Stream.of(first, second).anyMatch(life -> life.pauses.stream().anyMatch(pause ->
                    pause.from.isBefore(again.again.receivedAt()) && pause.blinded(lifeOf(again.first.call()) == life ? again.first.call() : again.again)));
            if (first.mirrorAtKill != null && !mirrored(mirror, first.mirrorAtKill).contains(again.again.key())) {
                counted.merge(Kind.KILLED, 1, Integer::sum);
            } else if (twoOwners) {
                counted.merge(Kind.STOPPED, 1, Integer::sum);
            } else {
                Event event = events.stream().filter(before -> before.at.isBefore(again.again.receivedAt())).toList().getLast();
                counted.merge(first.mirrorAtKill != null ? Kind.KILLED : event.kind, 1, Integer::sum);
                forbidden.add("%s: answered to %s at %s, called by %s at %s".formatted(again.again.key(), first.pod, again.first.at(), second.pod,
                        again.again.receivedAt()));
            }
        }
        Map<Kind, String> allowed = Map.of(
                Kind.ADDED, "0", Kind.TERMINATED, "0", Kind.RESTARTED, "0",
                Kind.STOPPED, "two owners at once",
                Kind.KILLED, "%d were not in the mirror".formatted(lives.stream().filter(life -> life.mirrorAtKill != null)
                        .mapToInt(life -> notMirrored(life, mirror)).sum()));
        StringBuilder table = new StringBuilder("| event | how often | finished steps called again | allowed |%n|---|--:|--:|--:|%n".formatted());
        for (Kind kind : Kind.values()) {
            table.append("| %s | %d | %d | %s |%n".formatted(kind.text, events.stream().filter(event -> event.kind == kind).count(),
                    counted.getOrDefault(kind, 0), allowed.get(kind)));
        }
        assertThat(forbidden).as("called again without need%n%s", table).isEmpty();
        return table.toString();
    }

    /** An answer that comes to a process which was killed meanwhile is none. */
    private List<Again> answeredAndCalledAgain() {
        Map<String, List<Call>> calls = rig.model().calls().stream().collect(groupingBy(Call::key));
        return rig.model().answers().stream()
                .filter(answer -> answer.at().isBefore(lifeOf(answer.call()).killedAt))
                .flatMap(answer -> calls.get(answer.call().key()).stream()
                        .filter(call -> call.attempt() == answer.call().attempt() + 1)
                        .map(call -> new Again(answer, call)))
                .toList();
    }

    /** The calls that the mirror had the answers of when it ended here. */
    private Set<String> mirrored(List<ConsumerRecord<byte[], byte[]>> mirror, Map<Integer, Long> ends) {
        Set<String> calls = new HashSet<>();
        mirror.stream().filter(entry -> entry.offset() < ends.get(entry.partition())).map(ScaleIT::id).forEach(key -> {
            String[] idAndStep = key.split("\t");
            (idAndStep.length == 1 ? Rig.STEPS : List.of(idAndStep[1])).forEach(step -> calls.add(step + "/" + idAndStep[0]));
        });
        return calls;
    }

    private int notMirrored(Life killed, List<ConsumerRecord<byte[], byte[]>> mirror) {
        Set<String> mirrored = mirrored(mirror, killed.mirrorAtKill);
        Set<String> notMirrored = calls(killed).map(Call::key).filter(key -> !mirrored.contains(key)).collect(toSet());
        assertThat(notMirrored).as("in the air of %s when it was killed", killed.pod).hasSizeLessThanOrEqualTo(MAX_IN_FLIGHT);
        return notMirrored.size();
    }

    /** Entries read and lines sent, for each partition that was not level. */
    private static List<String> restorations(Life life) {
        return life.process.log().lines().filter(line -> line.contains("level with its mirror"))
                .map(line -> line.replaceFirst(".*mirror: (\\d+) entries read, (\\d+) lines sent.*", "$1+$2")).toList();
    }

    private String summary(Instant begin) {
        return "%,d documents in %d s, %,d calls, %d processes in all, %,d emissions, %d looks at committed offsets; restored: %s".formatted(DOCUMENTS,
                Duration.between(begin, Instant.now()).toSeconds(), rig.model().total(), lives.size(), rig.results().size(), looks,
                lives.stream().flatMap(life -> restorations(life).stream()).collect(Collectors.joining(" ")));
    }
}
