package dev.pawl.harness;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Finds a port of 127.0.0.1 that nobody listens on.
 *
 * <p>Below 32,768, where Linux's ephemeral ports begin: a server that stops and wants the same port again finds it free,
 * since no client's outgoing connection can have been given it, and no client that retries can connect to itself.
 *
 * <p>None is found twice: between finding it and listening a process has to start, and tests beside each other find ports meanwhile.
 */
public final class FreePort {

    private static final int FIRST = 20_000;
    private static final int END = 32_000;
    private static final Set<Integer> FOUND = ConcurrentHashMap.newKeySet();

    private FreePort() {
    }

    public static int find() {
        for (int attempt = 0; attempt < 100; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(FIRST, END);
            if (!FOUND.add(port)) {
                continue;
            }
            try (var socket = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
                return socket.getLocalPort();
            } catch (IOException taken) {
                // Try another.
            }
        }
        throw new IllegalStateException("no free port between " + FIRST + " and " + END);
    }
}
