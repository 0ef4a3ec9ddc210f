package dev.pawl.mirror;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

import jakarta.inject.Singleton;

import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jboss.logging.Logger;

import dev.pawl.PawlConfig;
import dev.pawl.broker.BrokerAdmin;

/**
 * The topic of {@code pawl.checkpoint.mirror=kafka}: compacted, with as many partitions as the documents topic has, the checkpoint of
 * partition 3 in its partition 3. Made by whichever process needs it first. Blocks; thread-safe.
 */
@Singleton
public final class MirrorTopic {

    private static final Logger LOG = Logger.getLogger(MirrorTopic.class);

    private static final int TIMEOUT_MS = 10_000;
    /** How much of a partition may be superseded before the broker compacts it: a restore reads that, too. Kafka's default is a half. */
    private static final String DIRTY_RATIO = "0.2";
    /** Only whole segments are compacted; Kafka's default is a gigabyte. */
    private static final String SEGMENT_BYTES = Integer.toString(64 << 20);

    private final BrokerAdmin admin;
    private final String documents;
    private final String name;
    private String id;
    private int partitions;

    MirrorTopic(BrokerAdmin admin, PawlConfig config) {
        this.admin = admin;
        this.documents = config.topics().documents();
        this.name = config.topics().checkpoint();
    }

    /** The topic is there, and can't be used as it is. The message is a sentence that says what to do. */
    public static final class RefusedException extends Exception {
        RefusedException(String message) {
            super(message, null, false, false);
        }
    }

    /** The broker did not answer. */
    public static final class UnavailableException extends Exception {
        UnavailableException(String message) {
            super(message, null, false, false);
        }
    }

    String name() {
        return name;
    }

    /**
     * Makes sure that the topic is there for these partitions, and as it must be. Once that is known, it is not looked at again.
     *
     * @return what the broker calls it: one of the same name that is made anew is another
     */
    public synchronized String ensure(Collection<Integer> needed) throws RefusedException, UnavailableException {
        try {
            if (id == null) {
                Optional<TopicDescription> present = describe(name);
                TopicDescription found = present.isPresent() ? present.get() : create();
                checkSettings();
                id = found.topicId().toString();
                partitions = found.partitions().size();
            }
            int most = needed.stream().mapToInt(Integer::intValue).max().orElse(0) + 1;
            if (partitions < most) {
                partitions = grow();
            }
            return id;
        } catch (ExecutionException e) {
            throw new UnavailableException("%s: %s".formatted(name, e.getCause().getMessage()));
        } catch (TimeoutException | KafkaException e) {
            throw new UnavailableException("%s: the broker did not answer: %s".formatted(name, e.getMessage()));
        }
    }

    private Optional<TopicDescription> describe(String topic) throws ExecutionException, TimeoutException {
        try {
            return Optional.of(get(admin.get().describeTopics(List.of(topic)).topicNameValues().get(topic)));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private TopicDescription create() throws ExecutionException, TimeoutException {
        int count = countDocuments();
        NewTopic topic = new NewTopic(name, Optional.of(count), Optional.empty()).configs(Map.of(
                TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT,
                TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG, DIRTY_RATIO,
                TopicConfig.SEGMENT_BYTES_CONFIG, SEGMENT_BYTES));
        try {
            get(admin.get().createTopics(List.of(topic)).all());
            LOG.infof("Created the topic %s, compacted, with %d partitions", name, count);
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw e;
            }
        }
        return describe(name).orElseThrow(() -> new TimeoutException("the topic was created and is not to be seen yet"));
    }

    private int countDocuments() throws ExecutionException, TimeoutException {
        return describe(documents).orElseThrow(() -> new TimeoutException("there is no topic " + documents)).partitions().size();
    }

    private void checkSettings() throws ExecutionException, TimeoutException, RefusedException {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, name);
        String policy = get(admin.get().describeConfigs(List.of(resource)).all()).get(resource).get(TopicConfig.CLEANUP_POLICY_CONFIG).value();
        if (!policy.equals(TopicConfig.CLEANUP_POLICY_COMPACT)) {
            throw new RefusedException("the topic %s (pawl.topics.checkpoint) has %s = %s; as the mirror of the checkpoint it needs %s, or the broker would drop what is done"
                    .formatted(name, TopicConfig.CLEANUP_POLICY_CONFIG, policy, TopicConfig.CLEANUP_POLICY_COMPACT));
        }
    }

    /** The documents topic was given more partitions. */
    private int grow() throws ExecutionException, TimeoutException {
        int count = countDocuments();
        try {
            get(admin.get().createPartitions(Map.of(name, NewPartitions.increaseTo(count))).all());
            LOG.infof("The topic %s has %d partitions now, as %s has", name, count, documents);
        } catch (ExecutionException e) {
            // Another process was faster.
            LOG.debugf("%s: %s", name, e.getCause().getMessage());
        }
        int now = describe(name).map(found -> found.partitions().size()).orElse(0);
        if (now < count) {
            throw new TimeoutException("it has %d partitions, and needs %d".formatted(now, count));
        }
        return now;
    }

    /** Where partitions end at present. */
    public Map<Integer, Long> ends(Collection<Integer> of) throws UnavailableException {
        try {
            return get(admin.get().listOffsets(of.stream().collect(Collectors.toMap(each -> new TopicPartition(name, each), _ -> OffsetSpec.latest())))
                    .all()).entrySet().stream()
                    .collect(Collectors.toMap(end -> end.getKey().partition(), end -> end.getValue().offset()));
        } catch (ExecutionException e) {
            throw new UnavailableException("%s: %s".formatted(name, e.getCause().getMessage()));
        } catch (TimeoutException | KafkaException e) {
            throw new UnavailableException("%s: the broker did not answer: %s".formatted(name, e.getMessage()));
        }
    }

    private static <T> T get(KafkaFuture<T> answer) throws ExecutionException, TimeoutException {
        try {
            return answer.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TimeoutException("interrupted");
        }
    }
}
