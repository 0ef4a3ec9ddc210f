package dev.pawl.http;

import java.net.URI;
import java.util.Locale;

import jakarta.ws.rs.container.ContainerRequestContext;

/**
 * Whether the page of another site makes a visitor's browser send a call. A form may post {@code text/plain} anywhere, and with no token
 * configured nothing else would tell it from the visitor's own. Browsers say where a call comes from, in {@code Sec-Fetch-Site} or at least in
 * {@code Origin}; what is no browser, such as curl, sends neither and acts for whoever started it.
 */
final class OwnPage {

    private OwnPage() {
    }

    static boolean sent(ContainerRequestContext request) {
        // HTTP/2 has no header Host.
        return sent(request.getHeaderString("Sec-Fetch-Site"), request.getHeaderString("Origin"),
                request.getUriInfo().getRequestUri().getRawAuthority());
    }

    /** Each null where it is missing. That {@code host} is Pawl's, {@link FrontDoor} has seen to. */
    static boolean sent(String fetchSite, String origin, String host) {
        if (fetchSite != null && !fetchSite.equals("same-origin") && !fetchSite.equals("none")) {
            return false;
        }
        return origin == null || host != null && host.toLowerCase(Locale.ROOT).equals(authority(origin));
    }

    /** Null of what is no web page's, such as {@code null}. */
    private static String authority(String origin) {
        try {
            String authority = URI.create(origin).getRawAuthority();
            return authority == null ? null : authority.toLowerCase(Locale.ROOT);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
