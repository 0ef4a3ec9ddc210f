package dev.pawl.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The network between Pawl and an endpoint, which can be cut in the ways that networks break. Real sockets, bytes passed on as they
 * come. Methods may be called from one thread.
 */
public final class Wire implements AutoCloseable {

    public enum Cut {
        /** Nobody listens; connections are closed. */
        REFUSED,
        /** Connections are taken, open ones stay open, and nothing comes through, not even a later end of the other side. */
        SILENT,
        /** Connections are taken and reset, open ones are reset. */
        RESET
    }

    private final InetSocketAddress endpoint;
    private final String path;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Set<Connection> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger connections = new AtomicInteger();
    private final int port;
    private volatile ServerSocket server;
    /** Null while everything comes through. */
    private volatile Cut cut;

    private Wire(URI endpoint) {
        this.endpoint = new InetSocketAddress(endpoint.getHost(), endpoint.getPort());
        this.path = endpoint.getPath();
        this.port = FreePort.find();
        this.server = listen(port);
    }

    public static Wire to(String baseUrl) {
        return new Wire(URI.create(baseUrl));
    }

    /** The endpoint's address, by this wire. */
    public String baseUrl() {
        return "http://127.0.0.1:" + port + path;
    }

    /** How many connections were taken so far. */
    public int connections() {
        return connections.get();
    }

    public void cut(Cut how) {
        cut = how;
        switch (how) {
            case REFUSED -> {
                close(server);
                open.forEach(connection -> connection.end(false));
            }
            case SILENT -> open.forEach(connection -> connection.silent = true);
            case RESET -> open.forEach(connection -> connection.end(true));
        }
    }

    /** New connections come through again. Those that were open in silence stay silent. */
    public void mend() {
        cut = null;
        if (server.isClosed()) {
            server = listen(port);
        }
    }

    @Override
    public void close() {
        close(server);
        open.forEach(connection -> connection.end(false));
        threads.shutdownNow();
    }

    private ServerSocket listen(int port) {
        try {
            ServerSocket socket = new ServerSocket();
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 4_096);
            threads.execute(() -> take(socket));
            return socket;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void take(ServerSocket socket) {
        while (!socket.isClosed()) {
            try {
                Connection connection = new Connection(socket.accept(), cut == Cut.SILENT);
                connections.incrementAndGet();
                open.add(connection);
                if (cut == Cut.RESET || socket.isClosed()) {
                    connection.end(cut == Cut.RESET);
                } else if (!connection.silent) {
                    connection.toEndpoint.connect(endpoint);
                    threads.execute(() -> connection.pass(connection.toEndpoint, connection.fromClient));
                    threads.execute(() -> connection.pass(connection.fromClient, connection.toEndpoint));
                }
            } catch (IOException closed) {
                // The loop's condition says what is next.
            }
        }
    }

    private final class Connection {
        private final Socket fromClient;
        private final Socket toEndpoint = new Socket();
        private volatile boolean silent;

        Connection(Socket fromClient, boolean silent) {
            this.fromClient = fromClient;
            this.silent = silent;
        }

        void pass(Socket from, Socket to) {
            byte[] buffer = new byte[16_384];
            try {
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream();
                for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
                    if (!silent) {
                        out.write(buffer, 0, length);
                    }
                }
            } catch (IOException broken) {
                // Ends both directions, like an orderly end.
            }
            if (!silent || from == fromClient) {
                end(false);
            }
        }

        void end(boolean reset) {
            open.remove(this);
            try {
                if (reset) {
                    fromClient.setSoLinger(true, 0);
                }
            } catch (IOException closedAlready) {
                // Nothing left to reset.
            }
            Wire.close(fromClient);
            Wire.close(toEndpoint);
        }
    }

    private static void close(AutoCloseable socket) {
        try {
            socket.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
