package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PositionTableTest {

    /** A mask of few bits brings about long runs of neighbours, around the table's end too. */
    @ParameterizedTest
    @ValueSource(longs = {-1, 0xFFL << 46, 0x3FL << 48, 7})
    void table_holdsWhatAMapHolds(long mask) {
        PositionTable table = new PositionTable();
        Map<Long, Long> expected = new HashMap<>();
        Random random = new Random(847);

        for (int i = 0; i < 20_000; i++) {
            long hash = random.nextLong() & mask;
            if (random.nextInt(3) == 0) {
                table.remove(hash);
                expected.remove(hash);
            } else {
                table.put(hash, i + 1);
                expected.put(hash, i + 1L);
            }
        }

        assertThat(table.size()).isEqualTo(expected.size());
        assertThat(expected).allSatisfy((hash, position) -> assertThat(table.get(hash)).isEqualTo(position));
        Map<Long, Long> visited = new HashMap<>();
        table.forEach(visited::put);
        assertThat(visited).isEqualTo(expected);
        assertThat(table.get(random.nextLong() | 1L << 63)).isEqualTo(LinePosition.NONE);
    }
}
