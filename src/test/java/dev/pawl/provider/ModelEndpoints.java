package dev.pawl.provider;

import java.time.Clock;

import dev.langchain4j.model.chat.ChatModel;
import dev.pawl.PawlConfig;
import dev.pawl.harness.Configs;
import dev.pawl.intake.Gates;
import dev.pawl.progress.Progress;
import dev.pawl.spend.Spends;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** Endpoints for tests of other packages. */
public final class ModelEndpoints {

    private ModelEndpoints() {
    }

    /** It tries again after a millisecond. */
    public static ModelEndpoint of(ChatModel model, Progress progress) {
        PawlConfig config = Configs.of("pawl.provider.backoff", "1ms", "pawl.provider.max-backoff", "1ms");
        return new ModelEndpoint(model, new Limits(config, new SimpleMeterRegistry()), Spends.any(), new Patience(config),
                new Outage(config, Gates.fresh(), Clock.systemUTC()), progress);
    }
}
