package dev.pawl.chain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptTemplateTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', ignoreLeadingAndTrailingWhitespace = true, textBlock = """
            {{document}}                 | TEXT
            {{ document }}               | TEXT
            a{{document}}b{{id}}c        | aTEXTbdoc-1c
            {{id}}{{id}}                 | doc-1doc-1
            no variable                  | no variable
            {document} {{{id}}}          | {document} {doc-1}
            {"a":{"b":1}}                | {"a":{"b":1}}
            {{id                         | {{id
            id}}                         | id}}""")
    void variables_areFilledIn(String template, String prompt) {
        assertThat(new PromptTemplate(template).fill(Map.of("document", "TEXT", "id", "doc-1"))).isEqualTo(prompt);
    }

    @Test
    void value_isNeverTakenForATemplate() {
        PromptTemplate template = new PromptTemplate("{{document}} {{summary}}");

        assertThat(template.fill(Map.of("document", "{{summary}} $1 \\", "summary", "{{document}}")))
                .isEqualTo("{{summary}} $1 \\ {{document}}");
    }

    @Test
    void variables_areKnownInTheirOrder() {
        assertThat(new PromptTemplate("{{ b }}{{a}}{{b}}{{}}").variables()).containsExactly("b", "a", "");
    }

    @Test
    void text_isTheWholeTemplate() {
        assertThat(new PromptTemplate("a {{ b }}\n")).hasToString("a {{ b }}\n");
    }
}
