package dev.pawl;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.harness.OtlpReceiver;
import dev.pawl.harness.OtlpReceiver.Event;
import dev.pawl.harness.OtlpReceiver.Span;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.TestBroker;

/**
 * What a collector of spans receives, in three lives: one without an endpoint; one with; and one whose endpoint hangs for a while, with prompts
 * and answers.
 */
class TracingIT {

    private static final String SECRET = "What-nobody-may-read";
    private static final String SECRET_ANSWER = "What-nobody-may-answer";
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PUBLISHER = "b7ad6b7169203331";
    private static final String TRACEPARENT = "00-" + TRACE + "-" + PUBLISHER + "-01";
    private static final String LOSS = "spans were lost";
    private static final int MANY = 50;

    @TempDir
    static Path directory;

    private static final OtlpReceiver collector = OtlpReceiver.open();
    private static Rig rig;
    private static String off;
    private static List<String> offThreads;
    private static List<String> onThreads;
    private static String text;
    private static int spansOfTheSecondLife;

    @BeforeAll
    static void live() throws IOException {
        rig = new Rig(TestBroker.shared(), directory, 1);
        rig.model().answer(TracingIT::answer);
        for (String id : List.of("off", "good", "retried", "bad", "shown")) {
            rig.text(id, "A text: " + SECRET);
        }

        publishTraced("off");
        PawlProcess first = rig.start();
        rig.awaitAllCommitted();
        offThreads = threads(first);
        assertThat(first.terminate()).isZero();
        off = first.log();

        // Another group is delivered all again.
        rig.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()).env("OTEL_BSP_SCHEDULE_DELAY", "50")
                .config("pawl.consumer-group", "another-group-of-" + rig.topics().documents())
                .config("pawl.chain.step.summary.temperature", "0.5").config("pawl.chain.step.summary.max-output-tokens", "77");
        PawlProcess second = rig.start();
        publishTraced("good");
        rig.publish(List.of("retried", "bad", "good"));
        rig.awaitAllCommitted();
        onThreads = threads(second);
        assertThat(second.terminate()).isZero();
        text = collector.text();
        spansOfTheSecondLife = collector.spans().size();
    }

    private static void publishTraced(String id) {
        var document = new ProducerRecord<>(rig.topics().documents(), id.getBytes(UTF_8), id.getBytes(UTF_8));
        document.headers().add("traceparent", TRACEPARENT.getBytes(UTF_8));
        rig.publisher().publish(document);
    }

    private static Reply answer(Call call) {
        if (call.id().equals("retried") && call.step().equals("summary") && call.attempt() == 1) {
            return new Reply.Status(503, SECRET_ANSWER, Map.of());
        }
        if (call.id().equals("bad") && call.step().equals("entities")) {
            return new Reply.Text("{\"" + SECRET_ANSWER + "\":[]}");
        }
        return call.step().equals("summary") ? new Reply.Text(SECRET_ANSWER, 100, 10) : ScriptedModel.usualAnswer(call);
    }

    /** The names that threads have for the operating system, which cuts them off after 15 bytes. Some may end meanwhile. */
    private static List<String> threads(PawlProcess pawl) throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/" + pawl.pid() + "/task"))) {
            for (Path task : tasks) {
                try {
                    names.add(Files.readString(task.resolve("comm")).strip());
                } catch (IOException ended) {
                    // It has no name any more.
                }
            }
        }
        return names;
    }

    @AfterAll
    static void close() {
        rig.close();
        collector.close();
    }

    @Test
    void noEndpoint_leavesNothing() {
        assertThat(offThreads).isNotEmpty().noneMatch(name -> name.startsWith("BatchSpan"));
        assertThat(onThreads).anyMatch(name -> name.startsWith("BatchSpan"));
        assertThat(off).doesNotContainIgnoringCase("opentelemetry", "otlp", "span");
        assertThat(rig.results("off").getFirst().headers()).noneMatch(header -> header.key().contains("trace"));
    }

    @Test
    void document_isASpanWithItsStepsAndTheirCalls() {
        Span document = collector.await("process " + rig.topics().documents(), "good");
        List<Span> steps = collector.children(document);

        assertThat(document.kind()).isEqualTo("CONSUMER");
        assertThat(document.trace()).isEqualTo(TRACE);
        assertThat(document.parent()).isEqualTo(PUBLISHER);
        assertThat(document.error()).isFalse();
        assertThat(document.resource()).containsEntry("service.name", "pawl");
        assertThat(document.attributes()).containsEntry("messaging.system", "kafka")
                .containsEntry("messaging.operation.name", "process")
                .containsEntry("messaging.destination.name", rig.topics().documents())
                .containsEntry("messaging.destination.partition.id", "0")
                .containsEntry("messaging.kafka.offset", "1")
                .containsEntry("messaging.consumer.group.name", "another-group-of-" + rig.topics().documents())
                .containsEntry("pawl.source", rig.topics().documents() + "-0@1")
                .containsEntry("pawl.outcome", "completed");
        assertThat(steps).extracting(Span::name).containsExactly("step summary", "step entities");
        assertThat(steps).extracting(Span::kind).containsOnly("INTERNAL");
        assertThat(steps).allSatisfy(step -> assertThat(collector.children(step)).extracting(Span::name).containsExactly("chat gpt-4o-mini"));
    }

    @Test
    void call_saysWhatTheConventionsAskFor() {
        Span document = collector.await("process " + rig.topics().documents(), "good");
        Span call = collector.children(collector.children(document).getFirst()).getFirst();

        assertThat(call.kind()).isEqualTo("CLIENT");
        assertThat(call.attributes()).containsEntry("gen_ai.operation.name", "chat")
                .containsEntry("gen_ai.provider.name", "openai")
                .containsEntry("gen_ai.request.model", "gpt-4o-mini")
                .containsEntry("gen_ai.request.temperature", "0.5")
                .containsEntry("gen_ai.request.max_tokens", "77")
                .containsEntry("gen_ai.response.model", "gpt-4o-mini")
                .containsEntry("gen_ai.response.finish_reasons", "stop")
                .containsEntry("gen_ai.usage.input_tokens", "100")
                .containsEntry("gen_ai.usage.output_tokens", "10")
                .containsEntry("server.address", "127.0.0.1")
                .containsEntry("server.port", rig.model().baseUrl().replaceAll(".*:(\\d+)/.*", "$1"))
                .doesNotContainKeys("error.type", "gen_ai.input.messages", "gen_ai.output.messages");
    }

    @Test
    void failedCall_isASpanOfItsOwnAndTheWaitAnEvent() {
        Span document = collector.await("process " + rig.topics().documents(), "retried");
        Span step = collector.children(document).getFirst();
        List<Span> calls = collector.children(step);

        assertThat(calls).extracting(Span::error).containsExactly(true, false);
        assertThat(calls.getFirst().attribute("error.type")).isEqualTo("503");
        assertThat(step.error()).isFalse();
        assertThat(step.events()).extracting(Event::name).containsExactly("retry");
        assertThat(step.events().getFirst().attributes()).containsEntry("pawl.reason", "status 503").containsKey("pawl.wait_ms");
        assertThat(document.attribute("pawl.outcome")).isEqualTo("completed");
        assertThat(document.parent()).isEmpty();
    }

    @Test
    void failedDocument_saysItsKind() {
        Span document = collector.await("process " + rig.topics().documents(), "bad");
        Span step = collector.children(document).getLast();

        assertThat(document.error()).isTrue();
        assertThat(document.attributes()).containsEntry("pawl.outcome", "failed").containsEntry("error.type", "invalid-output");
        assertThat(step.error()).isTrue();
        assertThat(step.attribute("error.type")).isEqualTo("invalid-output");
        assertThat(collector.children(step)).hasSize(3).extracting(Span::error).containsOnly(false);
    }

    @Test
    void documentDoneAlready_isNoSpan() {
        // Three that ran: of them two with two steps and as many calls, one with a call more, one with two calls more.
        assertThat(collector.spans().stream().limit(spansOfTheSecondLife).filter(span -> span.name().startsWith("process"))).hasSize(3);
        assertThat(spansOfTheSecondLife).isEqualTo(3 + 3 * 2 + 3 * 2 + 1 + 2);
    }

    @Test
    void text_isNowhere() {
        assertThat(text).contains("gpt-4o-mini").doesNotContain(SECRET, SECRET_ANSWER, "a-key-for-tests", "Ada");
    }

    @Test
    void result_carriesTheTraceOn() {
        Span document = collector.await("process " + rig.topics().documents(), "good");
        ConsumerRecord<byte[], byte[]> result = rig.results("good").getFirst();

        assertThat(Reader.header(result, "traceparent")).isEqualTo("00-" + TRACE + "-" + document.id() + "-01");
        assertThat(Reader.header(result, "ce_traceparent")).isEqualTo(Reader.header(result, "traceparent"));
    }

    @Test
    void resultEmittedAgain_differsInItsTraceAlone() {
        List<ConsumerRecord<byte[], byte[]>> emissions = rig.results("off");

        assertThat(emissions).hasSize(2);
        assertThat(emissions.get(1).value()).isEqualTo(emissions.get(0).value());
        assertThat(Reader.header(emissions.get(1), "ce_id")).isEqualTo(Reader.header(emissions.get(0), "ce_id"));
        assertThat(Reader.header(emissions.get(1), "traceparent")).isEqualTo(TRACEPARENT);
    }

    /** As many exports, one after the other, would take longer than the test waits. */
    @Test
    void endpointThatHangs_holdsNothingUpAndIsToldInALine() {
        collector.hang();
        rig.config("pawl.tracing.content", "true").env("OTEL_EXPORTER_OTLP_TIMEOUT", "2000");
        List<String> ids = IntStream.range(0, MANY).mapToObj("many-%02d"::formatted).toList();
        ids.forEach(id -> rig.text(id, "A text."));
        PawlProcess third = rig.start();
        rig.publish(ids);
        rig.awaitAllCommitted();
        await().atMost(Rig.READY).until(() -> third.log().contains(LOSS));
        collector.answer();
        rig.publish(List.of("shown"));
        Span document = collector.await("process " + rig.topics().documents(), "shown");
        Span call = collector.children(collector.children(document).getFirst()).getFirst();

        assertThat(call.attribute("gen_ai.input.messages"))
                .isEqualTo("[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"step=summary id=shown\\nA text: " + SECRET + "\"}]}]");
        assertThat(call.attribute("gen_ai.output.messages"))
                .isEqualTo("[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"" + SECRET_ANSWER + "\"}],\"finish_reason\":\"stop\"}]");
        assertThat(third.terminate()).isZero();
        assertThat(third.log().lines().filter(line -> line.contains(LOSS))).as(third.log()).hasSizeBetween(1, 2);
        assertThat(third.log()).doesNotContain("\tat ");
    }
}
