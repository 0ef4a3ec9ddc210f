package dev.pawl.dev;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SummaryTest {

    @Test
    void sentencesOfFrequentWords_areTaken_inTheDocumentsOrder() {
        String document = """
                The Lighthouse

                The keeper cleaned the lighthouse lamp before the storm. Somebody ate a very small green apple near here.
                The storm reached the lighthouse at nine, and the keeper lit the lamp. Dogs bark at passing red carts on
                most days. All night the lamp of the lighthouse burned through the storm.
                """;

        assertThat(Summary.of(document)).isEqualTo("The keeper cleaned the lighthouse lamp before the storm."
                + " The storm reached the lighthouse at nine, and the keeper lit the lamp."
                + " All night the lamp of the lighthouse burned through the storm.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " \n\n \t "})
    void emptyDocument_isCalledEmpty(String document) {
        assertThat(Summary.of(document)).isEqualTo("The document is empty.");
    }

    @Test
    void fragment_isItsOwnSummary() {
        assertThat(Summary.of("a list without end")).isEqualTo("a list without end");
    }

    @Test
    void abbreviation_endsNoSentence() {
        assertThat(Summary.of("Dr. Watson wrote it all down in the evening.")).isEqualTo("Dr. Watson wrote it all down in the evening.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"word ", "x", "😀"})
    void endlessSentence_isCut(String part) {
        String summary = Summary.of(part.repeat(10_000));

        assertThat(summary).endsWith("…").hasSizeLessThanOrEqualTo(Summary.MAX_CHARACTERS);
        assertThat(summary.substring(0, summary.length() - 1)).matches("(?:" + part.strip() + " ?)+");
    }
}
