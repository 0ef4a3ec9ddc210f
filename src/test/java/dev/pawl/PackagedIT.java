package dev.pawl;

import static io.restassured.RestAssured.given;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.is;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.Test;

import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.TestBroker;
import dev.pawl.harness.Topics;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.junit.QuarkusIntegrationTest;

/** The artifact that was built, jar or native executable, started as Quarkus starts it: a document goes through it from end to end. */
@QuarkusIntegrationTest
@QuarkusTestResource(value = PackagedIT.Surroundings.class, restrictToAnnotatedClass = true)
class PackagedIT {

    private static final String TOKEN = "a-token-for-tests";

    /** A broker and a model, and a directory for the checkpoint. */
    public static final class Surroundings implements QuarkusTestResourceLifecycleManager {

        private final ScriptedModel model = ScriptedModel.open().matcher(_ -> new ScriptedModel.Target("any", "any"));

        @Override
        public Map<String, String> start() {
            TestBroker broker = TestBroker.shared();
            Topics topics = broker.createTopics();
            Map<String, String> config = new HashMap<>(topics.config());
            config.put("pawl.consumer-group", "group-of-" + topics.documents());
            config.put("kafka.bootstrap.servers", broker.bootstrapServers());
            config.put("quarkus.langchain4j.openai.base-url", model.baseUrl());
            config.put("quarkus.langchain4j.openai.api-key", "a-key-for-tests");
            config.put("pawl.api.token", TOKEN);
            config.put("quarkus.http.host", "127.0.0.1");
            try {
                config.put("pawl.checkpoint.directory", Files.createTempDirectory("pawl-packaged-").toString());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return config;
        }

        @Override
        public void stop() {
            model.close();
        }
    }

    @Test
    void documentPublishedOverHttp_isDoneAndItsResultIsThere() {
        given().header("Authorization", "Bearer " + TOKEN).contentType("application/json")
                .body("{\"id\":\"doc-0847\",\"text\":\"Ada Byron met Grace Hopper.\"}")
                .post("/documents").then().statusCode(202).body("accepted", is(1));

        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> given().get("/documents/doc-0847").then().statusCode(200)
                .body("status", equalTo("done"), "result.keySet().size()", is(2)));
        given().get("/q/health/ready").then().statusCode(200);
    }
}
