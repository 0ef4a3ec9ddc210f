package dev.pawl.provider;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

import dev.pawl.Failure.Kind;

/**
 * Whether a fault that looks like the provider's is one document's own: a text that crashes the server, or whose answer no client
 * can read. The evidence is what befell the other calls of the same step meanwhile. The document is at fault once its faults
 * in a row would befall one document in a million by chance. So it takes three while a hundred others are answered, twenty when every
 * other call fails, and none will do while nobody is answered.
 *
 * <p>A fault counts where another call was answered since the last one; what happens while nobody is answered is no
 * evidence. From the tenth on all count, since nobody else may be asked any more.
 *
 * <p>Where the endpoint did not answer at all, a part of it may be down, which others do not notice: such a document is
 * given an hour.
 */
final class Suspicion {

    /** What befell all calls of a step. Thread-safe. */
    static final class Tally {
        private final AtomicLong answers = new AtomicLong();
        private final AtomicLong faults = new AtomicLong();

        void answered() {
            answers.incrementAndGet();
        }
    }

    static final Duration GRACE = Duration.ofHours(1);

    private static final double BY_CHANCE = 1e-6;
    private static final int AT_LEAST = 3;
    private static final int ALL_COUNT_FROM = 10;

    private final Tally tally;
    private final LongSupplier nanoTime;
    private long firstNanos;
    private long answersBefore;
    private long faultsBefore;
    private long answersAtLastFault;
    private int faults;
    private int counted;

    /** For one document's call, and one thread. */
    Suspicion(Tally tally, LongSupplier nanoTime) {
        this.tally = tally;
        this.nanoTime = nanoTime;
    }

    /** One more unclear fault in a row. True where by now the document is to blame. */
    boolean confirmedBy(Kind kind) {
        long allFaults = tally.faults.incrementAndGet();
        long allAnswers = tally.answers.get();
        faults++;
        if (faults == 1) {
            firstNanos = nanoTime.getAsLong();
            answersBefore = allAnswers;
            faultsBefore = allFaults;
            counted = 1;
        } else if (allAnswers > answersAtLastFault) {
            counted++;
        }
        answersAtLastFault = allAnswers;
        if (kind == Kind.UNANSWERED && nanoTime.getAsLong() - firstNanos < GRACE.toNanos()) {
            return false;
        }
        double othersFaults = allFaults - faultsBefore - (faults - 1);
        double othersAnswers = allAnswers - answersBefore;
        double share = (othersFaults + 1) / (othersAnswers + othersFaults + 1);
        int n = faults < ALL_COUNT_FROM ? counted : faults;
        return n >= AT_LEAST && Math.pow(share, n) < BY_CHANCE;
    }

    int faults() {
        return faults;
    }
}
