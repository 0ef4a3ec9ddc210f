package dev.pawl.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import dev.pawl.document.Document;
import io.smallrye.mutiny.Uni;

@Timeout(30)
class PublicationTest {

    private static final int MANY = 100_000;

    /** What the broker was sent and has not answered for. */
    private final Queue<CompletableFuture<Void>> unconfirmed = new ConcurrentLinkedQueue<>();
    private final Publication publication = new Publication(_ -> {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        unconfirmed.add(answer);
        return Uni.createFrom().completionStage(answer);
    });

    @Test
    void brokerThatConfirmsNothing_holdsThePublisherBack() {
        AtomicInteger sent = new AtomicInteger();
        Thread publisher = Thread.ofPlatform().daemon().start(() -> {
            for (int line = 1; line <= MANY; line++) {
                send(line);
                sent.incrementAndGet();
            }
        });

        await().until(() -> publisher.getState() == Thread.State.WAITING);
        assertThat(sent.get()).isLessThanOrEqualTo(8_192).isGreaterThan(1_000);
        int before = sent.get();
        confirm(100);

        await().until(() -> sent.get() == before + 100);
        await().until(() -> publisher.getState() == Thread.State.WAITING);
        assertThat(sent.get()).isEqualTo(before + 100);
    }

    @Test
    void end_waitsForTheLastAnswer() {
        send(1);
        send(2);
        publication.reject(3, "wrong");
        CompletableFuture<Published> ended = CompletableFuture.supplyAsync(publication::end);
        confirm(1);
        assertThat(ended).isNotDone();
        confirm(1);

        assertThat(ended.join()).isEqualTo(new Published(2, List.of(new Published.Rejected(3, "wrong")), 1L));
    }

    @Test
    void recordThatIsTooLarge_isLeftOut_andTheOthersAreNot() {
        send(1);
        send(2);
        unconfirmed.remove().completeExceptionally(new RecordTooLargeException("1 MB"));
        confirm(1);
        Published published = publication.end();

        assertThat(published.accepted()).isEqualTo(1);
        assertThat(published.rejected()).singleElement().satisfies(rejected -> {
            assertThat(rejected.line()).isEqualTo(1);
            assertThat(rejected.reason()).startsWith("the broker takes no record of");
        });
    }

    @Test
    void brokerThatDoesNotAnswer_endsThePublication() {
        send(1);
        send(2);
        confirm(1);
        unconfirmed.remove().completeExceptionally(new TimeoutException("120000 ms has passed"));

        assertThatThrownBy(() -> send(3)).isInstanceOf(ProblemException.class).hasMessageContaining("did not confirm");
        assertThatThrownBy(publication::end).isInstanceOfSatisfying(ProblemException.class, e -> {
            assertThat(e.getResponse().getStatus()).isEqualTo(503);
            assertThat((String) e.getResponse().getEntity()).contains("\"accepted\":1");
        });
    }

    @Test
    void processThatEnds_doesNotWaitForTheBroker() throws InterruptedException {
        send(1);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread publisher = Thread.ofPlatform().daemon().start(() -> {
            try {
                publication.end();
            } catch (ProblemException e) {
                thrown.set(e);
            }
        });
        await().until(() -> publisher.getState() == Thread.State.WAITING);

        publisher.interrupt();
        publisher.join();

        assertThat(thrown.get()).hasMessageContaining("is being stopped");
    }

    private void send(int line) {
        publication.send(line, new Document("doc-" + line, null, null, null), JsonNodeFactory.instance.textNode("doc-" + line));
    }

    private void confirm(int records) {
        for (int i = 0; i < records; i++) {
            unconfirmed.remove().complete(null);
        }
    }
}
