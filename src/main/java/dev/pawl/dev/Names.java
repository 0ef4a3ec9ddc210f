package dev.pawl.dev;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The names in a document, as far as capital letters tell: {@code Marie Curie}, {@code University of Paris}.
 *
 * <p>A word that only its place at a sentence's start may have capitalised counts when it stands in front of other names
 * ({@code Curie Institute}) or is capitalised elsewhere too.
 */
final class Names {

    static final int MAX_NAMES = 20;

    /** Words that a name doesn't begin with, though a sentence or a heading may. */
    private static final Set<String> COMMON = Set.of("a", "after", "all", "also", "although", "an", "and", "another", "as",
            "at", "because", "before", "both", "but", "by", "during", "each", "even", "every", "for", "from", "he", "her",
            "here", "his", "how", "however", "i", "if", "in", "it", "its", "many", "meanwhile", "most", "my", "no", "not",
            "now", "of", "on", "once", "one", "only", "or", "our", "she", "since", "so", "some", "that", "the", "their",
            "then", "there", "these", "they", "this", "those", "though", "to", "two", "under", "until", "we", "what",
            "when", "where", "which", "while", "who", "why", "with", "yes", "yet", "you", "your");

    /** Every loop is bounded: Java's matcher recurses for each turn, and a document may be one long list of names. */
    private static final Pattern NAME = Pattern.compile("""
            (?x) (?<! [\\p{L}\\p{N}] )
            \\p{Lu} [\\p{L}\\p{N}]*+ (?: [-'’&] (?! s\\b ) [\\p{L}\\p{N}]++ ){0,3}+
            (?: \\x20 (?: (?: de | der | la | of | van | von ) \\x20 )?
                \\p{Lu} [\\p{L}\\p{N}]*+ (?: [-'’&] (?! s\\b ) [\\p{L}\\p{N}]++ ){0,3}+
            ){0,5}+""");
    private static final Pattern LOWER_CASE_WORD = Pattern.compile("(?<![\\p{L}\\p{N}])\\p{Ll}\\p{L}*+");
    private static final Pattern LETTER = Pattern.compile("\\p{L}");

    private record Candidate(String name, boolean capitalisedByPlace) {
    }

    private Names() {
    }

    /** Distinct, in order of first appearance, at most {@link #MAX_NAMES}. */
    static List<String> in(String document) {
        var sentences = Sentences.of(document);
        var lowerCase = sentences.stream()
                .flatMap(sentence -> LOWER_CASE_WORD.matcher(sentence).results().map(MatchResult::group))
                .collect(Collectors.toSet());
        var candidates = sentences.stream().flatMap(sentence -> candidates(sentence, lowerCase)).toList();
        var certain = candidates.stream()
                .filter(candidate -> !candidate.capitalisedByPlace())
                .map(Candidate::name)
                .collect(Collectors.toSet());
        return candidates.stream().map(Candidate::name).filter(certain::contains).distinct().limit(MAX_NAMES).toList();
    }

    private static Stream<Candidate> candidates(String sentence, Set<String> lowerCase) {
        return NAME.matcher(sentence).results().flatMap(match -> {
            boolean startsSentence = !LETTER.matcher(sentence).region(0, match.start()).find();
            var words = new ArrayList<>(List.of(match.group().split(" ")));
            if (startsSentence && lowerCase.contains(words.getFirst().toLowerCase(Locale.ROOT))) {
                words.removeFirst();
                startsSentence = false;
            }
            while (!words.isEmpty() && COMMON.contains(words.getFirst().toLowerCase(Locale.ROOT))) {
                words.removeFirst();
                startsSentence = false;
            }
            return words.isEmpty()
                    ? Stream.empty()
                    : Stream.of(new Candidate(String.join(" ", words), startsSentence && words.size() == 1));
        });
    }
}
