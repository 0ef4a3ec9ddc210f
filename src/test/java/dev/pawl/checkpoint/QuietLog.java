package dev.pawl.checkpoint;

import java.util.logging.Level;
import java.util.logging.Logger;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** For tests that open files by the thousand: each opening is logged. */
final class QuietLog implements BeforeAllCallback, AfterAllCallback {

    /** Held, since the log manager may forget a logger that nobody holds, and its level with it. */
    private static final Logger LOG = Logger.getLogger("dev.pawl.checkpoint");

    @Override
    public void beforeAll(ExtensionContext context) {
        LOG.setLevel(Level.OFF);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        LOG.setLevel(null);
    }
}
