package dev.pawl.harness;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.zip.GZIPInputStream;

import org.awaitility.Awaitility;

import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;

/**
 * What spans are exported to: {@code POST /v1/traces} with OTLP's protobuf over real HTTP. Keeps what it received, as bytes and as spans. Methods
 * may be called from any thread.
 */
public final class OtlpReceiver implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(30);

    /**
     * A span as it was received.
     *
     * @param parent empty for a root
     * @param attributes arrays with commas between
     * @param events by name, in their order, each with its attributes
     */
    public record Span(String name, String kind, String trace, String id, String parent, boolean error, Map<String, String> attributes,
            List<Event> events, Map<String, String> resource) {

        public String attribute(String name) {
            return attributes.get(name);
        }
    }

    public record Event(String name, Map<String, String> attributes) {
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile boolean hangs;

    /** Guarded by itself. */
    private final List<byte[]> bodies = new ArrayList<>();

    private OtlpReceiver() {
        server = HttpServers.create();
        server.setExecutor(threads);
        server.createContext("/v1/traces", this::handle);
    }

    public static OtlpReceiver open() {
        var receiver = new OtlpReceiver();
        receiver.server.start();
        return receiver;
    }

    /** What OTEL_EXPORTER_OTLP_ENDPOINT takes. */
    public String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Receives from here on, and never answers. */
    public void hang() {
        hangs = true;
    }

    public void answer() {
        hangs = false;
    }

    private void handle(HttpExchange exchange) throws IOException {
        byte[] body = unpacked(exchange).readAllBytes();
        synchronized (bodies) {
            bodies.add(body);
        }
        if (hangs) {
            try {
                closed.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        exchange.sendResponseHeaders(200, -1);
        exchange.close();
    }

    private static InputStream unpacked(HttpExchange exchange) throws IOException {
        return "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding")) ? new GZIPInputStream(exchange.getRequestBody())
                : exchange.getRequestBody();
    }

    /** How many requests arrived. */
    public int requests() {
        synchronized (bodies) {
            return bodies.size();
        }
    }

    /** All that arrived, read as text: what is not in there was not sent. */
    public String text() {
        var text = new StringBuilder();
        synchronized (bodies) {
            bodies.forEach(body -> text.append(new String(body, StandardCharsets.UTF_8)).append('\n'));
        }
        return text.toString();
    }

    /** Returns when a span of this name for this document has arrived. */
    public Span await(String name, String id) {
        Awaitility.await().atMost(LIMIT).pollInterval(Duration.ofMillis(50)).until(() -> !documents(name, id).isEmpty());
        return documents(name, id).getLast();
    }

    private List<Span> documents(String name, String id) {
        return spans().stream().filter(span -> span.name.equals(name) && id.equals(span.attribute("pawl.document.id"))).toList();
    }

    public List<Span> children(Span parent) {
        return spans().stream().filter(span -> span.trace.equals(parent.trace) && span.parent.equals(parent.id)).toList();
    }

    public List<Span> spans() {
        List<Span> spans = new ArrayList<>();
        synchronized (bodies) {
            for (byte[] body : bodies) {
                addAll(spans, body);
            }
        }
        return spans;
    }

    private static void addAll(List<Span> spans, byte[] body) {
        try {
            ExportTraceServiceRequest.parseFrom(new ByteArrayInputStream(body)).getResourceSpansList().forEach(resource ->
                    resource.getScopeSpansList().forEach(scope -> scope.getSpansList().forEach(span -> spans.add(new Span(
                            span.getName(),
                            span.getKind().name().replace("SPAN_KIND_", ""),
                            hex(span.getTraceId()), hex(span.getSpanId()), hex(span.getParentSpanId()),
                            span.getStatus().getCodeValue() == io.opentelemetry.proto.trace.v1.Status.StatusCode.STATUS_CODE_ERROR_VALUE,
                            attributes(span.getAttributesList()),
                            span.getEventsList().stream().map(event -> new Event(event.getName(), attributes(event.getAttributesList()))).toList(),
                            attributes(resource.getResource().getAttributesList()))))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String hex(ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }

    private static Map<String, String> attributes(List<KeyValue> attributes) {
        Map<String, String> values = new TreeMap<>();
        attributes.forEach(attribute -> values.put(attribute.getKey(), value(attribute.getValue())));
        return values;
    }

    private static String value(AnyValue value) {
        return switch (value.getValueCase()) {
            case STRING_VALUE -> value.getStringValue();
            case INT_VALUE -> Long.toString(value.getIntValue());
            case DOUBLE_VALUE -> Double.toString(value.getDoubleValue());
            case BOOL_VALUE -> Boolean.toString(value.getBoolValue());
            case ARRAY_VALUE -> String.join(",", value.getArrayValue().getValuesList().stream().map(OtlpReceiver::value).toList());
            default -> throw new IllegalStateException("nothing here has such a value: " + value.getValueCase());
        };
    }

    @Override
    public void close() {
        closed.countDown();
        server.stop(0);
        threads.shutdownNow();
    }
}
