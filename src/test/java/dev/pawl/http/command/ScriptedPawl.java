package dev.pawl.http.command;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import dev.pawl.Pawl;
import dev.pawl.command.Invocation;
import dev.pawl.harness.HttpServers;

/** An HTTP server that answers as a test has it, and commands run against it inside this JVM. */
final class ScriptedPawl implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();

    record Call(String method, String uri, Map<String, String> headers, String body) {}

    /** @param headers beside Content-Type */
    record Answer(int status, String type, String body, Map<String, String> headers) {

        static Answer json(int status, String body) {
            return new Answer(status, "application/json", body.replace('\'', '"'), Map.of());
        }
    }

    record Ran(int status, String out, String err) {

        JsonNode json() {
            try {
                return JSON.readTree(out);
            } catch (JsonProcessingException e) {
                throw new AssertionError(out, e);
            }
        }
    }

    private final HttpServer server;
    private final List<Call> calls = Collections.synchronizedList(new ArrayList<>());
    private volatile Function<Call, Answer> script = _ -> Answer.json(404, "{}");

    ScriptedPawl() {
        server = HttpServers.create();
        server.createContext("/", this::answer);
        server.start();
    }

    ScriptedPawl answers(Function<Call, Answer> script) {
        this.script = script;
        return this;
    }

    ScriptedPawl answers(int status, String json) {
        return answers(_ -> Answer.json(status, json));
    }

    List<Call> calls() {
        return List.copyOf(calls);
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            Map<String, String> headers = new HashMap<>();
            exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, values.getFirst()));
            Call call = new Call(exchange.getRequestMethod(), exchange.getRequestURI().toString(), headers,
                    new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            calls.add(call);
            Answer answer = script.apply(call);
            exchange.getResponseHeaders().set("Content-Type", answer.type());
            answer.headers().forEach(exchange.getResponseHeaders()::set);
            byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
        }
    }

    Ran run(String... arguments) {
        return run("", Map.of(), arguments);
    }

    Ran run(String in, Map<String, String> environment, String... arguments) {
        return run(new ByteArrayInputStream(in.getBytes(StandardCharsets.UTF_8)), environment, arguments);
    }

    /** With PAWL_URL pointing here. */
    Ran run(InputStream in, Map<String, String> environment, String... arguments) {
        Map<String, String> all = new HashMap<>(Map.of("PAWL_URL", url()));
        all.putAll(environment);
        return invoke(in, all, arguments);
    }

    static Ran invoke(InputStream in, Map<String, String> environment, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = Pawl.command(new Invocation(in, out, false, new PrintStream(err, true, StandardCharsets.UTF_8), false, environment),
                arguments);
        return new Ran(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
