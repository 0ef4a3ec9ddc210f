package dev.pawl.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

import com.sun.net.httpserver.HttpServer;

/**
 * HTTP servers of 127.0.0.1 that keep the connections of a client which pools hundreds of them.
 *
 * <p>What they need for that the JDK reads once a JVM, before its first server. So every server of a test is made here, whichever comes first.
 */
public final class HttpServers {

    static {
        // The defaults close all idle connections but 200, each after 30 s, under the hands of a client that pools them, and delay small packets.
        System.setProperty("sun.net.httpserver.maxIdleConnections", "10000");
        System.setProperty("sun.net.httpserver.idleInterval", "3600");
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private HttpServers() {
    }

    /** On a random port, with as many connections waiting as the JDK has by default. */
    public static HttpServer create() {
        return create(0, 0);
    }

    /**
     * A server that is not started yet.
     *
     * @param port    0 for a random one
     * @param backlog how many connections may wait, 0 for the JDK's default
     */
    public static HttpServer create(int port, int backlog) {
        try {
            return HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), backlog);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
