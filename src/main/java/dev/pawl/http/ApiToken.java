package dev.pawl.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;

import jakarta.enterprise.inject.Instance;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.Provider;

import dev.pawl.PawlConfig;
import io.quarkus.runtime.LaunchMode;

/**
 * Lets calls that change something through:
 *
 * <pre>
 * pawl.api.token   mode     the call passes
 * ──────────────   ──────   ─────────────────────────────────────────────────────────────────────────────
 * set              any      with Authorization: Bearer and that token. No page of another site can send it
 * not set          dev      unless a browser sends it for the page of another site
 * not set          other    never
 * </pre>
 */
@Changes
@Provider
final class ApiToken implements ContainerRequestFilter {

    private static final String SCHEME = "Bearer ";

    private final Instance<PawlConfig> config;

    /** Filters are made before the configuration can be read. */
    ApiToken(Instance<PawlConfig> config) {
        this.config = config;
    }

    /** What a caller needs. */
    enum Access {
        TOKEN,
        OPEN,
        CLOSED
    }

    static Access access(PawlConfig config) {
        if (config.api().token().isPresent()) {
            return Access.TOKEN;
        }
        return LaunchMode.current() == LaunchMode.DEVELOPMENT ? Access.OPEN : Access.CLOSED;
    }

    @Override
    public void filter(ContainerRequestContext request) {
        switch (access(config.get())) {
            case TOKEN -> {
                if (!isRight(request.getHeaderString(HttpHeaders.AUTHORIZATION), config.get().api().token())) {
                    request.abortWith(Problem.of(401, "this call needs Authorization: Bearer <pawl.api.token>").response()
                            .header(HttpHeaders.WWW_AUTHENTICATE, "Bearer").build());
                }
            }
            case OPEN -> {
                if (!OwnPage.sent(request)) {
                    request.abortWith(refusal("this call comes from the page of another site: with no pawl.api.token only Pawl's own may make it"));
                }
            }
            case CLOSED -> request.abortWith(refusal("calls that change something are closed: "
                    + "set pawl.api.token (PAWL_API_TOKEN) and send it as Authorization: Bearer <token>"));
        }
    }

    private static Response refusal(String detail) {
        return Problem.of(403, detail).response().build();
    }

    /** In constant time, so that the time taken tells nothing of the token, nor of its length. */
    private static boolean isRight(String authorization, Optional<String> token) {
        return authorization != null && authorization.startsWith(SCHEME)
                && MessageDigest.isEqual(digest(authorization.substring(SCHEME.length())), digest(token.orElseThrow()));
    }

    private static byte[] digest(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
