package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ConcurrencyTest {

    private final Concurrency concurrency = new Concurrency(1_000);

    @Test
    void nothingRefused_allMayEnterAtOnce() {
        assertThat(enter(1_001)).isEqualTo(1_000);

        concurrency.leave();

        assertThat(enter(2)).isEqualTo(1);
    }

    @Test
    void refusedTogether_isOnePieceOfNews() {
        long begun = System.nanoTime();

        for (int i = 0; i < 1_000; i++) {
            concurrency.refused(begun);
        }

        assertThat(concurrency.limit()).isEqualTo(700);
        assertThat(enter(1_000)).isEqualTo(700);
    }

    @Test
    void refusedAgainAndAgain_oneIsLeft() {
        for (int i = 0; i < 100; i++) {
            concurrency.refused(System.nanoTime());
        }

        assertThat(concurrency.limit()).isEqualTo(1);
        assertThat(enter(2)).isEqualTo(1);
    }

    @Test
    void answered_raisesOnceARoundTripUpToWhatIsWanted() {
        concurrency.refused(System.nanoTime());
        enter(700);
        long begun = System.nanoTime();

        concurrency.answered(begun);
        concurrency.answered(begun);
        assertThat(concurrency.limit()).isEqualTo(736);
        enter(36);
        for (int i = 0; i < 20; i++) {
            concurrency.answered(System.nanoTime());
        }

        assertThat(concurrency.limit()).isEqualTo(1_000);
    }

    @Test
    void answered_whileFewAreInTheAir_raisesNothing() {
        concurrency.refused(System.nanoTime());
        enter(10);

        concurrency.answered(System.nanoTime());

        assertThat(concurrency.limit()).isEqualTo(700);
    }

    private int enter(int calls) {
        int entered = 0;
        for (int i = 0; i < calls; i++) {
            entered += concurrency.tryEnter() ? 1 : 0;
        }
        return entered;
    }
}
