package dev.pawl.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;

class TestBrokerTest {

    @Test
    void published_isReadInOrderWithItsHeaders() {
        TestBroker broker = TestBroker.shared();
        String topic = broker.createTopics(1).documents();
        try (var publisher = new Publisher(broker.bootstrapServers())) {
            publisher.publish(topic, "doc-1", "first");
            publisher.publish(topic, "doc-1", (String) null);
            var third = new ProducerRecord<byte[], byte[]>(topic, null, new byte[] {(byte) 0xff});
            third.headers().add("pawl-kind", "invalid-document".getBytes(StandardCharsets.UTF_8));
            assertThat(publisher.publish(third).offset()).isEqualTo(2);
        }

        List<ConsumerRecord<byte[], byte[]>> records = new Reader(broker.bootstrapServers()).readAll(topic);

        assertThat(records).extracting(ConsumerRecord::value).containsExactly("first".getBytes(), null, new byte[] {(byte) 0xff});
        assertThat(records.get(0).key()).isEqualTo("doc-1".getBytes());
        assertThat(records.get(2).key()).isNull();
        assertThat(records.get(2).headers().lastHeader("pawl-kind").value()).isEqualTo("invalid-document".getBytes());
    }

    @Test
    void topics_areFreshAndHaveTheirPartitions() {
        TestBroker broker = TestBroker.shared();
        Topics one = broker.createTopics();
        Topics other = broker.createTopics(7);

        assertThat(one.documents()).isNotEqualTo(other.documents());
        assertThat(broker.endOffsets(one.results())).isEqualTo(Map.of(0, 0L, 1, 0L, 2, 0L, 3, 0L));
        assertThat(broker.endOffsets(other.deadLetters())).hasSize(7);
        assertThat(one.config()).containsEntry("pawl.topics.documents", one.documents());
    }

    @Test
    void committed_isWhatTheGroupCommitted() {
        TestBroker broker = TestBroker.shared();
        Topics topics = broker.createTopics(2);
        publish(broker, topics.documents(), 0, 500);
        assertThat(broker.committed("group-" + topics.documents(), topics.documents())).isEmpty();

        try (var consumer = new KafkaConsumer<>(Map.<String, Object>of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, broker.bootstrapServers(),
                ConsumerConfig.GROUP_ID_CONFIG, "group-" + topics.documents(),
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest"), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(topics.documents()));
            int count = 0;
            while (count < 500) {
                count += consumer.poll(Duration.ofSeconds(1)).count();
            }
            consumer.commitSync();
        }

        assertThat(broker.committed("group-" + topics.documents(), topics.documents()))
                .isEqualTo(broker.endOffsets(topics.documents()));
    }

    @Test
    void await_saysHowManyRecordsThereWere() {
        TestBroker broker = TestBroker.shared();
        Topics topics = broker.createTopics(1);
        publish(broker, topics.results(), 0, 3);
        var reader = new Reader(broker.bootstrapServers());

        assertThat(reader.await(topics.results(), records -> records.size() == 3, Duration.ofSeconds(10))).hasSize(3);
        assertThatThrownBy(() -> reader.await(topics.results(), records -> records.size() == 4, Duration.ofSeconds(5)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("3 records, by partition {0=3}");
    }

    @Test
    void sharedBroker_refusesToStop() {
        assertThatThrownBy(() -> TestBroker.shared().stop()).isInstanceOf(UnsupportedOperationException.class);
        assertThat(TestBroker.shared().bootstrapServers()).isEqualTo(TestBroker.shared().bootstrapServers());
    }

    @Test
    void clients_workOnAThreadOfAnotherClassLoader() throws Exception {
        TestBroker broker = TestBroker.shared();
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        URL kafka = KafkaConsumer.class.getProtectionDomain().getCodeSource().getLocation();
        try (var stranger = new URLClassLoader(new URL[] {kafka}, ClassLoader.getPlatformClassLoader())) {
            thread.setContextClassLoader(stranger);
            Topics topics = broker.createTopics();
            publish(broker, topics.documents(), 0, 10);
            assertThat(new Reader(broker.bootstrapServers()).readAll(topics.documents())).hasSize(10);
            assertThat(thread.getContextClassLoader()).isSameAs(stranger);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    @Test
    void restartedBroker_hasItsAddressAndData() {
        try (var broker = TestBroker.open(3)) {
            Topics topics = broker.createTopics();
            publish(broker, topics.documents(), 0, 1_000);
            Map<Integer, Long> before = broker.endOffsets(topics.documents());
            CompletableFuture<List<ConsumerRecord<byte[], byte[]>>> reading = Beside.supply(() ->
                    new Reader(broker.bootstrapServers())
                            .await(topics.documents(), records -> records.size() == 2_000, Duration.ofSeconds(60)));

            broker.stop();
            broker.start();

            assertThat(broker.endOffsets(topics.documents())).isEqualTo(before).hasSize(3);
            publish(broker, topics.documents(), 1_000, 2_000);
            assertThat(reading.join()).extracting(record -> new String(record.key())).doesNotHaveDuplicates();
        }
    }

    private static void publish(TestBroker broker, String topic, int from, int to) {
        try (var publisher = new Publisher(broker.bootstrapServers())) {
            assertThat(publisher.publishIds(topic, IntStream.range(from, to).mapToObj(i -> "doc-" + i))).isEqualTo(to - from);
        }
    }
}
