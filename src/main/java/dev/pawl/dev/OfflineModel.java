package dev.pawl.dev;

import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

import jakarta.inject.Singleton;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

import org.eclipse.microprofile.openapi.annotations.Operation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.quarkus.arc.profile.IfBuildProfile;
import io.smallrye.common.annotation.RunOnVirtualThread;

/**
 * The model of a machine without a network: an OpenAI endpoint that finds its answers in the document itself.
 *
 * <p>The ordinary client calls it over HTTP, so that dev mode runs the code production runs. The same request always gets the
 * same answer. Each call has a virtual thread, which sleeps the delay away.
 */
@Singleton
@IfBuildProfile("dev")
@Path("/offline-model/v1")
@Produces(MediaType.APPLICATION_JSON)
final class OfflineModel {

    /** Stands in every answer whatever model was asked for, so that nobody takes one for a real model's. */
    static final String NAME = "pawl-offline-stand-in";

    private static final int CHARACTERS_PER_TOKEN = 4;

    private final ObjectMapper json;
    private final Duration delay;
    private final double failureRate;
    /** Seeded, so that the n-th call of every run fails or doesn't alike. */
    private final Random failures = new Random(1);
    private final AtomicLong answers = new AtomicLong();

    OfflineModel(DevConfig config, ObjectMapper json) {
        this.json = json;
        this.delay = config.offlineModel().delay();
        this.failureRate = config.offlineModel().failureRate();
        if (failureRate < 0 || failureRate > 1) {
            throw new IllegalArgumentException("pawl.dev.offline-model.failure-rate is " + failureRate + ": must be from 0 to 1");
        }
    }

    @POST
    @Path("chat/completions")
    @Consumes(MediaType.APPLICATION_JSON)
    @RunOnVirtualThread
    @Operation(hidden = true)
    public Response complete(byte[] body) throws InterruptedException {
        CompletionRequest request;
        try {
            request = CompletionRequest.parse(json, body);
        } catch (IllegalArgumentException e) {
            return error(400, "invalid_request_error", e.getMessage());
        }
        Thread.sleep(delay);
        if (failures.nextDouble() < failureRate) {
            return failures.nextBoolean()
                    ? error(429, "rate_limit_error", "The offline stand-in plays a rate limit: pawl.dev.offline-model.failure-rate")
                    : error(500, "server_error", "The offline stand-in plays a failure: pawl.dev.offline-model.failure-rate");
        }
        return Response.ok(completion(request)).build();
    }

    @GET
    @Path("models")
    @Operation(hidden = true)
    public JsonNode models() {
        ObjectNode models = json.createObjectNode().put("object", "list");
        models.putArray("data").addObject().put("id", NAME).put("object", "model").put("owned_by", "pawl");
        return models;
    }

    private JsonNode completion(CompletionRequest request) {
        String content = answer(request);
        ObjectNode completion = json.createObjectNode()
                .put("id", "chatcmpl-offline-" + answers.incrementAndGet())
                .put("object", "chat.completion")
                .put("created", Instant.now().getEpochSecond())
                .put("model", NAME);
        completion.putArray("choices").addObject()
                .put("index", 0)
                .put("finish_reason", "stop")
                .putObject("message").put("role", "assistant").put("content", content);
        int promptTokens = tokens(request.promptCharacters());
        int completionTokens = tokens(content.length());
        completion.putObject("usage")
                .put("prompt_tokens", promptTokens)
                .put("completion_tokens", completionTokens)
                .put("total_tokens", promptTokens + completionTokens);
        return completion;
    }

    private static String answer(CompletionRequest request) {
        String summary = Summary.of(request.document());
        return request.schema()
                .map(schema -> new SchemaAnswer(summary, Names.in(request.document())).to(schema).toString())
                .orElse(summary);
    }

    private static int tokens(int characters) {
        return Math.ceilDiv(characters, CHARACTERS_PER_TOKEN);
    }

    private Response error(int status, String type, String message) {
        ObjectNode body = json.createObjectNode();
        body.putObject("error").put("message", message).put("type", type).putNull("param").putNull("code");
        return Response.status(status).entity(body).build();
    }
}
