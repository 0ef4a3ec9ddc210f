package dev.pawl.failures;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.Failure;
import dev.pawl.Failure.Kind;
import dev.pawl.checkpoint.Checkpoint;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.OpenCheckpoints;
import dev.pawl.failures.Failures.Entry;
import dev.pawl.failures.Failures.Page;
import dev.pawl.failures.Failures.Replayed;
import dev.pawl.failures.Failures.UnavailableException;
import dev.pawl.harness.Configs;
import dev.pawl.harness.Publisher;
import dev.pawl.harness.Reader;
import dev.pawl.harness.TestBroker;
import dev.pawl.harness.Topics;

/** Against a real broker and real checkpoints, with letters put into the topic by hand; {@link dev.pawl.FailuresIT} has them from Pawl. */
@Timeout(60)
class FailuresTest {

    private static final int PARTITIONS = 2;

    @TempDir
    Path directory;

    private static TestBroker broker;
    private static Publisher publisher;

    private Topics topics;
    private Checkpoints checkpoints;
    private Checkpoint zero;
    private Failures failures;
    private long sources;

    @BeforeAll
    static void start() {
        broker = TestBroker.shared();
        publisher = new Publisher(broker.bootstrapServers());
    }

    @BeforeEach
    void open() throws IOException {
        topics = broker.createTopics(PARTITIONS);
        checkpoints = OpenCheckpoints.in(directory);
        zero = checkpoints.open(topics.documents() + "-0");
        checkpoints.open(topics.documents() + "-1");
        failures = failures(100);
    }

    @AfterEach
    void closeCheckpoints() {
        OpenCheckpoints.close(checkpoints);
    }

    @AfterAll
    static void close() {
        publisher.close();
        broker.close();
    }

    // ---- List ----

    @Test
    void list_pagesThroughAllPartitionsInOrder() {
        for (int i = 0; i < 7; i++) {
            deadLetter(i % 2, "doc-" + i, Kind.REFUSED);
        }

        assertThat(pages(null, 3, false)).extracting(List::size).containsExactly(3, 3, 1);
        assertThat(pages(null, 3, false).stream().flatMap(List::stream)).extracting(entry -> entry.letter().id())
                .containsExactly("doc-0", "doc-2", "doc-4", "doc-6", "doc-1", "doc-3", "doc-5");
    }

    @Test
    void list_ofAKind_countsAllKinds() {
        deadLetter(0, "doc-1", Kind.REFUSED);
        deadLetter(0, "doc-2", Kind.INVALID_OUTPUT);
        deadLetter(1, "doc-3", Kind.REFUSED);

        Page page = failures.list(Kind.REFUSED, null, 10, false);

        assertThat(ids(page)).containsExactly("doc-1", "doc-3");
        assertThat(page.kinds()).isEqualTo(Map.of(Kind.REFUSED, 2, Kind.INVALID_OUTPUT, 1));
        assertThat(page.next()).isNull();
        assertThat(page.complete()).isTrue();
    }

    @Test
    void list_seesWhatCameAndWhatEndedSince() {
        deadLetter(0, "doc-1", Kind.REFUSED);
        assertThat(ids(openOnes())).containsExactly("doc-1");

        deadLetter(0, "doc-2", Kind.REFUSED);
        zero.append(new CheckpointLine.Forgotten("doc-1", Instant.now(), source(99).toString())).join();

        assertThat(ids(openOnes())).containsExactly("doc-2");
    }

    @Test
    void listOfAll_tellsWhichAreOpen() {
        TopicPosition twice = deadLetter(0, "doc-1", Kind.REFUSED);
        publisher.publish(Letters.of(topics.deadLetters(), 0, twice, "refused", "doc-1"));
        deadLetter(0, "doc-2", Kind.REFUSED);
        deadLetter(1, "doc-2", Kind.INVALID_OUTPUT);

        List<List<Entry>> pages = pages(null, 2, true);

        assertThat(pages).extracting(List::size).containsExactly(2, 2);
        assertThat(pages.stream().flatMap(List::stream)).extracting(Entry::open).containsExactly(true, false, false, true);
        assertThat(openOnes().kinds()).isEqualTo(Map.of(Kind.REFUSED, 1, Kind.INVALID_OUTPUT, 1));
    }

    @Test
    void listOfAllOfAKind_findsAFewAmongMany() {
        for (int i = 0; i < 30; i++) {
            deadLetter(0, "doc-" + i, i % 10 == 9 ? Kind.INVALID_OUTPUT : Kind.REFUSED);
        }

        assertThat(pages(Kind.INVALID_OUTPUT, 2, true).stream().flatMap(List::stream)).extracting(entry -> entry.letter().id())
                .containsExactly("doc-9", "doc-19", "doc-29");
    }

    @Test
    void lettersThatRetentionDeleted_areGone() {
        deadLetter(0, "doc-1", Kind.REFUSED);
        deadLetter(0, "doc-2", Kind.REFUSED);
        assertThat(ids(openOnes())).containsExactly("doc-1", "doc-2");

        broker.deleteRecords(topics.deadLetters(), 0, 1);

        assertThat(ids(openOnes())).containsExactly("doc-2");
    }

    @Test
    void partitionOfAnotherProcess_isNamedUntilItComes() throws IOException {
        deadLetter(0, "doc-1", Kind.REFUSED);
        checkpoints.close(List.of(topics.documents() + "-0"));

        Page page = openOnes();
        Replayed replayed = failures.replay(new Selection.All());

        assertThat(page.entries()).isEmpty();
        assertThat(page.elsewhere()).containsExactly(topics.documents() + "-0");
        assertThat(failures.list(null, null, 10, true).entries()).extracting(Entry::open).containsOnlyNulls();
        assertThat(replayed).isEqualTo(new Replayed(0, Map.of(), true, Set.of(topics.documents() + "-0")));
        checkpoints.open(topics.documents() + "-0");
        assertThat(ids(openOnes())).containsExactly("doc-1");
    }

    @Test
    void moreOpenLettersThanAreRemembered_areCountedNotYet() {
        failures = failures(3);
        for (int i = 0; i < 8; i++) {
            deadLetter(0, "doc-" + i, Kind.REFUSED);
        }

        Page page = openOnes();

        assertThat(ids(page)).containsExactly("doc-0", "doc-1", "doc-2");
        assertThat(page.complete()).isFalse();
        assertThat(pages(null, 5, true)).extracting(List::size).containsExactly(5, 3);
        assertThat(failures.list(null, null, 10, true).entries()).extracting(Entry::open).containsOnly(true);
        assertThat(failures.replay(ids("doc-7"))).isEqualTo(new Replayed(0, Map.of("not among the dead letters that were read so far",
                List.of("doc-7")), false, Set.of()));
    }

    @Test
    void topicThatIsNotThereYet_hasNoLetters() {
        failures = new Failures(connection(), Configs.of("pawl.topics.documents", topics.documents(), "pawl.topics.dead-letters",
                "none-" + topics.documents()), checkpoints, 100);

        assertThat(openOnes()).isEqualTo(new Page(Map.of(), true, Set.of(), List.of(), null));
    }

    @Test
    void brokerThatDoesNotAnswer_isToldOf() {
        Failures unreachable = new Failures(Map.of("bootstrap.servers", "127.0.0.1:1", "default.api.timeout.ms", 300, "request.timeout.ms", 200),
                Configs.of(topics.config()), checkpoints, 100);

        assertThatThrownBy(() -> unreachable.list(null, null, 10, false)).isInstanceOf(UnavailableException.class)
                .hasMessageContaining("broker");
    }

    // ---- Replay ----

    @Test
    void replay_publishesTheRecordAsReceivedToItsPartition() {
        TopicPosition source = source(5);
        byte[] key = { (byte) 0xff, 0, 7 };
        byte[] value = Letters.bytes("{\"id\":\"doc-1\",\"text\":\"a text\"}");
        RecordHeaders received = new RecordHeaders();
        Letters.add(received, "trace", "a");
        Letters.add(received, "trace", "b");
        received.add("empty", null);
        publisher.publish(new ProducerRecord<>(topics.deadLetters(), 1, key, value, Letters.headers(source, "refused", received)));

        Replayed replayed = failures.replay(new Selection.All());

        assertThat(replayed).isEqualTo(new Replayed(1, Map.of(), true, Set.of()));
        assertThat(published()).singleElement().satisfies(record -> {
            assertThat(record.partition()).isZero();
            assertThat(record.key()).isEqualTo(key);
            assertThat(record.value()).isEqualTo(value);
            assertThat(record.headers()).extracting(header -> header.key() + "=" + Reader.text(header.value()))
                    .containsExactly("trace=a", "trace=b", "empty=null", "pawl-replay-of=" + source);
        });
    }

    @Test
    void replayAgain_publishesNothing() {
        deadLetter(0, "doc-1", Kind.REFUSED);
        failures.replay(new Selection.All());

        assertThat(failures.replay(new Selection.All()).replayed()).isZero();
        assertThat(failures.replay(ids("doc-1"))).isEqualTo(new Replayed(0, Map.of("replayed before", List.of("doc-1")), true, Set.of()));
        assertThat(openOnes().entries()).isEmpty();
        assertThat(published()).hasSize(1);
    }

    @Test
    void replaysAtTheSameTime_publishEachOnce() throws Exception {
        for (int i = 0; i < 40; i++) {
            deadLetter(i % 2, "doc-" + i, Kind.REFUSED);
        }

        try (var threads = Executors.newFixedThreadPool(4)) {
            Callable<Integer> replay = () -> failures.replay(new Selection.All()).replayed();
            int replayed = 0;
            for (Future<Integer> each : threads.invokeAll(List.of(replay, replay, replay, replay))) {
                replayed += each.get();
            }
            assertThat(replayed).isEqualTo(40);
        }
        assertThat(published()).extracting(record -> Reader.text(record.key())).doesNotHaveDuplicates().hasSize(40);
    }

    @Test
    void replayOfMoreThanAreRemembered_replaysThemAll() {
        failures = failures(3);
        for (int i = 0; i < 8; i++) {
            deadLetter(i % 2, "doc-" + i, Kind.REFUSED);
        }

        Replayed replayed = failures.replay(new Selection.All());

        assertThat(replayed).isEqualTo(new Replayed(8, Map.of(), true, Set.of()));
        assertThat(published()).extracting(record -> Reader.text(record.key())).doesNotHaveDuplicates().hasSize(8);
        assertThat(openOnes().complete()).isTrue();
    }

    @Test
    void replayOfIds_saysOfEachWhyItIsSkipped() {
        deadLetter(0, "wanted", Kind.REFUSED);
        deadLetter(0, "not-wanted", Kind.REFUSED);
        deadLetter(0, "forgotten", Kind.REFUSED);
        zero.append(new CheckpointLine.Forgotten("forgotten", Instant.now(), source(99).toString())).join();

        Replayed replayed = failures.replay(ids("wanted", "forgotten", "unheard-of"));

        assertThat(replayed.replayed()).isEqualTo(1);
        assertThat(replayed.skipped()).isEqualTo(Map.of(
                "forgotten", List.of("forgotten"), "no dead letter of it is open here", List.of("unheard-of")));
        assertThat(published()).extracting(record -> Reader.text(record.key())).containsExactly("wanted");
    }

    @Test
    void replayOfSources_replaysRecordsThatHoldNoDocument() {
        TopicPosition source = source(5);
        publisher.publish(new ProducerRecord<>(topics.deadLetters(), 0, (byte[]) null, Letters.bytes("{broken"),
                Letters.headers(source, "invalid-document", new RecordHeaders())));
        TopicPosition others = new TopicPosition("others", 0, 5);

        Replayed replayed = failures.replay(new Selection.Sources(Set.of(source, source(6), others)));

        assertThat(replayed.replayed()).isEqualTo(1);
        assertThat(replayed.skipped()).isEqualTo(Map.of("not of the topic " + topics.documents(), List.of(others.toString()),
                "no dead letter of it is open here", List.of(source(6).toString())));
        assertThat(published()).extracting(record -> Reader.text(record.value())).containsExactly("{broken");
    }

    @Test
    void replayOfAKind_leavesTheOthers() {
        deadLetter(0, "doc-1", Kind.REFUSED);
        deadLetter(0, "doc-2", Kind.INVALID_OUTPUT);

        assertThat(failures.replay(new Selection.OfKind(Kind.INVALID_OUTPUT)).replayed()).isEqualTo(1);
        assertThat(ids(openOnes())).containsExactly("doc-1");
        assertThat(published()).extracting(record -> Reader.text(record.key())).containsExactly("doc-2");
    }

    @Test
    void recordThatTheBrokerDoesNotTake_staysOpenAndHoldsBackNoOther() throws Exception {
        publisher.publish(new ProducerRecord<>(topics.deadLetters(), 0, Letters.bytes("large"),
                Letters.bytes("{\"id\":\"large\",\"text\":\"%s\"}".formatted("x".repeat(30_000))),
                Letters.headers(source(sources++), "refused", new RecordHeaders())));
        deadLetter(0, "small", Kind.REFUSED);
        try (Admin admin = Admin.create(connection())) {
            admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topics.documents()), List.of(new AlterConfigOp(
                    new ConfigEntry("max.message.bytes", "20000"), AlterConfigOp.OpType.SET)))).all().get();
        }

        Replayed replayed = failures.replay(new Selection.All());

        assertThat(replayed).isEqualTo(new Replayed(1, Map.of("the broker takes no record of this size", List.of("large")), true, Set.of()));
        assertThat(ids(openOnes())).containsExactly("large");
    }

    // ----

    private Failures failures(int mostOpen) {
        return new Failures(connection(), Configs.of(topics.config()), checkpoints, mostOpen);
    }

    private static Map<String, Object> connection() {
        return Map.of("bootstrap.servers", broker.bootstrapServers());
    }

    /** The document fails by a record of its own, and its letter goes to this partition. */
    private TopicPosition deadLetter(int partition, String id, Kind kind) {
        TopicPosition source = source(sources++);
        zero.append(new CheckpointLine.Failed(id, Instant.now(), source.toString(), new Failure(kind, "entities", "wrong", 3))).join();
        publisher.publish(Letters.of(topics.deadLetters(), partition, source, kind.text(), id));
        return source;
    }

    private TopicPosition source(long offset) {
        return new TopicPosition(topics.documents(), 0, offset);
    }

    private Page openOnes() {
        return failures.list(null, null, 100, false);
    }

    private List<List<Entry>> pages(Kind kind, int limit, boolean closedToo) {
        List<List<Entry>> pages = new ArrayList<>();
        TopicPosition after = null;
        do {
            Page page = failures.list(kind, after, limit, closedToo);
            pages.add(page.entries());
            after = page.next();
        } while (after != null);
        return pages;
    }

    private static List<String> ids(Page page) {
        return page.entries().stream().map(entry -> entry.letter().id()).toList();
    }

    private static Selection ids(String... ids) {
        return new Selection.Ids(Set.of(ids));
    }

    private List<ConsumerRecord<byte[], byte[]>> published() {
        return new Reader(broker.bootstrapServers()).readAll(topics.documents());
    }
}
