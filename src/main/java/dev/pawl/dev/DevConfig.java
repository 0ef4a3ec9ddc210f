package dev.pawl.dev;

import java.nio.file.Path;
import java.time.Duration;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** What dev mode brings up beside the application. Paths are relative to the project's root. */
@ConfigMapping(prefix = "pawl.dev")
interface DevConfig {

    /** Holds the sample documents, {@code <id>.txt}: in the project's root, so that people find and edit them. */
    @WithDefault("samples")
    Path samples();

    Kafka kafka();

    OfflineModel offlineModel();

    interface Kafka {

        /**
         * Where the broker keeps its topics. Outside {@code target}, so that {@code mvn clean} doesn't take the documents
         * still to be done with it; beside the checkpoint, so that deleting {@code data} starts everything afresh.
         */
        @WithDefault("data/kafka")
        Path directory();

        /** Kafka's usual port, so that {@code kcat -b localhost} works. Where it is taken, a free one is. */
        @WithDefault("9092")
        int port();
    }

    interface OfflineModel {

        /** How long an answer takes: short beside a real model's seconds, long enough to kill a run in the middle. */
        @WithDefault("400ms")
        Duration delay();

        /**
         * The share of calls, from 0 to 1, that fail with 429 or 500. None by default: somebody's first run should show
         * documents being done.
         */
        @WithDefault("0.0")
        double failureRate();
    }
}
