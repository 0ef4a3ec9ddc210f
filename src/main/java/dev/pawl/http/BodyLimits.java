package dev.pawl.http;

import java.io.IOException;
import java.io.InputStream;

import jakarta.inject.Singleton;
import jakarta.ws.rs.core.Response.Status;

import dev.pawl.PawlConfig;

/** How much a call may send: in all, and at once. */
@Singleton
public final class BodyLimits {

    private static final long SMALLEST_LINE = 1_024;
    private static final long LARGEST_LINE = 256L << 20;

    private final long maxBodyBytes;
    private final int maxLineBytes;

    BodyLimits(PawlConfig config) {
        this.maxBodyBytes = config.http().maxBodySize().asLongValue();
        long maxLine = config.http().maxLineSize().asLongValue();
        if (maxLine < SMALLEST_LINE || maxLine > LARGEST_LINE) {
            throw PawlConfig.refusal("pawl.http.max-line-size", config.http().maxLineSize().asBigInteger(), "1K to 256M");
        }
        if (maxBodyBytes < maxLine) {
            throw PawlConfig.refusal("pawl.http.max-body-size", config.http().maxBodySize().asBigInteger(),
                    "not below pawl.http.max-line-size, " + maxLine + " bytes");
        }
        this.maxLineBytes = (int) maxLine;
    }

    /** What one document of a publication may have, and the whole body of any other call. */
    int maxLineBytes() {
        return maxLineBytes;
    }

    boolean allowsBody(long bytes) {
        return bytes <= maxBodyBytes;
    }

    String tooLarge() {
        return "the body is larger than pawl.http.max-body-size, %d bytes".formatted(maxBodyBytes);
    }

    /** A body that ends in a 413 where it goes on beyond what is allowed. */
    LimitedBody limited(InputStream body) {
        return new LimitedBody(body, this);
    }

    /** A body that is read at once. */
    byte[] whole(InputStream body) {
        try {
            byte[] bytes = body.readNBytes(maxLineBytes + 1);
            if (bytes.length > maxLineBytes) {
                throw new ProblemException(Status.REQUEST_ENTITY_TOO_LARGE,
                        "the body is larger than pawl.http.max-line-size, %d bytes".formatted(maxLineBytes));
            }
            return bytes;
        } catch (IOException e) {
            throw unreadable();
        }
    }

    /** The caller is gone, or has sent nothing for a while. */
    static ProblemException unreadable() {
        return new ProblemException(Status.BAD_REQUEST, "the body did not come to its end");
    }
}
