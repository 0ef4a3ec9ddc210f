package dev.pawl;

import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.TestBroker;

/** {@code pawl.checkpoint.mirror=kafka}: what one process has finished, another that never saw its disk does not pay for again. */
@Execution(ExecutionMode.CONCURRENT)
class MirrorIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int MAX_IN_FLIGHT = 16;
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path directory;

    private Rig rig;

    @BeforeEach
    void open() {
        rig = new Rig(TestBroker.shared(), directory)
                .config("pawl.checkpoint.mirror", "kafka")
                .config("pawl.max-in-flight", Integer.toString(MAX_IN_FLIGHT));
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void takenOverByAnEmptyDisk_goesOnWhereTheOtherWas() {
        List<String> ids = rig.texts(200);
        Predicate<Call> held = call -> call.step().equals("entities") && call.id().compareTo("doc-0100") >= 0;
        rig.model().hold(held);
        PawlProcess first = rig.start("one");
        rig.publish(ids);
        await().atMost(PATIENCE).until(() -> rig.model().calls().stream().filter(held).count() == MAX_IN_FLIGHT);
        rig.config("pawl.shutdown.drain", "0s");
        first.signalTermination();
        rig.model().release();
        first.awaitExit(PATIENCE);

        PawlProcess second = rig.start("two");
        rig.awaitAllCommitted();

        assertThat(rig.model().counts()).hasSize(ids.size() * Rig.STEPS.size()).allSatisfy((call, times) -> assertThat(times).as(call).isEqualTo(1));
        assertThat(done(rig.results())).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(rig.checkpointOf("two").stream().filter(line -> "done".equals(line.status())).map(CheckpointFile.Line::id))
                .containsExactlyInAnyOrderElementsOf(ids);
        assertThat(second.log()).contains("level with its mirror");
        verifyMirror(ids);
    }

    @Test
    void backOnItsOwnDisk_readsOnlyWhatHappenedMeanwhile() {
        List<String> ids = rig.texts(120);
        rig.publish(ids.subList(0, 100));
        PawlProcess one = rig.start("one");
        rig.awaitAllCommitted();
        one.terminate();
        PawlProcess two = rig.start("two");
        rig.publish(ids.subList(100, 120));
        rig.awaitAllCommitted();
        two.terminate();

        PawlProcess again = rig.start("one");
        rig.publish(ids);
        rig.awaitAllCommitted();

        assertThat(rig.model().total()).isEqualTo(2 * ids.size());
        assertThat(restored(two)).isBetween(100, 600);
        // Of 20 documents: two steps, their end, and that the steps are needless.
        assertThat(restored(again)).isEqualTo(20 * 5);
    }

    @Test
    void switchedOnLater_copiesWhatTheFilesHave() {
        List<String> ids = rig.texts(60);
        rig.config("pawl.checkpoint.mirror", "none");
        rig.publish(ids);
        PawlProcess without = rig.start("one");
        rig.awaitAllCommitted();
        without.terminate();
        rig.config("pawl.checkpoint.mirror", "kafka");
        PawlProcess with = rig.start("one");
        await().atMost(PATIENCE).until(() -> with.log().contains("level with its mirror") && mirror().size() == ids.size());
        with.terminate();

        rig.start("two");
        rig.publish(ids);
        rig.awaitAllCommitted();

        assertThat(rig.model().total()).isEqualTo(2 * ids.size());
        verifyMirror(ids);
    }

    @Test
    void failedAndForgotten_areKnownElsewhere() {
        rig.texts(3);
        rig.model().answer(call -> call.id().equals("doc-0001") ? new ScriptedModel.Reply.Status(422) : ScriptedModel.usualAnswer(call));
        PawlProcess one = rig.start("one");
        rig.publish(0, "doc-0000", "doc-0000");
        rig.publish(0, "doc-0001", "doc-0001");
        rig.publish(0, "doc-0002", "doc-0002");
        rig.awaitAllCommitted();
        rig.publish(0, "doc-0002", null);
        rig.awaitAllCommitted();
        one.terminate();
        int calls = rig.model().total();

        PawlProcess two = rig.start("two");

        await().atMost(PATIENCE).untilAsserted(() -> {
            assertThat(status(two, "doc-0000")).isEqualTo("done");
            assertThat(status(two, "doc-0001")).isEqualTo("failed");
            assertThat(status(two, "doc-0002")).isEqualTo("forgotten");
        });
        rig.publish(0, "doc-0002", "doc-0002");
        rig.awaitAllCommitted();
        assertThat(rig.model().total()).isEqualTo(calls + 2);
        assertThat(mirror().keySet()).containsExactlyInAnyOrder("doc-0000", "doc-0001", "doc-0002", "doc-0002\t\tforgotten");
    }

    /** What is said in the README of documents without a key, and of partitions that are added: at worst a second call, never a document lost. */
    @Test
    void sameIdThroughAnotherPartition_isKnownToAProcessThatHasBoth() {
        rig.config("mp.messaging.incoming.documents.metadata.max.age.ms", "500");
        List<String> ids = rig.texts(40);
        PawlProcess one = rig.start("one");
        ids.forEach(id -> rig.publish(0, id, id));
        rig.awaitAllCommitted();

        ids.forEach(id -> rig.publish(1, id, id));
        rig.awaitAllCommitted();
        rig.broker().addPartitions(rig.topics().documents(), rig.topics().partitions() + 1);
        ids.forEach(id -> rig.publish(rig.topics().partitions(), id, id));
        rig.publish(rig.topics().partitions(), "doc-new", "{\"id\":\"doc-new\",\"text\":\"In a partition that was added.\"}");
        rig.awaitAllCommitted();

        assertThat(rig.model().total()).isEqualTo(2 * (ids.size() + 1));
        assertThat(done(rig.results())).hasSize(ids.size() + 1);
        assertThat(rig.broker().endOffsets(rig.topics().checkpoint())).as("partitions of the mirror").hasSize(rig.topics().partitions() + 1);
        one.terminate();
        rig.start("two");
        rig.publish(rig.topics().partitions(), "doc-new", "doc-new");
        rig.awaitAllCommitted();
        assertThat(rig.model().total()).isEqualTo(2 * (ids.size() + 1));
    }

    @Test
    void sameIdThroughPartitionsOfTwoProcesses_isCalledForTwiceAndNothingIsLost() {
        rig.without("mp.messaging.incoming.documents.group.instance.id");
        List<String> ids = rig.texts(20);
        PawlProcess one = rig.start("one");
        PawlProcess two = rig.start("two");
        await().atMost(PATIENCE).until(() -> partitions(one).size() == 2 && partitions(two).size() == 2);

        ids.forEach(id -> rig.publish(partitions(one).getFirst(), id, id));
        ids.forEach(id -> rig.publish(partitions(two).getFirst(), id, id));
        rig.awaitAllCommitted();
        ids.forEach(id -> rig.publish(partitions(one).getLast(), id, id));
        rig.awaitAllCommitted();

        assertThat(rig.model().counts()).hasSize(2 * ids.size()).allSatisfy((call, times) -> assertThat(times).as(call).isEqualTo(2));
        assertThat(rig.results().stream().map(result -> Reader.text(result.key())).distinct()).containsExactlyInAnyOrderElementsOf(ids);
    }

    /** Those that a process has now. */
    private static List<Integer> partitions(PawlProcess pawl) {
        return Pattern.compile("\"partition\":\"[^\"]*-(\\d+)\"").matcher(pawl.get("/progress").body()).results()
                .map(found -> Integer.parseInt(found.group(1))).sorted().toList();
    }

    @Test
    void topicThatIsNotCompacted_isRefusedWithASentence() {
        rig.broker().createTopics(rig.topics().partitions(), rig.topics().checkpoint());
        rig.publish(rig.texts(1));

        PawlProcess refused = rig.launch("one");

        assertThat(refused.awaitExit(PATIENCE)).isNotZero();
        assertThat(refused.log()).contains("the topic " + rig.topics().checkpoint(), "cleanup.policy = delete", "needs compact");
        assertThat(rig.model().total()).isZero();
        assertThat(rig.uncommitted()).isEqualTo(1);
    }

    private static List<String> done(List<ConsumerRecord<byte[], byte[]>> results) {
        Map<String, List<String>> completions = results.stream().collect(groupingBy(result -> Reader.text(result.key()),
                Collectors.mapping(result -> Reader.header(result, "ce_id"), Collectors.toList())));
        assertThat(completions).allSatisfy((id, ids) -> assertThat(Set.copyOf(ids)).as("completions of " + id).hasSize(1));
        return new ArrayList<>(completions.keySet());
    }

    private static String status(PawlProcess pawl, String id) {
        return pawl.get("/documents/" + id).body().replaceFirst("(?s).*?\"status\":\"(\\w+)\".*", "$1");
    }

    private static int restored(PawlProcess pawl) {
        return pawl.log().lines().filter(line -> line.contains("level with its mirror"))
                .mapToInt(line -> Integer.parseInt(line.replaceFirst(".*mirror: (\\d+) entries.*", "$1"))).sum();
    }

    /** What the mirror says last, by key; what it was told to drop is not there. */
    private Map<String, JsonNode> mirror() {
        Map<String, JsonNode> entries = new HashMap<>();
        new Reader(rig.broker().bootstrapServers()).readAll(rig.topics().checkpoint()).forEach(entry -> {
            try {
                if (entry.value() == null) {
                    entries.remove(Reader.text(entry.key()));
                } else {
                    entries.put(Reader.text(entry.key()), JSON.readTree(entry.value()));
                }
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        return entries;
    }

    private void verifyMirror(List<String> ids) {
        Map<String, JsonNode> mirror = mirror();
        assertThat(mirror.keySet()).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(mirror.values()).allSatisfy(line -> {
            assertThat(line.path("status").asText()).isEqualTo("done");
            assertThat(line.has("result")).isFalse();
            assertThat(line.has("crc")).isTrue();
        });
    }
}
