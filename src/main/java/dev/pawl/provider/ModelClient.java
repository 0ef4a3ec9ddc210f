package dev.pawl.provider;

import jakarta.inject.Singleton;

import dev.langchain4j.model.openai.OpenAiChatModel.OpenAiChatModelBuilder;
import io.quarkiverse.langchain4j.ModelBuilderCustomizer;
import io.quarkus.arc.Unremovable;

/** The client's own retries are off: a call that is repeated behind Pawl's back is paid for and not counted. */
@Unremovable
@Singleton
public final class ModelClient implements ModelBuilderCustomizer<OpenAiChatModelBuilder> {

    @Override
    public void customize(OpenAiChatModelBuilder builder) {
        builder.maxRetries(0);
    }
}
