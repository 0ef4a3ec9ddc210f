package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import dev.pawl.Failure.Kind;
import dev.pawl.provider.Suspicion.Tally;

class SuspicionTest {

    private final Tally tally = new Tally();
    private long nanos;

    @Test
    void onlyOneThatFails_amongAHundred_isToBlameTheThirdTime() {
        Suspicion suspicion = suspicion();

        assertThat(suspicion.confirmedBy(Kind.INVALID_OUTPUT)).isFalse();
        answer(50);
        assertThat(suspicion.confirmedBy(Kind.INVALID_OUTPUT)).isFalse();
        answer(50);
        assertThat(suspicion.confirmedBy(Kind.INVALID_OUTPUT)).isTrue();
        assertThat(suspicion.faults()).isEqualTo(3);
    }

    @Test
    void nobodyAnswered_isNoEvidence() {
        Suspicion suspicion = suspicion();
        answer(1_000);

        assertThat(IntStream.range(0, 10_000)).noneMatch(_ -> suspicion.confirmedBy(Kind.INVALID_OUTPUT));
    }

    /** All were answered until the endpoint went down, and one had failed before. */
    @Test
    void othersFailToo_isNoEvidence() {
        Suspicion suspicion = suspicion();
        suspicion.confirmedBy(Kind.INVALID_OUTPUT);
        answer(10);

        for (int i = 0; i < 1_000; i++) {
            for (int other = 0; other < 5; other++) {
                suspicion().confirmedBy(Kind.INVALID_OUTPUT);
            }
            assertThat(suspicion.confirmedBy(Kind.INVALID_OUTPUT)).as("after %d", i).isFalse();
        }
    }

    @Test
    void everyOtherCallFails_takesTwenty() {
        Suspicion suspicion = suspicion();
        int faults = 1;
        suspicion.confirmedBy(Kind.INVALID_OUTPUT);
        do {
            for (int other = 0; other < 1_000; other++) {
                suspicion().confirmedBy(Kind.INVALID_OUTPUT);
                answer(1);
            }
            faults++;
        } while (!suspicion.confirmedBy(Kind.INVALID_OUTPUT));

        assertThat(faults).isEqualTo(20);
    }

    @Test
    void topicThatRanDry_provesItAtTheTenth() {
        Suspicion suspicion = suspicion();
        suspicion.confirmedBy(Kind.INVALID_OUTPUT);
        answer(1_000);

        assertThat(IntStream.rangeClosed(2, 9)).noneMatch(_ -> suspicion.confirmedBy(Kind.INVALID_OUTPUT));
        assertThat(suspicion.confirmedBy(Kind.INVALID_OUTPUT)).isTrue();
    }

    @Test
    void unansweredOne_isGivenAnHour() {
        Suspicion suspicion = suspicion();
        for (int minute = 0; minute < 60; minute++) {
            assertThat(suspicion.confirmedBy(Kind.UNANSWERED)).as("minute %d", minute).isFalse();
            answer(100);
            nanos += Suspicion.GRACE.toNanos() / 60;
        }

        nanos++;
        assertThat(suspicion.confirmedBy(Kind.UNANSWERED)).isTrue();
    }

    /** What a bad hour is to a thousand documents: nothing that one of them is to blame for. */
    @Test
    void halfOfAllCallsFail_noneOfAThousandIsToBlame() {
        var random = ThreadLocalRandom.current();
        for (int document = 0; document < 1_000; document++) {
            Suspicion suspicion = suspicion();
            while (random.nextBoolean()) {
                assertThat(suspicion.confirmedBy(Kind.INVALID_OUTPUT)).isFalse();
                for (int other = 0; other < 5; other++) {
                    if (random.nextBoolean()) {
                        answer(1);
                    } else {
                        suspicion().confirmedBy(Kind.INVALID_OUTPUT);
                    }
                }
            }
        }
    }

    private void answer(int times) {
        for (int i = 0; i < times; i++) {
            tally.answered();
        }
    }

    private Suspicion suspicion() {
        return new Suspicion(tally, () -> nanos);
    }
}
