package dev.pawl.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import dev.pawl.bench.Bench;
import dev.pawl.bench.Finding;
import dev.pawl.bench.Sample;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.TestBroker;

/**
 * The question of {@link StartBench}, asked of the packaged service: from its start until it is ready and its partition's
 * checkpoint is open. The heap is that of all its tests, 512 MB.
 */
final class ServiceBench {

    private static final int POLL_MS = 10;
    private static final long LIMIT_MS = 60_000;

    static List<Finding> run() throws Exception {
        int few = Bench.documents(10_000, 1_000);
        int many = Bench.documents(10_000_000, 100_000);
        double[] smallMs = new double[Bench.ROUNDS];
        double[] largeMs = new double[Bench.ROUNDS];
        try (TestBroker broker = TestBroker.open(1)) {
            for (int i = 0; i < Bench.ROUNDS; i++) {
                smallMs[i] = untilReady(broker, few);
                largeMs[i] = untilReady(broker, many);
            }
        }
        return List.of(StartBench.compared(
                Sample.time("from the service's start to ready with %,d documents".formatted(many), "ms", largeMs),
                Sample.time("%,d documents".formatted(few), "ms", smallMs)));
    }

    private static double untilReady(TestBroker broker, int documents) throws Exception {
        Path file = Data.withSidecar(Data.file(Data.SHORT, documents));
        try (Rig rig = new Rig(broker, Files.createTempDirectory(Bench.DIRECTORY, "service"), 1).longLived()) {
            Path checkpoint = rig.checkpointFile(0);
            Files.createDirectories(checkpoint.getParent());
            Files.createLink(checkpoint, file);
            Files.createLink(Sidecar.path(checkpoint), Sidecar.path(file));
            long start = System.nanoTime();
            PawlProcess service = rig.launch();
            while (!isReady(service, documents)) {
                if ((System.nanoTime() - start) / 1e6 > LIMIT_MS) {
                    throw new IOException("not ready after %d ms: %s".formatted(LIMIT_MS, service.log()));
                }
                // Asked as a probe would ask.
                Thread.sleep(POLL_MS);
            }
            double ms = (System.nanoTime() - start) / 1e6;
            // Killed, so that it leaves the sidecar as it is.
            service.kill();
            Bench.deleteCheckpoint(checkpoint);
            return ms;
        }
    }

    private static boolean isReady(PawlProcess service, int documents) {
        try {
            return service.get("/q/health/ready").status() == 200
                    && service.get("/progress").body().contains("\"checkpoint\":{\"done\":%d,".formatted(documents));
        } catch (UncheckedIOException notListening) {
            return false;
        }
    }

    private ServiceBench() {
    }
}
