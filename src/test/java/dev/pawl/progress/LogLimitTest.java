package dev.pawl.progress;

import static dev.pawl.progress.LogLimit.Sort.CALLS;
import static dev.pawl.progress.LogLimit.Sort.DEAD_LETTERS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

class LogLimitTest {

    private final LogLimit limit = new LogLimit();

    @Test
    void fewLines_areAllLoggedAndNotToldAgain() {
        assertThat(permitted(LogLimit.LINES, "refused")).isEqualTo(LogLimit.LINES);

        assertThat(limit.next()).isEmpty();
    }

    @Test
    void moreLines_areCountedByKind() {
        permitted(LogLimit.LINES, "refused");

        assertThat(permitted(1_200, "refused")).isZero();
        assertThat(permitted(35, "invalid-output")).as("the first of its kind").isEqualTo(1);

        assertThat(limit.next()).containsExactly("Not logged one by one: 1,234 dead letters (1,200 refused, 34 invalid-output)");
    }

    @Test
    void sorts_areLimitedEachByItself() {
        permitted(LogLimit.LINES + 1, "refused");

        assertThat(limit.permits(CALLS, "status 503")).isTrue();
        assertThat(limit.next()).singleElement().asString().startsWith("Not logged one by one: 1 dead letters");
    }

    @Test
    void afterASummary_linesAreLoggedAgain() {
        permitted(LogLimit.LINES + 1, "refused");
        limit.next();

        assertThat(limit.permits(DEAD_LETTERS, "refused")).isTrue();
        assertThat(limit.next()).isEmpty();
    }

    @Test
    void manyKinds_areLoggedUpToABoundAndCountedTogether() {
        long logged = IntStream.range(0, 1_000).filter(kind -> limit.permits(DEAD_LETTERS, "kind-" + kind)).count();

        assertThat(logged).isEqualTo(LogLimit.MAX_KINDS);
        assertThat(limit.next()).containsExactly("Not logged one by one: 970 dead letters (970 others)");
    }

    private long permitted(int lines, String kind) {
        return IntStream.range(0, lines).filter(_ -> limit.permits(DEAD_LETTERS, kind)).count();
    }
}
