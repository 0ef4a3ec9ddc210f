package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.pawl.checkpoint.CheckpointIndex.StepLine;
import dev.pawl.checkpoint.LineFormat.Status;

/** Each with the real hash and with one under which every ID collides with every other. */
class CheckpointIndexTest {

    private static final int LINE_LENGTH = 10;

    private final Map<Long, String> ids = new HashMap<>();
    private CheckpointIndex index;
    private long nextOffset;

    static List<ToLongFunction<String>> hashes() {
        return List.of(String::hashCode, _ -> 0L, _ -> -1L);
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void unknownDocument_hasNoPosition(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);

        assertThat(index.find("a").last()).isEqualTo(LinePosition.NONE);
        assertThat(index.find("a").steps()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void laterLine_supersedesTheEarlier(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);
        for (String id : List.of("a", "b", "c")) {
            put(id, Status.DONE);
        }

        long failed = put("a", Status.FAILED);
        put("b", Status.FAILED);
        long done = put("b", Status.DONE);
        long forgotten = put("c", Status.FORGOTTEN);

        assertThat(index.find("a").last()).isEqualTo(failed);
        assertThat(index.find("b").last()).isEqualTo(done);
        assertThat(index.find("c").last()).isEqualTo(forgotten);
        assertThat(counts()).containsExactly(0, 1, 1, 1);
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void manyDocuments_keepTheirOwnPositions(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);
        Map<String, Long> positions = new HashMap<>();
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 500; i++) {
                positions.put("doc-" + i, put("doc-" + i, i % 2 == 0 ? Status.DONE : Status.FAILED));
            }
        }

        assertThat(positions).allSatisfy((id, position) -> assertThat(index.find(id).last()).isEqualTo(position));
        assertThat(counts()).containsExactly(0, 250, 250, 0);
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void stepsOfAnUnfinishedDocument_areAllKept(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);

        long first = put("a", "summary");
        long second = put("a", "entities");

        assertThat(index.find("a").last()).isEqualTo(LinePosition.NONE);
        assertThat(steps("a")).containsExactly(first, second);
        assertThat(counts()).containsExactly(1, 0, 0, 0);
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void failedDocument_keepsItsStepsForTheNextRun(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);
        long step = put("a", Status.STEP);

        put("a", Status.FAILED);

        assertThat(steps("a")).containsExactly(step);
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void doneOrForgottenDocument_losesItsStepsAndNoOther(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);
        put("a", Status.STEP);
        long other = put("b", Status.STEP);
        put("c", Status.STEP);

        put("a", Status.DONE);
        put("c", Status.FORGOTTEN);

        assertThat(steps("a")).isEmpty();
        assertThat(steps("c")).isEmpty();
        assertThat(steps("b")).containsExactly(other);
        assertThat(counts()).containsExactly(1, 1, 0, 1);
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void stepsAfterDone_belongToTheNextRun(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);
        put("a", Status.STEP);
        long done = put("a", Status.DONE);

        long step = put("a", Status.STEP);

        assertThat(index.find("a").last()).isEqualTo(done);
        assertThat(steps("a")).containsExactly(step);
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void sameStepAgain_takesThePlaceOfTheEarlier(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);
        put("a", "summary");
        long other = put("a", "entities");

        long again = put("a", "summary");

        assertThat(steps("a")).containsExactlyInAnyOrder(other, again);
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void liveBytes_areThoseOfLinesThatLookUpsLeadTo(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);
        for (String id : List.of("a", "b")) {
            put(id, "summary");
            put(id, "entities");
            put(id, "summary");
        }
        put("a", Status.FAILED);
        assertThat(index.liveBytes()).isEqualTo(5 * (LINE_LENGTH + 1));

        put("a", Status.DONE);
        put("b", Status.FORGOTTEN);
        put("c", Status.DONE);
        put("c", Status.DONE);

        assertThat(index.liveBytes()).isEqualTo(3 * (LINE_LENGTH + 1));
    }

    @ParameterizedTest
    @MethodSource("hashes")
    void droppedLines_areAsIfTheyHadNeverBeen(ToLongFunction<String> hash) {
        index = new CheckpointIndex(ids::get, hash);
        for (int i = 0; i < 300; i++) {
            put("doc-" + i, i % 3 == 0 ? Status.STEP : Status.DONE);
        }
        long half = nextOffset / 2;

        index.drop(position -> LinePosition.offset(position) < half);

        for (int i = 0; i < 300; i++) {
            long found = i % 3 == 0 ? steps("doc-" + i).stream().findAny().orElse(LinePosition.NONE) : index.find("doc-" + i).last();
            assertThat(found).as("doc-%d", i).isEqualTo(i < 150 ? LinePosition.NONE : position("doc-" + i));
        }
        assertThat(counts()).containsExactly(50, 100, 0, 0);
        assertThat(index.liveBytes()).isEqualTo(150 * (LINE_LENGTH + 1));
    }

    private long position(String id) {
        return ids.entrySet().stream().filter(line -> line.getValue().equals(id)).findAny().orElseThrow().getKey();
    }

    /** A position leads to a line, and the line says whose it is: an index that can't read it back must not mix documents up. */
    @Test
    void firstOfTwoCollidingDocuments_isStillFoundWhenItsLineCantBeRead() {
        index = new CheckpointIndex(_ -> null, _ -> 0L);
        long first = put("a", Status.DONE);

        long second = put("b", Status.DONE);

        assertThat(index.find("a").last()).isEqualTo(first);
        assertThat(index.find("b").last()).isEqualTo(second);
    }

    @Test
    void position_holdsOffsetGenerationLengthAndStatus() {
        for (long offset : new long[] {0, 1, LinePosition.MAX_OFFSET}) {
            for (Status status : Status.values()) {
                long position = LinePosition.of(offset, (1 << 24) - 1, status, 1);

                assertThat(LinePosition.generation(position)).isEqualTo(1);
                assertThat(LinePosition.withGeneration(position, 0)).isEqualTo(LinePosition.of(offset, (1 << 24) - 1, status, 0));
                assertThat(LinePosition.offset(position)).isEqualTo(offset);
                assertThat(LinePosition.length(position)).isEqualTo((1 << 24) - 1);
                assertThat(LinePosition.status(position)).isEqualTo(status);
            }
        }
        assertThat(LinePosition.length(LinePosition.of(7, 1 << 24, Status.DONE, 0))).isZero();
    }

    private long put(String id, Status status) {
        return put(id, status, status == Status.STEP ? "summary" : null);
    }

    private long put(String id, String step) {
        return put(id, Status.STEP, step);
    }

    private long put(String id, Status status, String step) {
        long position = LinePosition.of(nextOffset, LINE_LENGTH, status, 0);
        nextOffset += LINE_LENGTH + 1;
        ids.put(position, id);
        index.put(id, step, position);
        return position;
    }

    private List<Long> steps(String id) {
        return Arrays.stream(index.find(id).steps()).map(StepLine::position).toList();
    }

    private List<Integer> counts() {
        return Arrays.stream(Status.values()).map(index::documents).toList();
    }
}
