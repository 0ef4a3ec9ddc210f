package dev.pawl.harness;

import java.util.function.Supplier;

/**
 * Kafka looks its own classes up in the thread's context class loader. In a JVM that also runs Quarkus tests that may be
 * an application's, even on a thread of the common pool, and Kafka's classes from there are strangers to ours.
 */
final class KafkaClassLoader {

    private KafkaClassLoader() {
    }

    /** Runs {@code creation} with the class loader of the harness as the thread's own. */
    static <T> T with(Supplier<T> creation) {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(KafkaClassLoader.class.getClassLoader());
        try {
            return creation.get();
        } finally {
            thread.setContextClassLoader(before);
        }
    }
}
