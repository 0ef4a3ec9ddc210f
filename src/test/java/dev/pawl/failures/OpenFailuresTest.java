package dev.pawl.failures;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.Test;

import dev.pawl.Failure;
import dev.pawl.Failure.Kind;
import dev.pawl.checkpoint.CheckpointLine;

/** The table of {@link OpenFailures}, row by row. */
class OpenFailuresTest {

    private static final Instant TS = Instant.parse("2026-11-23T09:35:12.345Z");

    private final Map<String, CheckpointLine> lastWords = new HashMap<>();
    private final Set<String> held = new HashSet<>(Set.of("documents-0", "documents-1"));
    private final OpenFailures open = new OpenFailures("documents", 3, held::contains, lastWords::get);
    private int letters;

    @Test
    void failedByThisRecord_isOpen() {
        fails("doc", 5);

        open.see(letter("doc", 5));

        assertOpen(5);
    }

    @Test
    void oneRecordWithTwoLetters_isOpenOnceWithTheFirst() {
        fails("doc", 5);
        DeadLetter first = letter("doc", 5);
        open.see(first);

        open.see(letter("doc", 5));

        assertThat(open.all()).singleElement().satisfies(failure -> assertThat(failure.position()).isEqualTo(first.position()));
    }

    @Test
    void doneOrForgottenSince_isClosed() {
        fails("done", 5);
        fails("forgotten", 6);
        open.see(letter("done", 5));
        open.see(letter("forgotten", 6));
        lastWords.put("done", new CheckpointLine.Done("done", TS, "documents-0@9", null, null, null, 0));
        lastWords.put("forgotten", new CheckpointLine.Forgotten("forgotten", TS, "documents-0@10"));

        open.recheck();

        assertOpen();
    }

    @Test
    void doneBefore_isNotOpened() {
        lastWords.put("doc", new CheckpointLine.Done("doc", TS, "documents-0@5", null, null, null, 0));

        open.see(letter("doc", 5, Kind.RESULT_TOO_LARGE));

        assertOpen();
    }

    @Test
    void failedAgain_isOpenByItsLastRecord() {
        fails("doc", 5);
        open.see(letter("doc", 5));
        fails("doc", 8);

        open.see(letter("doc", 8));

        assertOpen(8);
    }

    @Test
    void failedAgain_isOpenByItsLastRecord_whateverTheOrderOfLetters() {
        fails("doc", 8);

        open.see(letter("doc", 8));
        open.see(letter("doc", 5));

        assertOpen(8);
    }

    @Test
    void unknownToTheCheckpoint_isOpenByItsLatestLetter() {
        open.see(letter("doc", 5));
        open.see(letter("doc", 8));

        assertOpen(8);
    }

    @Test
    void failedLineWithoutASource_isOpenByItsLatestLetter() {
        lastWords.put("doc", new CheckpointLine.Failed("doc", TS, null, new Failure(Kind.OTHER, null, "by hand", 1)));

        open.see(letter("doc", 5));
        open.see(letter("doc", 8));

        assertOpen(8);
    }

    @Test
    void recordsWithoutADocument_areOpenEach() {
        open.see(letter(null, 5));
        open.see(letter(null, 6));

        assertOpen(5, 6);
    }

    @Test
    void recordWithoutADocument_isClosedByTheLetterOfItsReplay() {
        open.see(letter(null, 5));

        open.see(letter(null, 8, source(5)));

        assertOpen(8);
    }

    @Test
    void recordWithoutADocument_isClosedByTheLetterOfItsReplay_whateverTheOrderOfLetters() {
        open.see(letter(null, 8, source(5)));

        open.see(letter(null, 5));

        assertOpen(8);
    }

    @Test
    void recordThatHoldsADocumentAfterAll_isClosedWhenThatIsDone() {
        open.see(letter("doc", 5, Kind.INVALID_DOCUMENT));
        lastWords.put("doc", new CheckpointLine.Done("doc", TS, "documents-0@9", null, null, null, 0));

        open.recheck();

        assertOpen();
    }

    @Test
    void replayed_isClosed_alsoWhenItsLetterComesAgain() {
        fails("doc", 5);
        open.see(letter("doc", 5));
        open.replayed(open.ofDocument("doc").orElseThrow());

        open.see(letter("doc", 5));
        open.startAnew();
        open.see(letter("doc", 5));

        assertOpen();
        assertThat(open.wasReplayed(source(5))).isTrue();
    }

    @Test
    void recordOfAnotherTopic_isPassedOver() {
        open.see(new DeadLetter(new TopicPosition("dead", 0, 0), new TopicPosition("others", 0, 5), "doc", "doc", Kind.REFUSED, null, 1,
                "", TS, null));

        assertOpen();
        assertThat(open.elsewhere()).isEmpty();
    }

    @Test
    void partitionOfAnotherProcess_isPassedOverUntilItComes() {
        held.remove("documents-0");

        open.see(letter("doc", 5));

        assertOpen();
        assertThat(open.elsewhere()).containsExactly("documents-0");
        assertThat(open.missedSome()).isFalse();
        held.add("documents-0");
        assertThat(open.missedSome()).isTrue();
    }

    @Test
    void partitionThatWent_isClosedHere() {
        open.see(letter("doc", 5));
        held.remove("documents-0");

        open.recheck();

        assertOpen();
        assertThat(open.elsewhere()).containsExactly("documents-0");
    }

    @Test
    void limit_isReachedByOpenLettersOnly() {
        lastWords.put("done", new CheckpointLine.Done("done", TS, "documents-0@4", null, null, null, 0));
        open.see(letter("done", 4));
        open.see(letter("doc-5", 5));
        open.see(letter("doc-6", 6));

        assertThat(open.isFull()).isFalse();

        open.see(letter("doc-7", 7));
        assertThat(open.isFull()).isTrue();
    }

    @Test
    void lettersBeforeThePartitionsBegin_areRemoved() {
        open.see(letter("doc-5", 5));
        DeadLetter later = letter("doc-6", 6);
        open.see(later);

        open.removeBefore(later.position());

        assertOpen(6);
        assertThat(open.ofDocument("doc-5")).isEmpty();
    }

    @Test
    void kinds_countTheOpenOnes() {
        open.see(letter("doc-5", 5));
        open.see(letter("doc-6", 6));
        open.see(letter(null, 7));

        assertThat(open.kinds()).isEqualTo(Map.of(Kind.REFUSED, 2, Kind.INVALID_DOCUMENT, 1));
    }

    private void fails(String id, long offset) {
        lastWords.put(id, new CheckpointLine.Failed(id, TS, source(offset).toString(), new Failure(Kind.REFUSED, "summary", "refused", 1)));
    }

    private DeadLetter letter(String id, long sourceOffset) {
        return letter(id, sourceOffset, id == null ? Kind.INVALID_DOCUMENT : Kind.REFUSED);
    }

    private DeadLetter letter(String id, long sourceOffset, TopicPosition replayOf) {
        return letter(id, sourceOffset, Kind.INVALID_DOCUMENT, replayOf);
    }

    private DeadLetter letter(String id, long sourceOffset, Kind kind) {
        return letter(id, sourceOffset, kind, null);
    }

    /** Each is the topic's next. */
    private DeadLetter letter(String id, long sourceOffset, Kind kind, TopicPosition replayOf) {
        return new DeadLetter(new TopicPosition("dead", 0, letters++), source(sourceOffset), id, id, kind, null, 1, "", TS.plusMillis(sourceOffset),
                replayOf);
    }

    private static TopicPosition source(long offset) {
        return new TopicPosition("documents", 0, offset);
    }

    private void assertOpen(long... offsets) {
        assertThat(open.all().stream().mapToLong(failure -> failure.source().offset())).containsExactly(
                java.util.Arrays.stream(offsets).boxed().toArray(Long[]::new));
    }
}
