package dev.pawl.chain;

import java.util.Set;

import dev.langchain4j.model.chat.request.ChatRequestParameters;

/**
 * One step of the chain.
 *
 * @param parameters model, temperature, output tokens and format of its calls
 * @param attempts the most calls for one valid answer, from 1
 * @param fingerprint changes when anything changes that may change the answer: the prompt, the parameters, the output
 *        format, or a step whose answer it reads
 */
record Step(String name, PromptTemplate prompt, ChatRequestParameters parameters, OutputFormat format, int attempts,
        String fingerprint) {

    /** Variables that are no step's name. */
    static final Set<String> GIVEN = Set.of("document", "id", "metadata");
}
