package dev.pawl.http;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

import jakarta.ws.rs.core.Response.Status;

/** A body as it comes in: counts what is read of it, in all and since the last document began. For one thread. */
final class LimitedBody extends FilterInputStream {

    /** What a parser may have read ahead of the document that it is at. */
    private static final int READ_AHEAD = 16 << 10;

    private final BodyLimits limits;
    private long bytes;
    private long documentBegan;
    private long document;

    LimitedBody(InputStream body, BodyLimits limits) {
        super(body);
        this.limits = limits;
    }

    /** What is read from now on is this document's. */
    void begin(long number) {
        document = number;
        documentBegan = bytes;
    }

    @Override
    public int read() throws IOException {
        int read = super.read();
        count(read < 0 ? 0 : 1);
        return read;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        int read = super.read(target, offset, length);
        count(Math.max(0, read));
        return read;
    }

    private void count(int read) {
        bytes += read;
        if (!limits.allowsBody(bytes)) {
            throw new ProblemException(Status.REQUEST_ENTITY_TOO_LARGE, limits.tooLarge());
        }
        if (document > 0 && bytes - documentBegan > (long) limits.maxLineBytes() + READ_AHEAD) {
            throw new ProblemException(Status.REQUEST_ENTITY_TOO_LARGE,
                    "element %d is longer than pawl.http.max-line-size, %d bytes".formatted(document, limits.maxLineBytes()));
        }
    }
}
