package dev.pawl.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.pawl.Failure;
import dev.pawl.failures.Selection;
import dev.pawl.failures.TopicPosition;

/** What a request may ask of {@code /failures}, and what it is told otherwise. */
class FailuresRequestTest {

    @Test
    void ids_areASelection() {
        assertThat(FailuresResource.selection("{\"ids\":[\"doc-1\",\"doc/2 ü\",\"doc-1\"]}"))
                .isEqualTo(new Selection.Ids(Set.of("doc-1", "doc/2 ü")));
    }

    @Test
    void sources_areASelection() {
        assertThat(FailuresResource.selection("{\"sources\":[\"documents-3@847\"]}"))
                .isEqualTo(new Selection.Sources(Set.of(new TopicPosition("documents", 3, 847))));
    }

    @Test
    void aKind_isASelection() {
        assertThat(FailuresResource.selection(" {\"kind\":\"invalid-output\"} ")).isEqualTo(new Selection.OfKind(Failure.Kind.INVALID_OUTPUT));
    }

    @Test
    void all_isASelection() {
        assertThat(FailuresResource.selection("{\"all\":true}")).isEqualTo(new Selection.All());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
            ''                                 | "ids"
            {                                  | line 1
            []                                 | "ids"
            {}                                 | "ids"
            {"all":true,"kind":"refused"}      | one member
            {"all":true} {}                    | not JSON
            {"all":false}                      | all = false
            {"all":"true"}                     | all = "true"
            {"id":["doc-1"]}                   | member id
            {"ids":"doc-1"}                    | array of strings
            {"ids":[]}                         | at least one
            {"ids":[1]}                        | ids = 1
            {"ids":[null]}                     | ids = null
            {"sources":["doc-1"]}              | documents-3@847
            {"kind":"refusal"}                 | one of invalid-document, document-not-found
            {"kind":["refused"]}               | kind = ["refused"]
            """)
    void anythingElse_isRefusedWithWhatIsAllowed(String body, String told) {
        assertThatThrownBy(() -> FailuresResource.selection(body)).isInstanceOf(ProblemException.class).hasMessageContaining(told);
    }

    @ParameterizedTest
    @ValueSource(strings = { "1", "1000" })
    void limit_isFrom1To1000(String text) {
        assertThat(FailuresResource.limit(text)).isEqualTo(Integer.parseInt(text));
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "0", "1001", "-1", "ten", "99999999999" })
    void otherLimits_areRefused(String text) {
        assertThatThrownBy(() -> FailuresResource.limit(text)).isInstanceOf(ProblemException.class)
                .hasMessage("limit = %s is not allowed: a whole number from 1 to 1000", text);
    }

    @Test
    void otherFlags_areRefused() {
        assertThatThrownBy(() -> FailuresResource.flag("all", "yes")).isInstanceOf(ProblemException.class)
                .hasMessage("all = yes is not allowed: true or false");
    }
}
