package dev.pawl.spend;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

/**
 * What one process's calls took, over all its lives. Not thread-safe.
 *
 * <p>As a line (here on several), in UTF-8:
 *
 * <pre>
 * {"version":4711,"since":"2026-11-23T09:35:12.345Z",
 *  "spent":[{"step":"summary","model":"gpt-4o-mini-2024-07-18","calls":500,"inputTokens":350000,"outputTokens":30000},…],
 *  "saved":[{"model":"gpt-4o-mini","calls":…,"inputTokens":…,"outputTokens":…}],
 *  "inAir":[{"step":"summary","model":"gpt-4o-mini","calls":8,"inputTokens":5600,"outputTokens":480}],
 *  "possiblyPaidTwice":[…],
 *  "crc":"9ae3f01b"}
 * </pre>
 *
 * Rows without a call are left out. {@code crc} is the CRC-32C of the bytes before {@code ,"crc"}; a line without one is believed,
 * so people may write it by hand. Money is no part of it: tokens are what they are, whatever price is set later.
 */
final class Account {

    /** What became of calls. */
    enum Side {
        /** Answered; those that had to be repaired included. */
        SPENT("spent"),
        /** Not made, since the checkpoint held the answer. */
        SAVED("saved"),
        /** Begun and not ended; what they are expected to take. */
        IN_AIR("inAir"),
        /** Ended without an answer, by the process's death or the connection's; what they were expected to take. */
        POSSIBLY_PAID_TWICE("possiblyPaidTwice");

        private final String member;

        Side(String member) {
            this.member = member;
        }
    }

    /**
     * @param step null where calls of several steps are counted together
     * @param model by the name the endpoint gave, and before it answered the name that it is asked for
     */
    record Row(String step, String model) {
        Row {
            model = model.length() <= MAX_NAME_LENGTH ? model : model.substring(0, MAX_NAME_LENGTH);
        }
    }

    static final class DamagedException extends IOException {
        DamagedException(String what) {
            super(what);
        }
    }

    /** An endpoint that answers under ever new names must not let the account grow without bounds. */
    private static final int MAX_ROWS = 64;
    private static final int MAX_NAME_LENGTH = 128;
    private static final String OTHER_MODELS = "other";

    private static final byte[] SEAL = ",\"crc\":\"".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SEAL_END = "\"}".getBytes(StandardCharsets.US_ASCII);
    private static final int CRC_DIGITS = 8;
    private static final JsonMapper JSON = new JsonMapper();

    private final Instant since;
    private final String sinceText;
    private final Map<Side, Map<Row, Tally>> rows = new EnumMap<>(Side.class);
    /** The part of a row that never changes, as it is written. */
    private final Map<Row, String> names = new HashMap<>();
    /** Grows with each change; of two lines the one with the greater counts. */
    private long version;

    Account(Instant since) {
        this.since = since;
        this.sinceText = since.toString();
        for (Side side : Side.values()) {
            rows.put(side, new LinkedHashMap<>());
        }
    }

    Instant since() {
        return since;
    }

    long version() {
        return version;
    }

    void add(Side side, Row row, Tally tally) {
        put(side, row, tally);
        version++;
    }

    private void put(Side side, Row row, Tally tally) {
        Map<Row, Tally> rowsOfSide = rows.get(side);
        boolean full = side != Side.IN_AIR && rowsOfSide.size() >= MAX_ROWS && !rowsOfSide.containsKey(row);
        rowsOfSide.merge(full ? new Row(row.step(), OTHER_MODELS) : row, tally, Tally::plus);
    }

    /** Nothing goes below zero: a file that was written by hand may hold less than what a call takes from it. */
    void subtract(Side side, Row row, Tally tally) {
        rows.get(side).computeIfPresent(row, (_, held) -> held.calls() <= tally.calls() ? null : held.minus(tally));
        version++;
    }

    /** The process that held it is dead: nobody knows any more what became of the calls in the air. */
    void settle() {
        rows.get(Side.IN_AIR).forEach((row, tally) -> put(Side.POSSIBLY_PAID_TWICE, row, tally));
        rows.get(Side.IN_AIR).clear();
        version++;
    }

    Map<Row, Tally> rows(Side side) {
        return rows.get(side);
    }

    Tally total(Side side) {
        return rows.get(side).values().stream().reduce(Tally.NONE, Tally::plus);
    }

    BigDecimal cost(Side side, Prices prices) {
        BigDecimal cost = BigDecimal.ZERO;
        for (Map.Entry<Row, Tally> row : rows.get(side).entrySet()) {
            cost = cost.add(prices.cost(row.getKey(), row.getValue()));
        }
        return cost;
    }

    // ---- As a line ----

    byte[] encode() {
        StringBuilder out = new StringBuilder(1_024);
        out.append("{\"version\":").append(version).append(",\"since\":\"").append(sinceText).append('"');
        for (Side side : Side.values()) {
            out.append(",\"").append(side.member).append("\":[");
            String separator = "{";
            for (Map.Entry<Row, Tally> row : rows.get(side).entrySet()) {
                encode(out.append(separator), row.getKey(), row.getValue());
                separator = ",{";
            }
            out.append(']');
        }
        byte[] sealed = out.toString().getBytes(StandardCharsets.UTF_8);
        byte[] line = Arrays.copyOf(sealed, sealed.length + SEAL.length + CRC_DIGITS + SEAL_END.length);
        ByteBuffer.wrap(line, sealed.length, line.length - sealed.length).put(SEAL)
                .put(crc(sealed, sealed.length).getBytes(StandardCharsets.US_ASCII)).put(SEAL_END);
        return line;
    }

    private void encode(StringBuilder out, Row row, Tally tally) {
        out.append(names.computeIfAbsent(row, Account::encodeNames)).append(tally.calls())
                .append(",\"inputTokens\":").append(tally.inputTokens())
                .append(",\"outputTokens\":").append(tally.outputTokens()).append('}');
    }

    private static String encodeNames(Row row) {
        StringBuilder out = new StringBuilder();
        if (row.step() != null) {
            encodeName(out.append("\"step\":\""), row.step()).append("\",");
        }
        return encodeName(out.append("\"model\":\""), row.model()).append("\",\"calls\":").toString();
    }

    private static StringBuilder encodeName(StringBuilder out, String name) {
        JsonStringEncoder.getInstance().quoteAsString(name, out);
        return out;
    }

    private static String crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /** @param line without the spaces around it */
    static Account decode(byte[] line) throws DamagedException {
        JsonNode json;
        try {
            json = JSON.readTree(line);
        } catch (IOException e) {
            throw new DamagedException("it is not JSON");
        }
        if (json == null || !json.isObject()) {
            throw new DamagedException("it is no JSON object");
        }
        checkSeal(line, json);
        try {
            Account account = new Account(Instant.parse(json.path("since").asText()));
            account.version = json.path("version").asLong();
            for (Side side : Side.values()) {
                for (JsonNode row : json.path(side.member)) {
                    account.put(side, new Row(row.path("step").asText(null), row.path("model").asText()),
                            new Tally(count(row, "calls"), count(row, "inputTokens"), count(row, "outputTokens")));
                }
            }
            return account;
        } catch (DateTimeParseException e) {
            throw new DamagedException("its since is no time such as 2026-11-23T09:35:12Z");
        }
    }

    private static void checkSeal(byte[] line, JsonNode json) throws DamagedException {
        JsonNode crc = json.get("crc");
        if (crc == null) {
            return;
        }
        int start = line.length - SEAL.length - crc.asText().length() - SEAL_END.length;
        if (start < 0 || !Arrays.equals(line, start, start + SEAL.length, SEAL, 0, SEAL.length)) {
            throw new DamagedException("its crc does not stand at its end");
        }
        if (!crc.asText().equals(crc(line, start))) {
            throw new DamagedException("its crc does not match its bytes");
        }
    }

    private static long count(JsonNode row, String member) throws DamagedException {
        JsonNode count = row.path(member);
        if (!count.canConvertToLong() || count.asLong() < 0) {
            throw new DamagedException("its %s is no count".formatted(member));
        }
        return count.asLong();
    }
}
