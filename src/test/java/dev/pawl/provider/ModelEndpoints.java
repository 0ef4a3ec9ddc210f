package dev.pawl.provider;

import java.time.Clock;
import java.util.concurrent.CountDownLatch;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.pawl.PawlConfig;
import dev.pawl.harness.Configs;
import dev.pawl.intake.Gates;
import dev.pawl.progress.LogLimit;
import dev.pawl.progress.Progress;
import dev.pawl.provider.Patience.AbandonedException;
import dev.pawl.spend.Spends;
import dev.pawl.tracing.Tracings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** Endpoints for tests of other packages. */
public final class ModelEndpoints {

    private ModelEndpoints() {
    }

    /** It tries again after a millisecond. */
    public static ModelEndpoint of(ChatModel model, Progress progress) {
        PawlConfig config = Configs.of("pawl.provider.backoff", "1ms", "pawl.provider.max-backoff", "1ms");
        LogLimit limit = new LogLimit();
        return new ModelEndpoint(model, limits(config), Spends.any(), new Patience(config, limit),
                new Outage(config, Gates.fresh(), Clock.systemUTC()), progress, Tracings.off(), limit);
    }

    public static Limits limits(PawlConfig config) {
        return new Limits(config, new SimpleMeterRegistry());
    }

    /** Waits for a call's turn until the document is to be left. */
    public static void await(Limits limits, CountDownLatch leaving) {
        try {
            limits.call("summary", ChatRequest.builder().messages(UserMessage.from("a prompt")).build(), leaving, () -> null);
        } catch (AbandonedException e) {
            // What was waited for.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
