package dev.pawl.deploy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What PromQL expressions ask for. No parser: it finds names, and takes for granted that Prometheus can read the rest. */
final class Promql {

    private static final Pattern TOKEN = Pattern.compile("\"[^\"]*\"|\\[[^]]*]"
            + "|\\b\\w+\\s+(?:by|without)\\s*\\([^)]*\\)"
            + "|\\b(?:on|ignoring|group_left|group_right)\\s*\\([^)]*\\)"
            + "|\\b\\d[\\w.]*|\\$\\w+"
            + "|(?<name>[a-zA-Z_:][\\w:]*)\\s*(?:\\{(?<labels>[^}]*)}|(?<call>\\())?");
    private static final Pattern LABEL = Pattern.compile("(\\w+)\\s*(=~|=|!=|!~)\\s*\"([^\"]*)\"");
    private static final Set<String> KEYWORDS = Set.of("and", "or", "unless", "bool", "offset");

    private Promql() {
    }

    /**
     * One set of series.
     *
     * @param labels the values that a label may have, where the expression names them one by one
     */
    record Selector(String metric, Map<String, List<String>> labels) {}

    static List<Selector> selectors(String expression) {
        List<Selector> selectors = new ArrayList<>();
        for (Matcher token = TOKEN.matcher(expression); token.find();) {
            String name = token.group("name");
            if (name != null && token.group("call") == null && !KEYWORDS.contains(name)) {
                selectors.add(new Selector(name, labels(token.group("labels"))));
            }
        }
        return selectors;
    }

    private static Map<String, List<String>> labels(String text) {
        Map<String, List<String>> labels = new HashMap<>();
        for (Matcher label = LABEL.matcher(text == null ? "" : text); label.find();) {
            boolean named = label.group(2).equals("=") || label.group(2).equals("=~") && label.group(3).matches("[\\w|]+");
            if (named) {
                labels.put(label.group(1), Arrays.asList(label.group(3).split("\\|")));
            }
        }
        return labels;
    }
}
