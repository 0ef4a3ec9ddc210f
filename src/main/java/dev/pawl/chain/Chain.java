package dev.pawl.chain;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

import jakarta.inject.Singleton;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.pawl.Failure;
import dev.pawl.PawlConfig;
import dev.pawl.Usage;
import dev.pawl.chain.OutputFormat.InvalidOutputException;
import dev.pawl.checkpoint.Answer;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import dev.pawl.checkpoint.History;
import dev.pawl.document.Document;
import dev.pawl.provider.ModelEndpoint;
import dev.pawl.tracing.Tracing;

/**
 * The ordered steps that a document goes through. A step whose answer the checkpoint holds under the step's fingerprint is not
 * called again; every other is called, and its answer journaled before the next begins. The last step's answer is part
 * of the done line and needs no line of its own.
 */
@Singleton
public final class Chain {

    private final List<Step> steps;
    private final String fingerprint;
    private final String defaultModel;
    private final boolean reprocess;
    private final ModelEndpoint endpoint;
    private final Tracing tracing;
    private final Clock clock;

    Chain(PawlConfig config, ChatModel model, ModelEndpoint endpoint, Tracing tracing, Clock clock) {
        this.steps = ChainLoader.load(config.chain(), model.defaultRequestParameters());
        this.fingerprint = ChainLoader.fingerprint(steps.stream().map(Step::fingerprint).toList());
        this.defaultModel = model.defaultRequestParameters().modelName();
        this.reprocess = config.chain().onChange() == PawlConfig.Chain.OnChange.REPROCESS;
        this.endpoint = endpoint;
        this.tracing = tracing;
        this.clock = clock;
    }

    /** What a run needs from its surroundings. */
    public interface Run {

        /** Gets the document's text; asked at most once, and only when a step has to be called. */
        String text() throws Failure.Raised, InterruptedException;

        /** Returns when the line is durable. */
        void journal(CheckpointLine.Step line);

        /** At zero once the document is to be left to another owner, which happens between two calls. */
        CountDownLatch leaving();
    }

    /**
     * Where a run ended well.
     *
     * @param spent what this run's calls cost
     * @param reused the steps that it did not have to call
     */
    public record Finished(CheckpointLine.Done line, Usage spent, List<StepOutput> reused) {

        public Usage saved() {
            return reused.stream().map(StepOutput::usage).reduce(Usage.NONE, Usage::plus);
        }
    }

    /** A done document stays done, unless the chain changed and is to be applied again. */
    public boolean accepts(CheckpointLine.Done done) {
        return !reprocess || done.fingerprint() == null || done.fingerprint().equals(fingerprint);
    }

    /** The model that steps use which name none. */
    public String defaultModel() {
        return defaultModel;
    }

    /**
     * Runs the steps from top to bottom. Blocks; call it on a virtual thread.
     *
     * @throws Failure.Raised where the fault is the document's
     * @throws dev.pawl.provider.Patience.AbandonedException where the document is left to another owner
     */
    public Finished run(Document document, String source, History history, Run run) throws Failure.Raised, InterruptedException {
        Instant start = clock.instant();
        Map<String, String> variables = new HashMap<>();
        variables.put("id", document.id());
        variables.put("metadata", document.metadata() == null ? "{}" : document.metadata().toString());
        List<StepOutput> outputs = new ArrayList<>();
        Usage spent = Usage.NONE;
        List<StepOutput> reused = new ArrayList<>();
        for (Step step : steps) {
            StepOutput output = history.steps().get(step.name());
            if (output != null && output.output() != null && step.fingerprint().equals(output.fingerprint())) {
                reused.add(output);
            } else {
                if (!variables.containsKey("document")) {
                    variables.put("document", run.text());
                }
                output = tracing.step(step.name(), () -> call(step, variables, run.leaving()));
                spent = spent.plus(output.usage());
                if (outputs.size() < steps.size() - 1) {
                    run.journal(new CheckpointLine.Step(document.id(), clock.instant(), source, output));
                }
            }
            outputs.add(output);
            variables.put(step.name(), asVariable(output.output()));
        }
        Usage usage = outputs.stream().map(StepOutput::usage).reduce(Usage.NONE, Usage::plus);
        Instant end = clock.instant();
        CheckpointLine.Done line = new CheckpointLine.Done(document.id(), end, source, fingerprint,
                new Answer(outputs, result(outputs)), usage, Duration.between(start, end).toMillis());
        return new Finished(line, spent, reused);
    }

    private StepOutput call(Step step, Map<String, String> variables, CountDownLatch leaving)
            throws Failure.Raised, InterruptedException {
        List<ChatMessage> messages = new ArrayList<>(List.of(UserMessage.from(step.prompt().fill(variables))));
        Usage usage = Usage.NONE;
        String wrong = "";
        for (int attempt = 1; attempt <= step.attempts(); attempt++) {
            ChatRequest request = ChatRequest.builder().messages(List.copyOf(messages)).parameters(step.parameters()).build();
            ChatResponse response = answer(step, request, attempt, leaving);
            usage = usage.plus(ModelEndpoint.usage(response));
            String answer = response.aiMessage().text();
            try {
                return new StepOutput(step.name(), step.fingerprint(), model(response), step.format().read(answer), usage);
            } catch (InvalidOutputException e) {
                wrong = e.getMessage();
                messages.add(AiMessage.from(answer == null ? "" : answer));
                messages.add(UserMessage.from(
                        "Your answer can't be used: %s. Answer again, with the corrected answer alone.".formatted(wrong)));
            }
        }
        throw new Failure.Raised(new Failure(Failure.Kind.INVALID_OUTPUT, step.name(), wrong, step.attempts()));
    }

    private ChatResponse answer(Step step, ChatRequest request, int attempt, CountDownLatch leaving)
            throws Failure.Raised, InterruptedException {
        try {
            return endpoint.call(step.name(), request, leaving);
        } catch (Failure.Raised e) {
            throw new Failure.Raised(e.failure().after(attempt - 1));
        }
    }

    private String model(ChatResponse response) {
        return response.modelName() == null ? defaultModel : response.modelName();
    }

    private static String asVariable(JsonNode output) {
        return output.isTextual() ? output.asText() : output.toString();
    }

    private static JsonNode result(List<StepOutput> outputs) {
        ObjectNode result = JsonNodeFactory.instance.objectNode();
        outputs.forEach(output -> result.set(output.step(), output.output()));
        return result;
    }
}
