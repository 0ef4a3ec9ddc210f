package dev.pawl.http;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import dev.pawl.PawlConfig;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;

/**
 * What every request meets first, and what every answer carries.
 *
 * <p>A page of another site may read what Pawl answers by no other way than to call itself Pawl: its own name, led to Pawl's address once the
 * visitor's browser has loaded it (DNS rebinding). So a request has to name a host that can't be such a page's: an address, or a name
 * that no public DNS can have; others are {@code pawl.http.allowed-hosts}. What Quarkus serves under {@code /q} guards itself, or
 * tells numbers only.
 */
@Singleton
final class FrontDoor {

    /** Before all of Quarkus's own. */
    private static final int FIRST = 10_000;
    private static final Duration LINGER = Duration.ofSeconds(1);

    /** Of the page, which loads nothing but itself; a browser that shows an answer of the API runs nothing at all. */
    static final String PAGE_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static final Map<String, String> HEADERS = Map.of(
            "Content-Security-Policy", PAGE_POLICY,
            "X-Content-Type-Options", "nosniff",
            "X-Frame-Options", "DENY",
            "Referrer-Policy", "no-referrer",
            "Cross-Origin-Opener-Policy", "same-origin",
            "Cross-Origin-Resource-Policy", "same-origin",
            "Permissions-Policy", "camera=(), geolocation=(), microphone=()");

    /** Brings pages with scripts of its own in dev mode. */
    private static final String QUARKUS = "/q/";

    private static final Pattern ADDRESS = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}|\\[[0-9a-f:.]+]");
    /** Of one label, or under a top level that is reserved for private use. */
    private static final Pattern PRIVATE_NAME = Pattern.compile("[a-z0-9_-]+|.+\\.(localhost|local|internal|svc|test|home\\.arpa)");

    private final BodyLimits limits;
    private final List<String> allowedHosts;

    FrontDoor(PawlConfig config, BodyLimits limits) {
        this.limits = limits;
        this.allowedHosts = config.http().allowedHosts().orElse(List.of()).stream().map(host -> host.toLowerCase(Locale.ROOT)).toList();
    }

    void open(@Observes Filters filters) {
        filters.register(this::enter, FIRST);
    }

    private void enter(RoutingContext context) {
        HttpServerRequest request = context.request();
        // As the routes read it: /q/../progress is no path of Quarkus's.
        String path = context.normalizedPath();
        if (path.startsWith(QUARKUS)) {
            context.next();
            return;
        }
        HttpServerResponse response = context.response();
        HEADERS.forEach(response::putHeader);
        context.addHeadersEndHandler(_ -> {
            // A page that a browser keeps for a day would speak with the Pawl of yesterday.
            response.putHeader("Cache-Control", isFile(path) ? "no-cache" : "no-store");
        });
        String host = request.authority() == null ? "" : request.authority().host().toLowerCase(Locale.ROOT);
        if (!isOurs(host, allowedHosts)) {
            refuse(context, 421, ("the host %s may be the name of another site: where it is Pawl's, add it to pawl.http.allowed-hosts "
                    + "(PAWL_HTTP_ALLOWED_HOSTS)").formatted(host.isEmpty() ? "(none)" : host));
        } else if (!limits.allowsBody(contentLength(request))) {
            refuse(context, 413, limits.tooLarge());
        } else {
            context.next();
        }
    }

    static boolean isOurs(String host, List<String> allowed) {
        return ADDRESS.matcher(host).matches() || PRIVATE_NAME.matcher(host).matches() || allowed.contains(host) || allowed.contains("*");
    }

    private static boolean isFile(String path) {
        return path.equals("/") || path.lastIndexOf('.') > path.lastIndexOf('/');
    }

    /** 0 where the request does not say, or has no body. */
    private static long contentLength(HttpServerRequest request) {
        try {
            return Long.parseLong(request.headers().get("Content-Length"));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /**
     * Reads none of the body. The connection is closed a moment later: at once, what the caller is still sending would take the answer away
     * from it.
     */
    private static void refuse(RoutingContext context, int status, String detail) {
        context.response()
                .setStatusCode(status)
                .putHeader("Content-Type", Problem.MEDIA_TYPE)
                .putHeader("Connection", "close")
                .end(Problem.of(status, detail).json());
        context.vertx().setTimer(LINGER.toMillis(), _ -> context.request().connection().close());
    }
}
