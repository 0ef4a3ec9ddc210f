package dev.pawl.intake;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class BacklogTest {

    private static final TopicPartition ONE = new TopicPartition("documents", 0);
    private static final TopicPartition OTHER = new TopicPartition("documents", 1);
    private static final Instant START = Instant.parse("2026-11-23T09:35:00Z");

    private Instant now = START;
    private final Backlog backlog = new Backlog(new Clock() {
        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    });
    private final Map<TopicPartition, Assignment> assignments = new HashMap<>();

    @Test
    void firstBacklog_beginsWhereTheLogDoes() {
        assign(ONE, 40, 10, null);
        endsAt(100);

        assertThat(backlog.state().published()).isEqualTo(90);
        assertThat(backlog.state().publishedBy()).isEqualTo(START);
        assertThat(backlog.state().doneAt()).isNull();
    }

    @Test
    void backlogOfAnEarlierLife_goesOn() {
        assign(ONE, 847, 0, "500@2026-11-23T09:00:00Z");
        endsAt(1_000);

        assertThat(backlog.state().published()).isEqualTo(500);
        assertThat(backlog.state().since()).isEqualTo("2026-11-23T09:00:00Z");
        assertThat(backlog.written(ONE)).isEqualTo("500@2026-11-23T09:00:00Z");
    }

    @Test
    void metadataOfAnother_isPassedOver() {
        for (String metadata : List.of("", "x", "@", "12@yesterday", "twelve@2026-11-23T09:00:00Z")) {
            assertThat(Backlog.Begin.read(metadata)).as(metadata).isNull();
        }
    }

    @Test
    void whatComesSoonAfter_isTheSameBacklog() {
        assign(ONE, 0, 0, null);
        endsAt(10);
        work(0, 10);
        endsAt(10);
        later(Backlog.REST.minusSeconds(1));
        endsAt(15);

        assertThat(backlog.state().published()).isEqualTo(15);
        assertThat(backlog.state().publishedBy()).isEqualTo(now);
    }

    @Test
    void whatComesAfterARest_isANewOne() {
        assign(ONE, 0, 0, null);
        endsAt(10);
        work(0, 10);
        endsAt(10);
        Instant done = now;
        assertThat(backlog.state().doneAt()).isEqualTo(done);
        later(Backlog.REST);
        endsAt(10);
        assertThat(backlog.state().doneAt()).as("since the first look").isEqualTo(done);
        endsAt(15);

        assertThat(backlog.state().published()).isEqualTo(5);
        assertThat(backlog.state().since()).isEqualTo(now);
        assertThat(backlog.state().doneAt()).isNull();
        assertThat(backlog.written(ONE)).isEqualTo("10@" + now);
    }

    /** Else a finished batch would be said to have ended when its Pawl was started again. */
    @Test
    void backlogThatWasDoneBeforeTheStart_wasDoneNobodyKnowsWhen() {
        assign(ONE, 1_000, 0, "500@2026-11-23T09:00:00Z");
        endsAt(1_000);
        assertThat(backlog.state().doneAt()).isNull();
        later(Duration.ofSeconds(5));
        endsAt(1_010);
        work(1_000, 1_010);
        endsAt(1_010);

        assertThat(backlog.state().published()).isEqualTo(510);
        assertThat(backlog.state().doneAt()).isEqualTo(now);
    }

    @Test
    void newBacklog_isOneOfAllPartitions() {
        assign(ONE, 0, 0, null);
        assign(OTHER, 0, 0, null);
        endsAt(ONE, 10, OTHER, 20);
        later(Backlog.REST);
        work(0, 10);
        endsAt(ONE, 10, OTHER, 20);
        later(Backlog.REST);
        endsAt(ONE, 11, OTHER, 20);

        assertThat(backlog.state().published()).as("the other still has some of the first").isEqualTo(31);
    }

    @Test
    void partitionThatIsGone_countsNoMore() {
        assign(ONE, 0, 0, null);
        endsAt(10);
        backlog.revoked(List.of(ONE));
        assignments.clear();
        backlog.observe(assignments, Map.of());

        assertThat(backlog.state().published()).isZero();
        assertThat(backlog.state().since()).isNull();
        assertThat(backlog.written(ONE)).isEmpty();
    }

    private void assign(TopicPartition partition, long position, long logBegin, String metadata) {
        try (MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest")) {
            consumer.assign(Set.of(partition));
            consumer.updateBeginningOffsets(Map.of(partition, logBegin));
            if (metadata != null) {
                consumer.commitSync(Map.of(partition, new OffsetAndMetadata(position, metadata)));
            }
            backlog.assigned(consumer, Set.of(partition));
        }
        assignments.put(partition, new Assignment(partition.toString(), null, position));
    }

    private void endsAt(long end) {
        backlog.observe(assignments, Map.of(ONE, end));
    }

    private void endsAt(TopicPartition one, long end, TopicPartition other, long otherEnd) {
        backlog.observe(assignments, Map.of(one, end, other, otherEnd));
    }

    private void work(long from, long to) {
        for (long offset = from; offset < to; offset++) {
            assignments.get(ONE).polled(List.of(), offset + 1);
        }
    }

    private void later(Duration duration) {
        now = now.plus(duration);
    }
}
