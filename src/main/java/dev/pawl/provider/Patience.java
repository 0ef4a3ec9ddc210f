package dev.pawl.provider;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import jakarta.inject.Singleton;

import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

import com.fasterxml.jackson.core.JsonProcessingException;

import dev.pawl.Failure;
import dev.pawl.PawlConfig;
import dev.pawl.progress.LogLimit;

/**
 * Insists on what is not the document's fault, such as an emission to a broker that is down, for as long as it takes, with the
 * waits of a {@link Backoff} in between. Calls of the model have more to heed: {@link ModelEndpoint}.
 */
@Singleton
public final class Patience {

    private static final Logger LOG = Logger.getLogger(Patience.class);

    private final Duration first;
    private final Duration longest;
    private final LogLimit logLimit;

    Patience(PawlConfig config, LogLimit logLimit) {
        this.first = config.provider().backoff();
        this.longest = config.provider().maxBackoff();
        this.logLimit = logLimit;
        if (first.toMillis() < 1) {
            throw PawlConfig.refusal("pawl.provider.backoff", first, "a duration from 1ms");
        }
        if (longest.compareTo(first) < 0) {
            throw PawlConfig.refusal("pawl.provider.max-backoff", longest, "a duration not below pawl.provider.backoff, " + first);
        }
    }

    /** The waits between the attempts of one document. */
    Backoff backoff() {
        return new Backoff(first, longest);
    }

    @FunctionalInterface
    public interface Attempt<T> {
        /** @throws Failure.Raised where the fault is the document's and no further attempt can help */
        T make() throws Exception;
    }

    /** The document is left to another owner. Nothing is wrong; nothing more is done for it here. */
    public static final class AbandonedException extends RuntimeException {
        public AbandonedException() {
            super("left to the partition's next owner", null, false, false);
        }
    }

    /**
     * Blocks until an attempt succeeds; call it on a virtual thread.
     *
     * @param what what is attempted, for the log
     * @param leaving at zero once the document is to be left to another owner; then a failed attempt is the last
     * @throws Failure.Raised where the fault is the document's
     * @throws AbandonedException where {@code leaving} reached zero and the last attempt failed
     */
    public <T> T insist(String what, CountDownLatch leaving, Attempt<T> attempt) throws Failure.Raised, InterruptedException {
        Backoff backoff = backoff();
        while (true) {
            try {
                return attempt.make();
            } catch (Failure.Raised | InterruptedException | AbandonedException e) {
                throw e;
            } catch (Exception e) {
                long waitMs = backoff.next().toMillis();
                String why = describe(e);
                if (logLimit.permits(LogLimit.Sort.ATTEMPTS, why)) {
                    LOG.warnf("%s failed, trying again in %d ms: %s", what, waitMs, why);
                }
                if (leaving.await(waitMs, TimeUnit.MILLISECONDS)) {
                    throw new AbandonedException();
                }
            }
        }
    }

    /** What failed, and nothing that was received: a parser's error can quote the text. */
    private static String describe(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return switch (root) {
            case JsonProcessingException broken -> broken.getClass().getSimpleName();
            case IOException unreachable -> unreachable.getClass().getSimpleName() + ": " + unreachable.getMessage();
            case KafkaException broker -> broker.getClass().getSimpleName() + ": " + broker.getMessage();
            default -> root.getClass().getSimpleName();
        };
    }
}
