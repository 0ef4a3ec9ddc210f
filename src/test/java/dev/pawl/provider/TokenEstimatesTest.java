package dev.pawl.provider;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.pawl.Usage;

class TokenEstimatesTest {

    private final TokenEstimates estimates = new TokenEstimates();

    @Test
    void firstCall_isJudgedByItsPromptAndTheMostItMayAnswer() {
        ChatRequest bounded = ChatRequest.builder().messages(UserMessage.from("a".repeat(400))).maxOutputTokens(300).build();

        assertThat(estimates.estimate("summary", bounded)).isEqualTo(400);
        assertThat(estimates.estimate("summary", prompt(400))).isEqualTo(1_100);
    }

    /** Two characters a token, 20 tokens an answer; the step that has seen nothing keeps its guess. */
    @Test
    void laterCalls_areJudgedByTheStepsAnswers() {
        estimates.learn("summary", prompt(400), new Usage(1, 200, 30));
        estimates.learn("summary", prompt(200), new Usage(1, 100, 10));

        assertThat(estimates.estimate("summary", prompt(1_000))).isEqualTo(520);
        assertThat(estimates.estimate("entities", prompt(1_000))).isEqualTo(1_250);
    }

    @Test
    void change_isFollowed() {
        for (int i = 0; i < 1_000; i++) {
            estimates.learn("summary", prompt(400), new Usage(1, 100, i < 700 ? 10 : 500));
        }

        assertThat(estimates.estimate("summary", prompt(400))).isBetween(590L, 600L);
    }

    @Test
    void conversation_countsWhole() {
        ChatRequest repair = ChatRequest.builder()
                .messages(UserMessage.from("a".repeat(40)), AiMessage.from("b".repeat(40)), UserMessage.from("c".repeat(40))).build();

        assertThat(estimates.estimate("summary", repair)).isEqualTo(1_030);
    }

    private static ChatRequest prompt(int characters) {
        return ChatRequest.builder().messages(UserMessage.from("a".repeat(characters))).build();
    }
}
