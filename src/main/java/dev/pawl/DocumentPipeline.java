package dev.pawl;

import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;

import jakarta.inject.Singleton;

import dev.pawl.Failure.Kind;
import dev.pawl.chain.Chain;
import dev.pawl.checkpoint.Checkpoint;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.History;
import dev.pawl.document.Decoded;
import dev.pawl.document.Document;
import dev.pawl.document.DocumentReader;
import dev.pawl.intake.Delivery;
import dev.pawl.intake.Turns;
import dev.pawl.provider.Patience;
import dev.pawl.provider.Patience.AbandonedException;
import dev.pawl.results.Results;
import dev.pawl.tracing.Tracing;
import io.opentelemetry.context.Context;

/**
 * A document's whole life: find → run → append → emit; {@link dev.pawl.intake.Intake} then acknowledges. The order is
 * the product: a result is durable before it is emitted, and with the broker before its offset is committed, so that a
 * kill at any moment loses nothing and repeats no finished call.
 *
 * <pre>
 * the checkpoint holds    delivered again (same source)        published again (other source)
 * ─────────────────────   ──────────────────────────────────   ─────────────────────────────────
 * done                    no call; the result is emitted        no call, nothing emitted
 *                         again: a kill may have fallen
 *                         between append and emit
 * failed                  no call; dead-lettered again          runs again
 * some steps              resumes at the first step without a line
 * forgotten, or nothing   runs
 * </pre>
 */
@Singleton
public final class DocumentPipeline {

    private final Checkpoints checkpoints;
    private final DocumentReader reader;
    private final Chain chain;
    private final Results results;
    private final Patience patience;
    private final Tracing tracing;
    private final Clock clock;
    /** Plain ones: Quarkus's would carry a context from thread to thread that nothing here asks for. */
    private final Executor virtualThreads = Thread::startVirtualThread;
    private final Turns turns;

    DocumentPipeline(Checkpoints checkpoints, DocumentReader reader, Chain chain, Results results, Patience patience, Tracing tracing,
            Clock clock) {
        this.checkpoints = checkpoints;
        this.reader = reader;
        this.chain = chain;
        this.results = results;
        this.patience = patience;
        this.tracing = tracing;
        this.clock = clock;
        this.turns = new Turns(virtualThreads);
    }

    /**
     * The lines that let records be skipped, in their order: the document is done, and there is nothing to emit. Null where there is more to
     * do. To be called from any thread, while no tombstone is on its way.
     *
     * @param sources as {@link Delivery#source}
     * @param own the checkpoint of the records' partition
     */
    public CheckpointLine.Done[] skippable(List<Decoded> records, List<String> sources, Checkpoint own) {
        List<String> ids = new ArrayList<>(records.size());
        for (Decoded record : records) {
            // No document has the empty ID.
            ids.add(record instanceof Decoded.Run(Document document) ? document.id() : "");
        }
        CheckpointLine.Done[] found = checkpoints.findDone(ids, own);
        for (int i = 0; i < found.length; i++) {
            if (found[i] != null && (!chain.accepts(found[i]) || isToEmit(found[i], sources.get(i)))) {
                found[i] = null;
            }
        }
        return found;
    }

    private static boolean isToEmit(CheckpointLine.Done done, String source) {
        return source.equals(done.source()) && done.hasResult();
    }

    /** Looks up on the caller's thread, unless another delivery of the document comes first; what has to be run moves to a virtual one. */
    public CompletableFuture<Outcome> process(Delivery delivery) {
        return switch (delivery.decode()) {
            case Decoded.Invalid(String reason) -> now(new Outcome.Failed(new Failure(Kind.INVALID_DOCUMENT, null, reason, 1)));
            case Decoded.Forget(String id) -> turns.take(id, () -> forget(id, delivery));
            case Decoded.Run(Document document) -> turns.take(document.id(), () -> find(document, delivery));
        };
    }

    private CompletableFuture<Outcome> find(Document document, Delivery delivery) {
        History history = checkpoints.find(document.id(), delivery.checkpoint());
        return switch (history.last()) {
            case CheckpointLine.Done done when chain.accepts(done) -> isToEmit(done, delivery.source())
                    ? emitAgain(done, delivery)
                    : now(new Outcome.Skipped(done));
            case CheckpointLine.Failed failed when delivery.source().equals(failed.source()) ->
                now(new Outcome.Failed(failed.error()));
            case null, default -> onVirtualThread(() ->
                tracing.document(delivery, document.id(), () -> run(document, history, delivery)));
        };
    }

    private Outcome run(Document document, History history, Delivery delivery) throws InterruptedException {
        Chain.Finished finished;
        try {
            finished = chain.run(document, delivery.source(), history, surroundings(document, delivery));
        } catch (Failure.Raised e) {
            delivery.append(new CheckpointLine.Failed(document.id(), clock.instant(), delivery.source(), e.failure()));
            return new Outcome.Failed(e.failure());
        }
        delivery.append(finished.line());
        try {
            emit(finished.line(), Context.current(), delivery);
        } catch (Failure.Raised e) {
            return new Outcome.Failed(e.failure());
        }
        return new Outcome.Completed(finished.line(), finished.spent(), finished.reused());
    }

    private void emit(CheckpointLine.Done done, Context trace, Delivery delivery) throws Failure.Raised, InterruptedException {
        try {
            results.emit(done, trace, delivery.leaving());
        } catch (Failure.Raised tooLarge) {
            delivery.emitted(done);
            throw tooLarge;
        }
        delivery.emitted(done);
    }

    private Chain.Run surroundings(Document document, Delivery delivery) {
        return new Chain.Run() {
            @Override
            public String text() throws Failure.Raised, InterruptedException {
                return patience.insist("Reading " + document.id(), delivery.leaving(), () -> reader.read(document));
            }

            @Override
            public void journal(CheckpointLine.Step line) {
                delivery.append(line);
            }

            @Override
            public CountDownLatch leaving() {
                return delivery.leaving();
            }
        };
    }

    /** Without a thread of its own as long as the broker takes it: a million may be delivered again. */
    private CompletableFuture<Outcome> emitAgain(CheckpointLine.Done done, Delivery delivery) {
        return results.tryToEmit(done, tracing.received(delivery))
                .thenCompose(_ -> delivery.checkpoint().emitted(done))
                .<Outcome>thenApply(_ -> new Outcome.Repeated(done))
                .exceptionallyCompose(_ -> onVirtualThread(() -> insistOnEmitting(done, delivery)));
    }

    private Outcome insistOnEmitting(CheckpointLine.Done done, Delivery delivery) throws InterruptedException {
        try {
            emit(done, tracing.received(delivery), delivery);
            return new Outcome.Repeated(done);
        } catch (Failure.Raised e) {
            return new Outcome.Failed(e.failure());
        }
    }

    private CompletableFuture<Outcome> forget(String id, Delivery delivery) {
        return checkpoints.forget(new CheckpointLine.Forgotten(id, clock.instant(), delivery.source()), delivery.checkpoint())
                .<Outcome>thenApply(_ -> new Outcome.Forgotten(id))
                .exceptionallyCompose(e -> e.getCause() instanceof IOException
                        ? now(new Outcome.Abandoned())
                        : CompletableFuture.failedFuture(e));
    }

    @FunctionalInterface
    private interface Blocking {
        Outcome run() throws InterruptedException;
    }

    private CompletableFuture<Outcome> onVirtualThread(Blocking blocking) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return blocking.run();
            } catch (AbandonedException e) {
                return new Outcome.Abandoned();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return new Outcome.Abandoned();
            }
        }, virtualThreads);
    }

    private static CompletableFuture<Outcome> now(Outcome outcome) {
        return CompletableFuture.completedFuture(outcome);
    }
}
