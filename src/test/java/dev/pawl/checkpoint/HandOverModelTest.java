package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.pawl.checkpoint.HandOverModel.Event;
import dev.pawl.checkpoint.HandOverModel.Kind;
import dev.pawl.checkpoint.HandOverModel.Setting;

/**
 * Looks for an order of events in which a document is lost or its finished step called twice.
 *
 * <p>In each setting all orders are tried that depart so many times from the one in which nothing gets in the way; what comes to a state
 * that was seen before, with as many departures left, is not gone through again. {@code -Dpawl.model.depth=1} allows one more
 * departure than usual, {@code -Dpawl.model.runs=100000} makes so many random ones.
 */
@ExtendWith(QuietLog.class)
class HandOverModelTest {

    private static final int DEEPER = Integer.getInteger("pawl.model.depth", 0);
    private static final int RANDOM_RUNS = Integer.getInteger("pawl.model.runs", 50);
    private static final int RANDOM_EVENTS = 120;

    private static final List<String> ONE = List.of("doc-1");
    private static final List<String> TWO = List.of("doc-1", "doc-2");
    private static final List<String> AGAIN = List.of("doc-1", HandOverModel.FORGET + "doc-1", "doc-1");

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final GroupCommit groupCommit = new GroupCommit();
    private int models;

    @AfterEach
    void end() {
        groupCommit.close();
    }

    private record Departure(int after, Event event) {}

    private record Exploration(Setting setting, int departures) {}

    static Stream<Exploration> explorations() {
        return Stream.of(
                new Exploration(new Setting(ONE, 2, false, true), 2),
                new Exploration(new Setting(ONE, 2, false, false), 1),
                new Exploration(new Setting(ONE, 2, true, true), 1),
                new Exploration(new Setting(TWO, 3, false, true), 1),
                new Exploration(new Setting(TWO, 2, true, false), 1),
                new Exploration(new Setting(AGAIN, 2, false, true), 1));
    }

    @ParameterizedTest
    @MethodSource("explorations")
    void everyOrder_losesNothingAndRepeatsNoFinishedCall(Exploration exploration) throws Exception {
        long begin = System.nanoTime();
        int allowed = exploration.departures() + DEEPER;
        Map<String, Integer> seen = new HashMap<>();
        Deque<List<Departure>> toDo = new ArrayDeque<>();
        toDo.add(List.of());
        int orders = 0;
        int repeated = 0;
        while (!toDo.isEmpty()) {
            List<Departure> departures = toDo.removeLast();
            try (HandOverModel model = new HandOverModel(exploration.setting(), groupCommit, newDirectory())) {
                run(model, departures, allowed, seen, toDo);
                repeated += model.repeatedBesideAnother;
            } catch (AssertionError | Exception e) {
                throw new AssertionError("%s: %s".formatted(exploration.setting(), departures), e);
            }
            orders++;
            clear();
        }
        System.out.printf("%s, %d departures: %d orders, %d states, %d calls repeated beside an owner that did not know, %d ms%n", exploration.setting(),
                allowed, orders, seen.size(), repeated, (System.nanoTime() - begin) / 1_000_000);
    }

    private static void run(HandOverModel model, List<Departure> departures, int allowed, Map<String, Integer> seen, Deque<List<Departure>> toDo)
            throws Exception {
        int last = departures.isEmpty() ? -1 : departures.getLast().after();
        int left = allowed - departures.size();
        Deque<Departure> next = new ArrayDeque<>(departures);
        for (int events = 0; !model.isOver(); events++) {
            List<Event> possible = model.possible();
            if (events > last) {
                String state = model.state();
                if (seen.getOrDefault(state, -1) >= left) {
                    return;
                }
                seen.put(state, left);
                for (Event departure : left == 0 ? List.<Event>of() : possible.subList(1, possible.size())) {
                    List<Departure> more = new ArrayList<>(departures);
                    more.add(new Departure(events, departure));
                    toDo.add(more);
                }
            }
            model.happen(!next.isEmpty() && next.getFirst().after() == events ? next.removeFirst().event() : possible.getFirst());
        }
        model.verify();
    }

    @Test
    void randomOrders_loseNothingAndRepeatNoFinishedCall() throws Exception {
        long first = Long.getLong("pawl.model.seed", System.nanoTime());
        int repeated = 0;
        for (long seed = first; seed < first + RANDOM_RUNS; seed++) {
            Random random = new Random(seed);
            List<List<String>> records = List.of(TWO, AGAIN, List.of("doc-1", "doc-2", HandOverModel.FORGET + "doc-1"));
            Setting setting = new Setting(records.get(random.nextInt(records.size())), 3, random.nextInt(4) == 0, random.nextBoolean());
            List<Event> happened = new ArrayList<>();
            try (HandOverModel model = new HandOverModel(setting, groupCommit, newDirectory())) {
                while (happened.size() < RANDOM_EVENTS && !model.isOver()) {
                    List<Event> possible = model.possible();
                    Event event = possible.get(random.nextInt(possible.size()));
                    // Else hardly anything is finished.
                    if (!List.of(Kind.EFFECT, Kind.CONFIRM, Kind.TAKE, Kind.TAKE_WITHOUT_DISK).contains(event.kind()) && random.nextInt(3) > 0) {
                        event = possible.getFirst();
                    }
                    happened.add(event);
                    model.happen(event);
                }
                model.runToTheEnd();
                repeated += model.repeatedBesideAnother;
            } catch (AssertionError | Exception e) {
                throw new AssertionError("-Dpawl.model.seed=%d: %s: %s".formatted(seed, setting, happened), e);
            }
            clear();
        }
        System.out.printf("%d random orders from seed %d, %d calls repeated beside an owner that did not know%n", RANDOM_RUNS, first, repeated);
    }

    private Path newDirectory() {
        return directory.resolve("model-" + models++);
    }

    /** So many files would fill the memory. */
    private void clear() throws IOException {
        Path last = directory.resolve("model-" + (models - 1));
        if (Files.exists(last)) {
            try (Stream<Path> paths = Files.walk(last)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }
}
