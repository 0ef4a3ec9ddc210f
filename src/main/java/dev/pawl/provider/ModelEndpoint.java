package dev.pawl.provider;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import jakarta.inject.Singleton;

import org.jboss.logging.Logger;

import dev.langchain4j.exception.ContentFilteredException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.TokenUsage;
import dev.pawl.Failure;
import dev.pawl.Usage;
import dev.pawl.progress.LogLimit;
import dev.pawl.progress.Progress;
import dev.pawl.progress.Progress.CallEnded;
import dev.pawl.provider.Patience.AbandonedException;
import dev.pawl.spend.Spend;
import dev.pawl.tracing.Tracing;

/**
 * The model's endpoint: calls it until it answers, or until the document turns out to be at fault. {@link FaultClassifier} says who
 * is to blame, {@link Outage} when no call makes sense, {@link Suspicion} when only one document fails, {@link Limits} how fast calls may go out.
 */
@Singleton
public final class ModelEndpoint {

    private static final Logger LOG = Logger.getLogger(ModelEndpoint.class);

    private final ChatModel model;
    private final Limits limits;
    private final Spend spend;
    private final Patience patience;
    private final Outage outage;
    private final Progress progress;
    private final Tracing tracing;
    private final LogLimit logLimit;
    private final Map<String, Suspicion.Tally> tallies = new ConcurrentHashMap<>();

    ModelEndpoint(ChatModel model, Limits limits, Spend spend, Patience patience, Outage outage, Progress progress, Tracing tracing,
            LogLimit logLimit) {
        this.model = model;
        this.limits = limits;
        this.spend = spend;
        this.patience = patience;
        this.outage = outage;
        this.progress = progress;
        this.tracing = tracing;
        this.logLimit = logLimit;
    }

    /**
     * Blocks until the endpoint answers; call it on a virtual thread. No call begins for a document that is to be left to
     * another owner.
     *
     * @throws Failure.Raised where the fault is this document's
     * @throws AbandonedException where {@code leaving} reached zero first
     */
    public ChatResponse call(String step, ChatRequest request, CountDownLatch leaving) throws Failure.Raised, InterruptedException {
        Outage.Caller caller = outage.enter(leaving);
        try {
            return call(step, request, caller, leaving);
        } finally {
            outage.leave(caller);
        }
    }

    private ChatResponse call(String step, ChatRequest request, Outage.Caller caller, CountDownLatch leaving)
            throws Failure.Raised, InterruptedException {
        Suspicion.Tally tally = tallies.computeIfAbsent(step, _ -> new Suspicion.Tally());
        Suspicion suspicion = new Suspicion(tally, System::nanoTime);
        Backoff backoff = patience.backoff();
        Duration wait = Duration.ZERO;
        while (true) {
            outage.await(caller, wait);
            if (leaving.getCount() == 0) {
                throw new AbandonedException();
            }
            try {
                ChatResponse response = chat(step, request, caller, leaving);
                if (response == null) {
                    wait = Duration.ZERO;
                    continue;
                }
                answered(tally);
                progress.callEnded(step, CallEnded.ANSWERED);
                return response;
            } catch (FaultException e) {
                progress.callEnded(step, switch (e.fault) {
                    case Fault.OfDocument _ -> CallEnded.DOCUMENT_FAULT;
                    case Fault.RateLimit _ -> CallEnded.RATE_LIMITED;
                    case Fault.OfProvider _, Fault.Unclear _ -> CallEnded.PROVIDER_FAULT;
                });
                switch (e.fault) {
                    case Fault.OfDocument(Failure.Kind kind, String message) -> {
                        answered(tally);
                        throw new Failure.Raised(new Failure(kind, step, message, 1));
                    }
                    case Fault.RateLimit(Duration retryAfter) -> {
                        answered(tally);
                        if (retryAfter != null) {
                            limits.refused(retryAfter);
                        }
                        wait = Duration.ZERO;
                        awaitRetry(step, plus(retryAfter, backoff.next()), leaving);
                    }
                    case Fault.OfProvider(String what, Duration retryAfter) -> {
                        outage.failed(caller, e.fault);
                        wait = plus(retryAfter, backoff.next());
                        logRetry(step, what, wait);
                    }
                    case Fault.Unclear(Failure.Kind kind, String what, Duration retryAfter) -> {
                        if (suspicion.confirmedBy(kind)) {
                            throw new Failure.Raised(new Failure(kind, step,
                                    "calls for other documents are answered, and for this one never: " + what, suspicion.faults()));
                        }
                        outage.failed(caller, e.fault);
                        wait = plus(retryAfter, backoff.next());
                        logRetry(step, what, wait);
                    }
                }
            }
        }
    }

    /** One call of the client's, once the limits and the budget have room for it. Null where its turn came while the endpoint was down. */
    private ChatResponse chat(String step, ChatRequest request, Outage.Caller caller, CountDownLatch leaving)
            throws FaultException, InterruptedException {
        ChatResponse response;
        try {
            Limits.Call<RuntimeException> call = () -> spend.call(step, leaving, () -> tracing.chat(model, request));
            // What finds out whether the endpoint is back must not queue behind those that wait for it.
            response = outage.isProbing(caller) ? limits.callAtOnce(step, request, call)
                    : limits.call(step, request, leaving, () -> outage.down().isPresent() ? null : call.make());
            if (response == null) {
                return null;
            }
        } catch (AbandonedException e) {
            throw e;
        } catch (RuntimeException e) {
            progress.moved();
            if (isInterrupt(e)) {
                throw new InterruptedException();
            }
            if (e instanceof ContentFilteredException) {
                // A refusal is an answer, and paid for; the client does not tell its tokens.
                progress.called(new Usage(1, 0, 0));
            }
            throw new FaultException(FaultClassifier.classify(e));
        }
        progress.called(usage(response));
        Optional<Fault.OfDocument> fault = FaultClassifier.faultIn(response);
        if (fault.isPresent()) {
            throw new FaultException(fault.get());
        }
        return response;
    }

    private static boolean isInterrupt(Throwable thrown) {
        Throwable cause = thrown;
        while (cause != null && !(cause instanceof InterruptedException)) {
            cause = cause.getCause();
        }
        return cause != null;
    }

    private void answered(Suspicion.Tally tally) {
        tally.answered();
        outage.answered();
    }

    /** The endpoint is well, so nothing but this wait keeps the document from calling again. */
    private void awaitRetry(String step, Duration wait, CountDownLatch leaving) throws InterruptedException {
        logRetry(step, "status 429", wait);
        if (leaving.await(wait.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new AbandonedException();
        }
    }

    private void logRetry(String step, String what, Duration wait) {
        tracing.waits(what, wait);
        if (logLimit.permits(LogLimit.Sort.CALLS, what)) {
            LOG.warnf("The model call of step %s failed, trying again in %d ms: %s", step, wait.toMillis(), what);
        }
    }

    private static Duration plus(Duration retryAfter, Duration backoff) {
        return retryAfter == null ? backoff : retryAfter.plus(backoff);
    }

    /** What one answer cost; no tokens where the endpoint does not count them. */
    public static Usage usage(ChatResponse response) {
        TokenUsage tokens = response.tokenUsage();
        return tokens == null ? new Usage(1, 0, 0) : new Usage(1, orZero(tokens.inputTokenCount()), orZero(tokens.outputTokenCount()));
    }

    private static int orZero(Integer count) {
        return count == null ? 0 : count;
    }

    private static final class FaultException extends Exception {
        private final transient Fault fault;

        FaultException(Fault fault) {
            super(null, null, false, false);
            this.fault = fault;
        }
    }
}
