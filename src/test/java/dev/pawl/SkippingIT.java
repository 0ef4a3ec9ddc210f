package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.TestBroker;

/** A topic of documents that are done, with some among them that are not: what is skipped within a poll, and what is not. */
class SkippingIT {

    private static final int DONE = 3_000;
    private static final List<String> NEW = IntStream.range(0, 10).mapToObj("new-%d"::formatted).toList();
    private static final String FORGOTTEN = "done-0700";

    @TempDir
    Path directory;

    @Test
    void documentsThatAreDone_areSkippedAndTheirOffsetsCommitted_andThoseBetweenThemRun() throws IOException {
        try (TestBroker broker = TestBroker.shared(); Rig rig = new Rig(broker, directory, 1)) {
            Files.createDirectories(rig.checkpointFile(0).getParent());
            Files.writeString(rig.checkpointFile(0), done(0, DONE).map("{\"id\":\"%s\"}\n"::formatted).collect(Collectors.joining()));
            rig.publish(done(0, DONE / 2).toList());
            rig.publish(NEW.subList(0, 5));
            rig.publish(0, FORGOTTEN, null);
            rig.publish(0, FORGOTTEN, FORGOTTEN);
            rig.publish(done(DONE / 2, DONE - 100).toList());
            rig.publish(NEW.subList(5, 10));
            rig.publish(done(DONE - 100, DONE).toList());
            List<String> run = Stream.concat(NEW.stream(), Stream.of(FORGOTTEN)).toList();
            run.forEach(id -> rig.text(id, "The text of " + id + "."));

            PawlProcess pawl = rig.start();
            rig.awaitAllCommitted();

            assertThat(rig.model().calls("summary", FORGOTTEN)).hasSize(1);
            assertThat(rig.results()).extracting(ConsumerRecord::key).extracting(Reader::text).containsExactlyInAnyOrderElementsOf(run);
            assertThat(rig.model().total()).isEqualTo(Rig.STEPS.size() * run.size());
            assertThat(rig.committed(0)).isEqualTo(DONE + NEW.size() + 2);
            JsonNode documents = new JsonMapper().readTree(pawl.get("/progress").body()).path("documents");
            assertThat(documents.path("skipped").asInt()).isEqualTo(DONE);
            assertThat(documents.path("completed").asInt()).isEqualTo(run.size());
            assertThat(documents.path("forgotten").asInt()).isEqualTo(1);
        }
    }

    private static Stream<String> done(int from, int to) {
        return IntStream.range(from, to).mapToObj("done-%04d"::formatted);
    }
}
