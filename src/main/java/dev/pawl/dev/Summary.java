package dev.pawl.dev;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** An extractive summary: the sentences whose words the document uses most, in the document's order. */
final class Summary {

    static final int MAX_CHARACTERS = 400;
    private static final int MAX_SENTENCES = 3;

    /** Short words are mostly the language's, long ones mostly the document's. */
    private static final Pattern WORD = Pattern.compile("\\p{L}{4,}");
    /** Below this a sentence counts as this long, or two frequent words on their own would beat every full sentence. */
    private static final int MIN_WORDS = 8;

    private Summary() {
    }

    /** At most {@link #MAX_CHARACTERS} characters, never blank; the same for the same document. */
    static String of(String document) {
        var sentences = Sentences.of(document);
        if (sentences.isEmpty()) {
            return "The document is empty.";
        }
        var frequencies = new HashMap<String, Integer>();
        sentences.stream().flatMap(Summary::words).forEach(word -> frequencies.merge(word, 1, Integer::sum));
        var bestFirst = sentencesByScore(sentences, frequencies);

        var chosen = new TreeMap<Integer, String>();
        int characters = 0;
        for (int i : bestFirst) {
            int needed = sentences.get(i).length() + 1;
            if (chosen.size() < MAX_SENTENCES && characters + needed <= MAX_CHARACTERS) {
                chosen.put(i, sentences.get(i));
                characters += needed;
            }
        }
        return chosen.isEmpty() ? cut(sentences.get(bestFirst.getFirst())) : String.join(" ", chosen.values());
    }

    private static List<Integer> sentencesByScore(List<String> sentences, Map<String, Integer> frequencies) {
        var scores = sentences.stream().map(sentence -> score(sentence, frequencies)).toList();
        var order = new ArrayList<Integer>();
        for (int i = 0; i < sentences.size(); i++) {
            order.add(i);
        }
        order.sort(Comparator.comparing((Integer i) -> scores.get(i)).reversed());
        return order;
    }

    private static double score(String sentence, Map<String, Integer> frequencies) {
        var words = words(sentence).toList();
        double sum = words.stream().mapToInt(frequencies::get).sum();
        return sum / Math.max(words.size(), MIN_WORDS);
    }

    private static Stream<String> words(String sentence) {
        return WORD.matcher(sentence).results().map(MatchResult::group).map(word -> word.toLowerCase(Locale.ROOT));
    }

    private static String cut(String sentence) {
        int end = sentence.lastIndexOf(' ', MAX_CHARACTERS - 1);
        if (end <= 0) {
            end = MAX_CHARACTERS - 1;
            if (Character.isHighSurrogate(sentence.charAt(end - 1))) {
                end--;
            }
        }
        return sentence.substring(0, end) + "…";
    }
}
