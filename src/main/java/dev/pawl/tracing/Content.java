package dev.pawl.tracing;

import java.util.Locale;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;

/** Prompts and answers as JSON of the conventions for generative AI, each message cut off at {@link #MAX_CHARS}. */
final class Content {

    /** Some thousand spans may wait for being exported, and backends cut attributes off, too. */
    static final int MAX_CHARS = 16_384;

    private Content() {
    }

    /** The value of {@code gen_ai.input.messages}. */
    static String input(ChatRequest request) {
        ArrayNode messages = JsonNodeFactory.instance.arrayNode();
        for (ChatMessage message : request.messages()) {
            switch (message) {
                case UserMessage user -> add(messages, "user", user.singleText());
                case AiMessage answer -> add(messages, "assistant", answer.text());
                case SystemMessage system -> add(messages, "system", system.text());
                default -> { }
            }
        }
        return messages.toString();
    }

    /** The value of {@code gen_ai.output.messages}. */
    static String output(ChatResponse response) {
        ArrayNode messages = JsonNodeFactory.instance.arrayNode();
        add(messages, "assistant", response.aiMessage().text()).put("finish_reason", finishReason(response));
        return messages.toString();
    }

    private static ObjectNode add(ArrayNode messages, String role, String text) {
        ObjectNode message = messages.addObject().put("role", role);
        ArrayNode parts = message.putArray("parts");
        if (text != null) {
            parts.addObject().put("type", "text").put("content", text.length() <= MAX_CHARS ? text : text.substring(0, MAX_CHARS) + "…");
        }
        return message;
    }

    /** As the conventions write it; {@code stop} where the endpoint gave none. */
    static String finishReason(ChatResponse response) {
        return response.finishReason() == null ? "stop" : response.finishReason().name().toLowerCase(Locale.ROOT);
    }
}
