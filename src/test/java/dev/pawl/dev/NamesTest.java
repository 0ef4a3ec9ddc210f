package dev.pawl.dev;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

class NamesTest {

    @Test
    void names_areFound_inOrderOfFirstAppearance() {
        String document = "Marie Curie was born in Warsaw. In Paris she met Pierre, and Marie Curie stayed in Paris.";

        assertThat(Names.in(document)).containsExactly("Marie Curie", "Warsaw", "Paris", "Pierre");
    }

    @Test
    void nameOfSeveralParts_staysTogether() {
        assertThat(Names.in("She left the University of Paris, Jean-Luc O'Neill and AT&T to Ludwig van Beethoven."))
                .containsExactly("University of Paris", "Jean-Luc O'Neill", "AT&T", "Ludwig van Beethoven");
    }

    @Test
    void wordCapitalisedByItsPlace_isNoName() {
        assertThat(Names.in("Yesterday it rained. The rain stopped. When it did, we left. I stayed. Rain is wet.")).isEmpty();
    }

    @Test
    void nameAtSentenceStart_counts_whereItIsCapitalisedElsewhere() {
        assertThat(Names.in("Einstein left. They asked for Einstein. Cooling failed.")).containsExactly("Einstein");
    }

    @Test
    void articleOrPossessive_isNoPartOfName() {
        assertThat(Names.in("We saw Curie's notes. The Hague is near. He went to “Leiden”.")).containsExactly("Curie", "Hague", "Leiden");
    }

    @Test
    void lineBreak_splitsNoName() {
        assertThat(Names.in("Nobody knew Marie\nCurie then.")).containsExactly("Marie Curie");
    }

    @Test
    void emptyDocument_hasNone() {
        assertThat(Names.in("")).isEmpty();
    }

    @Test
    void longListOfNames_isCutAtTwenty() {
        String document = "We met " + IntStream.range(0, 5_000).mapToObj(i -> "Ann" + i).collect(Collectors.joining(", ")) + ".";

        assertThat(Names.in(document)).hasSize(Names.MAX_NAMES).startsWith("Ann0", "Ann1");
    }

    @Test
    void endlessRunOfCapitals_needsNoDeepStack() {
        assertThat(Names.in("so " + "Ann ".repeat(200_000))).containsExactly("Ann Ann Ann Ann Ann Ann", "Ann Ann");
    }
}
