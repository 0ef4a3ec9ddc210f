package dev.pawl.http.command;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import javax.net.ssl.SSLException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

import dev.pawl.command.CommandException;
import dev.pawl.command.ExitStatus;
import dev.pawl.command.Json;

/**
 * A Pawl that runs elsewhere, called over HTTP, one call at a time. What goes wrong ends in a {@link CommandException} whose sentence says
 * what to do. Redirections are not followed: the token is for the one who was named.
 */
final class RunningPawl implements AutoCloseable {

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    /** Reading dead letters takes up to some twenty seconds, and waiting for others who do, thirty. */
    private static final Duration TIMEOUT = Duration.ofSeconds(90);
    /** A producer gives a record up after two minutes. */
    private static final Duration PUBLISH_TIMEOUT = Duration.ofSeconds(150);
    private static final long MAX_ANSWER_BYTES = 256L << 20;

    private final String base;
    private final Token token;
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();

    /** @param base a URL without a slash at its end */
    RunningPawl(String base, Token token) {
        this.base = base;
        this.token = token;
    }

    /** Answers that refuse a call, for callers that know more about what that means. */
    static final class RefusedException extends CommandException {

        private final int httpStatus;
        private final String detail;

        private RefusedException(int status, String sentence, int httpStatus, String detail) {
            super(status, sentence);
            this.httpStatus = httpStatus;
            this.detail = detail;
        }

        int httpStatus() {
            return httpStatus;
        }

        /** What Pawl said; empty where it said nothing, as others than Pawl do. */
        String detail() {
            return detail;
        }
    }

    String url() {
        return base;
    }

    JsonNode get(String path) throws CommandException {
        return send(request(path).GET(), TIMEOUT);
    }

    /** With the token, where there is one. */
    JsonNode post(String path, String contentType, byte[] body) throws CommandException {
        HttpRequest.Builder request = request(path).header("Content-Type", contentType).POST(BodyPublishers.ofByteArray(body));
        if (token.text() != null) {
            request.header("Authorization", "Bearer " + token.text());
        }
        return send(request, PUBLISH_TIMEOUT);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(base + path)).header("Accept", "application/json");
    }

    private JsonNode send(HttpRequest.Builder request, Duration timeout) throws CommandException {
        CompletableFuture<HttpResponse<byte[]>> answer = client.sendAsync(request.build(),
                BodyHandlers.limiting(BodyHandlers.ofByteArray(), MAX_ANSWER_BYTES));
        try {
            return read(answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw unavailable("%s did not answer within %d s".formatted(base, timeout.toSeconds()));
        } catch (ExecutionException e) {
            throw unanswered(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unavailable("interrupted");
        }
    }

    private CommandException unanswered(Throwable cause) {
        return switch (cause) {
            case HttpConnectTimeoutException _ -> unavailable("nothing answers at %s within %d s; %s"
                    .formatted(base, CONNECT_TIMEOUT.toSeconds(), "--url or PAWL_URL says where Pawl runs"));
            case ConnectException e when e.getCause() instanceof UnresolvedAddressException
                    || e.getCause() instanceof ConnectException deeper && deeper.getCause() instanceof UnresolvedAddressException ->
                unavailable("the host of %s is not known; --url or PAWL_URL says where Pawl runs".formatted(base));
            case ConnectException _ -> unavailable("no Pawl answers at %s: the connection is refused; --url or PAWL_URL says where it runs"
                    .formatted(base));
            case SSLException e -> unavailable("no trusted connection to %s: %s".formatted(base, e.getMessage()));
            case IOException e -> unavailable("the connection to %s broke off: %s".formatted(base, e.getMessage()));
            default -> unavailable("%s can't be called: %s".formatted(base, cause));
        };
    }

    private static CommandException unavailable(String sentence) {
        return new CommandException(ExitStatus.UNAVAILABLE, sentence);
    }

    private JsonNode read(HttpResponse<byte[]> answer) throws CommandException {
        int status = answer.statusCode();
        JsonNode json = json(answer.body());
        if (status < 200 || status > 299) {
            throw refused(answer, json);
        }
        if (!json.isObject()) {
            throw new CommandException(ExitStatus.PROTOCOL, "%s answers, but not as Pawl does: %s".formatted(base, "its answer is no JSON object"));
        }
        return json;
    }

    private static JsonNode json(byte[] body) {
        try {
            return Json.read(body);
        } catch (IOException e) {
            return MissingNode.getInstance();
        }
    }

    private CommandException refused(HttpResponse<byte[]> answer, JsonNode json) {
        int status = answer.statusCode();
        // Problem details, RFC 9457; older versions of Pawl said it in "error".
        String detail = json.path("detail").asText(json.path("error").asText(""));
        String said = detail.isEmpty() ? "status " + status : detail;
        return switch (status) {
            case 401 -> refusal(answer, ExitStatus.NO_PERMISSION, detail, token.text() == null
                    ? "%s wants its token: set PAWL_API_TOKEN, or --token-file, to what pawl.api.token has there".formatted(base)
                    : "%s does not accept the token of %s: it must be what pawl.api.token has there".formatted(base, token.origin()));
            case 403 -> refusal(answer, ExitStatus.NO_PERMISSION, detail, "%s refuses: %s".formatted(base, detail.isEmpty()
                    ? "status 403; where Pawl runs, pawl.api.token (PAWL_API_TOKEN) must be set, and here PAWL_API_TOKEN the same"
                    : detail));
            case 400 -> refusal(answer, ExitStatus.USAGE, detail, said);
            case 404 -> refusal(answer, ExitStatus.PROTOCOL, detail, "%s answers, but not as Pawl does: %s".formatted(base, said));
            case 429, 500, 502, 503, 504 -> refusal(answer, ExitStatus.UNAVAILABLE, detail, "%s can't do it now: %s".formatted(base, said));
            default -> refusal(answer, ExitStatus.PROTOCOL, detail, answer.headers().firstValue("Location")
                    .map(location -> "%s sends elsewhere: give --url for %s if that is Pawl".formatted(base, location))
                    .orElse("%s refuses: %s".formatted(base, said)));
        };
    }

    private static RefusedException refusal(HttpResponse<byte[]> answer, int exit, String detail, String sentence) {
        return new RefusedException(exit, sentence, answer.statusCode(), detail);
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
