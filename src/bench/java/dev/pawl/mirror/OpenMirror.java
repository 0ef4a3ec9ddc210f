package dev.pawl.mirror;

import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.consumer.ConsumerConfig;

import dev.pawl.broker.BrokerAdmin;
import dev.pawl.checkpoint.FailStop;
import dev.pawl.harness.Configs;

/**
 * The real mirror without the application around it.
 *
 * @param topicId what the broker calls its topic, which was made where there was none
 */
public record OpenMirror(KafkaMirror mirror, MirrorTopic topic, String topicId) {

    public static OpenMirror of(String bootstrapServers, String documents, String checkpoint) throws Exception {
        Map<String, Object> connection = Map.of(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
        MirrorTopic topic = new MirrorTopic(new BrokerAdmin(connection), Configs.of("pawl.topics.documents", documents, "pawl.topics.checkpoint", checkpoint));
        return new OpenMirror(new KafkaMirror(connection, topic, new FailStop()), topic, topic.ensure(List.of(0)));
    }

    public long end(int partition) throws Exception {
        return topic.ends(List.of(partition)).get(partition);
    }

    /** What it reads with. */
    public Map<String, Object> readerConfig(int partition) {
        return mirror.readerConfig(partition);
    }
}
