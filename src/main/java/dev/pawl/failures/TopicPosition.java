package dev.pawl.failures;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a record lies, written {@code topic-partition@offset}: {@code documents-3@847}. In the order of partitions, then of offsets. */
public record TopicPosition(String topic, int partition, long offset) implements Comparable<TopicPosition> {

    private static final Pattern WRITTEN = Pattern.compile("(.+)-(\\d{1,9})@(\\d{1,18})");
    private static final Comparator<TopicPosition> ORDER = Comparator.comparing(TopicPosition::topic)
            .thenComparingInt(TopicPosition::partition)
            .thenComparingLong(TopicPosition::offset);

    /** Empty where the text is none, as {@link #toString} writes it. */
    public static Optional<TopicPosition> parse(String text) {
        Matcher written = WRITTEN.matcher(text);
        return written.matches()
                ? Optional.of(new TopicPosition(written.group(1), Integer.parseInt(written.group(2)), Long.parseLong(written.group(3))))
                        .filter(position -> position.toString().equals(text))
                : Optional.empty();
    }

    /** {@code documents-3} */
    String topicPartition() {
        return topic + '-' + partition;
    }

    @Override
    public int compareTo(TopicPosition other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return topicPartition() + '@' + offset;
    }
}
