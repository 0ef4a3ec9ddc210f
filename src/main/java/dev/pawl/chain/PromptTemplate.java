package dev.pawl.chain;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A prompt with variables in LangChain4j's syntax, {@code {{document}}}. Filled in one pass, so that a document that
 * itself holds {@code {{summary}}} stays as it is: LangChain4j's own template replaces one variable after the other,
 * in what it replaced before as well.
 */
final class PromptTemplate {

    private static final Pattern VARIABLE = Pattern.compile("\\{\\{\\s*([^{}]*?)\\s*}}");

    private sealed interface Part {
        record Literal(String text) implements Part {}

        record Variable(String name) implements Part {}
    }

    private final String text;
    private final List<Part> parts = new ArrayList<>();
    private final Set<String> variables = new LinkedHashSet<>();

    PromptTemplate(String text) {
        this.text = text;
        int end = 0;
        for (Matcher matcher = VARIABLE.matcher(text); matcher.find(); end = matcher.end()) {
            parts.add(new Part.Literal(text.substring(end, matcher.start())));
            parts.add(new Part.Variable(matcher.group(1)));
            variables.add(matcher.group(1));
        }
        parts.add(new Part.Literal(text.substring(end)));
    }

    Set<String> variables() {
        return variables;
    }

    /** The prompt. Every variable must have a value. */
    String fill(Map<String, String> values) {
        StringBuilder prompt = new StringBuilder();
        for (Part part : parts) {
            prompt.append(switch (part) {
                case Part.Literal(String literal) -> literal;
                case Part.Variable(String name) -> values.get(name);
            });
        }
        return prompt.toString();
    }

    @Override
    public String toString() {
        return text;
    }
}
