package dev.pawl.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.ScriptedModel.Target;

class ScriptedModelTest {

    private final ScriptedModel model = ScriptedModel.open();
    private final HttpClient client = HttpClient.newHttpClient();
    private final JsonMapper mapper = new JsonMapper();

    @AfterEach
    void close() {
        model.close();
        client.shutdownNow();
    }

    @Test
    void call_isAnsweredAsOpenAiDoes() throws Exception {
        HttpResponse<String> response = send("summary", "doc-1", "").join();

        JsonNode body = mapper.readTree(response.body());
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
        assertThat(body.path("object").asText()).isEqualTo("chat.completion");
        assertThat(body.path("model").asText()).isEqualTo("gpt-test");
        assertThat(body.at("/choices/0/message/role").asText()).isEqualTo("assistant");
        assertThat(body.at("/choices/0/message/content").asText()).isEqualTo("summary of doc-1");
        assertThat(body.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        assertThat(body.at("/usage/prompt_tokens").asInt()).isEqualTo(100);
        assertThat(body.at("/usage/completion_tokens").asInt()).isEqualTo(10);
        assertThat(body.at("/usage/total_tokens").asInt()).isEqualTo(110);
    }

    @Test
    void callForJson_isAnsweredByItsSchema() throws Exception {
        String format = """
                , "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {
                  "type": "object",
                  "properties": {
                    "names": {"type": "array", "items": {"type": "string"}},
                    "title": {"type": ["string", "null"]},
                    "count": {"type": "integer"},
                    "sure": {"type": "boolean"},
                    "kind": {"enum": ["person", "place"]},
                    "parts": {"type": "array", "items": {"type": "object", "properties": {"score": {"type": "number"}}}}
                  }}}}""";

        HttpResponse<String> response = send("entities", "doc-1", format).join();

        String content = mapper.readTree(response.body()).at("/choices/0/message/content").asText();
        assertThat(mapper.readTree(content)).isEqualTo(mapper.readTree("""
                {"names": ["Ada", "Grace"], "title": "text", "count": 1, "sure": true, "kind": "person",
                 "parts": [{"score": 1}]}"""));
    }

    @Test
    void calls_areCountedByStepAndDocument() {
        send("summary", "doc-1", "").join();
        send("summary", "doc-1", "").join();
        send("entities", "doc-1", "").join();
        send("summary", "doc-2", "").join();

        assertThat(model.total()).isEqualTo(4);
        assertThat(model.counts()).isEqualTo(Map.of("summary/doc-1", 2, "entities/doc-1", 1, "summary/doc-2", 1));
        assertThat(model.calls("summary", "doc-1")).extracting(Call::attempt).containsExactly(1, 2);
        assertThat(model.calls().getFirst().headers()).containsEntry("authorization", "Bearer secret");
        await().untilAsserted(() -> assertThat(model.answeredCounts()).isEqualTo(model.counts()));
        assertThat(model.inAir()).isZero();
    }

    @Test
    void lastUserMessageThatNamesADocument_decides() {
        String messages = """
                [{"role": "system", "content": "step=no id=no"},
                 {"role": "user", "content": [{"type": "text", "text": "Read this.\\nstep=summary id=doc-1"}]},
                 {"role": "assistant", "content": "step=no id=no"},
                 {"role": "user", "content": "That was no JSON. Again."}]""";

        post("{\"model\":\"gpt-test\",\"messages\":" + messages + "}").join();

        assertThat(model.counts()).isEqualTo(Map.of("summary/doc-1", 1));
        assertThat(model.calls().getFirst().prompt()).isEqualTo("That was no JSON. Again.");
    }

    @Test
    void promptThatNamesNoDocument_isABadRequest() {
        HttpResponse<String> response = post("{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}").join();

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(model.counts()).isEqualTo(Map.of("?/?", 1));
    }

    @Test
    void matcher_isReplaceable() {
        model.matcher(prompt -> new Target("only", prompt));

        post("{\"messages\":[{\"role\":\"user\",\"content\":\"doc 1\"}]}").join();

        assertThat(model.counts()).isEqualTo(Map.of("only/doc 1", 1));
    }

    @Test
    void heldCalls_waitForTheirRelease() {
        model.hold(call -> call.step().equals("summary"));

        List<CompletableFuture<HttpResponse<String>>> held = IntStream.range(0, 20)
                .mapToObj(i -> send("summary", "doc-" + i, ""))
                .toList();
        send("entities", "doc-0", "").join();

        await().until(() -> model.inAir() == 20);
        assertThat(held).noneMatch(CompletableFuture::isDone);
        assertThat(model.answered()).isLessThanOrEqualTo(1);

        model.release();
        held.forEach(CompletableFuture::join);
        assertThat(model.maxInAir()).isBetween(20, 21);
        await().until(() -> model.answered() == 21);
    }

    @Test
    void script_choosesByAttempt() {
        model.answer(call -> call.attempt() == 1
                ? new Reply.Status(429, "{}", Map.of("Retry-After", "7"))
                : ScriptedModel.usualAnswer(call));

        HttpResponse<String> first = send("summary", "doc-1", "").join();
        HttpResponse<String> second = send("summary", "doc-1", "").join();

        assertThat(first.statusCode()).isEqualTo(429);
        assertThat(first.headers().firstValue("retry-after")).hasValue("7");
        assertThat(second.statusCode()).isEqualTo(200);
    }

    @Test
    void drop_breaksTheConnection() {
        model.answer(_ -> new Reply.Drop());

        assertThatThrownBy(() -> send("summary", "doc-1", "").join())
                .isInstanceOf(CompletionException.class).hasCauseInstanceOf(IOException.class);
        assertThat(model.answered()).isZero();
        assertThat(model.inAir()).isZero();
    }

    @Test
    void hang_lastsUntilTheModelIsClosed() {
        model.answer(_ -> new Reply.Hang());

        CompletableFuture<HttpResponse<String>> hanging = send("summary", "doc-1", "");
        await().until(() -> model.inAir() == 1);
        assertThat(hanging).isNotDone();

        model.close();
        assertThatThrownBy(hanging::join).hasCauseInstanceOf(IOException.class);
    }

    @Test
    void delay_isPartOfEveryAnswer() {
        model.delay(Duration.ofMillis(200));

        long start = System.nanoTime();
        send("summary", "doc-1", "").join();

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofMillis(200));
    }

    @Test
    void twoThousandCallsAtOnce_areAllInTheAir() {
        model.hold();

        List<CompletableFuture<HttpResponse<String>>> held = IntStream.range(0, 2_000)
                .mapToObj(i -> send("summary", "doc-" + i, ""))
                .toList();

        await().atMost(Duration.ofSeconds(30)).until(() -> model.inAir() == 2_000);
        model.release();
        assertThat(held).allMatch(call -> call.join().statusCode() == 200);
        assertThat(model.maxInAir()).isEqualTo(2_000);
    }

    private CompletableFuture<HttpResponse<String>> send(String step, String id, String more) {
        return post("""
                {"model": "gpt-test", "messages": [{"role": "user", "content": "Do it.\\nstep=%s id=%s\\nNow."}]%s}"""
                .formatted(step, id, more));
    }

    private CompletableFuture<HttpResponse<String>> post(String body) {
        return client.sendAsync(HttpRequest.newBuilder(URI.create(model.baseUrl() + "chat/completions"))
                .version(HttpClient.Version.HTTP_1_1)
                .header("Authorization", "Bearer secret")
                .POST(BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
    }
}
