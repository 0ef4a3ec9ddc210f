package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

import org.jboss.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.TestBroker;

/**
 * A publication that is larger than the process's whole heap. {@code -Dpawl.upload.documents=1000000 -Dpawl.upload.line=40} sends a million IDs,
 * by hand.
 */
class UploadIT {

    private static final Logger LOG = Logger.getLogger(UploadIT.class);

    private static final String TOKEN = "a-token-for-tests";
    private static final String HEAP = "-Xmx96m";
    private static final long DOCUMENTS = Long.getLong("pawl.upload.documents", 10_000);
    private static final int LINE_BYTES = Integer.getInteger("pawl.upload.line", 12_000);

    @TempDir
    Path directory;

    @Test
    void publicationLargerThanTheHeap_isAcceptedWhole() throws Exception {
        try (Rig rig = new Rig(TestBroker.shared(), directory).config("pawl.api.token", TOKEN).jvmOption(HEAP)) {
            PawlProcess pawl = rig.start();
            // What is published is not to be worked on.
            assertThat(pawl.post("/intake/pause", "text/plain", "", TOKEN).status()).isEqualTo(200);
            long began = System.nanoTime();
            HttpResponse<String> answer;
            try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
                answer = client.send(HttpRequest.newBuilder(pawl.uri("/documents"))
                        .header("Authorization", "Bearer " + TOKEN)
                        .header("Content-Type", "application/x-ndjson")
                        .POST(BodyPublishers.ofInputStream(DocumentLines::new))
                        .build(), BodyHandlers.ofString());
            }
            LOG.infof("%d documents of %d bytes took %d ms", DOCUMENTS, LINE_BYTES, (System.nanoTime() - began) / 1_000_000);

            assertThat(answer.body()).isEqualTo("{\"accepted\":%d,\"rejected\":[]}".formatted(DOCUMENTS));
            assertThat(rig.broker().endOffsets(rig.topics().documents()).values().stream().mapToLong(Long::longValue).sum()).isEqualTo(DOCUMENTS);
            assertThat(pawl.log()).doesNotContain("OutOfMemoryError");
        }
    }

    /** So many lines of so many bytes, never all in memory here either. */
    private static final class DocumentLines extends InputStream {

        private long sent;
        private byte[] line = {};
        private int position;

        private boolean hasMore() {
            if (position == line.length && sent < DOCUMENTS) {
                String head = "{\"id\":\"doc-%07d\",\"text\":\"".formatted(sent++);
                line = (head + "x".repeat(Math.max(0, LINE_BYTES - head.length() - 3)) + "\"}\n").getBytes(StandardCharsets.UTF_8);
                position = 0;
            }
            return position < line.length;
        }

        @Override
        public int read() throws IOException {
            return hasMore() ? line[position++] & 0xff : -1;
        }

        @Override
        public int read(byte[] target, int offset, int length) {
            if (!hasMore()) {
                return -1;
            }
            int bytes = Math.min(length, line.length - position);
            System.arraycopy(line, position, target, offset, bytes);
            position += bytes;
            return bytes;
        }
    }
}
