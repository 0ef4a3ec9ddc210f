package dev.pawl.speed;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import io.quarkus.arc.Arc;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;

/**
 * Calls the model as often as it is asked to, and does nothing else: the service's own client, in the service's own process, whose
 * intake idles. Each of as many virtual threads as documents may be in flight makes one call after the other.
 */
public final class BareLoop implements QuarkusApplication {

    /** Standard output is for answers, so logs go elsewhere. */
    static Map<String, String> config(Site site) {
        Map<String, String> config = new HashMap<>(site.config());
        config.put("pawl.checkpoint.directory", site.directory().resolve("data/checkpoint").toString());
        config.put("quarkus.log.console.stderr", "true");
        config.put("quarkus.http.port", "0");
        config.put("quarkus.http.host", "127.0.0.1");
        return config;
    }

    public static void main(String[] arguments) {
        Quarkus.run(BareLoop.class, arguments);
    }

    /** A number on standard input is so many calls; answered with the seconds they took. */
    @Override
    public int run(String... arguments) throws Exception {
        ChatModel model = Arc.container().instance(ChatModel.class).get();
        int inFlight = Integer.getInteger("pawl.max-in-flight");
        String text = Site.text(OverheadBench.TEXT_BYTES);
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        int first = 0;
        for (String count = questions.readLine(); count != null; count = questions.readLine()) {
            AtomicInteger next = new AtomicInteger(first);
            int end = first + Integer.parseInt(count);
            long start = System.nanoTime();
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                var calling = IntStream.range(0, inFlight).mapToObj(_ -> threads.submit(() -> {
                    for (int document = next.getAndIncrement(); document < end; document = next.getAndIncrement()) {
                        String prompt = Site.prompt(Endpoint.STEPS.getFirst(), Site.id(document), text);
                        model.chat(ChatRequest.builder().messages(UserMessage.from(prompt)).build());
                    }
                })).toList();
                for (Future<?> caller : calling) {
                    caller.get();
                }
            }
            System.out.println((System.nanoTime() - start) / 1e9);
            first = end;
        }
        return 0;
    }
}
