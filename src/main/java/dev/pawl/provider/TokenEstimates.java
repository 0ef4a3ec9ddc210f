package dev.pawl.provider;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.pawl.Usage;

/**
 * What a call is expected to take in tokens, known only when it is answered: so many a character of the prompt and so many for the
 * answer, as the step's last answers had it. Thread-safe.
 */
final class TokenEstimates {

    /** English text, as OpenAI's tokenizers count it. */
    private static final double CHARACTERS_PER_TOKEN = 4;
    /**
     * More than most answers have. Too high a guess slows calls down until the first answer; one too low lets them begin too fast
     * until then, and what was overdrawn has to be waited for.
     */
    private static final double OUTPUT_TOKENS = 1_000;
    /** An answer counts for this much of what is expected next, and the first ones for more. */
    private static final double NEWEST_COUNTS = 1 / 50.0;

    private final Map<String, Averages> steps = new ConcurrentHashMap<>();

    /** Moving averages over the answers of a step. */
    private record Averages(long answers, double characters, double inputTokens, double outputTokens) {

        private Averages plus(int characters, Usage usage) {
            double weight = Math.max(NEWEST_COUNTS, 1.0 / (answers + 1));
            return new Averages(answers + 1,
                    this.characters + weight * (characters - this.characters),
                    inputTokens + weight * (usage.inputTokens() - inputTokens),
                    outputTokens + weight * (usage.outputTokens() - outputTokens));
        }
    }

    private static final Averages NONE = new Averages(0, 0, 0, 0);

    /** Tokens that the call will take, from 1. */
    long estimate(String step, ChatRequest request) {
        Averages averages = steps.getOrDefault(step, NONE);
        double perCharacter = averages.characters() < 1 ? 1 / CHARACTERS_PER_TOKEN : averages.inputTokens() / averages.characters();
        double output = averages.answers() > 0 ? averages.outputTokens()
                : request.maxOutputTokens() == null ? OUTPUT_TOKENS : request.maxOutputTokens();
        return Math.max(1, Math.round(characters(request) * perCharacter + output));
    }

    /** What the call took. */
    void learn(String step, ChatRequest request, Usage usage) {
        int characters = characters(request);
        steps.compute(step, (_, averages) -> (averages == null ? NONE : averages).plus(characters, usage));
    }

    private static int characters(ChatRequest request) {
        return request.messages().stream().mapToInt(TokenEstimates::characters).sum();
    }

    private static int characters(ChatMessage message) {
        String text = switch (message) {
            case UserMessage user when user.hasSingleText() -> user.singleText();
            case AiMessage ai -> ai.text();
            case SystemMessage system -> system.text();
            default -> null;
        };
        return text == null ? 0 : text.length();
    }
}
