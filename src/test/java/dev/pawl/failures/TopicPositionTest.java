package dev.pawl.failures;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TopicPositionTest {

    @ParameterizedTest
    @ValueSource(strings = { "documents-3@847", "a-topic.with_all-0@0", "9-1-2@999999999999999999" })
    void position_isReadAsItIsWritten(String text) {
        assertThat(TopicPosition.parse(text)).hasValueSatisfying(position -> assertThat(position).hasToString(text));
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "documents", "documents-3", "documents@847", "documents-3@", "-3@847", "documents-03@847", "documents-3@0847",
            "documents-3@-1", "documents-3@9999999999999999999", "documents-3@847 ", "documents-\u0663@847" })
    void otherText_isNone(String text) {
        assertThat(TopicPosition.parse(text)).isEmpty();
    }

    @Test
    void positions_areInTheOrderOfPartitionsThenOffsets() {
        assertThat(Stream.of("t-10@1", "t-2@3", "t-2@20", "t-2@5").map(text -> TopicPosition.parse(text).orElseThrow()).sorted())
                .extracting(TopicPosition::toString).containsExactly("t-2@3", "t-2@5", "t-2@20", "t-10@1");
    }
}
