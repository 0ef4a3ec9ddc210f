package dev.pawl.intake;

import java.time.Clock;
import java.util.List;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

import dev.pawl.harness.Configs;

/** A partition, and the gate before it, for tests of other packages. */
public final class OnePartition {

    private static final TopicPartition NAME = new TopicPartition("documents", 3);

    private final Partitions partitions = new Partitions(null, new Takeovers(null, null, _ -> { }, Takeovers.Times.USUAL), Configs.of());
    private final Assignment assignment = new Assignment(NAME.toString(), null, 0);
    private final Gate gate;

    public OnePartition(Clock clock) {
        this.gate = new Gate(clock);
        partitions.assigned(NAME, assignment);
    }

    public Partitions partitions() {
        return partitions;
    }

    public Gate gate() {
        return gate;
    }

    /** Its log ends there; nothing is taken yet. */
    public void endsAt(long offset) {
        assignment.observe(offset);
    }

    public void take(long offset) {
        assignment.polled(List.of(new ConsumerRecord<>(NAME.topic(), NAME.partition(), offset, null, new byte[] { 'x' })), offset + 1);
        assignment.enter(offset);
    }

    public void settle(long offset) {
        assignment.settle(offset);
        assignment.leave();
    }
}
