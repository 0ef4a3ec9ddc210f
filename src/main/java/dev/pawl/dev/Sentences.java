package dev.pawl.dev;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** A document as sentences. */
final class Sentences {

    private static final Pattern PARAGRAPH_END = Pattern.compile("\\R\\s*\\R");
    private static final Pattern WHITE_SPACE = Pattern.compile("\\s+");
    private static final Pattern ABBREVIATION = Pattern.compile("(?:^|.* )(?:\\p{Lu}|Dr|Mr|Mrs|Ms|Prof|St)\\.$");
    private static final Pattern CLOSED = Pattern.compile("[.!?。！？…][\\p{Pe}\\p{Pf}\"']*$");

    private Sentences() {
    }

    /**
     * The sentences in order, each on one line. Headings and other lines without a full stop are left out, unless there
     * is nothing else.
     */
    static List<String> of(String document) {
        var all = new ArrayList<String>();
        for (String paragraph : PARAGRAPH_END.split(document)) {
            split(WHITE_SPACE.matcher(paragraph).replaceAll(" ").strip(), all);
        }
        var closed = all.stream().filter(sentence -> CLOSED.matcher(sentence).find()).toList();
        return closed.isEmpty() ? List.copyOf(all) : closed;
    }

    private static void split(String paragraph, List<String> sentences) {
        var boundaries = BreakIterator.getSentenceInstance(Locale.ROOT);
        boundaries.setText(paragraph);
        int start = boundaries.first();
        for (int end = boundaries.next(); end != BreakIterator.DONE; end = boundaries.next()) {
            String sentence = paragraph.substring(start, end).strip();
            if (end == paragraph.length() || !ABBREVIATION.matcher(sentence).matches()) {
                sentences.add(sentence);
                start = end;
            }
        }
    }
}
