package dev.pawl.intake;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.Mirror;
import dev.pawl.checkpoint.OpenCheckpoints;
import dev.pawl.intake.Takeovers.Ready;
import dev.pawl.mirror.KafkaMirror;

@Timeout(60)
class TakeoversTest {

    private static final TopicPartition ZERO = new TopicPartition("documents", 0);
    private static final TopicPartition ONE = new TopicPartition("documents", 1);
    private static final Duration LONG = Duration.ofMinutes(5);
    private static final Duration SHORT = Duration.ofMillis(20);

    @TempDir
    Path directory;

    private Checkpoints checkpoints;
    private final FakeMirrors mirrors = new FakeMirrors();
    private final BlockingQueue<Ready> ready = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> stopped = new LinkedBlockingQueue<>();
    private Takeovers takeovers;

    /** Partition 0 has an entry that has to be read, partition 1 has none. Everything can be held up. */
    private static final class FakeMirrors implements Takeovers.Mirrors {

        private final CountDownLatch asked = new CountDownLatch(1);
        private final CountDownLatch reading = new CountDownLatch(1);
        private final CountDownLatch saidWhereItEnds = new CountDownLatch(1);
        private final CountDownLatch readOn = new CountDownLatch(1);
        private volatile boolean endsWhenCancelled;
        private final AtomicLong endOfZero = new AtomicLong(1);
        private final AtomicInteger readings = new AtomicInteger();
        private final AtomicInteger askedForEnds = new AtomicInteger();
        private final AtomicBoolean failsOnce = new AtomicBoolean();
        private final AtomicBoolean partitionFailsOnce = new AtomicBoolean();

        @Override
        public String ensure(Collection<Integer> partitions) {
            asked.countDown();
            return "qZ0cXWB2TU6CFsJ_y5lHEw";
        }

        @Override
        public Map<Integer, Long> ends(Collection<Integer> partitions) {
            pass(saidWhereItEnds);
            askedForEnds.incrementAndGet();
            Map<Integer, Long> ends = new HashMap<>();
            partitions.forEach(partition -> ends.put(partition, partition == 0 ? endOfZero.get() : 0));
            return ends;
        }

        @Override
        public Mirror partition(int number) {
            if (partitionFailsOnce.getAndSet(false)) {
                throw new KafkaException("not authorized");
            }
            return (_, _, confirmation) -> confirmation.confirmed(Mirror.NOWHERE, null);
        }

        @Override
        public void read(int partition, long from, long end, KafkaMirror.Reader reader, BooleanSupplier cancelled) throws IOException {
            reading.countDown();
            readings.incrementAndGet();
            if (failsOnce.getAndSet(false)) {
                throw new KafkaException("the broker is away");
            }
            if (endsWhenCancelled) {
                await().atMost(Duration.ofSeconds(30)).until(cancelled::getAsBoolean);
                return;
            }
            pass(readOn);
            reader.read(new ConsumerRecord<>("checkpoint", partition, 0, "doc-1".getBytes(), "{\"id\":\"doc-1\"}".getBytes()));
        }

        private static void pass(CountDownLatch latch) {
            try {
                assertThat(latch.await(30, SECONDS)).isTrue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @BeforeEach
    void open() {
        checkpoints = OpenCheckpoints.in(directory);
        takeovers = takeovers(mirrors, new Takeovers.Times(SHORT, LONG, LONG));
    }

    private Takeovers takeovers(Takeovers.Mirrors of, Takeovers.Times times) {
        return new Takeovers(checkpoints, of, stopped::add, times);
    }

    @AfterEach
    void close() {
        mirrors.saidWhereItEnds.countDown();
        mirrors.readOn.countDown();
        takeovers.close();
        OpenCheckpoints.close(checkpoints);
        assertThat(stopped).isEmpty();
    }

    /** It must not wait for the lock that it holds itself. */
    @Test
    void mirrorThatCanNotBeAskedForItsPartition_isAskedAgain() throws Exception {
        mirrors.partitionFailsOnce.set(true);
        mirrors.saidWhereItEnds.countDown();
        begin(ONE);

        Ready ready = next();

        assertThat(ready.partition()).isEqualTo(ONE);
        assertThat(takeovers.end(ready)).isTrue();
    }

    @Test
    void levelPartition_doesNotWaitForOneThatIsRestored() throws Exception {
        mirrors.saidWhereItEnds.countDown();
        begin(ZERO, ONE);

        Ready first = next();

        assertThat(first.partition()).isEqualTo(ONE);
        assertThat(takeovers.end(first)).isTrue();
        assertThat(takeovers.isUnderWay(ONE)).isFalse();
        assertThat(takeovers.isUnderWay(ZERO)).isTrue();
        assertThat(takeovers.waiting()).containsExactly(new Partitions.Waiting("documents-0", 0, 1, null));
        mirrors.readOn.countDown();
        Ready second = next();
        assertThat(second.partition()).isEqualTo(ZERO);
        assertThat(checkpoints.find("doc-1").isEmpty()).isFalse();
        assertThat(takeovers.end(second)).isTrue();
        assertThat(takeovers.end(second)).isFalse();
        assertThat(takeovers.waiting()).isEmpty();
    }

    @Test
    void brokerThatWasAway_isAskedAgain() throws Exception {
        mirrors.saidWhereItEnds.countDown();
        mirrors.readOn.countDown();
        mirrors.failsOnce.set(true);

        begin(ZERO);

        assertThat(next().partition()).isEqualTo(ZERO);
    }

    @Test
    void mirrorThatEndsBeforeItsMark_isAskedAgainAndComparedFromItsBeginning() throws Exception {
        mirrors.saidWhereItEnds.countDown();
        mirrors.readOn.countDown();
        mirrors.endOfZero.set(5);
        begin(ZERO);
        takeovers.end(next());
        checkpoints.close(List.of("documents-0"));
        mirrors.endOfZero.set(1);
        mirrors.askedForEnds.set(0);

        begin(ZERO);

        assertThat(takeovers.end(next())).isTrue();
        assertThat(mirrors.askedForEnds).hasValue(2);
        assertThat(mirrors.readings).hasValue(2);
    }

    @Test
    void cancelledBeforeItIsOpen_neverIs() throws Exception {
        begin(ZERO, ONE);
        mirrors.asked.await();

        takeovers.cancel(List.of(ZERO));
        mirrors.readOn.countDown();
        mirrors.saidWhereItEnds.countDown();

        assertThat(next().partition()).isEqualTo(ONE);
        assertThat(mirrors.reading.getCount()).isEqualTo(1);
        assertThatItCanBeOpened(ZERO);
    }

    @Test
    void cancelledWhileItIsRead_isClosedWhenCancellingReturns() throws Exception {
        mirrors.saidWhereItEnds.countDown();
        mirrors.endsWhenCancelled = true;
        begin(ZERO);
        mirrors.reading.await();

        takeovers.cancel(List.of(ZERO));

        assertThatItCanBeOpened(ZERO);
        assertThat(ready).isEmpty();
    }

    @Test
    void cancelledAfterItWasReady_isNotHandedOut() throws Exception {
        mirrors.saidWhereItEnds.countDown();
        begin(ONE);
        Ready late = next();

        takeovers.cancel(List.of(ONE));

        assertThat(takeovers.end(late)).isFalse();
        assertThat(checkpoints.isEmpty()).isTrue();
        assertThatItCanBeOpened(ONE);
    }

    @Test
    void cancelledAfterItsEnd_staysOpen() throws Exception {
        mirrors.saidWhereItEnds.countDown();
        begin(ONE);
        takeovers.end(next());

        takeovers.cancel(List.of(ONE));

        assertThat(checkpoints.holds("documents-1")).isTrue();
    }

    @Test
    void readyOfACancelledOne_doesNotEndTheNext() throws Exception {
        mirrors.saidWhereItEnds.countDown();
        begin(ONE);
        Ready late = next();
        takeovers.cancel(List.of(ONE));
        begin(ONE);
        Ready current = next();

        assertThat(takeovers.end(late)).isFalse();
        assertThat(takeovers.end(current)).isTrue();
    }

    /** The poll thread can't wait for ever. Whoever reads closes it in the end, and the partition may have come back by then. */
    @Test
    void cancelledWhileReadingHangs_isClosedOnceThatEnds() throws Exception {
        takeovers = takeovers(mirrors, new Takeovers.Times(SHORT, Duration.ZERO, SHORT));
        mirrors.saidWhereItEnds.countDown();
        begin(ZERO);
        mirrors.reading.await();
        takeovers.cancel(List.of(ZERO));
        takeovers = takeovers(mirrors, new Takeovers.Times(SHORT, LONG, LONG));
        begin(ZERO);
        await().until(() -> takeovers.waiting().getFirst().holder() != null);

        mirrors.readOn.countDown();

        assertThat(takeovers.end(next())).isTrue();
        assertThat(checkpoints.holds("documents-0")).isTrue();
    }

    @Test
    void heldFile_isTakenOnceItIsFree() throws Exception {
        Checkpoints holder = OpenCheckpoints.in(directory);
        holder.open("documents-1");
        mirrors.saidWhereItEnds.countDown();
        begin(ONE);
        await().until(() -> takeovers.waiting().equals(List.of(new Partitions.Waiting("documents-1", 0, 0, "this very process"))));

        OpenCheckpoints.close(holder);

        assertThat(takeovers.end(next())).isTrue();
    }

    @Test
    void filesThatAreAllHeldForGood_endTheProcess() throws Exception {
        Checkpoints holder = OpenCheckpoints.in(directory);
        holder.open("documents-0");
        holder.open("documents-1");
        takeovers = takeovers(null, new Takeovers.Times(SHORT, Duration.ofMillis(200), LONG));

        begin(ZERO, ONE);

        assertThat(stopped.poll(30, SECONDS)).contains("can't be taken over", "is held by this very process");
        takeovers.cancel(List.of(ZERO, ONE));
        stopped.clear();
        OpenCheckpoints.close(holder);
    }

    @Test
    void oneFileThatIsHeld_doesNotEndTheProcessWhileAnotherIsOpen() throws Exception {
        Checkpoints holder = OpenCheckpoints.in(directory);
        holder.open("documents-0");
        takeovers = takeovers(null, new Takeovers.Times(SHORT, Duration.ZERO, LONG));

        begin(ONE);
        takeovers.end(next());
        begin(ZERO);
        await().until(() -> !takeovers.waiting().isEmpty() && takeovers.waiting().getFirst().holder() != null);
        OpenCheckpoints.close(holder);

        assertThat(takeovers.end(next())).isTrue();
    }

    private void begin(TopicPartition... partitions) {
        takeovers.begin(List.of(partitions), _ -> 0, ready::add);
    }

    private Ready next() throws InterruptedException {
        Ready next = ready.poll(30, SECONDS);
        assertThat(next).isNotNull();
        return next;
    }

    private void assertThatItCanBeOpened(TopicPartition partition) throws IOException {
        checkpoints.close(partition.toString(), checkpoints.openToRestore(partition.toString()));
    }
}
