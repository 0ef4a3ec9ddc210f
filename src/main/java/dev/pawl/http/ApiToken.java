package dev.pawl.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;

import jakarta.enterprise.inject.Instance;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.Provider;

import dev.pawl.PawlConfig;
import io.quarkus.runtime.LaunchMode;

/**
 * Lets calls that change something through only with {@code Authorization: Bearer <pawl.api.token>}. With no token
 * configured they are open in dev mode and closed everywhere else.
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

    @Override
    public void filter(ContainerRequestContext request) {
        Optional<String> token = config.get().api().token();
        if (token.isEmpty()) {
            if (LaunchMode.current() != LaunchMode.DEVELOPMENT) {
                request.abortWith(error(Response.Status.FORBIDDEN, "calls that change something are closed: "
                        + "set pawl.api.token (PAWL_API_TOKEN) and send it as Authorization: Bearer <token>"));
            }
        } else if (!isRight(request.getHeaderString(HttpHeaders.AUTHORIZATION), token.get())) {
            request.abortWith(error(Response.Status.UNAUTHORIZED, "this call needs Authorization: Bearer <pawl.api.token>"));
        }
    }

    /** In constant time, so that the time taken tells nothing of the token. */
    private boolean isRight(String authorization, String token) {
        return authorization != null && authorization.startsWith(SCHEME) && MessageDigest.isEqual(
                authorization.substring(SCHEME.length()).getBytes(StandardCharsets.UTF_8),
                token.getBytes(StandardCharsets.UTF_8));
    }

    private static Response error(Response.Status status, String message) {
        return Response.status(status)
                .type(MediaType.APPLICATION_JSON)
                .header(HttpHeaders.WWW_AUTHENTICATE, status == Response.Status.UNAUTHORIZED ? "Bearer" : null)
                .entity(new ErrorAnswer(message))
                .build();
    }
}
