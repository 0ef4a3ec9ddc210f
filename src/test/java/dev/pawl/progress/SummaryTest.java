package dev.pawl.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;

import org.junit.jupiter.api.Test;

import dev.pawl.Failure;
import dev.pawl.Outcome;
import dev.pawl.intake.OnePartition;

class SummaryTest {

    private static final Outcome FAILED = new Outcome.Failed(new Failure(Failure.Kind.REFUSED, "summary", "no", 1));

    private final OnePartition partition = new OnePartition(Clock.systemUTC());
    private final Progress progress = Progresses.fresh();
    private final Summary summary = new Summary(progress, partition.partitions(), new LogLimit());

    @Test
    void nothingEnded_isNoLine() {
        partition.endsAt(100);

        assertThat(summary.next()).isNull();
    }

    @Test
    void nextLine_countsWhatHasEndedSinceTheLast() {
        partition.endsAt(100);
        partition.take(0);
        progress.ended(FAILED);
        progress.ended(FAILED);
        assertThat(summary.next()).isEqualTo("Documents: 2 failed; 1 in work, 99 waiting");
        assertThat(summary.next()).isNull();

        progress.ended(FAILED);
        progress.ended(new Outcome.Forgotten("doc-1"));

        assertThat(summary.next()).startsWith("Documents: 1 failed, 1 forgotten; ");
    }
}
