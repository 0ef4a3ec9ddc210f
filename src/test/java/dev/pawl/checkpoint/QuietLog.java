package dev.pawl.checkpoint;

import java.util.logging.Level;
import java.util.logging.Logger;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** For tests that open files by the thousand: each opening is logged. Quiet until the last of those that run beside each other ends. */
final class QuietLog implements BeforeAllCallback, AfterAllCallback {

    /** Held, since the log manager may forget a logger that nobody holds, and its level with it. */
    private static final Logger LOG = Logger.getLogger("dev.pawl.checkpoint");

    private static int classes;

    @Override
    public void beforeAll(ExtensionContext context) {
        change(1);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        change(-1);
    }

    private static synchronized void change(int by) {
        classes += by;
        LOG.setLevel(classes > 0 ? Level.OFF : null);
    }
}
