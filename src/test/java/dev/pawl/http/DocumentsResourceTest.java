package dev.pawl.http;

import static io.restassured.RestAssured.given;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.Test;

import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.TestBroker;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;

/** The application in this JVM, for a look at HTTP that needs no package; {@link dev.pawl.HttpIT} has the whole of it. */
@QuarkusTest
@QuarkusTestResource(value = DocumentsResourceTest.Surroundings.class, restrictToAnnotatedClass = true)
class DocumentsResourceTest {

    private static final String TOKEN = "a-token-for-tests";

    @Test
    void publishedDocument_isDoneAndFound() {
        given().auth().oauth2(TOKEN).contentType(ContentType.JSON)
                .body("[{\"id\":\"a/b ü\",\"text\":\"step=summary id=x\"},{\"text\":\"no id\"}]")
                .post("/documents")
                .then().statusCode(202)
                .body("accepted", equalTo(1))
                .body("rejected", hasSize(1))
                .body("rejected[0].line", equalTo(2))
                .body("rejected[0].reason", containsString("no id"));

        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> given().get("/documents/{id}", "a/b ü")
                .then().statusCode(200)
                .body("status", equalTo("done"))
                .body("steps.step", contains("summary", "entities"))
                .body("result.entities", contains("Ada", "Grace")));
    }

    @Test
    void publishingWithoutTheToken_isRefused() {
        given().contentType(ContentType.TEXT).body("doc-1").post("/documents")
                .then().statusCode(401)
                .header("WWW-Authenticate", "Bearer")
                .body("detail", containsString("pawl.api.token"));
    }

    @Test
    void unknownDocument_isNotFound() {
        given().get("/documents/never-seen").then().statusCode(404).body("detail", containsString("knows this document"));
    }

    /** The broker is the JVM's; the model is this test's, and answers by what the prompt asks for. */
    public static final class Surroundings implements QuarkusTestResourceLifecycleManager {

        private ScriptedModel model;

        @Override
        public Map<String, String> start() {
            model = ScriptedModel.open();
            try {
                Map<String, String> config = new HashMap<>(TestBroker.shared().createTopics().config());
                config.put("kafka.bootstrap.servers", TestBroker.shared().bootstrapServers());
                config.put("quarkus.langchain4j.openai.base-url", model.baseUrl());
                config.put("quarkus.http.test-port", "0");
                config.put("pawl.api.token", TOKEN);
                config.put("pawl.checkpoint.directory", Files.createTempDirectory("pawl-checkpoint-").toString());
                return config;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void stop() {
            model.close();
        }
    }
}
