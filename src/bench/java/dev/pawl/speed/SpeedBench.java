package dev.pawl.speed;

import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

import dev.pawl.bench.Questions;
import dev.pawl.bench.Report;

/**
 * Asks how fast documents pass, of the packaged service as a process of its own, and fails where a target is missed. Run by
 * {@code ./mvnw -Pbench test}, after {@code ./mvnw verify -DskipTests}, with the options of
 * {@link dev.pawl.checkpoint.CheckpointBench}.
 */
class SpeedBench {

    private static final Report REPORT = new Report("speed", "broker, endpoint and service on this machine");

    @TestFactory
    Stream<DynamicTest> speed() {
        return new Questions(REPORT)
                .add("in-flight", InFlightBench::run)
                .add("overhead", OverheadBench::run)
                .add("skip", SkipBench::run)
                .add("memory", MemoryBench::run)
                .add("restart", RestartBench::run)
                .add("scale", ScaleBench::run)
                .add("restore", RestoreBench::run)
                .add("peers", PeerBench::run)
                .tests();
    }

    @AfterAll
    static void report() {
        if (!REPORT.isEmpty()) {
            System.out.println(REPORT.table());
        }
    }
}
