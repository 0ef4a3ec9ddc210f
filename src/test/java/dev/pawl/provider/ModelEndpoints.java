package dev.pawl.provider;

import dev.langchain4j.model.chat.ChatModel;
import dev.pawl.harness.Configs;
import dev.pawl.progress.Progress;
import dev.pawl.spend.Spends;

/** Endpoints for tests of other packages. */
public final class ModelEndpoints {

    private ModelEndpoints() {
    }

    /** It tries again after a millisecond. */
    public static ModelEndpoint of(ChatModel model, Progress progress) {
        Patience patience = new Patience(Configs.of("pawl.provider.backoff", "1ms", "pawl.provider.max-backoff", "1ms"));
        return new ModelEndpoint(model, patience, Spends.any(), progress);
    }
}
