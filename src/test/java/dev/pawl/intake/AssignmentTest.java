package dev.pawl.intake;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class AssignmentTest {

    private static final Duration LONG = Duration.ofMinutes(1);

    private final Assignment assignment = new Assignment("documents-3", null, 100);

    @Test
    void documents_enterUntilThePartitionIsGivenUp() {
        assertThat(take(0)).isTrue();
        assertThat(assignment.leaving().getCount()).isEqualTo(1);

        assignment.beginLeaving();

        assertThat(assignment.leaving().getCount()).isZero();
        assertThat(take(1)).isFalse();
        assertThat(assignment.inWork()).isEqualTo(1);
    }

    /** Else nobody would see that its offset keeps back those behind it. */
    @Test
    void documentThatLeftUnsettled_isLag() {
        take(100);
        take(101);
        assignment.settle(101);
        assignment.leave();
        assignment.leave();

        assertThat(assignment.lag()).isEqualTo(1);
        assertThat(assignment.committable()).isEqualTo(100);
    }

    @Test
    void partitionWithoutWork_isIdleAtOnce() {
        assignment.beginLeaving();

        assertThat(assignment.awaitIdle(LONG)).isTrue();
    }

    @Test
    void workThatEnded_doesNotMakeAPartitionIdleThatStays() {
        take(0);
        assignment.leave();

        assertThat(take(1)).isTrue();
        assignment.beginLeaving();

        assertThat(assignment.awaitIdle(Duration.ZERO)).isFalse();
    }

    @Test
    void lastDocumentThatLeaves_endsTheDrain() throws Exception {
        take(0);
        take(1);
        assignment.beginLeaving();
        CompletableFuture<Boolean> drained = CompletableFuture.supplyAsync(() -> assignment.awaitIdle(LONG));

        assignment.leave();
        assertThat(drained).isNotDone();
        assignment.leave();

        assertThat(drained.get(10, SECONDS)).isTrue();
    }

    @Test
    void documentThatStays_endsTheDrainAtItsTimeout() {
        take(0);
        assignment.beginLeaving();

        assertThat(assignment.awaitIdle(Duration.ofMillis(1))).isFalse();

        assignment.leave();
        assertThat(assignment.awaitIdle(LONG)).isTrue();
    }

    @Test
    void lag_countsWhatIsInWorkAndWhatIsNotTaken() {
        assertThat(assignment.lag()).as("nothing known yet").isZero();
        assignment.observe(110);
        assertThat(assignment.lag()).isEqualTo(10);

        take(100);
        take(101);
        assertThat(assignment.lag()).as("two in work, eight to come").isEqualTo(10);
        assignment.settle(100);
        assignment.leave();
        assertThat(assignment.lag()).isEqualTo(9);
        assignment.observe(120);

        assertThat(assignment.lag()).as("one in work, eighteen to come").isEqualTo(19);
    }

    @Test
    void lag_isNeverBelowWhatIsInWork() {
        assignment.observe(110);
        take(119);

        assertThat(assignment.lag()).isEqualTo(1);
    }

    @Test
    void lagOfAPartitionTakenBeforeItWasObserved_isWhatIsInWork() {
        take(100);
        assertThat(assignment.lag()).isEqualTo(1);

        assignment.observe(111);

        assertThat(assignment.lag()).isEqualTo(11);
    }

    @Test
    void committable_isTheFirstOffsetThatIsNotSettled() {
        assertThat(assignment.committable()).as("nothing taken yet").isEqualTo(100);
        take(100);
        take(101);
        take(105);

        assignment.settle(101);
        assertThat(assignment.committable()).isEqualTo(100);
        assignment.settle(100);
        assertThat(assignment.committable()).as("102 to 104 are no records").isEqualTo(105);
        assignment.settle(105);

        assertThat(assignment.committable()).isEqualTo(106);
    }

    @Test
    void documentThatLeavesUnsettled_holdsTheCommitBack() {
        take(100);
        take(101);

        assignment.leave();
        assignment.settle(101);

        assertThat(assignment.committable()).isEqualTo(100);
    }

    /** Those that were skipped lie between what waits in the connector's queue. */
    @Test
    void recordsThatWerePassedOn_holdTheCommitBackBeforeTheyAreTaken() {
        assignment.polled(List.of(record(101, "doc-101"), record(103, "doc-103")), 200);

        assertThat(assignment.committable()).isEqualTo(101);
        assertThat(assignment.inWork()).isZero();
        assignment.settle(103);
        assignment.settle(101);
        assertThat(assignment.committable()).isEqualTo(200);
    }

    @Test
    void pollOfWhichAllIsSettled_movesTheCommitOn() {
        assignment.polled(List.of(), 600);

        assertThat(assignment.committable()).isEqualTo(600);
        assignment.observe(600);
        assertThat(assignment.lag()).isZero();
    }

    /** One of a batch that was polled before the partition was given up and came back: it comes again. */
    @Test
    void recordThatWasNotPolledForThisAssignment_doesNotEnter() {
        assertThat(assignment.enter(100)).isFalse();
        assertThat(assignment.inWork()).isZero();
    }

    @Test
    void partition_isForgettingUntilEachOfItsTombstonesIsSettled() {
        assignment.polled(List.of(record(100, null), record(101, null), record(102, "doc-102")), 103);
        assertThat(assignment.isForgetting()).isTrue();

        assignment.settle(101);
        assertThat(assignment.isForgetting()).isTrue();
        assignment.settle(100);

        assertThat(assignment.isForgetting()).isFalse();
    }

    private boolean take(long offset) {
        assignment.polled(List.of(record(offset, "doc-" + offset)), offset + 1);
        return assignment.enter(offset);
    }

    private static ConsumerRecord<byte[], byte[]> record(long offset, String value) {
        return new ConsumerRecord<>("documents", 3, offset, null, value == null ? null : value.getBytes(UTF_8));
    }
}
