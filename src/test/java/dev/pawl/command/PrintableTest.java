package dev.pawl.command;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrintableTest {

    @Test
    void of_usualText_isTheSame() {
        assertThat(Printable.of("doc-0847, Größe 文書 👍 \"x\"")).isEqualTo("doc-0847, Größe 文書 👍 \"x\"");
    }

    @Test
    void of_whatMovesTheCursorOrTurnsText_isWrittenAsInJson() {
        assertThat(Printable.of("a\033[2Jb\r\n\007\u007F\u009Bc\u202Ed\u2066e\u200Ff\u2028"))
                .isEqualTo("a\\u001B[2Jb\\u000D\\u000A\\u0007\\u007F\\u009Bc\\u202Ed\\u2066e\\u200Ff\\u2028");
    }
}
