package dev.pawl.provider;

import java.util.concurrent.CountDownLatch;

import jakarta.inject.Singleton;

import dev.langchain4j.exception.HttpException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.TokenUsage;
import dev.pawl.Failure;
import dev.pawl.Usage;
import dev.pawl.progress.Progress;

/**
 * The model's endpoint, with what it can bear and how it fails.
 *
 * <pre>
 * the endpoint says                                  whose fault        what happens
 * ─────────────────────────────────────────────────  ─────────────────  ─────────────────────────────────
 * 400, 413, 422, a content filter                    the document's     a dead letter of kind refused
 * 401, 403, 404, 408, 429, 5xx, no or broken answer  the provider's     tried again until it answers
 * </pre>
 */
@Singleton
public final class ModelEndpoint {

    private final ChatModel model;
    private final Limits limits;
    private final Patience patience;
    private final Progress progress;

    ModelEndpoint(ChatModel model, Limits limits, Patience patience, Progress progress) {
        this.model = model;
        this.limits = limits;
        this.patience = patience;
        this.progress = progress;
    }

    /**
     * Blocks until the endpoint answers; call it on a virtual thread. No call begins for a document that is to be left to
     * another owner.
     *
     * @throws Failure.Raised where the endpoint refuses this very prompt
     * @throws Patience.AbandonedException where {@code leaving} reached zero first
     */
    public ChatResponse call(String step, ChatRequest request, CountDownLatch leaving) throws Failure.Raised, InterruptedException {
        return patience.insist("The model call of step " + step, leaving, () -> {
            if (leaving.getCount() == 0) {
                throw new Patience.AbandonedException();
            }
            try {
                ChatResponse response = limits.call(step, request, leaving, () -> model.chat(request));
                progress.called(usage(response));
                return response;
            } catch (InvalidRequestException e) {
                throw new Failure.Raised(new Failure(Failure.Kind.REFUSED, step, "the provider refused the prompt" + status(e), 1));
            }
        });
    }

    /** What one answer cost; no tokens where the endpoint does not count them. */
    public static Usage usage(ChatResponse response) {
        TokenUsage tokens = response.tokenUsage();
        return tokens == null ? new Usage(1, 0, 0) : new Usage(1, orZero(tokens.inputTokenCount()), orZero(tokens.outputTokenCount()));
    }

    private static int orZero(Integer count) {
        return count == null ? 0 : count;
    }

    /** The status alone: the body may quote the prompt. */
    private static String status(Throwable e) {
        return e.getCause() instanceof HttpException http ? " with status " + http.statusCode() : "";
    }
}
