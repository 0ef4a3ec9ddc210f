package dev.pawl.intake;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class AssignmentTest {

    private static final Duration LONG = Duration.ofMinutes(1);

    private final Assignment assignment = new Assignment("documents-3", null, 100);

    @Test
    void documents_enterUntilThePartitionIsGivenUp() {
        assertThat(assignment.enter(0)).isTrue();
        assertThat(assignment.leaving().getCount()).isEqualTo(1);

        assignment.beginLeaving();

        assertThat(assignment.leaving().getCount()).isZero();
        assertThat(assignment.enter(1)).isFalse();
        assertThat(assignment.inWork()).isEqualTo(1);
    }

    /** Else nobody would see that its offset keeps back those behind it. */
    @Test
    void documentThatLeftUnsettled_isLag() {
        assignment.enter(100);
        assignment.enter(101);
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
        assignment.enter(0);
        assignment.leave();

        assertThat(assignment.enter(1)).isTrue();
        assignment.beginLeaving();

        assertThat(assignment.awaitIdle(Duration.ZERO)).isFalse();
    }

    @Test
    void lastDocumentThatLeaves_endsTheDrain() throws Exception {
        assignment.enter(0);
        assignment.enter(1);
        assignment.beginLeaving();
        CompletableFuture<Boolean> drained = CompletableFuture.supplyAsync(() -> assignment.awaitIdle(LONG));

        assignment.leave();
        assertThat(drained).isNotDone();
        assignment.leave();

        assertThat(drained.get(10, SECONDS)).isTrue();
    }

    @Test
    void documentThatStays_endsTheDrainAtItsTimeout() {
        assignment.enter(0);
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

        assignment.enter(100);
        assignment.enter(101);
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
        assignment.enter(119);

        assertThat(assignment.lag()).isEqualTo(1);
    }

    @Test
    void lagOfAPartitionTakenBeforeItWasObserved_isWhatIsInWork() {
        assignment.enter(100);
        assertThat(assignment.lag()).isEqualTo(1);

        assignment.observe(111);

        assertThat(assignment.lag()).isEqualTo(11);
    }

    @Test
    void committable_isTheFirstOffsetThatIsNotSettled() {
        assertThat(assignment.committable()).as("nothing taken yet").isEqualTo(100);
        assignment.enter(100);
        assignment.enter(101);
        assignment.enter(105);

        assignment.settle(101);
        assertThat(assignment.committable()).isEqualTo(100);
        assignment.settle(100);
        assertThat(assignment.committable()).as("102 to 104 are no records").isEqualTo(105);
        assignment.settle(105);

        assertThat(assignment.committable()).isEqualTo(106);
    }

    @Test
    void documentThatLeavesUnsettled_holdsTheCommitBack() {
        assignment.enter(100);
        assignment.enter(101);

        assignment.leave();
        assignment.settle(101);

        assertThat(assignment.committable()).isEqualTo(100);
    }
}
