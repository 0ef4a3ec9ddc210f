package dev.pawl.document;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import jakarta.inject.Singleton;

import dev.pawl.Failure;
import dev.pawl.Failure.Kind;
import dev.pawl.PawlConfig;

/**
 * Gets a document's text: what the record brought, or what lies at its {@code uri} or at
 * {@code pawl.documents.location}. No ID and no {@code uri} leads outside what those allow: an ID is percent-encoded
 * before it is put into the template, dot segments are never followed, redirects neither.
 *
 * <p>Blocks; call it on a virtual thread.
 */
@Singleton
public final class DocumentReader {

    private static final String ID = "{id}";

    /** What the system says where the name is at fault, and not the disk. */
    private static final Set<String> IMPOSSIBLE_NAMES = Set.of("File name too long", "Not a directory");

    private final String location;
    private final int maxBytes;
    private final List<URI> allowedUris;
    private final Duration timeout;
    private final HttpClient http;

    DocumentReader(PawlConfig config) {
        this.location = config.documents().location().orElse(null);
        this.maxBytes = maxBytes(config.documents().maxBytes().asLongValue());
        this.allowedUris = config.documents().allowedUris().orElse(List.of()).stream().map(DocumentReader::allowedUri).toList();
        this.timeout = config.documents().timeout();
        if (timeout.toMillis() < 1) {
            throw PawlConfig.refusal("pawl.documents.timeout", timeout, "a duration from 1ms");
        }
        this.http = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).connectTimeout(timeout).build();
        checkLocation();
    }

    private static int maxBytes(long value) {
        if (value < 1 || value > 1 << 30) {
            throw PawlConfig.refusal("pawl.documents.max-bytes", value, "1 byte to 1G");
        }
        return (int) value;
    }

    private static URI allowedUri(String prefix) {
        try {
            URI uri = URI.create(prefix);
            if (isReadable(uri)) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // Refused below, like a URI of another scheme.
        }
        throw PawlConfig.refusal("pawl.documents.allowed-uris", prefix,
                "each prefix must begin with file:/, http:// or https:// and a host");
    }

    private void checkLocation() {
        if (location == null) {
            return;
        }
        String allowed = "it must be a file:, http: or https: URI with one {id} in its path, such as file:samples/{id}.txt";
        int id = location.indexOf(ID);
        if (id < 0 || id != location.lastIndexOf(ID)) {
            throw PawlConfig.refusal("pawl.documents.location", location, allowed);
        }
        if (location.startsWith("file:")) {
            return;
        }
        try {
            URI example = URI.create(location.replace(ID, "x"));
            int path = location.indexOf('/', location.indexOf("://") + 3);
            if (isReadable(example) && path > 0 && path < id) {
                return;
            }
        } catch (IllegalArgumentException e) {
            // Refused below.
        }
        throw PawlConfig.refusal("pawl.documents.location", location, allowed);
    }

    private static boolean isReadable(URI uri) {
        return switch (String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT)) {
            case "file" -> uri.getPath() != null && uri.getHost() == null;
            case "http", "https" -> uri.getHost() != null && uri.getUserInfo() == null;
            default -> false;
        };
    }

    /**
     * The document's text.
     *
     * @throws Failure.Raised where this document can't be read
     * @throws IOException where its host or disk can't be reached now, which is not the document's fault
     */
    public String read(Document document) throws Failure.Raised, IOException, InterruptedException {
        if (document.text() != null) {
            checkSize(document.text().getBytes(StandardCharsets.UTF_8).length);
            return document.text();
        }
        if (document.uri() != null) {
            return read(allowed(document.uri()));
        }
        if (location == null) {
            throw Failure.raise(Kind.DOCUMENT_NOT_FOUND,
                    "the record brings neither text nor uri, and pawl.documents.location is not set");
        }
        refuseDotSegments(document.id());
        String encoded = percentEncode(document.id());
        if (!location.startsWith("file:")) {
            return read(URI.create(location.replace(ID, encoded)));
        }
        Path file = fileOf(encoded);
        return read(Files.exists(file) ? file : fileOf(document.id()));
    }

    private static void refuseDotSegments(String path) throws Failure.Raised {
        if (hasDotSegment(path)) {
            throw Failure.raise(Kind.DOCUMENT_NOT_FOUND, "the document ID has a segment . or .., which is never followed");
        }
    }

    private static boolean hasDotSegment(String path) {
        return Stream.of(path.split("[/\\\\]", -1)).anyMatch(segment -> segment.equals(".") || segment.equals(".."));
    }

    /**
     * The file of an ID, encoded or as people name their files ({@code my notes}, {@code 2026/report}): it may lie in a
     * folder below the template's, never above or beside it.
     */
    private Path fileOf(String id) throws Failure.Raised, IOException {
        String template = location.substring("file:".length()).replaceFirst("^//(?=/)", "");
        int folderEnd = template.substring(0, template.indexOf(ID)).lastIndexOf('/') + 1;
        Path folder = Path.of(template.substring(0, folderEnd)).toAbsolutePath().normalize();
        if (!Files.isDirectory(folder)) {
            throw new NotDirectoryException("the folder of pawl.documents.location, " + folder + ",");
        }
        try {
            Path file = Path.of(template.replace(ID, id)).toAbsolutePath().normalize();
            if (file.startsWith(folder) && !file.equals(folder)) {
                return file;
            }
        } catch (InvalidPathException e) {
            // No such file can exist.
        }
        throw Failure.raise(Kind.DOCUMENT_NOT_FOUND, "the document ID leads outside the folder of pawl.documents.location");
    }

    private URI allowed(URI uri) throws Failure.Raised {
        boolean allowed = isReadable(uri) && !hasDotSegment(uri.getPath())
                && allowedUris.stream().anyMatch(prefix -> hasPrefix(uri, prefix));
        if (!allowed) {
            throw Failure.raise(Kind.URI_NOT_ALLOWED,
                    "the record's uri has none of the prefixes that pawl.documents.allowed-uris allows: " + allowedUris);
        }
        return uri;
    }

    private static boolean hasPrefix(URI uri, URI prefix) {
        return prefix.getScheme().equalsIgnoreCase(uri.getScheme())
                && (prefix.getHost() == null ? uri.getHost() == null : prefix.getHost().equalsIgnoreCase(uri.getHost()))
                && prefix.getPort() == uri.getPort()
                && uri.getRawPath().startsWith(prefix.getRawPath());
    }

    private String read(URI uri) throws Failure.Raised, IOException, InterruptedException {
        if ("file".equalsIgnoreCase(uri.getScheme())) {
            return read(fileOf(uri));
        }
        HttpRequest request = HttpRequest.newBuilder(uri).timeout(timeout).GET().build();
        HttpResponse<InputStream> response = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream body = response.body()) {
            int status = response.statusCode();
            if (status == 200) {
                return text(readInTime(body));
            }
            if (status == 404 || status == 410) {
                throw Failure.raise(Kind.DOCUMENT_NOT_FOUND, "its host answers %d".formatted(status));
            }
            if (status == 408 || status == 429 || status >= 500) {
                throw new IOException("the documents' host answers %d".formatted(status));
            }
            throw Failure.raise(Kind.UNREADABLE_DOCUMENT, "its host answers %d".formatted(status));
        }
    }

    /** The request's own timeout ends with the headers. */
    private byte[] readInTime(InputStream body) throws IOException {
        CompletableFuture<Void> read = new CompletableFuture<>();
        read.orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS).whenComplete((_, _) -> close(body));
        try {
            return body.readNBytes(maxBytes + 1);
        } finally {
            read.complete(null);
        }
    }

    private static void close(InputStream body) {
        try {
            body.close();
        } catch (IOException e) {
            // Whoever reads from it gets an exception of his own.
        }
    }

    private static Path fileOf(URI uri) throws Failure.Raised {
        try {
            return Path.of(uri.getPath());
        } catch (InvalidPathException e) {
            throw Failure.raise(Kind.DOCUMENT_NOT_FOUND, "no file can have the name in its uri");
        }
    }

    private String read(Path file) throws Failure.Raised, IOException {
        if (Files.isDirectory(file)) {
            throw Failure.raise(Kind.DOCUMENT_NOT_FOUND, "where its text should be there is a directory");
        }
        try (InputStream body = Files.newInputStream(file)) {
            return text(body.readNBytes(maxBytes + 1));
        } catch (NoSuchFileException e) {
            throw Failure.raise(Kind.DOCUMENT_NOT_FOUND, "there is no file of its name in the folder of pawl.documents.location");
        } catch (AccessDeniedException e) {
            throw Failure.raise(Kind.UNREADABLE_DOCUMENT, "this process may not read its file");
        } catch (FileSystemException e) {
            if (IMPOSSIBLE_NAMES.contains(String.valueOf(e.getReason()))) {
                throw Failure.raise(Kind.DOCUMENT_NOT_FOUND, "no file can have its name: " + e.getReason());
            }
            throw e;
        }
    }

    private String text(byte[] bytes) throws Failure.Raised {
        checkSize(bytes.length);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw Failure.raise(Kind.UNREADABLE_DOCUMENT, "its text is not UTF-8");
        }
    }

    private void checkSize(int bytes) throws Failure.Raised {
        if (bytes > maxBytes) {
            throw Failure.raise(Kind.DOCUMENT_TOO_LARGE,
                    "it is larger than the %d bytes that pawl.documents.max-bytes allows".formatted(maxBytes));
        }
    }

    /** Everything but RFC 3986's unreserved characters, the slash included. */
    static String percentEncode(String id) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : id.getBytes(StandardCharsets.UTF_8)) {
            if (b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || "-._~".indexOf(b) >= 0) {
                encoded.append((char) b);
            } else {
                encoded.append('%').append(Character.toUpperCase(Character.forDigit(b >> 4 & 15, 16)))
                        .append(Character.toUpperCase(Character.forDigit(b & 15, 16)));
            }
        }
        return encoded.toString();
    }
}
