package dev.pawl.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.TextNode;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.ContentFilteredException;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.pawl.Failure;
import dev.pawl.Failure.Kind;
import dev.pawl.Usage;
import dev.pawl.checkpoint.Answer;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.Answer;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.Answer;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import dev.pawl.checkpoint.History;
import dev.pawl.document.Document;
import dev.pawl.harness.Configs;
import dev.pawl.progress.Progress;
import dev.pawl.progress.Progresses;
import dev.pawl.provider.ModelEndpoints;
import dev.pawl.provider.Patience.AbandonedException;
import dev.pawl.tracing.Tracings;

@Timeout(30)
class ChainTest {

    private static final Instant NOW = Instant.parse("2026-11-23T09:35:12.345Z");
    private static final Usage ONE_CALL = new Usage(1, 100, 10);
    private static final String SOURCE = "documents-3@847";
    private static final Document DOCUMENT = new Document("doc-1", null, null, null);

    @TempDir
    Path directory;

    /** What happened, in order: {@code text}, {@code call …}, {@code journal …}. */
    private final List<String> events = new ArrayList<>();
    private final List<ChatRequest> requests = new ArrayList<>();
    private final List<CheckpointLine.Step> journal = new ArrayList<>();
    private final Deque<Supplier<ChatResponse>> answers = new ArrayDeque<>();
    private final CountDownLatch leaving = new CountDownLatch(1);
    private final Map<String, String> values = new HashMap<>();
    private final Progress progress = Progresses.fresh();
    private String leavingAt = "";

    @BeforeEach
    void configure() throws IOException {
        set("pawl.chain.steps", "summary,entities,title");
        set("pawl.chain.step.summary.prompt", file("summary.txt", "Summarize {{document}}"));
        set("pawl.chain.step.entities.prompt", file("entities.txt", "Entities of {{summary}}"));
        set("pawl.chain.step.entities.output", "json");
        set("pawl.chain.step.entities.schema", file("entities.json", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"));
        set("pawl.chain.step.title.prompt", file("title.txt", "Title {{id}} {{metadata}} {{entities}}"));
    }

    @Test
    void steps_runFromTopToBottomEachJournaledBeforeTheNext() throws Exception {
        answer("short");
        answer("{\"entities\":[\"a\",\"b\"]}");
        answer("T");

        Chain.Finished finished = chain().run(DOCUMENT, SOURCE, History.NONE, new Run());

        assertThat(events).containsExactly("text", "call Summarize TEXT", "journal summary", "call Entities of short", "journal entities",
                "call Title doc-1 {} [\"a\",\"b\"]");
        assertThat(finished.line().result()).isEqualTo(json("{\"summary\":\"short\",\"entities\":[\"a\",\"b\"],\"title\":\"T\"}"));
        assertThat(finished.line().result().fieldNames()).toIterable().containsExactly("summary", "entities", "title");
        assertThat(finished.line()).extracting(Done::id, Done::ts, Done::source, Done::durationMs).containsExactly("doc-1", NOW, SOURCE, 0L);
        assertThat(finished.line().steps()).extracting(StepOutput::step).containsExactly("summary", "entities", "title");
        assertThat(finished.line().fingerprint()).matches("[0-9a-f]{16}");
    }

    @Test
    void usage_isSummedUp() throws Exception {
        answer("short");
        answer("[]");
        answer("T");

        Chain.Finished finished = chain().run(DOCUMENT, SOURCE, History.NONE, new Run());

        assertThat(finished.spent()).isEqualTo(new Usage(3, 300, 30));
        assertThat(finished.saved()).isEqualTo(Usage.NONE);
        assertThat(finished.line().usage()).isEqualTo(new Usage(3, 300, 30));
        assertThat(progress.spent()).isEqualTo(new Usage(3, 300, 30));
    }

    @Test
    void journaledStep_isNotCalledAgain() throws Exception {
        answer("[\"a\"]");
        answer("T");
        History history = history(output("summary", "from before"));

        Chain.Finished finished = chain().run(DOCUMENT, SOURCE, history, new Run());

        assertThat(events).containsExactly("text", "call Entities of from before", "journal entities", "call Title doc-1 {} [\"a\"]");
        assertThat(finished.spent()).isEqualTo(new Usage(2, 200, 20));
        assertThat(finished.saved()).isEqualTo(ONE_CALL);
        assertThat(finished.line().usage()).isEqualTo(new Usage(3, 300, 30));
        assertThat(finished.line().result().get("summary").asText()).isEqualTo("from before");
    }

    @Test
    void allStepsJournaled_needNeitherACallNorTheText() throws Exception {
        History history = history(output("summary", "s"), new StepOutput("entities", fingerprint("entities"), "m", json("[]"), ONE_CALL),
                output("title", "t"));

        Chain.Finished finished = chain().run(DOCUMENT, SOURCE, history, new Run());

        assertThat(events).isEmpty();
        assertThat(finished.spent()).isEqualTo(Usage.NONE);
        assertThat(finished.saved()).isEqualTo(new Usage(3, 300, 30));
    }

    @Test
    void stepUnderAnotherFingerprint_isCalledAgain() throws Exception {
        answer("short");
        answer("[]");
        answer("T");

        chain().run(DOCUMENT, SOURCE, history(new StepOutput("summary", "0123456789abcdef", "m", TextNode.valueOf("old"), ONE_CALL),
                new StepOutput("entities", null, "m", json("[]"), ONE_CALL), new StepOutput("title", fingerprint("title"), "m", null, ONE_CALL)),
                new Run());

        assertThat(requests).hasSize(3);
    }

    @Test
    void journaledLine_holdsWhatAResumptionNeeds() throws Exception {
        answer("short");
        answer("[]");
        answer("T");

        chain().run(DOCUMENT, SOURCE, History.NONE, new Run());

        assertThat(journal.getFirst()).isEqualTo(new CheckpointLine.Step("doc-1", NOW, SOURCE,
                new StepOutput("summary", fingerprint("summary"), "answering-model", TextNode.valueOf("short"), ONE_CALL)));
    }

    @Test
    void metadata_isThereForPrompts() throws Exception {
        answer("short");
        answer("[]");
        answer("T");

        chain().run(new Document("doc-1", null, null, json("{\"year\":2026}")), SOURCE, History.NONE, new Run());

        assertThat(events).contains("call Title doc-1 {\"year\":2026} []");
    }

    @Test
    void invalidAnswer_isRepairedInAConversation() throws Exception {
        answer("short");
        answer("Here they are: a, b");
        answer("[1]");
        answer("[\"a\"]");
        answer("T");

        Chain.Finished finished = chain().run(DOCUMENT, SOURCE, History.NONE, new Run());

        List<ChatMessage> messages = requests.get(3).messages();
        assertThat(messages).extracting(Object::getClass).extracting(Class::getSimpleName)
                .containsExactly("UserMessage", "AiMessage", "UserMessage", "AiMessage", "UserMessage");
        assertThat(text(messages.getFirst())).isEqualTo("Entities of short");
        assertThat(((AiMessage) messages.get(1)).text()).isEqualTo("Here they are: a, b");
        assertThat(text(messages.get(2))).contains("the answer is not JSON");
        assertThat(text(messages.get(4))).contains("/0 violates type");
        assertThat(finished.line().steps().get(1).usage()).as("the repaired calls included").isEqualTo(new Usage(3, 300, 30));
        assertThat(finished.spent()).isEqualTo(new Usage(5, 500, 50));
        assertThat(journal).hasSize(2);
    }

    @Test
    void answerThatStaysInvalid_isTheDocumentsFaultAfterAllAttempts() {
        set("pawl.chain.step.entities.attempts", "2");
        answer("short");
        answer("no");
        answer("nor this");

        assertFails(new Failure(Kind.INVALID_OUTPUT, "entities", "the answer is not JSON", 2));
        assertThat(requests).hasSize(3);
        assertThat(events).endsWith("call Entities of short", "call Entities of short").contains("journal summary");
    }

    @Test
    void emptyAnswer_isInvalid() {
        set("pawl.chain.step.summary.attempts", "2");
        answers.add(() -> response(AiMessage.from("")));
        answers.add(() -> response(AiMessage.from(" ")));

        assertFails(new Failure(Kind.INVALID_OUTPUT, "summary", "the answer was empty", 2));
    }

    @Test
    void contentFilter_isTheDocumentsFault() {
        answers.add(() -> ChatResponse.builder().aiMessage(AiMessage.from("half")).finishReason(FinishReason.CONTENT_FILTER).build());

        assertFails(new Failure(Kind.CONTENT_FILTERED, "summary", "the provider's content filter cut the answer off", 1));
    }

    /** The same limit would cut the next answer off as well. */
    @Test
    void truncatedAnswer_isNotAskedForAgain() {
        answers.add(() -> ChatResponse.builder().aiMessage(AiMessage.from("half")).tokenUsage(new TokenUsage(100, 10))
                .finishReason(FinishReason.LENGTH).build());

        assertFails(new Failure(Kind.TRUNCATED_OUTPUT, "summary",
                "the answer reached the limit of output tokens and was cut off; raise the step's max-output-tokens", 1));
        assertThat(requests).hasSize(1);
        assertThat(progress.spent()).as("it is paid for").isEqualTo(new Usage(1, 100, 10));
    }

    @Test
    void refusal_inPlaceOfAnAnswer_isTheDocumentsFaultAndPaidFor() {
        answers.add(() -> {
            throw new ContentFilteredException("TEXT? I'm sorry");
        });

        assertFails(new Failure(Kind.REFUSED, "summary", "the model refused to answer", 1));
        assertThat(progress.spent().calls()).isEqualTo(1);
    }

    @Test
    void faultAfterARepair_countsTheAttemptsBefore() {
        answers.add(() -> response(AiMessage.from("")));
        answers.add(() -> {
            throw new ContentFilteredException("no");
        });

        assertFails(new Failure(Kind.REFUSED, "summary", "the model refused to answer", 2));
    }

    @Test
    void refusedPrompt_isTheDocumentsFault() {
        answers.add(() -> {
            throw new InvalidRequestException(new HttpException(400, "TEXT is too long"));
        });

        assertFails(new Failure(Kind.REFUSED, "summary", "the provider refused the prompt with status 400", 1));
        assertThat(requests).hasSize(1);
    }

    @Test
    void provider_isAskedUntilItAnswers() throws Exception {
        for (int i = 0; i < 5; i++) {
            answers.add(() -> {
                throw new IllegalStateException("down");
            });
        }
        answer("short");
        answer("[]");
        answer("T");

        Chain.Finished finished = chain().run(DOCUMENT, SOURCE, History.NONE, new Run());

        assertThat(requests).hasSize(8);
        assertThat(finished.spent()).as("what was not answered costs nothing").isEqualTo(new Usage(3, 300, 30));
    }

    @Test
    void unreadableText_isPassedOn() {
        Failure.Raised unreadable = Failure.raise(Kind.DOCUMENT_NOT_FOUND, "gone");

        assertThatThrownBy(() -> chain().run(DOCUMENT, SOURCE, History.NONE, new Run() {
            @Override
            public String text() throws Failure.Raised {
                throw unreadable;
            }
        })).isSameAs(unreadable);
        assertThat(requests).isEmpty();
    }

    @Test
    void leavingDuringACall_journalsItAndBeginsNoOther() {
        answer("short");
        leavingAt = "call Summarize TEXT";

        assertThatThrownBy(() -> chain().run(DOCUMENT, SOURCE, History.NONE, new Run())).isInstanceOf(AbandonedException.class);

        assertThat(events).containsExactly("text", "call Summarize TEXT", "journal summary");
    }

    @Test
    void leavingDuringTheLastCall_stillEndsWell() throws Exception {
        answer("T");
        leavingAt = "call Title doc-1 {} []";
        History history = history(output("summary", "s"), new StepOutput("entities", fingerprint("entities"), "m", json("[]"), ONE_CALL));

        assertThat(chain().run(DOCUMENT, SOURCE, history, new Run()).line().result().get("title").asText()).isEqualTo("T");
    }

    @Test
    void journalThatFails_endsTheRunBeforeTheNextCall() {
        answer("short");

        assertThatThrownBy(() -> chain().run(DOCUMENT, SOURCE, History.NONE, new Run() {
            @Override
            public void journal(CheckpointLine.Step line) {
                throw new AbandonedException();
            }
        })).isInstanceOf(AbandonedException.class);
        assertThat(requests).hasSize(1);
    }

    @Test
    void answerWithoutTokenCounts_isACallNonetheless() throws Exception {
        set("pawl.chain.steps", "summary");
        answers.add(() -> ChatResponse.builder().aiMessage(AiMessage.from("short")).build());

        Chain.Finished finished = chain().run(DOCUMENT, SOURCE, History.NONE, new Run());

        assertThat(finished.spent()).isEqualTo(new Usage(1, 0, 0));
        assertThat(finished.line().steps().getFirst().model()).as("where the answer names none").isEqualTo("default-model");
        assertThat(journal).as("the last step's answer is in the done line").isEmpty();
    }

    @Test
    void requests_carryTheStepsParameters() throws Exception {
        set("pawl.chain.step.entities.model", "large");
        set("pawl.chain.step.entities.temperature", "0.25");
        answer("short");
        answer("[]");
        answer("T");

        chain().run(DOCUMENT, SOURCE, History.NONE, new Run());

        assertThat(requests.get(0).parameters().responseFormat()).isNull();
        assertThat(requests.get(1).parameters().modelName()).isEqualTo("large");
        assertThat(requests.get(1).parameters().temperature()).isEqualTo(0.25);
        assertThat(requests.get(1).parameters().responseFormat()).isNotNull();
    }

    @Test
    void doneUnderAnotherFingerprint_staysDoneUnlessToBeReprocessed() {
        Done other = new Done("doc-1", NOW, SOURCE, "other", new Answer(List.of(), null), Usage.NONE, 0);
        Done byHand = new Done("doc-1", NOW, null, null, new Answer(List.of(), null), Usage.NONE, 0);
        assertThat(chain().accepts(other)).isTrue();
        assertThat(chain().accepts(byHand)).isTrue();

        set("pawl.chain.on-change", "reprocess");

        assertThat(chain().accepts(other)).isFalse();
        assertThat(chain().accepts(byHand)).isTrue();
    }

    @Test
    void doneUnderItsOwnFingerprint_isAcceptedWhenReprocessing() throws Exception {
        set("pawl.chain.on-change", "reprocess");
        answer("short");
        answer("[]");
        answer("T");

        Chain.Finished finished = chain().run(DOCUMENT, SOURCE, History.NONE, new Run());

        assertThat(chain().accepts(finished.line())).isTrue();
    }

    private void assertFails(Failure expected) {
        assertThatThrownBy(() -> chain().run(DOCUMENT, SOURCE, History.NONE, new Run()))
                .isInstanceOfSatisfying(Failure.Raised.class, raised -> assertThat(raised.failure()).isEqualTo(expected));
    }

    private Chain chain() {
        ChatModel model = new Model();
        return new Chain(Configs.of(values), model, ModelEndpoints.of(model, progress), Tracings.off(), Clock.fixed(NOW, ZoneOffset.UTC));
    }

    private String fingerprint(String step) {
        return ChainLoader.load(Configs.of(values).chain(), new Model().defaultRequestParameters()).stream()
                .filter(candidate -> candidate.name().equals(step)).findFirst().orElseThrow().fingerprint();
    }

    private StepOutput output(String step, String output) {
        return new StepOutput(step, fingerprint(step), "m", TextNode.valueOf(output), ONE_CALL);
    }

    private static History history(StepOutput... steps) {
        Map<String, StepOutput> byName = new HashMap<>();
        List.of(steps).forEach(step -> byName.put(step.step(), step));
        return new History(null, byName);
    }

    private void answer(String text) {
        answers.add(() -> response(AiMessage.from(text)));
    }

    private static ChatResponse response(AiMessage message) {
        return ChatResponse.builder().aiMessage(message).modelName("answering-model").tokenUsage(new TokenUsage(100, 10)).build();
    }

    private static String text(ChatMessage message) {
        return ((UserMessage) message).singleText();
    }

    private void happened(String event) {
        events.add(event);
        if (event.equals(leavingAt)) {
            leaving.countDown();
        }
    }

    private void set(String key, String value) {
        values.put(key, value);
    }

    private String file(String name, String content) throws IOException {
        return Files.writeString(directory.resolve(name), content).toString();
    }

    private static JsonNode json(String json) throws JsonProcessingException {
        return new JsonMapper().readTree(json);
    }

    /** Gives the answers it was given, one after the other. */
    private final class Model implements ChatModel {

        @Override
        public ChatResponse chat(ChatRequest request) {
            requests.add(request);
            happened("call " + text(request.messages().getFirst()));
            return answers.remove().get();
        }

        @Override
        public ChatRequestParameters defaultRequestParameters() {
            return ChatRequestParameters.builder().modelName("default-model").build();
        }
    }

    private class Run implements Chain.Run {

        @Override
        public String text() throws Failure.Raised {
            happened("text");
            return "TEXT";
        }

        @Override
        public void journal(CheckpointLine.Step line) {
            journal.add(line);
            happened("journal " + line.output().step());
        }

        @Override
        public CountDownLatch leaving() {
            return leaving;
        }
    }
}
