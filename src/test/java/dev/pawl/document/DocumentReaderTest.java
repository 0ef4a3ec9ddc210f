package dev.pawl.document;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import dev.pawl.Failure;
import dev.pawl.Failure.Kind;
import dev.pawl.harness.Configs;
import dev.pawl.harness.HttpServers;
import io.quarkus.runtime.configuration.ConfigurationException;

@Timeout(30)
class DocumentReaderTest {

    @TempDir
    Path directory;

    @Test
    void textOfTheRecord_isReadAsItCame() throws Exception {
        assertThat(reader().read(new Document("a", "Grüße", URI.create("https://host/"), null))).isEqualTo("Grüße");
        assertThat(reader().read(new Document("a", "", null, null))).isEmpty();
    }

    @Test
    void textOfTheRecord_mayHaveMaxBytes() throws Exception {
        DocumentReader reader = reader("pawl.documents.max-bytes", "10");

        assertThat(reader.read(new Document("a", "é".repeat(5), null, null))).hasSize(5);
        assertFails(reader, new Document("a", "é".repeat(5) + "x", null, null), Kind.DOCUMENT_TOO_LARGE);
    }

    @Test
    void documentWithoutAnyPlaceToReadItFrom_isNotFound() {
        assertFails(reader(), document("a"), Kind.DOCUMENT_NOT_FOUND);
    }

    @Nested
    class FileTemplate {

        private Path folder;
        private DocumentReader reader;

        @BeforeEach
        void create() throws IOException {
            folder = Files.createDirectory(directory.resolve("samples"));
            reader = reader("pawl.documents.location", "file:" + folder + "/{id}.txt", "pawl.documents.max-bytes", "10");
            Files.writeString(directory.resolve("outside.txt"), "secret");
        }

        @ParameterizedTest
        @ValueSource(strings = {"doc-0847", "my notes", "Überblick", "a%b", "a#b?c", "..hidden", "a..b", "x{id}"})
        void file_isReadByItsName(String id) throws Exception {
            Files.writeString(folder.resolve(id + ".txt"), "Grüße");

            assertThat(reader.read(document(id))).isEqualTo("Grüße");
        }

        @Test
        void encodedName_comesFirst() throws Exception {
            Files.createDirectory(folder.resolve("2026"));
            Files.writeString(folder.resolve("2026/report.txt"), "below");
            assertThat(reader.read(document("2026/report"))).isEqualTo("below");

            Files.writeString(folder.resolve("2026%2Freport.txt"), "encoded");

            assertThat(reader.read(document("2026/report"))).isEqualTo("encoded");
        }

        @ParameterizedTest
        @ValueSource(strings = {"../outside", "..", ".", "a/../../outside", "a/..", "./a", "..\\outside", "a\\..\\..\\outside", "a/./b"})
        void dotSegments_areNeverFollowed(String id) {
            assertFails(reader, document(id), Kind.DOCUMENT_NOT_FOUND);
        }

        @Test
        void absoluteId_staysBelowTheFolder() {
            assertFails(reader, document(directory.resolve("outside").toString()), Kind.DOCUMENT_NOT_FOUND);
            assertFails(reader, document("/etc/passwd"), Kind.DOCUMENT_NOT_FOUND);
        }

        @Test
        void idThatIsAWholeName_cantReachTheFolderItself() throws IOException {
            DocumentReader whole = reader("pawl.documents.location", "file:" + folder + "/{id}");
            Files.createDirectory(folder.resolve("below"));

            for (String id : List.of("/", "//", "..", "below", "below/", "below/..")) {
                assertFails(whole, document(id), Kind.DOCUMENT_NOT_FOUND);
            }
        }

        @Test
        void missingFile_isNotFound() {
            assertFails(reader, document("doc-0848"), Kind.DOCUMENT_NOT_FOUND);
        }

        @Test
        void fileBelowAFile_isNotFound() throws IOException {
            Files.writeString(folder.resolve("a"), "x");

            assertFails(reader, document("a/b"), Kind.DOCUMENT_NOT_FOUND);
        }

        @ParameterizedTest
        @ValueSource(ints = {100, 300, 512})
        void longName_isNotFound(int length) {
            assertFails(reader, document("x".repeat(length)), Kind.DOCUMENT_NOT_FOUND);
            assertFails(reader, document("/".repeat(length)), Kind.DOCUMENT_NOT_FOUND);
        }

        @Test
        void fileOfMaxBytes_isTheLargest() throws Exception {
            Files.writeString(folder.resolve("a.txt"), "0123456789");
            Files.writeString(folder.resolve("b.txt"), "0123456789x");

            assertThat(reader.read(document("a"))).isEqualTo("0123456789");
            assertFails(reader, document("b"), Kind.DOCUMENT_TOO_LARGE);
        }

        @Test
        void fileThatIsNotUtf8_isUnreadable() throws IOException {
            Files.write(folder.resolve("a.txt"), new byte[] {'a', (byte) 0xFF});

            assertFails(reader, document("a"), Kind.UNREADABLE_DOCUMENT);
        }

        @Test
        void missingFolder_isNoFaultOfTheDocument() throws IOException {
            Files.delete(folder);

            assertThatThrownBy(() -> reader.read(document("a"))).isInstanceOf(IOException.class).hasMessageContaining(folder.toString());
        }

        @ParameterizedTest
        @ValueSource(strings = {"file:%s/{id}.txt", "file://%s/{id}.txt", "file:%s/samples/../{id}.txt", "file:%s/pre-{id}", "file:%s/{id}/text"})
        void template_mayTakeAnyForm(String template) throws Exception {
            Files.writeString(directory.resolve("a.txt"), "dot");
            Files.writeString(directory.resolve("pre-a"), "prefix");
            Files.writeString(Files.createDirectory(directory.resolve("a")).resolve("text"), "folder");

            assertThat(reader("pawl.documents.location", template.formatted(directory)).read(document("a"))).isIn("dot", "prefix", "folder");
        }
    }

    @Nested
    class Http {

        private final List<String> requests = new CopyOnWriteArrayList<>();
        private final CountDownLatch end = new CountDownLatch(1);
        private HttpServer server;
        private String host;

        @BeforeEach
        void start() {
            server = HttpServers.create();
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext("/", this::answer);
            server.start();
            host = "http://127.0.0.1:" + server.getAddress().getPort();
        }

        @AfterEach
        void stop() {
            end.countDown();
            server.stop(0);
        }

        private void answer(HttpExchange exchange) throws IOException {
            String path = exchange.getRequestURI().getRawPath();
            requests.add(exchange.getRequestURI().toString());
            String name = path.substring(path.lastIndexOf('/') + 1);
            if (name.matches("\\d+")) {
                exchange.getResponseHeaders().add("Location", "/documents/good");
                exchange.sendResponseHeaders(Integer.parseInt(name), -1);
            } else if (name.equals("stalled")) {
                exchange.sendResponseHeaders(200, 0);
                exchange.getResponseBody().write("begun".getBytes(UTF_8));
                exchange.getResponseBody().flush();
                await();
            } else {
                byte[] body = name.equals("latin-1") ? new byte[] {(byte) 0xE9} : "Grüße".repeat(name.equals("large") ? 2 : 1).getBytes(UTF_8);
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
            }
            exchange.close();
        }

        private void await() {
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private DocumentReader templateReader() {
            return reader("pawl.documents.location", host + "/documents/{id}", "pawl.documents.max-bytes", "13", "pawl.documents.timeout", "500ms");
        }

        @Test
        void status200_isTheText() throws Exception {
            assertThat(templateReader().read(document("good"))).isEqualTo("Grüße");
        }

        @Test
        void id_isEncoded() throws Exception {
            templateReader().read(document("a b/ä?c#d"));

            assertThat(requests).containsExactly("/documents/a%20b%2F%C3%A4%3Fc%23d");
        }

        @ParameterizedTest
        @ValueSource(strings = {"..", ".", "../other", "a/../../other"})
        void dotSegments_areNeverSent(String id) {
            assertFails(templateReader(), document(id), Kind.DOCUMENT_NOT_FOUND);
            assertThat(requests).isEmpty();
        }

        @ParameterizedTest
        @CsvSource({"404, DOCUMENT_NOT_FOUND", "410, DOCUMENT_NOT_FOUND", "401, UNREADABLE_DOCUMENT", "403, UNREADABLE_DOCUMENT",
            "204, UNREADABLE_DOCUMENT", "301, UNREADABLE_DOCUMENT", "302, UNREADABLE_DOCUMENT", "307, UNREADABLE_DOCUMENT"})
        void otherStatus_isTheDocumentsFault(String status, Kind kind) {
            assertFails(templateReader(), document(status), kind);
            assertThat(requests).as("no redirect is followed").hasSize(1);
        }

        @ParameterizedTest
        @ValueSource(strings = {"408", "429", "500", "503"})
        void statusThatMayPass_isNoFaultOfTheDocument(String status) {
            assertThatThrownBy(() -> templateReader().read(document(status))).isInstanceOf(IOException.class).hasMessageContaining(status);
        }

        @Test
        void hostThatIsDown_isNoFaultOfTheDocument() {
            server.stop(0);

            assertThatThrownBy(() -> templateReader().read(document("good"))).isInstanceOf(IOException.class);
        }

        @Test
        void hostThatStopsInTheMiddle_isGivenUpAfterTheTimeout() {
            assertThatThrownBy(() -> templateReader().read(document("stalled"))).isInstanceOf(IOException.class);
        }

        @Test
        void textThatIsTooLargeOrNotUtf8_isTheDocumentsFault() {
            assertFails(templateReader(), document("large"), Kind.DOCUMENT_TOO_LARGE);
            assertFails(templateReader(), document("latin-1"), Kind.UNREADABLE_DOCUMENT);
        }

        @Test
        void allowedUri_isReadAsItStands() throws Exception {
            DocumentReader reader = reader("pawl.documents.allowed-uris", "https://other/," + host + "/a/");

            assertThat(reader.read(withUri(host + "/a/b%20c?d=e"))).isEqualTo("Grüße");
            assertThat(reader.read(withUri(host + "/a/ä"))).isEqualTo("Grüße");
            assertThat(requests).containsExactly("/a/b%20c?d=e", "/a/%C3%A4");
        }

        @ParameterizedTest
        @ValueSource(strings = {
            "/", "/b/", "/a", "/A/x", "/a/../b", "/a/./b", "/a/..", "/a/%2e%2e/b", "/a/%2E./b", "/a/.%2e", "/a/%2e%2e%2fb", "/a/x%5c..%5c..%5cb",
            "/a/%0a/../../b", "/%61/x", "//a/x"})
        void uriBesideTheAllowedPath_isNotRead(String path) {
            assertFails(reader("pawl.documents.allowed-uris", host + "/a/"), withUri(host + path), Kind.URI_NOT_ALLOWED);
            assertThat(requests).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "https://host.evil/a/x", "https://evil/host/a/x", "https://host@evil/a/x", "https://user@host/a/x", "https://user:p@host/a/x",
        "https://host:8443/a/x", "http://host/a/x", "ftp://host/a/x", "https:/a/x", "https:host/a/x", "//host/a/x", "/a/x", "", "file:/a/x",
        "jar:https://host/a/x"})
    void uriOfAnotherHost_isNotAllowed(String uri) {
        assertFails(reader("pawl.documents.allowed-uris", "https://host/a/"), withUri(uri), Kind.URI_NOT_ALLOWED);
    }

    @Test
    void uri_isNotAllowedByDefault() {
        assertFails(reader(), withUri("https://host/a"), Kind.URI_NOT_ALLOWED);
        assertFails(reader(), withUri("file:/etc/passwd"), Kind.URI_NOT_ALLOWED);
    }

    @Test
    void allowedFile_isRead() throws Exception {
        Files.writeString(directory.resolve("a b.txt"), "Grüße");
        DocumentReader reader = reader("pawl.documents.allowed-uris", "file:" + directory + "/");

        assertThat(reader.read(withUri("file:" + directory + "/a%20b.txt"))).isEqualTo("Grüße");
        assertThat(reader.read(withUri("file://" + directory + "/a%20b.txt"))).isEqualTo("Grüße");
        assertFails(reader, withUri("file:" + directory + "/none.txt"), Kind.DOCUMENT_NOT_FOUND);
        assertFails(reader, withUri("file:" + directory + "/%00"), Kind.DOCUMENT_NOT_FOUND);
        assertFails(reader, withUri("file:" + directory + "/../x"), Kind.URI_NOT_ALLOWED);
        assertFails(reader, withUri("file:" + directory + "/%0a/../../x"), Kind.URI_NOT_ALLOWED);
        assertFails(reader, withUri("file://host" + directory + "/a%20b.txt"), Kind.URI_NOT_ALLOWED);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "samples/{id}", "file:samples/all.txt", "file:{id}/{id}", "ftp://host/{id}", "https://{id}/x", "https://{id}.host/x", "https://host{id}",
        "https://{id}", "https://host:8080{id}", "https:/x/{id}", "https://user@host/{id}", "https://ho st/{id}", "{id}", ""})
    void location_thatIsRefused(String location) {
        assertThatThrownBy(() -> reader("pawl.documents.location", location.isEmpty() ? " " : location))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll("pawl.documents.location = " + location, "file:samples/{id}.txt");
    }

    @ParameterizedTest
    @ValueSource(strings = {"host/a", "https:///a", "https:host", "ftp://host/", "https://user@host/", "https://ho st/", "file://host/a"})
    void allowedUri_thatIsRefused(String prefix) {
        assertThatThrownBy(() -> reader("pawl.documents.allowed-uris", "https://good/," + prefix))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll("pawl.documents.allowed-uris = " + prefix, "http:// or https://");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "1025M"})
    void maxBytes_outOfRange(String size) {
        assertThatThrownBy(() -> reader("pawl.documents.max-bytes", size))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll("pawl.documents.max-bytes = ", "1 byte to 1G");
    }

    private static DocumentReader reader(String... keysAndValues) {
        return new DocumentReader(Configs.of(keysAndValues));
    }

    private static Document document(String id) {
        return new Document(id, null, null, null);
    }

    private static Document withUri(String uri) {
        return new Document("doc-1", null, URI.create(uri), null);
    }

    private static void assertFails(DocumentReader reader, Document document, Kind kind) {
        Throwable thrown = catchThrowable(() -> reader.read(document));
        assertThat(thrown).isInstanceOfSatisfying(Failure.Raised.class, raised -> {
            assertThat(raised.failure().kind()).isEqualTo(kind);
            assertThat(raised.failure().message()).isNotBlank().doesNotContain("secret", "root:");
        });
    }
}
