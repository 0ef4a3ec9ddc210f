package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import dev.pawl.Failure.Kind;
import dev.pawl.harness.Configs;
import dev.pawl.intake.Gate;
import dev.pawl.intake.Gates;
import dev.pawl.provider.Outage.Caller;

@Timeout(30)
class OutageTest {

    private static final Fault WRONG_KEY = new Fault.OfProvider("wrong key: 401", null);
    private static final Fault NO_ANSWER = new Fault.Unclear(Kind.UNANSWERED, "no answer in time", null);

    private final CountDownLatch leaving = new CountDownLatch(1);
    private final Gate gate = Gates.fresh();
    /** Those that may call, in the order in which they were let. */
    private final LinkedBlockingQueue<Caller> released = new LinkedBlockingQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private Outage outage = outage("20ms");

    @AfterEach
    void end() {
        threads.forEach(Thread::interrupt);
    }

    @Test
    void answeringEndpoint_letsEveryoneCall() throws InterruptedException {
        outage.await(outage.enter(leaving), Duration.ZERO);

        assertThat(outage.down()).isEmpty();
    }

    @Test
    void fewFaultsInARow_areNoOutage() {
        Caller caller = outage.enter(leaving);
        for (int i = 0; i < 100; i++) {
            fail(caller, WRONG_KEY, Outage.FAULTS_IN_A_ROW - 1);
            outage.answered();
        }

        assertThat(outage.down()).isEmpty();
        assertThat(gate.isOpen()).isTrue();
    }

    @Test
    void outage_closesTheGateAndSaysWhy() {
        fail(outage.enter(leaving), WRONG_KEY, Outage.FAULTS_IN_A_ROW);

        assertThat(outage.down().orElseThrow().reason()).matches("The model endpoint: wrong key: 401, since \\S+Z");
        await().until(() -> !gate.isOpen());
        assertThat(gate.closed()).singleElement().satisfies(closed -> {
            assertThat(closed.reason()).isEqualTo(Gate.Reason.PROVIDER);
            assertThat(closed.detail()).isEqualTo(outage.down().orElseThrow().reason());
        });
    }

    @Test
    void anotherReason_isTold() {
        Caller caller = outage.enter(leaving);
        fail(caller, WRONG_KEY, Outage.FAULTS_IN_A_ROW);
        await().until(() -> !gate.isOpen());

        outage.failed(caller, new Fault.OfProvider("no connection", null));

        assertThat(gate.closed().getFirst().detail()).contains("no connection");
    }

    @Test
    void waiting_oneProbesAtATimeUntilOneIsAnsweredAndAllGoOn() throws InterruptedException {
        List<Caller> callers = List.of(outage.enter(leaving), outage.enter(leaving), outage.enter(leaving), outage.enter(leaving));
        fail(callers.getFirst(), WRONG_KEY, Outage.FAULTS_IN_A_ROW);
        callers.forEach(caller -> start(caller, Duration.ZERO));

        Caller first = released.take();
        assertThat(released.poll(200, TimeUnit.MILLISECONDS)).as("a second one, while the first is in the air").isNull();
        outage.failed(first, WRONG_KEY);
        start(first, Duration.ZERO);
        Caller second = released.take();
        assertThat(second).isNotSameAs(first);
        outage.answered();

        await().until(() -> released.size() == 3);
        assertThat(outage.down()).isEmpty();
        assertThat(gate.isOpen()).isTrue();
    }

    @Test
    void probeThatHangs_isFollowedByTheNextInThreeSeconds() throws InterruptedException {
        Caller hanging = outage.enter(leaving);
        Caller next = outage.enter(leaving);
        fail(hanging, NO_ANSWER, Outage.FAULTS_IN_A_ROW);
        long start = System.nanoTime();
        start(hanging, Duration.ZERO);
        assertThat(released.take()).isSameAs(hanging);
        start(next, Duration.ZERO);

        assertThat(released.take()).isSameAs(next);

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(Duration.ofSeconds(3), Duration.ofSeconds(10));
    }

    @Test
    void retryAfter_isHeededByProbes() throws InterruptedException {
        Caller caller = outage.enter(leaving);
        long start = System.nanoTime();
        fail(caller, new Fault.OfProvider("status 503", Duration.ofMillis(700)), Outage.FAULTS_IN_A_ROW);
        start(caller, Duration.ZERO);

        released.take();

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(600));
    }

    @Test
    void backoff_endsByItself() {
        start(outage.enter(leaving), Duration.ofMillis(50));

        await().until(() -> released.size() == 1);
    }

    @Test
    void backoff_endsWithTheOutage() throws InterruptedException {
        Caller patient = outage.enter(leaving);
        Caller failing = outage.enter(leaving);
        start(patient, Duration.ofHours(1));
        await().until(() -> threads.getFirst().getState() == Thread.State.TIMED_WAITING);
        fail(failing, WRONG_KEY, Outage.FAULTS_IN_A_ROW);

        outage.answered();

        assertThat(released.take()).isSameAs(patient);
    }

    @Test
    void backoffThatEndsDuringAnOutage_waitsOn() throws InterruptedException {
        outage = outage("1h");
        Caller failing = outage.enter(leaving);
        fail(failing, WRONG_KEY, Outage.FAULTS_IN_A_ROW);
        start(outage.enter(leaving), Duration.ofMillis(10));

        assertThat(released.poll(200, TimeUnit.MILLISECONDS)).isNull();
    }

    @Test
    void leaving_endsTheWait() throws InterruptedException {
        outage = outage("1h");
        Caller stays = outage.enter(new CountDownLatch(1));
        Caller leaves = outage.enter(leaving);
        fail(stays, WRONG_KEY, Outage.FAULTS_IN_A_ROW);
        start(stays, Duration.ZERO);
        start(leaves, Duration.ZERO);

        leaving.countDown();

        assertThat(released.take()).isSameAs(leaves);
        start(outage.enter(leaving), Duration.ZERO);
        assertThat(released.poll(5, TimeUnit.SECONDS)).as("one that comes when its partition has left").isNotNull();
        assertThat(released).isEmpty();
    }

    @Test
    void oneDocumentAlone_withUnclearFaults_keepsTheGateOpenForOthersToProve() {
        Caller caller = outage.enter(leaving);
        fail(caller, NO_ANSWER, Outage.FAULTS_IN_A_ROW);
        start(caller, Duration.ZERO);
        await().until(() -> released.size() == 1);
        assertThat(gate.isOpen()).isTrue();

        outage.failed(outage.enter(leaving), NO_ANSWER);

        assertThat(gate.isOpen()).isFalse();
    }

    @Test
    void noDocumentLeft_opensTheGateAndTheNextProbesAtOnce() throws InterruptedException {
        Caller last = outage.enter(leaving);
        fail(last, WRONG_KEY, Outage.FAULTS_IN_A_ROW);
        await().until(() -> !gate.isOpen());

        outage.leave(last);

        assertThatTheNextProbesAtOnce();
    }

    /** A partition that is given up takes its documents with it, before the outage is told of. */
    @Test
    void noDocumentLeftBeforeTheFirstProbe_leavesTheGateOpen() throws InterruptedException {
        Caller last = outage.enter(leaving);
        fail(last, WRONG_KEY, Outage.FAULTS_IN_A_ROW);
        outage.leave(last);

        await().until(() -> outage.isToldOf());

        assertThatTheNextProbesAtOnce();
    }

    private void assertThatTheNextProbesAtOnce() throws InterruptedException {
        assertThat(gate.isOpen()).isTrue();
        Caller next = outage.enter(leaving);
        start(next, Duration.ZERO);
        assertThat(released.take()).isSameAs(next);
        outage.failed(next, WRONG_KEY);
        assertThat(gate.isOpen()).isFalse();
    }

    private void fail(Caller caller, Fault fault, int times) {
        for (int i = 0; i < times; i++) {
            outage.failed(caller, fault);
        }
    }

    private void start(Caller caller, Duration wait) {
        threads.add(Thread.ofPlatform().daemon().start(() -> {
            try {
                outage.await(caller, wait);
                released.add(caller);
            } catch (InterruptedException e) {
                // The test is over.
            }
        }));
    }

    private Outage outage(String backoff) {
        return new Outage(Configs.of("pawl.provider.backoff", backoff, "pawl.provider.max-backoff", "2h"), gate, Clock.systemUTC());
    }
}
