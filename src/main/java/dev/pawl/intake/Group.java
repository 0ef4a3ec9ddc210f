package dev.pawl.intake;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

import jakarta.inject.Singleton;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

import dev.pawl.PawlConfig;
import dev.pawl.broker.BrokerAdmin;

/** What the broker knows of the documents topic and its consumer group: which process has which partition, this one and others. Thread-safe. */
@Singleton
public final class Group {

    private static final int TIMEOUT_MS = 5_000;

    private final BrokerAdmin admin;
    private final String topic;
    private final String group;
    private final Partitions partitions;

    Group(BrokerAdmin admin, PawlConfig config, Partitions partitions) {
        this.admin = admin;
        this.topic = config.topics().documents();
        this.group = config.consumerGroup();
        this.partitions = partitions;
    }

    /** The broker did not answer. */
    public static final class UnavailableException extends RuntimeException {
        UnavailableException(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * @param host as the broker sees it
     * @param member the name it keeps over restarts; where it has none, the one it got when it joined
     * @param here whether it is this process
     */
    public record Owner(String host, String member, boolean here) {}

    /**
     * @param committed null where nothing was
     * @param owner null where nobody has it
     */
    public record Held(String partition, Long committed, long end, Owner owner) {}

    /** In the order of their numbers. Blocks. */
    public List<Held> partitions() {
        try {
            Admin asked = admin.get();
            List<TopicPartition> all = asked.describeTopics(List.of(topic)).allTopicNames().get(TIMEOUT_MS, TimeUnit.MILLISECONDS)
                    .get(topic).partitions().stream().map(info -> new TopicPartition(topic, info.partition())).toList();
            Map<TopicPartition, ListOffsetsResultInfo> ends = asked
                    .listOffsets(all.stream().collect(Collectors.toMap(each -> each, _ -> OffsetSpec.latest())))
                    .all().get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
            Map<TopicPartition, OffsetAndMetadata> committed = asked.listConsumerGroupOffsets(group)
                    .partitionsToOffsetAndMetadata().get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
            Map<TopicPartition, Owner> owners = owners(asked.describeConsumerGroups(List.of(group)).all()
                    .get(TIMEOUT_MS, TimeUnit.MILLISECONDS).get(group).members());
            Map<Integer, Held> held = new TreeMap<>();
            for (TopicPartition partition : all) {
                OffsetAndMetadata offset = committed.get(partition);
                held.put(partition.partition(), new Held(partition.toString(), offset == null ? null : offset.offset(), ends.get(partition).offset(),
                        owners.get(partition)));
            }
            return new ArrayList<>(held.values());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted");
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            throw new UnavailableException("the broker did not answer: " + (e.getCause() == null ? e : e.getCause()).getMessage());
        }
    }

    /** Where the partitions' logs end. Does not block, but for the first time. */
    CompletionStage<Map<TopicPartition, Long>> ends(Collection<TopicPartition> of) {
        return admin.get().listOffsets(of.stream().collect(Collectors.toMap(each -> each, _ -> OffsetSpec.latest()))).all().toCompletionStage()
                .thenApply(ends -> ends.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, end -> end.getValue().offset())));
    }

    private Map<TopicPartition, Owner> owners(Iterable<MemberDescription> members) {
        Map<TopicPartition, Owner> owners = new HashMap<>();
        for (MemberDescription member : members) {
            for (TopicPartition partition : member.assignment().topicPartitions()) {
                owners.put(partition, new Owner(member.host().replaceFirst("^/", ""), member.groupInstanceId().orElse(member.consumerId()),
                        partitions.assignment(partition) != null));
            }
        }
        return owners;
    }
}
