package dev.pawl.dev;

import java.util.Optional;

import jakarta.inject.Singleton;

import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

import dev.langchain4j.model.openai.OpenAiChatModel;
import io.quarkiverse.langchain4j.ModelBuilderCustomizer;
import io.quarkus.arc.Unremovable;
import io.quarkus.arc.profile.IfBuildProfile;

/** Sends the model client to {@link OfflineModel}, unless a key or an address of a real endpoint is set. */
@Singleton
@Unremovable
@IfBuildProfile("dev")
final class StandInModel implements ModelBuilderCustomizer<OpenAiChatModel.OpenAiChatModelBuilder> {

    private static final Logger log = Logger.getLogger(StandInModel.class);

    private final Optional<String> apiKey;
    private final Optional<String> baseUrl;
    private final int httpPort;

    StandInModel(@ConfigProperty(name = "OPENAI_API_KEY") Optional<String> apiKey,
            @ConfigProperty(name = "OPENAI_BASE_URL") Optional<String> baseUrl,
            @ConfigProperty(name = "quarkus.http.port") int httpPort) {
        this.apiKey = apiKey;
        this.baseUrl = baseUrl;
        this.httpPort = httpPort;
    }

    @Override
    public void customize(OpenAiChatModel.OpenAiChatModelBuilder builder) {
        if (apiKey.isPresent() || baseUrl.isPresent()) {
            return;
        }
        log.info("Model: an offline stand-in answers. Set OPENAI_API_KEY, or OPENAI_BASE_URL for another endpoint, to use a real one.");
        builder.baseUrl("http://localhost:" + httpPort + "/offline-model/v1/").modelName(OfflineModel.NAME);
    }
}
