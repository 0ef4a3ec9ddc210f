package dev.pawl.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import dev.pawl.harness.FreePort;
import dev.pawl.harness.HttpServers;

/** Serves the page's files and answers its calls with what a test says; can be stopped and started again on the same port. */
final class FakePawl {

    static final String WORKING = """
            {"at":"2026-11-23T09:30:10Z","startedAt":"2026-11-23T09:25:00Z","process":{"host":"host-a","pid":4711},"state":"working",
             "model":{"name":"gpt-4o-mini","standIn":false},
             "backlog":{"published":1000,"publishedBy":"2026-11-23T09:29:03Z","settled":847,"since":"2026-11-23T09:25:00Z","doneAt":null},
             "documents":{"completed":412,"resumed":3,"repeated":5,"skipped":430,"failed":2,"forgotten":0,"inWork":64,"maxInFlight":256},
             "checkpoint":{"done":840,"failed":7,"forgotten":0,"unfinished":61},
             "calls":{"made":830,"saved":864},
             "tokens":{"inputSpent":581000,"outputSpent":49800,"inputSaved":604800,"outputSaved":51840,"inputPossiblyPaidTwice":800,"outputPossiblyPaidTwice":80},
             "cost":{"currency":"USD","spent":0.117,"saved":0.121,"possiblyPaidTwice":0.0021,"unpricedTokens":0},
             "ledger":{"since":"2026-11-23T09:24:55Z","spent":1660,"saved":864,"inAir":64,"possiblyPaidTwice":8},
             "budget":null,
             "rate":{"documentsPerMinute":148.2},
             "limits":{"requestsPerMinute":null,"tokensPerMinute":null,"maxConcurrency":256,"inAir":60,"waiting":0,"heldMs":0},
             "lag":{"total":153,"partitions":[
               {"partition":"documents-10","lag":78,"inWork":32,"committed":424,"end":500,"checkpointBytes":1310000},
               {"partition":"documents-2","lag":75,"inWork":32,"committed":423,"end":500,"checkpointBytes":1234567}]},
             "eta":"2026-11-23T09:36:02Z","etaSpread":{"earliest":"2026-11-23T09:35:10Z","latest":"2026-11-23T09:37:58Z"},
             "ready":true,"reason":null,"waitingFor":[],"changes":"open"}""".replace("\n", "");

    static final String EMPTY = """
            {"at":"2026-11-23T09:30:10Z","startedAt":"2026-11-23T09:30:00Z","process":{"host":"host-a","pid":4711},"state":"idle",
             "model":{"name":"gpt-4o-mini","standIn":false},
             "backlog":{"published":0,"publishedBy":"2026-11-23T09:30:00Z","settled":0,"since":"2026-11-23T09:30:00Z","doneAt":"2026-11-23T09:30:01Z"},
             "documents":{"completed":0,"resumed":0,"repeated":0,"skipped":0,"failed":0,"forgotten":0,"inWork":0,"maxInFlight":256},
             "checkpoint":{"done":0,"failed":0,"forgotten":0,"unfinished":0},
             "calls":{"made":0,"saved":0},
             "tokens":{"inputSpent":0,"outputSpent":0,"inputSaved":0,"outputSaved":0,"inputPossiblyPaidTwice":0,"outputPossiblyPaidTwice":0},
             "cost":null,"ledger":{"since":"2026-11-23T09:30:00Z","spent":0,"saved":0,"inAir":0,"possiblyPaidTwice":0},"budget":null,
             "rate":{"documentsPerMinute":0},
             "limits":{"requestsPerMinute":null,"tokensPerMinute":null,"maxConcurrency":256,"inAir":0,"waiting":0,"heldMs":0},
             "lag":{"total":0,"partitions":[{"partition":"documents-0","lag":0,"inWork":0,"committed":0,"end":0,"checkpointBytes":0}]},
             "eta":null,"etaSpread":null,"ready":true,"reason":null,"waitingFor":[],"changes":"open"}""".replace("\n", "");

    static final String NO_FAILURES = """
            {"open":{"total":0,"kinds":{}},"complete":true,"elsewhere":[],"failures":[],"next":null}""";

    static final String FAILURES = """
            {"open":{"total":7,"kinds":{"refused":1,"invalid-output":6}},"complete":true,"elsewhere":[],"next":"dl-0@3","failures":[
             {"position":"document-dead-letters-0@1","id":"doc-0100","key":"doc-0100","kind":"invalid-output","step":"entities","attempts":3,"message":"$.entities: is missing but it is required","source":"documents-2@100","failedAt":"2026-11-23T09:28:41Z","open":true},
             {"position":"document-dead-letters-0@2","id":"doc-0217","key":"doc-0217","kind":"refused","step":"summary","attempts":1,"message":"status 400, code content_policy","source":"documents-10@217","failedAt":"2026-11-23T09:29:02Z","open":true},
             {"position":"document-dead-letters-0@3","id":"reports/2026/quarter-3-of-the-northern-branch","key":"k","kind":"invalid-output","step":"entities","attempts":3,"message":"the answer is not JSON","source":"documents-2@318","failedAt":"2026-11-23T09:29:30Z","open":true}]}""";

    static final String DOCUMENT = """
            {"id":"doc-0847","status":"done","source":"documents-3@847","ts":"2026-11-23T09:35:13.101Z","durationMs":2790,
             "steps":[{"step":"summary","fingerprint":"c926","model":"gpt-4o-mini-2024-07-18","usage":{"calls":1,"inputTokens":700,"outputTokens":60}},
                      {"step":"entities","fingerprint":"f220","model":"gpt-4o-mini-2024-07-18","usage":{"calls":2,"inputTokens":1112,"outputTokens":36}}],
             "result":{"summary":"Ada Byron met Grace Hopper in Turin, where the two compared notes on compilers over coffee and agreed that a machine should remember what it has been told.","entities":["Ada Byron","Grace Hopper","Turin"]},
             "usage":{"calls":3,"inputTokens":1812,"outputTokens":96},"checkpoint":{"file":"documents-3.jsonl","offset":481203},
             "way":[{"at":"2026-11-23T09:35:10.311Z","what":"taken","source":"documents-3@847"},
                    {"at":"2026-11-23T09:35:11.412Z","what":"step","step":"summary","durationMs":1101,"attempts":1,"usage":{"calls":1,"inputTokens":700,"outputTokens":60},"checkpoint":{"file":"documents-3.jsonl","offset":470011}},
                    {"at":"2026-11-23T09:35:13.101Z","what":"step","step":"entities","durationMs":1689,"attempts":2,"usage":{"calls":2,"inputTokens":1112,"outputTokens":36},"checkpoint":{"file":"documents-3.jsonl","offset":481203}},
                    {"at":"2026-11-23T09:35:13.101Z","what":"done","source":"documents-3@847","checkpoint":{"file":"documents-3.jsonl","offset":481203}}]}""";

    private static final String PARTITIONS = """
            {"partitions":[{"partition":"documents-2","committed":423,"end":500,"lag":77,"owner":{"host":"10.0.0.1","member":"pawl-0","here":true}},
             {"partition":"documents-11","committed":7,"end":7,"lag":0,"owner":{"host":"10.0.0.2","member":"pawl-1","here":false}}]}""";

    private static final Path FILES = Path.of("src/main/resources/META-INF/resources");
    private static final Map<String, String> TYPES = Map.of("html", "text/html;charset=UTF-8", "css", "text/css", "js", "text/javascript", "svg",
            "image/svg+xml");
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    volatile String samples;
    volatile String failures = NO_FAILURES;
    volatile Map<String, String> documents = Map.of();
    volatile int publishStatus = 202;
    volatile String publishAnswer = "{\"accepted\":3,\"rejected\":[]}";
    /** Null where none is wanted. */
    volatile String token;
    /** What was sent last. */
    volatile String body;
    volatile String contentType;

    private final List<String> calls = new CopyOnWriteArrayList<>();
    private final Map<String, Integer> files = new ConcurrentHashMap<>();
    private final List<OutputStream> streams = new CopyOnWriteArrayList<>();
    private volatile String report = WORKING;
    private volatile boolean silent;
    private final int port = FreePort.find();
    private HttpServer server;
    private ExecutorService threads;

    void start() {
        server = HttpServers.create(port, 0);
        threads = Executors.newVirtualThreadPerTaskExecutor();
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
        threads.submit(this::tellOnAndOn);
    }

    void stop() {
        server.stop(0);
        threads.shutdownNow();
        streams.clear();
    }

    String url() {
        return "http://127.0.0.1:" + port + "/";
    }

    /** What all who listen hear from now on. */
    void tell(String report) {
        this.report = report.replace("\n", "");
        streams.forEach(this::send);
    }

    /** Whether connections stay open and nothing is said. */
    void falls(boolean silent) {
        this.silent = silent;
    }

    private void tellOnAndOn() {
        try {
            while (true) {
                Thread.sleep(500);
                streams.forEach(this::send);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // stopped
        }
    }

    private void send(OutputStream stream) {
        if (silent) {
            return;
        }
        try {
            synchronized (stream) {
                stream.write(("data:" + report + "\n\n").getBytes(StandardCharsets.UTF_8));
                stream.flush();
            }
        } catch (IOException e) {
            streams.remove(stream);
        }
    }

    void awaitStreams(int number) {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(streams).hasSize(number));
    }

    void awaitBody(String expected) {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(body).isEqualTo(expected));
    }

    void awaitCall(String path) {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(calls).contains(path));
    }

    /** What the page's files weigh in all, as they were served. */
    int bytesOfFiles() {
        return files.values().stream().mapToInt(Integer::intValue).sum();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getRawPath();
        if (path.equals("/progress/stream")) {
            stream(exchange);
            return;
        }
        try (exchange) {
            if (exchange.getRequestMethod().equals("POST")) {
                post(exchange, path);
                return;
            }
            switch (path) {
                case "/progress/history" -> json(exchange, 200, history());
                case "/partitions" -> json(exchange, 200, PARTITIONS);
                case "/failures" -> json(exchange, 200, failures);
                case "/dev/samples" -> json(exchange, samples == null ? 404 : 200, samples);
                default -> {
                    if (path.startsWith("/documents/")) {
                        json(exchange, documents.containsKey(path) ? 200 : 404, documents.get(path));
                    } else {
                        file(exchange, path.equals("/") ? "index.html" : path.substring(1));
                    }
                }
            }
        }
    }

    private void post(HttpExchange exchange, String path) throws IOException {
        String sent = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        if (token != null && !("Bearer " + token).equals(authorization)) {
            json(exchange, 401, "{\"detail\":\"this call needs a token\",\"status\":401}");
            return;
        }
        contentType = exchange.getRequestHeaders().getFirst("Content-Type");
        body = sent;
        calls.add(path);
        switch (path) {
            case "/documents" -> json(exchange, publishStatus, publishAnswer);
            case "/failures/replay" -> json(exchange, 202, "{\"replayed\":1,\"skipped\":[],\"complete\":true,\"elsewhere\":[]}");
            default -> json(exchange, 200, "{\"open\":true,\"closed\":[]}");
        }
    }

    private void stream(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        OutputStream stream = exchange.getResponseBody();
        streams.add(stream);
        send(stream);
    }

    /** Ten minutes of work, up to the working report. */
    private static String history() {
        return IntStream.rangeClosed(0, 300)
                .mapToObj(i -> {
                    long completed = Math.round(i * 412.0 / 300 + 6 * Math.sin(i / 9.0));
                    double part = i / 300.0;
                    return """
                            {"at":"2026-11-23T09:%02d:%02dZ","completed":%d,"skipped":0,"failed":2,"inWork":%d,"inAir":60,"tokensSpent":%d,"tokensSaved":%d,"costSpent":%s,"costSaved":%s}"""
                            .formatted(20 + i / 30, i % 30 * 2, completed, Math.min(64, i) - (i % 40 == 0 ? 20 : 0), Math.round(630_800 * part),
                                    i < 150 ? 0 : 656_640, 0.117 * part, i < 150 ? 0 : 0.121);
                })
                .collect(Collectors.joining(",", "{\"span\":\"10m\",\"intervalMs\":2000,\"samples\":[", "]}"));
    }

    private void file(HttpExchange exchange, String name) throws IOException {
        byte[] bytes = null;
        if (Files.isRegularFile(FILES.resolve(name))) {
            bytes = Files.readAllBytes(FILES.resolve(name));
        } else {
            try (InputStream library = FakePawl.class.getResourceAsStream("/META-INF/resources/" + name)) {
                bytes = library == null ? null : library.readAllBytes();
            }
        }
        if (bytes == null) {
            send(exchange, 404, "text/plain", new byte[0]);
            return;
        }
        files.put(name, bytes.length);
        send(exchange, 200, TYPES.get(name.substring(name.lastIndexOf('.') + 1)), bytes);
    }

    private static void json(HttpExchange exchange, int status, String body) throws IOException {
        send(exchange, status, "application/json", body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8));
    }

    private static void send(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.getResponseHeaders().set("Content-Security-Policy", FrontDoor.PAGE_POLICY);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
    }
}
