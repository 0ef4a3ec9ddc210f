package dev.pawl.spend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.spend.Account.DamagedException;
import dev.pawl.spend.Account.Row;
import dev.pawl.spend.Account.Side;

class AccountTest {

    private static final Instant NOW = Instant.parse("2026-11-23T09:35:12.345Z");
    private static final Row SUMMARY = new Row("summary", "gpt-4o-mini");
    private static final Tally CALL = new Tally(1, 100, 10);

    private final Account account = new Account(NOW);

    @Test
    void encode_anAccount_isReadBackAsItWas() throws Exception {
        account.add(Side.SPENT, SUMMARY, new Tally(500, 350_000, 30_000));
        account.add(Side.SAVED, new Row(null, "gpt-4o-mini"), CALL);
        account.add(Side.IN_AIR, SUMMARY, CALL);
        account.add(Side.POSSIBLY_PAID_TWICE, new Row("summary", "odd \"name\"\n\\ ü"), CALL);

        Account read = Account.decode(account.encode());

        for (Side side : Side.values()) {
            assertThat(read.rows(side)).isEqualTo(account.rows(side)).isNotEmpty();
        }
        assertThat(read.since()).isEqualTo(NOW);
        assertThat(read.version()).isEqualTo(account.version());
    }

    /** As the README and the class describe it. */
    @Test
    void encode_anAccount_isJson() throws Exception {
        account.add(Side.SPENT, SUMMARY, CALL);

        assertThat(new JsonMapper().readTree(account.encode())).isEqualTo(new JsonMapper().readTree("""
                {"version":1,"since":"2026-11-23T09:35:12.345Z",
                 "spent":[{"step":"summary","model":"gpt-4o-mini","calls":1,"inputTokens":100,"outputTokens":10}],
                 "saved":[],"inAir":[],"possiblyPaidTwice":[],"crc":"%s"}"""
                .formatted(new JsonMapper().readTree(account.encode()).path("crc").asText())));
        assertThat(new JsonMapper().readTree(account.encode()).path("crc").asText()).matches("[0-9a-f]{8}");
    }

    @Test
    void decode_anyByteDamaged_isRefused() {
        account.add(Side.SPENT, SUMMARY, CALL);
        byte[] line = account.encode();
        int believed = 0;
        for (int at = 0; at < line.length; at++) {
            byte[] damaged = line.clone();
            damaged[at] ^= 1;
            try {
                Account.decode(damaged);
                believed++;
            } catch (DamagedException e) {
                assertThat(e).hasMessageStartingWith("it");
            }
        }
        // The name of the crc: without it the line reads as one that was written by hand.
        assertThat(believed).isLessThanOrEqualTo("crc".length());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
            {"since":                                                                                             | not JSON
            []                                                                                                    | no JSON object
            {"since":"yesterday"}                                                                                 | no time
            {"since":"2026-11-23T09:35:12Z","spent":[{"step":"a","model":"b","calls":-1}]}                        | its calls is no count
            {"since":"2026-11-23T09:35:12Z","spent":[{"model":"b","calls":1,"inputTokens":"x","outputTokens":1}]} | its inputTokens is no count
            """)
    void decode_whatIsNoAccount_isRefused(String line, String why) {
        assertThatThrownBy(() -> Account.decode(line.getBytes(StandardCharsets.UTF_8))).isInstanceOf(DamagedException.class)
                .hasMessageContaining(why);
    }

    @Test
    void decode_writtenByHand_isBelieved() throws Exception {
        Account read = Account.decode("""
                {"since":"2026-11-23T09:35:12Z","spent":[{"step":"summary","model":"gpt-4o-mini","calls":7,"inputTokens":700,"outputTokens":70}]}"""
                .getBytes(StandardCharsets.UTF_8));

        assertThat(read.total(Side.SPENT)).isEqualTo(new Tally(7, 700, 70));
    }

    @Test
    void add_endlesslyManyModels_keepsTheAccountSmall() {
        for (int i = 0; i < 10_000; i++) {
            account.add(Side.SPENT, new Row("summary", "model-" + i + "x".repeat(1_000)), CALL);
        }

        assertThat(account.rows(Side.SPENT)).hasSizeLessThan(100);
        assertThat(account.encode()).hasSizeLessThan(32_768);
        assertThat(account.total(Side.SPENT)).isEqualTo(new Tally(10_000, 1_000_000, 100_000));
    }
}
