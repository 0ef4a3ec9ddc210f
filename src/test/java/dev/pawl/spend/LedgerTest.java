package dev.pawl.spend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.spend.Account.Row;
import dev.pawl.spend.Account.Side;

class LedgerTest {

    private static final Instant NOW = Instant.parse("2026-11-23T09:35:12.345Z");
    private static final Row ROW = new Row("summary", "gpt-4o-mini");
    private static final Tally CALL = new Tally(1, 100, 10);

    @TempDir
    Path directory;

    private final List<Ledger> opened = new ArrayList<>();

    @AfterEach
    void close() throws IOException {
        for (Ledger ledger : opened) {
            ledger.close();
        }
    }

    @Test
    void open_anEmptyDirectory_beginsAtZero() throws IOException {
        Ledger ledger = open();

        assertThat(ledger.since()).isEqualTo(NOW);
        assertThat(ledger.total(Side.SPENT)).isEqualTo(Tally.NONE);
        assertThat(directory.resolve("spend-0.json")).hasSize(8_192);
    }

    @Test
    void open_again_goesOnWithWhatWasWritten() throws IOException {
        Ledger first = open();
        first.begin(ROW, CALL);
        first.answered(ROW, CALL, new Row("summary", "gpt-4o-mini-2024-07-18"), new Tally(1, 120, 12));
        first.saved(new Row(null, "gpt-4o-mini"), new Tally(3, 300, 30));
        first.close();

        Ledger second = open();

        assertThat(second.total(Side.SPENT)).isEqualTo(new Tally(1, 120, 12));
        assertThat(second.total(Side.SAVED)).isEqualTo(new Tally(3, 300, 30));
        assertThat(second.total(Side.IN_AIR)).isEqualTo(Tally.NONE);
        assertThat(second.total(Side.POSSIBLY_PAID_TWICE)).isEqualTo(Tally.NONE);
    }

    /** A copy of the file is what a killed process would have left. */
    @Test
    void open_afterADeathWithCallsInTheAir_countsThemAsPossiblyPaidTwice() throws IOException {
        Ledger first = open();
        first.begin(ROW, CALL);
        first.begin(ROW, CALL);
        first.begin(ROW, CALL);
        first.answered(ROW, CALL, ROW, CALL);
        first.write();
        Path atTheKill = Files.createDirectories(directory.resolve("copy"));
        Files.copy(directory.resolve("spend-0.json"), atTheKill.resolve("spend-0.json"));

        Ledger second = open(atTheKill);

        assertThat(second.total(Side.SPENT)).isEqualTo(CALL);
        assertThat(second.total(Side.IN_AIR)).isEqualTo(Tally.NONE);
        assertThat(second.total(Side.POSSIBLY_PAID_TWICE)).isEqualTo(new Tally(2, 200, 20));
    }

    @Test
    void failed_calls_leaveTheAir() throws IOException {
        Ledger ledger = open();
        ledger.begin(ROW, CALL);
        ledger.begin(ROW, CALL);

        ledger.failed(ROW, CALL, false);
        assertThat(ledger.total(Side.IN_AIR)).isEqualTo(CALL);
        assertThat(ledger.total(Side.POSSIBLY_PAID_TWICE)).isEqualTo(Tally.NONE);

        ledger.failed(ROW, CALL, true);
        assertThat(ledger.total(Side.IN_AIR)).isEqualTo(Tally.NONE);
        assertThat(ledger.total(Side.POSSIBLY_PAID_TWICE)).isEqualTo(CALL);
    }

    @Test
    void saved_isWrittenSoonWithoutBeingAskedTo() throws IOException {
        open().saved(ROW, CALL);

        await().untilAsserted(() -> assertThat(LedgerFile.read(directory.resolve("spend-0.json")).total(Side.SAVED)).isEqualTo(CALL));
    }

    // ---- Damage ----

    /** A write that was cut short leaves the line before it. */
    @Test
    void open_anyOneLineDamaged_believesTheOther() throws IOException {
        Ledger first = open();
        for (int i = 0; i < 2; i++) {
            first.begin(ROW, CALL);
            first.answered(ROW, CALL, ROW, CALL);
            first.write();
        }
        first.close();
        byte[] whole = Files.readAllBytes(directory.resolve("spend-0.json"));
        for (int line = 0; line < 2; line++) {
            for (int cut = 0; cut < 400; cut += 7) {
                byte[] damaged = whole.clone();
                java.util.Arrays.fill(damaged, line * 4_096 + cut, line * 4_096 + cut + 5, (byte) 0);
                Path copy = Files.createDirectories(directory.resolve("copy-%d-%d".formatted(line, cut)));
                Files.write(copy.resolve("spend-0.json"), damaged);

                assertThat(LedgerFile.read(copy.resolve("spend-0.json")).total(Side.SPENT).calls()).isBetween(1L, 2L);
            }
        }
    }

    @Test
    void open_bothLinesDamaged_setsTheFileAsideAndBeginsAtZero() throws IOException {
        Files.writeString(directory.resolve("spend-0.json"), "{\"since\":\n{\"sin");

        Ledger ledger = open();
        ledger.begin(ROW, CALL);

        assertThat(ledger.total(Side.SPENT)).isEqualTo(Tally.NONE);
        assertThat(directory.resolve("spend-0.json.damaged")).hasContent("{\"since\":\n{\"sin");
        assertThat(ledger.write()).isTrue();
        assertThat(LedgerFile.read(directory.resolve("spend-0.json")).total(Side.IN_AIR)).isEqualTo(CALL);
    }

    @Test
    void open_aFileThatCantBeOne_takesTheNext() throws IOException {
        Files.createDirectories(directory.resolve("spend-0.json/folder"));

        Ledger ledger = open();
        ledger.begin(ROW, CALL);

        assertThat(ledger.write()).isTrue();
        assertThat(LedgerFile.read(directory.resolve("spend-1.json")).total(Side.IN_AIR)).isEqualTo(CALL);
    }

    @Test
    void write_aLineThatOutgrowsItsPlace_movesToALargerFile() throws IOException {
        Ledger first = open();
        for (int i = 0; i < 60; i++) {
            first.begin(new Row("step-" + i, "model"), CALL);
            assertThat(first.write()).isTrue();
        }
        assertThat(Files.size(directory.resolve("spend-0.json"))).isGreaterThan(8_192);
        assertThat(LedgerFile.read(directory.resolve("spend-0.json")).total(Side.IN_AIR).calls()).isEqualTo(60);
        first.close();

        assertThat(open().total(Side.POSSIBLY_PAID_TWICE).calls()).isEqualTo(60);
    }

    /** Documents' threads write, and may be interrupted when the process ends. */
    @Test
    void write_byAnInterruptedThread_stillWrites() throws IOException {
        Ledger ledger = open();
        Thread.currentThread().interrupt();
        ledger.begin(ROW, CALL);
        boolean written = ledger.write();

        assertThat(Thread.interrupted()).isTrue();
        assertThat(written).isTrue();
        ledger.begin(ROW, CALL);
        assertThat(ledger.write()).isTrue();
        assertThat(LedgerFile.read(directory.resolve("spend-0.json")).total(Side.IN_AIR).calls()).isEqualTo(2);
    }

    @Test
    void write_ofManyAtOnce_losesNone() throws IOException {
        Ledger ledger = open();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 200; i++) {
                threads.execute(() -> {
                    for (int call = 0; call < 20; call++) {
                        ledger.begin(ROW, CALL);
                        assertThat(ledger.write()).isTrue();
                        ledger.answered(ROW, CALL, ROW, CALL);
                        assertThat(ledger.write()).isTrue();
                    }
                });
            }
        }

        Account written = LedgerFile.read(directory.resolve("spend-0.json"));
        assertThat(written.total(Side.SPENT)).isEqualTo(new Tally(4_000, 400_000, 40_000));
        assertThat(written.total(Side.IN_AIR)).isEqualTo(Tally.NONE);
    }

    // ---- Several processes ----

    @Test
    void open_besideAnother_takesTheNextFileAndTellsTheSum() throws IOException {
        Ledger first = open();
        first.begin(ROW, CALL);
        first.write();

        Ledger second = open();
        second.begin(ROW, CALL);
        second.begin(ROW, CALL);
        second.write();
        first.readOthers();

        assertThat(directory.resolve("spend-1.json")).exists();
        assertThat(second.total(Side.IN_AIR).calls()).isEqualTo(3);
        assertThat(first.total(Side.IN_AIR).calls()).isEqualTo(3);
        assertThat(second.total(Side.POSSIBLY_PAID_TWICE)).isEqualTo(Tally.NONE);
        assertThat(first.isShared()).isTrue();
    }

    @Test
    void open_besideTheFileOfADeadProcess_settlesItToo() throws IOException {
        Ledger first = open();
        Ledger second = open();
        second.begin(ROW, CALL);
        second.write();
        second.close();
        first.close();

        Ledger third = open();

        assertThat(third.total(Side.POSSIBLY_PAID_TWICE)).isEqualTo(CALL);
        assertThat(LedgerFile.read(directory.resolve("spend-1.json")).total(Side.POSSIBLY_PAID_TWICE)).isEqualTo(CALL);
    }

    private Ledger open() throws IOException {
        return open(directory);
    }

    private Ledger open(Path in) throws IOException {
        Ledger ledger = Ledger.open(in, true, Clock.fixed(NOW, ZoneOffset.UTC), (file, e) -> {
            throw new AssertionError(file.toString(), e);
        });
        opened.add(ledger);
        return ledger;
    }
}
