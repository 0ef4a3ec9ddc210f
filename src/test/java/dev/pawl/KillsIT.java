package dev.pawl;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.Beside;
import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.CheckpointFile.Line;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.TestBroker;

/**
 * The promise at random moments: one life after the other is ended under load, and after each end the files, the topics and the
 * model's calls are compared with what was true before.
 *
 * <p>{@code -Dpawl.kills} says how many lives, 10 by default; {@code ./mvnw verify -Dit.test=KillsIT -Dpawl.kills=300} is the
 * heavier suite. {@code -Dpawl.kills.seed} makes the same choices again, as far as the machine's pace lets them fall alike.
 */
@Isolated("Its moments are those of a machine that does nothing else.")
class KillsIT {

    private static final int KILLS = Integer.getInteger("pawl.kills", 10);
    private static final long SEED = Long.getLong("pawl.kills.seed", ThreadLocalRandom.current().nextInt(1_000_000));

    private static final int PARTITIONS = 4;
    private static final int MAX_IN_FLIGHT = 24;
    /** Calls for one valid answer. */
    private static final int ATTEMPTS = 2;
    /** Documents without a last word when a life begins: more than it can finish until its end. */
    private static final int PENDING = 90;
    private static final int LEAST_FRESH = 20;
    /** Some step lines and some done lines. */
    private static final int USUAL_LINE_BYTES = 400;

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** How long after its first call a life ends at the latest, whatever it was to wait for. */
    private static final Duration LONGEST = Duration.ofSeconds(1);

    private static final String SUMMARY = "summary";
    private static final String ENTITIES = "entities";
    private static final Reply INVALID = new Reply.Text("no JSON");
    private static final List<Reply> PROVIDER_FAILURES = List.of(new Reply.Status(500), new Reply.Status(429), new Reply.Drop());
    private static final JsonMapper JSON = new JsonMapper();

    /** What becomes of a record; its document's ID begins with it. */
    private enum Kind {
        /** Completes. */
        PLAIN(52),
        /** Completes, after the first call of each step met a failure of the provider's. */
        SHAKEN(15),
        /** Fails at first: its first {@link #ATTEMPTS} answers are invalid. Completes when it is published again. */
        MENDED(9),
        /** Fails: every answer is invalid. */
        HOPELESS(8),
        /** Completes, is forgotten, and completes again. */
        FORGOTTEN(12),
        /** No document: a dead letter. */
        NONSENSE(4);

        /** How many of a hundred. */
        final int share;

        Kind(int share) {
            this.share = share;
        }

        static Kind of(String id) {
            return valueOf(id.substring(0, id.indexOf('-')));
        }

        static Kind any(Random random) {
            int left = random.nextInt(100);
            for (Kind kind : values()) {
                left -= kind.share;
                if (left < 0) {
                    return kind;
                }
            }
            throw new AssertionError("the shares are not a hundred");
        }
    }

    private enum Signal { KILL, TERM }

    /** When the signal comes. */
    private enum Moment { WHILE_STARTING, SOON_AFTER_READY, AFTER_SOME_CALLS, AFTER_SOME_LINES, AFTER_SOME_RESULTS }

    /** Whether the broker stops and starts again in this life, and where it is when the signal comes. */
    private enum Broker { STAYS, RESTARTS_LATER, IS_AWAY, IS_RETURNING, IS_BACK }

    private record End(Signal signal, Moment moment, Broker broker) {

        /** Every kind once, and what nobody fixed is random. */
        private static final List<End> FIRST = List.of(
                new End(Signal.KILL, Moment.AFTER_SOME_LINES, Broker.STAYS),
                new End(Signal.KILL, Moment.WHILE_STARTING, Broker.STAYS),
                new End(Signal.TERM, Moment.AFTER_SOME_CALLS, Broker.STAYS),
                new End(Signal.KILL, Moment.AFTER_SOME_CALLS, Broker.IS_AWAY),
                new End(Signal.KILL, Moment.AFTER_SOME_RESULTS, Broker.STAYS),
                new End(Signal.KILL, Moment.AFTER_SOME_RESULTS, Broker.IS_BACK),
                new End(Signal.KILL, Moment.AFTER_SOME_LINES, Broker.IS_RETURNING),
                new End(Signal.KILL, Moment.SOON_AFTER_READY, Broker.STAYS),
                new End(Signal.TERM, Moment.AFTER_SOME_LINES, Broker.IS_BACK),
                new End(Signal.KILL, Moment.AFTER_SOME_CALLS, Broker.RESTARTS_LATER));

        static End of(int life, Random random) {
            if (life <= FIRST.size()) {
                return FIRST.get(life - 1);
            }
            Moment moment = any(Moment.values(), random);
            if (moment == Moment.WHILE_STARTING || moment == Moment.SOON_AFTER_READY) {
                return new End(Signal.KILL, moment, random.nextInt(5) == 0 ? Broker.RESTARTS_LATER : Broker.STAYS);
            }
            Broker broker = random.nextInt(3) == 0 ? any(Broker.values(), random) : Broker.STAYS;
            boolean orderly = random.nextInt(5) == 0 && broker != Broker.IS_AWAY && broker != Broker.IS_RETURNING;
            return new End(orderly ? Signal.TERM : Signal.KILL, moment, broker);
        }

        private static <T> T any(T[] values, Random random) {
            return values[random.nextInt(values.length)];
        }
    }

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    Path directory;

    /** Of this life: that one falls differently moves no choice of a later one. */
    private Random random;
    private TestBroker broker;
    private Rig rig;
    private Ledger ledger;
    private int compactions;
    private Duration usualStart = Duration.ofSeconds(3);

    @BeforeEach
    void open() {
        broker = TestBroker.open(PARTITIONS);
        rig = new Rig(broker, directory, PARTITIONS)
                // So that most kills fall in or after a compaction.
                .config("pawl.checkpoint.compaction.min-size", "4K")
                .config("pawl.checkpoint.compaction.garbage-share", "0.2")
                .config("pawl.max-in-flight", Integer.toString(MAX_IN_FLIGHT))
                .config("pawl.chain.step.entities.attempts", Integer.toString(ATTEMPTS))
                .config("mp.messaging.incoming.documents.auto.commit.interval.ms", "100");
        rig.model().answer(KillsIT::answer);
        ledger = new Ledger();
    }

    @AfterEach
    void close() {
        rig.close();
        broker.close();
    }

    @Test
    void endedAtRandomMoments_nothingIsLostAndNothingIsPaidForTwice() {
        System.out.printf("KillsIT: -Dpawl.kills=%d -Dpawl.kills.seed=%d%n", KILLS, SEED);
        for (int life = 1; life <= KILLS; life++) {
            random = new Random(SEED * 1_000 + life);
            End end = End.of(life, random);
            try {
                ledger.publishMore();
                liveAndEnd(life, end);
                ledger.verifyAfter(life, end.signal);
            } catch (Throwable e) {
                throw failure(life, end.toString(), e);
            }
        }
        try {
            ledger.publishTheRest();
            begin(KILLS + 1).awaitReady(Rig.READY);
            await().atMost(PATIENCE.multipliedBy(2)).pollInterval(Duration.ofMillis(100)).until(() -> rig.uncommitted() == 0);
            ledger.verifyAfter(KILLS + 1, Signal.TERM);
            ledger.verifyEverythingIsThere();
        } catch (Throwable e) {
            throw failure(KILLS + 1, "the last life", e);
        }
        System.out.println("KillsIT: " + ledger.summary() + "; " + compactions + " compactions");
        assertThat(compactions).as("compactions").isPositive();
    }

    private AssertionError failure(int life, String what, Throwable cause) {
        return new AssertionError("life %d of -Dpawl.kills.seed=%d (%s), see %s: %s"
                .formatted(life, SEED, what, directory, cause.getMessage()), cause);
    }

    /** Each life shows the model a key of its own: a call that a killed process left in the network still tells whose it is. */
    private PawlProcess begin(int life) {
        return rig.config("quarkus.langchain4j.openai.api-key", "life-" + life).launch();
    }

    private static int life(Call call) {
        return Integer.parseInt(call.headers().get("authorization").substring("Bearer life-".length()));
    }

    private static String describe(Call call) {
        return "%s, call %d, in life %d".formatted(call.key(), call.attempt(), life(call));
    }

    private static Reply answer(Call call) {
        Kind kind = Kind.of(call.id());
        boolean entities = call.step().equals(ENTITIES);
        if (kind == Kind.SHAKEN && call.attempt() == 1) {
            return PROVIDER_FAILURES.get(Math.floorMod(call.id().hashCode(), PROVIDER_FAILURES.size()));
        }
        if (kind == Kind.HOPELESS && entities || kind == Kind.MENDED && entities && call.attempt() <= ATTEMPTS) {
            return INVALID;
        }
        return ScriptedModel.usualAnswer(call);
    }

    /** Whether a call is answered well: what must not be paid for again. */
    private static boolean answeredWell(Call call) {
        return answer(call) instanceof Reply.Text text && text != INVALID;
    }

    // ---- A life ----

    private void liveAndEnd(int life, End end) {
        rig.model().delay(Duration.ofMillis(random.nextInt(5, 40)));
        Instant begin = Instant.now();
        int calls = rig.model().total();
        CompletableFuture<Void> brokerIsBack = CompletableFuture.completedFuture(null);
        String log;
        try (PawlProcess pawl = begin(life)) {
            if (end.moment == Moment.WHILE_STARTING) {
                pass(random.nextLong(usualStart.toMillis()));
            } else if (end.moment == Moment.SOON_AFTER_READY) {
                pawl.awaitReady(Rig.READY);
                pass(random.nextLong(LONGEST.toMillis() / 4));
            } else {
                awaitOf(pawl, () -> rig.model().total() > calls);
                usualStart = Duration.between(begin, Instant.now());
                brokerIsBack = restart(end.broker);
                awaitMoment(pawl, end);
            }
            assertThat(pawl.isAlive()).as("alive until the signal; its log: %s", pawl.log()).isTrue();
            if (end.signal == Signal.TERM) {
                assertThat(pawl.terminate()).as("exit code").isZero();
            } else {
                pawl.kill();
            }
            log = pawl.log();
        }
        compactions += log.split(": compacted from ", -1).length - 1;
        assertThat(log).as("what no kill may cost").doesNotContain("malformed lines", "can't be read back");
        brokerIsBack.join();
        if (end.broker == Broker.RESTARTS_LATER) {
            broker.stop();
        }
        broker.start();
    }

    private CompletableFuture<Void> restart(Broker restart) {
        if (restart == Broker.STAYS || restart == Broker.RESTARTS_LATER) {
            return CompletableFuture.completedFuture(null);
        }
        pass(random.nextLong(100));
        broker.stop();
        if (restart == Broker.IS_BACK) {
            broker.start();
        }
        return restart == Broker.IS_RETURNING ? Beside.run(broker::start) : CompletableFuture.completedFuture(null);
    }

    private void awaitMoment(PawlProcess pawl, End end) {
        if (end.broker == Broker.IS_AWAY || end.broker == Broker.IS_RETURNING) {
            // Nothing is certain to happen then, but that time passes.
            pass(random.nextLong(LONGEST.toMillis()));
            return;
        }
        LongSupplier seen = switch (end.moment) {
            case AFTER_SOME_CALLS -> () -> rig.model().total();
            case AFTER_SOME_LINES -> () -> checkpointBytes() / USUAL_LINE_BYTES;
            case AFTER_SOME_RESULTS -> this::resultRecords;
            case WHILE_STARTING, SOON_AFTER_READY -> throw new AssertionError(end);
        };
        long wanted = seen.getAsLong() + 1 + random.nextInt(PENDING / 2);
        Instant latest = Instant.now().plus(LONGEST);
        awaitOf(pawl, () -> seen.getAsLong() >= wanted || Instant.now().isAfter(latest));
    }

    private static void awaitOf(PawlProcess pawl, Callable<Boolean> condition) {
        await().atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(2))
                .until(() -> !pawl.isAlive() || condition.call());
    }

    /** Lets some time pass: here the moment itself is what is random, and nothing is waited for. */
    private static void pass(long ms) {
        await().atMost(Duration.ofMillis(ms).plus(PATIENCE)).pollDelay(Duration.ofMillis(ms)).until(() -> true);
    }

    private long checkpointBytes() {
        long bytes = 0;
        for (int partition = 0; partition < PARTITIONS; partition++) {
            Path file = rig.checkpointFile(partition);
            try {
                bytes += Files.exists(file) ? Files.size(file) : 0;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return bytes;
    }

    private long resultRecords() {
        return broker.endOffsets(rig.topics().results()).values().stream().mapToLong(Long::longValue).sum();
    }

    // ---- What must be true ----

    /** A record of the documents topic. A tombstone forgets its document. */
    private record Published(int partition, long offset, String id, boolean tombstone) {

        String source(String topic) {
            return "%s-%d@%d".formatted(topic, partition, offset);
        }

        boolean acknowledged(Map<Integer, Long> committed) {
            return offset < committed.get(partition);
        }
    }

    /** A record of the results topic. */
    private record Emission(String id, String source, String completion, String completionId, String value) {

        static Emission of(ConsumerRecord<byte[], byte[]> result) {
            JsonNode json = json(Reader.text(result.value()));
            assertThat(json.path("id").asText()).isEqualTo(Reader.text(result.key()));
            return new Emission(json.path("id").asText(), json.path("source").asText(), completion(json.path("source").asText(), json.path("completedAt").asText()),
                    Reader.header(result, "ce_id"), Reader.text(result.value()));
        }

        static String completion(Line done) {
            return completion(done.json().path("source").asText(), done.json().path("ts").asText());
        }

        private static String completion(String source, String at) {
            return source + " at " + Instant.parse(at);
        }

        private static JsonNode json(String text) {
            try {
                return JSON.readTree(text);
            } catch (JsonProcessingException e) {
                throw new AssertionError(text, e);
            }
        }
    }

    /**
     * The lines of one file that a loss of would be noticed: the last word (done, failed, forgotten) of each document, and the
     * steps that no done or forgotten line came after. All others may go.
     */
    private static final class LiveLines {
        final Map<String, Line> lastWords = new LinkedHashMap<>();
        final Map<String, Line> steps = new LinkedHashMap<>();
        final Set<String> texts = new HashSet<>();

        LiveLines(List<Line> lines) {
            for (Line line : lines) {
                texts.add(line.text());
                if (line.status().equals("step")) {
                    steps.put(key(line.json().path("step").asText(), line.id()), line);
                } else {
                    lastWords.put(line.id(), line);
                    if (!line.status().equals("failed")) {
                        Rig.STEPS.forEach(step -> steps.remove(key(step, line.id())));
                    }
                }
            }
        }

        /** What was live before, is in this file no more, and was not overtaken by a later last word. */
        List<String> missingOf(LiveLines before, Predicate<String> mayBeForgotten) {
            Stream<Line> words = before.lastWords.values().stream()
                    .filter(line -> !texts.contains(line.text()))
                    .filter(line -> lastWord(line.id()).isEmpty() || line.status().equals("done") && !mayBeForgotten.test(line.id()));
            Stream<Line> answers = before.steps.values().stream()
                    .filter(line -> !texts.contains(line.text()))
                    .filter(line -> !Set.of("done", "forgotten").contains(lastWord(line.id())));
            return Stream.concat(words, answers).map(Line::text).toList();
        }

        String lastWord(String id) {
            Line line = lastWords.get(id);
            return line == null ? "" : line.status();
        }
    }

    private static String key(String step, String id) {
        return step + "/" + id;
    }

    /** What was published, what was seen to be durable, and therefore must still be true after the next end. */
    private final class Ledger {

        private final List<Published> published = new ArrayList<>();
        private final Map<String, Integer> partitions = new HashMap<>();
        private final Map<String, Published> tombstones = new HashMap<>();
        /** Calls that must not be made again, and the life at whose end that was seen first. */
        private final Map<String, Integer> settled = new HashMap<>();
        private final Map<Integer, LiveLines> files = new HashMap<>();
        private int count;
        private int lost;
        private int busyEnds;

        private Map<Integer, Long> committed;
        private List<Emission> emissions;
        private List<ConsumerRecord<byte[], byte[]>> deadLetters;

        // ---- Publishing ----

        /** Enough that the next life is still busy at its end, and a few that were there before. */
        void publishMore() {
            int fresh = Math.max(LEAST_FRESH, PENDING - pending());
            for (int i = 0; i < fresh; i++) {
                Kind kind = Kind.any(random);
                String id = "%s-%05d".formatted(kind, count++);
                partitions.put(id, random.nextInt(PARTITIONS));
                publish(id);
                if (random.nextInt(5) == 0) {
                    publishAgain();
                }
            }
        }

        private void publishAgain() {
            String id = anyId();
            switch (Kind.of(id)) {
                case FORGOTTEN -> {
                    forget(id);
                    if (random.nextBoolean()) {
                        publish(id);
                    }
                }
                case NONSENSE -> publish(id);
                // Sometimes where nobody expects it: in another partition than its first.
                case PLAIN, SHAKEN, MENDED, HOPELESS ->
                    publish(id, random.nextInt(4) == 0 ? random.nextInt(PARTITIONS) : partitions.get(id), valueOf(id));
            }
        }

        private String anyId() {
            return published.get(random.nextInt(published.size())).id;
        }

        /** What is not complete yet for want of a record. */
        void publishTheRest() {
            partitions.keySet().stream().sorted()
                    .filter(id -> Kind.of(id) == Kind.FORGOTTEN || Kind.of(id) == Kind.MENDED)
                    .forEach(this::publish);
        }

        private void publish(String id) {
            publish(id, partitions.get(id), valueOf(id));
        }

        /** Until the tombstone is acknowledged, each delivery of it lets the document run again. */
        private void forget(String id) {
            publish(id, partitions.get(id), null);
            tombstones.put(id, published.getLast());
            Rig.STEPS.forEach(step -> settled.remove(key(step, id)));
        }

        private String valueOf(String id) {
            return Kind.of(id) == Kind.NONSENSE ? "{\"no\":\"id\"}" : "{\"id\":\"%s\",\"text\":\"The text of %s.\"}".formatted(id, id);
        }

        private void publish(String id, int partition, String value) {
            RecordMetadata record = rig.publish(partition, id, value);
            published.add(new Published(partition, record.offset(), id, value == null));
        }

        private int pending() {
            return (int) documents().filter(id -> lastWords(id).isEmpty()).count();
        }

        private Stream<String> documents() {
            return partitions.keySet().stream().filter(id -> Kind.of(id) != Kind.NONSENSE);
        }

        private boolean untouched(String id) {
            return !tombstones.containsKey(id);
        }

        private List<Line> lastWords(String id) {
            return files.values().stream().map(file -> file.lastWords.get(id)).filter(line -> line != null).toList();
        }

        private boolean done(String id) {
            return lastWords(id).stream().anyMatch(line -> line.status().equals("done"));
        }

        // ---- After an end ----

        void verifyAfter(int life, Signal signal) {
            // In this order: an offset that is committed by now has its result, its dead letter and its line by now.
            committed = new HashMap<>();
            for (int partition = 0; partition < PARTITIONS; partition++) {
                committed.put(partition, rig.committed(partition));
            }
            emissions = rig.results().stream().map(Emission::of).toList();
            deadLetters = rig.deadLetters();
            verifyFiles();
            settle(life);
            verifyEmissions();
            verifyAcknowledged();
            verifyCalls(life, signal);
            busyEnds += pending() > 0 ? 1 : 0;
        }

        private void verifyFiles() {
            for (int partition = 0; partition < PARTITIONS; partition++) {
                Path path = rig.checkpointFile(partition);
                List<Line> lines = Files.exists(path) ? CheckpointFile.read(path) : List.of();
                List<Line> whole = lines.stream().filter(Line::terminated).toList();
                assertThat(whole).as("whole lines of %s", path).allMatch(line -> line.crcPresent() && line.crcValid());
                LiveLines now = new LiveLines(whole);
                LiveLines before = files.getOrDefault(partition, now);
                assertThat(now.missingOf(before, id -> !untouched(id))).as("lines that %s had, and still needs", path).isEmpty();
                files.put(partition, now);
            }
        }

        /** Notes what need not, and must not, be called in any later life. */
        private void settle(int life) {
            for (LiveLines file : files.values()) {
                file.steps.keySet().forEach(key -> settle(key, life));
                file.lastWords.values().stream()
                        .filter(line -> line.status().equals("done"))
                        .forEach(line -> Rig.STEPS.forEach(step -> settle(key(step, line.id()), life)));
            }
        }

        private void settle(String key, int life) {
            Published tombstone = tombstones.get(key.substring(key.indexOf('/') + 1));
            if (tombstone == null || tombstone.acknowledged(committed)) {
                settled.putIfAbsent(key, life);
            }
        }

        /** Append before emit, the same completion with the same value always, and the same record's under the same ID. */
        private void verifyEmissions() {
            Set<String> doneLines = files.values().stream().flatMap(file -> file.lastWords.values().stream())
                    .filter(line -> line.status().equals("done")).map(Emission::completion).collect(toSet());
            assertThat(emissions).as("results without a done line")
                    .filteredOn(emission -> untouched(emission.id) && !doneLines.contains(emission.completion)
                            || lastWords(emission.id).isEmpty())
                    .isEmpty();
            assertOneToOne("completions and their values", Emission::completion, Emission::value);
            // A record that is delivered again when its document has been forgotten completes once more.
            assertOneToOne("records and the ce_id of what completed them", Emission::source, Emission::completionId);
            assertThat(distinct(emission -> untouched(emission.id), Emission::id, Emission::completionId))
                    .as("documents with several completions").allSatisfy((_, ids) -> assertThat(ids).hasSize(1));
        }

        private void assertOneToOne(String what, Function<Emission, String> one,
                Function<Emission, String> other) {
            assertThat(distinct(_ -> true, one, other)).as(what)
                    .allSatisfy((_, others) -> assertThat(others).hasSize(1).doesNotContainNull());
            assertThat(distinct(_ -> true, other, one)).as(what).allSatisfy((_, ones) -> assertThat(ones).hasSize(1));
        }

        private Map<String, Set<String>> distinct(Predicate<Emission> wanted, Function<Emission, String> key,
                Function<Emission, String> value) {
            return emissions.stream().filter(wanted).collect(groupingBy(key, mapping(value, toSet())));
        }

        /** Append and emit before acknowledge. */
        private void verifyAcknowledged() {
            List<Published> acknowledged = published.stream().filter(record -> record.acknowledged(committed)).toList();
            Map<String, Published> bySource = acknowledged.stream()
                    .collect(Collectors.toMap(record -> record.source(rig.topics().documents()), record -> record));
            assertThat(acknowledged).as("acknowledged without a line")
                    .filteredOn(record -> !record.tombstone && Kind.of(record.id) != Kind.NONSENSE && lastWords(record.id).isEmpty())
                    .isEmpty();
            assertThat(acknowledged).as("acknowledged without being done")
                    .filteredOn(record -> Set.of(Kind.PLAIN, Kind.SHAKEN).contains(Kind.of(record.id)) && !done(record.id))
                    .isEmpty();

            Set<String> emitted = emissions.stream().map(Emission::completion).collect(toSet());
            Set<String> deadLettered = deadLetters.stream().map(this::source).collect(toSet());
            List<Line> words = files.values().stream().flatMap(file -> file.lastWords.values().stream())
                    .filter(line -> bySource.containsKey(line.json().path("source").asText())).toList();
            assertThat(words).as("acknowledged without a result")
                    .filteredOn(line -> line.status().equals("done") && !emitted.contains(Emission.completion(line))).isEmpty();
            // One that was killed before its letter, and was done through another partition since, is skipped when it comes again.
            assertThat(words).as("acknowledged without a dead letter")
                    .filteredOn(line -> line.status().equals("failed") && !done(line.id())
                            && !deadLettered.contains(line.json().path("source").asText()))
                    .isEmpty();
            assertThat(bySource).as("acknowledged without a dead letter").allSatisfy((source, record) -> {
                if (Kind.of(record.id) == Kind.HOPELESS || Kind.of(record.id) == Kind.NONSENSE) {
                    assertThat(deadLettered).contains(source);
                }
            });
        }

        private String source(ConsumerRecord<byte[], byte[]> deadLetter) {
            return "%s-%s@%s".formatted(Reader.header(deadLetter, "dead-letter-topic"), Reader.header(deadLetter, "dead-letter-partition"),
                    Reader.header(deadLetter, "dead-letter-offset"));
        }

        private void verifyCalls(int life, Signal signal) {
            List<Call> calls = rig.model().calls();
            assertThat(calls).as("called again, though the answer was in the checkpoint before")
                    .filteredOn(call -> settled.getOrDefault(call.key(), Integer.MAX_VALUE) < life(call))
                    .extracting(KillsIT::describe).isEmpty();
            List<Call> ofUntouched = calls.stream().filter(call -> untouched(call.id())).toList();
            assertThat(ofUntouched).as("called before the step before it was durable")
                    .filteredOn(call -> call.step().equals(ENTITIES) && !settled.containsKey(key(SUMMARY, call.id())))
                    .extracting(KillsIT::describe).isEmpty();
            List<Call> ofThisLife = ofUntouched.stream().filter(call -> life(call) == life && answeredWell(call)).toList();
            assertThat(ofThisLife).as("answered in one life").extracting(Call::key).doesNotHaveDuplicates();
            List<Call> lostNow = ofThisLife.stream().filter(call -> !settled.containsKey(call.key())).toList();
            assertThat(lostNow).as("in the air at the end").extracting(Call::id)
                    .hasSizeLessThanOrEqualTo(MAX_IN_FLIGHT).doesNotHaveDuplicates();
            if (signal == Signal.TERM) {
                assertThat(lostNow).as("answers lost though there was time to keep them").extracting(KillsIT::describe).isEmpty();
            }
            lost += lostNow.size();
        }

        // ---- At the very end ----

        void verifyEverythingIsThere() {
            Set<String> withResult = emissions.stream().map(Emission::id).collect(toSet());
            Set<String> failed = documents().filter(id -> Kind.of(id) == Kind.HOPELESS).collect(toSet());
            Set<String> completed = documents().filter(id -> Kind.of(id) != Kind.HOPELESS).collect(toSet());
            assertThat(withResult).as("documents with a result").isEqualTo(completed);
            assertThat(completed).as("documents that are done").allMatch(this::done);
            assertThat(failed).as("documents that failed").allSatisfy(id ->
                    assertThat(lastWords(id)).isNotEmpty().allMatch(line -> line.status().equals("failed")));
            assertThat(deadLetters).allSatisfy(letter -> {
                Kind kind = Kind.of(Reader.text(letter.key()));
                assertThat(kind).isIn(Kind.HOPELESS, Kind.MENDED, Kind.NONSENSE);
                boolean nonsense = kind == Kind.NONSENSE;
                assertThat(Reader.header(letter, "pawl-kind")).isEqualTo(nonsense ? "invalid-document" : "invalid-output");
                assertThat(Reader.header(letter, "pawl-step")).isEqualTo(nonsense ? null : ENTITIES);
                assertThat(Reader.header(letter, "pawl-attempts")).isEqualTo(nonsense ? "1" : Integer.toString(ATTEMPTS));
            });
            List<Call> calls = rig.model().calls().stream().filter(call -> untouched(call.id())).toList();
            long distinct = calls.stream().map(Call::key).distinct().count();
            long answeredBadly = calls.stream().filter(call -> !answeredWell(call)).count();
            assertThat(calls.size()).as("calls in all").isLessThanOrEqualTo((int) (distinct + answeredBadly + lost));
            assertThat(lost).as("no end came under load").isPositive();
        }

        String summary() {
            return ("%d lives, %d of them busy to the end; %d records; %d calls, %d of them in the air at an end; "
                    + "%d results of %d completions; %d dead letters").formatted(KILLS, busyEnds, published.size(),
                            rig.model().total(), lost, emissions.size(),
                            distinct(_ -> true, Emission::completionId, Emission::id).size(), deadLetters.size());
        }
    }
}
