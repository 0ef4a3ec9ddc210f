package dev.pawl.intake;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import dev.pawl.Usage;
import dev.pawl.checkpoint.Answer;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.FailStop;
import dev.pawl.document.Decoded;
import dev.pawl.harness.Configs;
import dev.pawl.progress.Progress;
import dev.pawl.progress.Progress.Ended;
import dev.pawl.progress.Progresses;

class SkimTest {

    private static final TopicPartition THREE = new TopicPartition("documents", 3);
    private static final TopicPartition FOUR = new TopicPartition("documents", 4);
    private static final TopicPartition ANOTHERS = new TopicPartition("documents", 5);

    private final Partitions partitions = new Partitions(null, new Takeovers(null, null, _ -> { }, Takeovers.Times.USUAL), Configs.of());
    private final Gate gate = new Gate(Clock.systemUTC());
    private final FailStop failStop = new FailStop();
    private final Progress progress = Progresses.fresh();
    private final Set<String> done = new HashSet<>();
    private final List<String> asked = new ArrayList<>();
    private final Skim skim = new Skim((records, sources, _) -> lookUp(records, sources), partitions, gate, failStop, progress);

    private final Assignment three = new Assignment("documents-3", null, 100);
    private final Assignment four = new Assignment("documents-4", null, 0);

    @BeforeEach
    void assign() {
        partitions.assigned(THREE, three);
        partitions.assigned(FOUR, four);
    }

    private CheckpointLine.Done[] lookUp(List<Decoded> records, List<String> sources) {
        asked.addAll(sources);
        return records.stream().map(record -> ((Decoded.Run) record).document().id()).map(this::lookUp).toArray(CheckpointLine.Done[]::new);
    }

    private CheckpointLine.Done lookUp(String id) {
        if (id.equals("unreadable")) {
            throw new IllegalStateException("its line can't be read");
        }
        return done.contains(id)
                ? new CheckpointLine.Done(id, Instant.EPOCH, "documents-9@1", "f", new Answer(List.of(), null), new Usage(2, 20, 10), 5)
                : null;
    }

    @Test
    void documentsThatAreDone_areTakenOutAndSettled() {
        done.addAll(List.of("a", "b", "d"));

        var rest = skim.apply(polled(Map.of(THREE, List.of("a", "b", "c", "d", "e"))));

        assertThat(offsets(rest, THREE)).containsExactly(102L, 104L);
        assertThat(rest.nextOffsets().get(THREE).offset()).isEqualTo(105);
        assertThat(asked).as("where the record comes from").startsWith("documents-3@100");
        assertThat(three.committable()).isEqualTo(102);
        assertThat(three.enter(102)).isTrue();
        assertThat(three.enter(103)).as("skipped").isFalse();
        assertThat(progress.documents(Ended.SKIPPED)).isEqualTo(3);
        assertThat(progress.saved()).isEqualTo(new Usage(6, 60, 30));
    }

    /** The connector rests after a poll that brought nothing. */
    @Test
    void lastRecordOfAPoll_isPassedOnInAnyCase() {
        done.addAll(List.of("a", "b"));

        var rest = skim.apply(polled(Map.of(THREE, List.of("a", "b"))));

        assertThat(offsets(rest, THREE)).containsExactly(101L);
        assertThat(three.committable()).isEqualTo(101);
        three.settle(101);
        assertThat(three.committable()).isEqualTo(102);
    }

    @Test
    void partitionOfWhichAllIsDone_isSettledWhileAnotherHasWork() {
        done.addAll(List.of("a", "b"));
        Map<TopicPartition, List<String>> records = new LinkedHashMap<>();
        records.put(THREE, List.of("a", "b"));
        records.put(FOUR, List.of("x"));

        var rest = skim.apply(polled(records));

        assertThat(rest.partitions()).containsExactly(FOUR);
        assertThat(three.committable()).isEqualTo(102);
        assertThat(four.committable()).isEqualTo(100);
    }

    /** What is behind a tombstone may run again once that is obeyed. */
    @Test
    void recordsBehindATombstone_arePassedOnUntilItIsSettled() {
        done.addAll(List.of("a", "b", "c"));

        var rest = skim.apply(polled(Map.of(THREE, Arrays.asList("a", null, "b", "c"))));
        assertThat(offsets(rest, THREE)).containsExactly(101L, 102L, 103L);

        rest = skim.apply(polledFrom(104, "a", "b"));
        assertThat(offsets(rest, THREE)).as("a poll later").containsExactly(104L, 105L);

        three.settle(101);
        rest = skim.apply(polledFrom(106, "a", "b", "new"));
        assertThat(offsets(rest, THREE)).containsExactly(108L);
    }

    /** Published again without its key, a document may come through another partition than the tombstone before it. */
    @Test
    void tombstoneOnItsWay_holdsForAllPartitions() {
        done.addAll(List.of("a", "b"));
        Map<TopicPartition, List<String>> records = new LinkedHashMap<>();
        records.put(THREE, Arrays.asList("a", null));
        records.put(FOUR, List.of("a", "b", "new"));

        var polled = polled(records);
        var rest = skim.apply(polled);
        boolean tombstoneFirst = polled.partitions().iterator().next().equals(THREE);
        assertThat(offsets(rest, FOUR)).hasSize(tombstoneFirst ? 3 : 1);

        rest = skim.apply(polledOf(FOUR, 103, "a", "b", "new"));
        assertThat(offsets(rest, FOUR)).as("a poll later").containsExactly(103L, 104L, 105L);

        three.settle(101);
        rest = skim.apply(polledOf(FOUR, 106, "a", "b", "new"));
        assertThat(offsets(rest, FOUR)).containsExactly(108L);
    }

    @Test
    void whileTheGateIsClosed_nothingIsTakenOut() {
        done.add("a");
        gate.close(Gate.Reason.PAUSED, "somebody asked for it");
        var polled = polled(Map.of(THREE, List.of("a", "b")));

        assertThat(skim.apply(polled)).isSameAs(polled);

        assertThat(three.committable()).isEqualTo(100);
        assertThat(three.enter(100)).isTrue();
        assertThat(asked).isEmpty();
    }

    /** The pipeline has to look up what is new once more: not all of a topic of new documents twice. */
    @Test
    void nothingToSkipAmongTheFirst_theRestOfThePollIsPassedOnWithoutALook() {
        done.addAll(List.of("a", "b"));

        var rest = skim.apply(polledFrom(100, "new", "new", "new", "new", "a", "b", "new"));
        assertThat(offsets(rest, THREE)).containsExactly(100L, 101L, 102L, 103L, 104L, 105L, 106L);
        assertThat(asked).hasSize(4);

        rest = skim.apply(polledFrom(107, "new", "new", "new", "a", "b", "new", "a", "b", "new"));
        assertThat(offsets(rest, THREE)).as("the next poll").containsExactly(107L, 108L, 109L, 112L, 115L);
    }

    @Test
    void amongManyNewOnes_thoseThatAreDoneAreFound_untilManyInARowAreNew() {
        done.addAll(List.of("a", "b"));
        List<String> values = new ArrayList<>(Collections.nCopies(2_000, "new"));
        values.set(0, "a");
        values.set(20, "b");
        values.set(100, "a");
        values.set(350, "b");
        values.set(1_500, "b");

        var rest = skim.apply(polledFrom(0, values.toArray(String[]::new)));

        assertThat(offsets(rest, THREE)).hasSize(1_996).doesNotContain(0L, 20L, 100L, 350L);
        assertThat(asked).hasSize(4 + 64 + 3 * 256);
    }

    @Test
    void tombstoneDeepInAPoll_endsTheLook() {
        done.addAll(List.of("a", "b"));
        List<String> values = new ArrayList<>(Collections.nCopies(2_000, "a"));
        values.set(1_000, null);

        var rest = skim.apply(polledFrom(0, values.toArray(String[]::new)));

        assertThat(offsets(rest, THREE)).hasSize(1_000).startsWith(1_000L).endsWith(1_999L);
        assertThat(progress.documents(Ended.SKIPPED)).isEqualTo(1_000);
    }

    @Test
    void recordsWhoseLookUpFails_arePassedOn() {
        done.add("a");

        var rest = skim.apply(polled(Map.of(THREE, List.of("a", "unreadable", "a", "new"))));
        assertThat(offsets(rest, THREE)).containsExactly(100L, 101L, 102L, 103L);

        rest = skim.apply(polledFrom(104, "a", "new"));
        assertThat(offsets(rest, THREE)).as("the next poll").containsExactly(105L);
    }

    @Test
    void partitionOfAnother_isPassedOn() {
        done.add("a");
        var polled = polled(Map.of(ANOTHERS, List.of("a", "a")));

        assertThat(skim.apply(polled)).isSameAs(polled);
        assertThat(skim.apply(ConsumerRecords.empty()).isEmpty()).isTrue();
        assertThat(asked).isEmpty();
    }

    private static List<Long> offsets(ConsumerRecords<byte[], byte[]> records, TopicPartition partition) {
        return records.records(partition).stream().map(ConsumerRecord::offset).toList();
    }

    private static ConsumerRecords<byte[], byte[]> polledFrom(long offset, String... values) {
        return polledOf(THREE, offset, values);
    }

    private static ConsumerRecords<byte[], byte[]> polledOf(TopicPartition partition, long offset, String... values) {
        return new ConsumerRecords<>(Map.of(partition, records(partition, offset, Arrays.asList(values))), Map.of());
    }

    /** The first has offset 100. */
    private static ConsumerRecords<byte[], byte[]> polled(Map<TopicPartition, List<String>> values) {
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> records = new LinkedHashMap<>();
        values.forEach((partition, of) -> records.put(partition, records(partition, 100, of)));
        Map<TopicPartition, OffsetAndMetadata> next = new LinkedHashMap<>();
        records.forEach((partition, of) -> next.put(partition, new OffsetAndMetadata(of.getLast().offset() + 1)));
        return new ConsumerRecords<>(records, next);
    }

    private static List<ConsumerRecord<byte[], byte[]>> records(TopicPartition partition, long offset, List<String> values) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (String value : values) {
            records.add(new ConsumerRecord<>(partition.topic(), partition.partition(), offset++, null, value == null ? null : value.getBytes(UTF_8)));
        }
        return records;
    }
}
