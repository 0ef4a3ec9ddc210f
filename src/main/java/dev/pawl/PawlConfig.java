package dev.pawl;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/**
 * Everything a user of Pawl can set. A key is the method's name in kebab case under its parents' names:
 * {@code pawl.checkpoint.directory}. Each package checks its own part when Pawl starts and refuses with
 * {@link #refusal}.
 */
@ConfigMapping(prefix = "pawl")
public interface PawlConfig {

    Topics topics();

    /**
     * The Kafka consumer group. Processes of one group share the partitions of the documents topic.
     */
    @WithDefault("pawl")
    String consumerGroup();

    /**
     * How the processes of a group agree on who reads what: {@code classic} is missed 10 s after a kill, and at once where it
     * has a static name; {@code consumer} is the broker's own protocol (KIP-848), which by default misses it after 45 s.
     */
    @WithDefault("classic")
    GroupProtocol groupProtocol();

    enum GroupProtocol {
        CLASSIC,
        CONSUMER
    }

    /**
     * How many documents may be in work in this process at once, 1 to 10,000. Each holds its text and one model call;
     * 256 keeps a provider that answers in a second busy at 256 calls a second and costs a few megabytes.
     */
    @WithDefault("256")
    int maxInFlight();

    Shutdown shutdown();

    /**
     * After how long without any progress, while documents wait and nothing holds them back, the process counts as stuck and
     * its liveness turns down. By default as long as the longest chain may take: the model's time-out for each call that the steps
     * may make, and the time-out of reading a text.
     */
    Optional<Duration> stuckAfter();

    Checkpoint checkpoint();

    Documents documents();

    Chain chain();

    Provider provider();

    Prices prices();

    Budget budget();

    Api api();

    Http http();

    Management management();

    Tracing tracing();

    interface Shutdown {

        /**
         * How long documents in work may go on when the process is told to stop or a partition is revoked. They finish the
         * model call they are in, journal it, and leave the rest to the next life. Longer than most calls; a supervisor must
         * grant more than that, since the checkpoint is closed and the offsets are committed afterwards.
         */
        @WithDefault("30s")
        Duration drain();
    }

    interface Topics {

        @WithDefault("documents")
        String documents();

        @WithDefault("document-results")
        String results();

        @WithDefault("document-dead-letters")
        String deadLetters();

        /** What {@link Checkpoint#mirror} writes to. */
        @WithDefault("document-checkpoint")
        String checkpoint();
    }

    interface Checkpoint {

        /** Where the checkpoint files lie, one for each partition. It must outlive the process: a volume, not a container's layer. */
        @WithDefault("data/checkpoint")
        Path directory();

        /** What an append waits for before it counts: {@code fsync} survives a power cut, {@code os} only a killed process. */
        @WithDefault("fsync")
        Durability durability();

        /**
         * Where else a line must be before it counts: with {@code kafka} in a compacted topic, from which the next owner of the partition
         * brings its own file level. Without it the directory must follow the partitions, as a shared volume does.
         */
        @WithDefault("none")
        Mirror mirror();

        Compaction compaction();

        Retention retention();

        enum Mirror {
            NONE,
            KAFKA
        }

        interface Compaction {

            /**
             * A file is rewritten without its garbage, which is step lines of finished documents and lines that later ones
             * replaced, when more than this share of its bytes is garbage: above 0, at most 1. At a half a file is at most twice
             * as large as it must be, and a byte is on average written once more.
             */
            @WithDefault("0.5")
            double garbageShare();

            /** A file shorter than this is not rewritten, nor one that has grown by less since it was. */
            @WithDefault("1M")
            MemorySize minSize();
        }

        /** What is dropped for its age, a tenth of it late at most; for ever where it is not set. Lines without a time have no age. */
        interface Retention {

            /**
             * How long a finished document keeps its result. After that it still counts as done and is never called for again,
             * but its result can't be emitted again, nor its steps be reused when the chain has changed.
             */
            Optional<Duration> results();

            /** How long anything is known of a document. After that it is a new one: published again, it runs and is paid for again. */
            Optional<Duration> lines();
        }

        enum Durability {
            FSYNC,
            OS
        }
    }

    interface Documents {

        /**
         * Where to read a document that came without its text: a {@code file:}, {@code http:} or {@code https:} URI
         * with {@code {id}} in it. Without it such documents are dead letters.
         */
        Optional<String> location();

        /** The largest document, in bytes of UTF-8. A mebibyte is more than most models can read at once. */
        @WithDefault("1M")
        MemorySize maxBytes();

        /** The prefixes that a record's {@code uri} may have. None by default: a publisher must not make Pawl fetch what it likes. */
        Optional<List<String>> allowedUris();

        /** How long reading one document over HTTP may take. */
        @WithDefault("30s")
        Duration timeout();
    }

    interface Chain {

        /** The names of the steps, in the order they run. */
        Optional<List<String>> steps();

        /** Whether a document that is done stays done when the chain changes, or runs again, reusing the steps that did not change. */
        @WithDefault("keep")
        OnChange onChange();

        /** The steps by name. */
        Map<String, Step> step();

        enum OnChange {
            KEEP,
            REPROCESS
        }

        interface Step {

            /** The prompt's file: a path, or {@code classpath:} and the name of a resource. */
            Optional<String> prompt();

            /** The model, where it is not the endpoint's default. */
            Optional<String> model();

            /** The sampling temperature, 0 to 2. Left to the endpoint where it is not set: some models allow none. */
            Optional<Double> temperature();

            /** The most tokens the model may answer with, from 1. */
            OptionalInt maxOutputTokens();

            /** {@code text} takes the answer as it is, {@code json} validates it against {@link #schema}. */
            @WithDefault("text")
            Output output();

            /** The JSON Schema of a {@code json} step: a path, or {@code classpath:} and the name of a resource. */
            Optional<String> schema();

            /** How many calls a step may make to get a valid answer, 1 to 10; from the second on the model is told what was wrong. */
            @WithDefault("3")
            int attempts();
        }

        enum Output {
            TEXT,
            JSON
        }
    }

    interface Provider {

        /** The longest wait after the first failed call; a wait is anything up to it. It doubles with each further failure. */
        @WithDefault("500ms")
        Duration backoff();

        /** The longest wait between two calls for one document. While the endpoint is down, probes go out more often. */
        @WithDefault("30s")
        Duration maxBackoff();

        Limits limits();

        /**
         * What the endpoint permits. Many say so themselves in the headers of their answers; then the lower of both counts.
         * Without either, calls are held back only once the endpoint has refused some.
         */
        interface Limits {

            /** Calls a minute, from 1. */
            OptionalInt requestsPerMinute();

            /** Tokens a minute, of prompts and answers together, from 1. */
            OptionalInt tokensPerMinute();

            /**
             * The part of the limits a minute that this process may use, above 0, at most 1: where four processes call with the
             * same key, 0.25 each.
             */
            @WithDefault("1")
            double share();

            /** Calls of this process in the air at once, from 1. By default as many as documents may be in work. */
            OptionalInt maxConcurrency();
        }
    }

    /**
     * What a million tokens cost, for {@code pawl.budget.max-cost}, {@code GET /progress} and the page. What stands here itself
     * holds for models that {@link #model} does not name; without it, and without theirs, no cost is known.
     */
    interface Prices {

        Optional<BigDecimal> inputPerMillion();

        Optional<BigDecimal> outputPerMillion();

        @WithDefault("USD")
        String currency();

        /**
         * By the model's name, or what it begins with: an endpoint answers as {@code gpt-4o-mini-2024-07-18} when it is asked for
         * {@code gpt-4o-mini}. The longest name that fits counts.
         */
        Map<String, Price> model();

        interface Price {

            Optional<BigDecimal> inputPerMillion();

            Optional<BigDecimal> outputPerMillion();
        }
    }

    /**
     * A ceiling on what model calls may take, over all lives and all processes that share the checkpoint's directory. At
     * the ceiling no call begins and intake pauses, until Pawl is started with a higher one, or none. None by default.
     */
    interface Budget {

        /** In the currency of {@code pawl.prices}, above 0. The chain's models need prices. */
        Optional<BigDecimal> maxCost();

        /** Tokens sent and received, from 1. */
        OptionalLong maxTokens();
    }

    interface Api {

        /** The bearer token of calls that change something. Without it they work in dev mode only. */
        Optional<String> token();
    }

    interface Management {

        /**
         * A second port that answers {@code /q/*} and nothing else: for probes and metrics, where a network policy keeps them
         * apart from the page. The first port answers {@code /q/*} as well. None by default.
         */
        OptionalInt port();
    }

    /** Where spans go to is said by OpenTelemetry's own keys, {@code OTEL_EXPORTER_OTLP_ENDPOINT} above all. Without it there are none. */
    interface Tracing {

        /**
         * Whether spans of model calls hold prompt and answer, each message up to 16,384 characters. They go wherever the spans go, and are
         * kept there for as long: not unless somebody asks.
         */
        @WithDefault("false")
        boolean content();
    }

    interface Http {

        /** The largest body of a call. It is read as it comes and costs no memory, but all of it ends in Kafka. */
        @WithDefault("1G")
        MemorySize maxBodySize();

        /**
         * The largest document of a publication, a line or an element of an array, as it is sent; and the largest body of other calls. One is
         * in memory at a time. In JSON, a text of {@link Documents#maxBytes} may be several times as long.
         */
        @WithDefault("4M")
        MemorySize maxLineSize();

        /**
         * The names by which Pawl may be called over HTTP, beside addresses, names without a dot, and names that are reserved for private use. Any
         * other name may be that of a page that reads through its visitor's browser what Pawl answers. {@code *} allows all.
         */
        Optional<List<String>> allowedHosts();
    }

    /** The refusal to start: one sentence that names the key, its value and what is allowed. */
    static ConfigurationException refusal(String key, Object value, String allowed) {
        return new ConfigurationException("%s = %s is not allowed: %s".formatted(key, value, allowed)) {
            /** The config library prints this where the value is found at fault while it is read. */
            @Override
            public String toString() {
                return getMessage();
            }
        };
    }
}
