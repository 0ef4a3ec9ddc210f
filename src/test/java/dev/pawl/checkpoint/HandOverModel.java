package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;

import dev.pawl.PawlConfig.Checkpoint.Durability;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Forgotten;
import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;

/**
 * One partition, the processes that own it one after the other, and all that can come between: kills, hand-overs, an owner that does not
 * know it is none any more, disks that are lost or were away, an uneager mirror. Checkpoints, their files and their restoration are the
 * real ones. What is not is small, and stands for these lines:
 *
 * <pre>
 * here                         there
 * ──────────────────────────   ──────────────────────────────────────────────────────────────────────────────
 * {@link Work#effect}          DocumentPipeline.find, run, emit and forget, Chain.run, Intake.settle
 * {@link Process#committable}  Assignment.committable
 * {@link #leave}               CheckpointedCommit.partitionsRevoked: drain → commit → close
 * {@link #take}                Takeovers: open → read → finish
 * a record's turn              Turns
 * </pre>
 *
 * After each event it is looked at whether something happened that must not; {@link #runToTheEnd} looks at what must have.
 */
final class HandOverModel implements AutoCloseable {

    /** What the partition holds, and what its owners are like. */
    record Setting(List<String> records, int processes, boolean oneDisk, boolean marksOften) {}

    /** Before an ID in the partition: a tombstone. */
    static final String FORGET = "forget ";

    enum Kind {
        /** The next effect of a record's work. */
        EFFECT,
        /** The oldest entry under way gets to the mirror. */
        CONFIRM,
        COMMIT,
        /** With {@code what} entries under way that get to the mirror yet. */
        KILL,
        LEAVE,
        /** Draining takes longer than it may. */
        LEAVE_AT_ONCE,
        /** The partition is another's now, and the process does not know. */
        LOSE,
        NOTICE,
        TAKE,
        /** Its disk is a new one. */
        TAKE_WITHOUT_DISK,
        COMPACT_MIRROR,
        COMPACT_FILE
    }

    record Event(Kind kind, int process, int what) {

        @Override
        public String toString() {
            return kind + "(" + process + (what >= 0 ? ", " + what : "") + ")";
        }
    }

    private static final List<String> STEPS = List.of("summary", "entities");
    private static final Duration RARELY = Duration.ofDays(1);
    private static final Pattern TIME = Pattern.compile("2026-[^\"]*Z");
    private static final Pattern ANSWER = Pattern.compile("answer-\\d+");
    private static final Pattern CRC = Pattern.compile(",\"crc\":\"[0-9a-f]{8}\"");

    /** Leaves no room for sidecars, which take long and which nothing here depends on. */
    private static final Disk DISK = new Disk() {
        @Override
        public long usableBytes(Path directory) {
            return -1;
        }
    };

    private final Setting setting;
    private final GroupCommit groupCommit;
    private final Path directory;
    private final MemoryMirror mirror = new MemoryMirror();
    private final List<Process> processes = new ArrayList<>();
    private final List<MirroredFile> opened = new ArrayList<>();
    private int disks;
    private long seconds;
    private int callsMade;
    private int committed;

    /** By record, the completions that were emitted. */
    private final Map<Integer, Set<String>> emitted = new TreeMap<>();
    /** Finished calls whose append was answered. */
    private final Set<String> answered = new HashSet<>();
    private final Map<Path, Set<String>> durable = new HashMap<>();
    private final Map<String, Integer> calls = new TreeMap<>();
    /** By answer, the call that it was given to. */
    private final Map<String, String> answerOf = new HashMap<>();
    private final Set<String> forgotten = new HashSet<>();
    private boolean killed;
    private boolean anyLost;
    /** Finished calls that were made again by, or beside, an owner that did not know it had lost the partition. */
    int repeatedBesideAnother;

    HandOverModel(Setting setting, GroupCommit groupCommit, Path directory) {
        this.setting = setting;
        this.groupCommit = groupCommit;
        this.directory = directory;
        Path first = newDisk();
        for (int i = 0; i < setting.processes(); i++) {
            processes.add(new Process(i, i == 0 || setting.oneDisk() ? first : newDisk()));
        }
    }

    private Path newDisk() {
        Path disk = directory.resolve("disk-" + disks++);
        durable.put(disk, new HashSet<>());
        return disk;
    }

    private enum State {
        DOWN,
        OWNER,
        /** Owner no more, and working on. */
        LOST
    }

    private final class Process {

        private final int number;
        private Path disk;
        private State state = State.DOWN;
        private MirroredFile file;
        private List<Work> works = List.of();
        /** Calls it must not make: their answers were on its disk, or answered, when it began, or are its own. */
        private final Set<String> known = new HashSet<>();

        Process(int number, Path disk) {
            this.number = number;
            this.disk = disk;
        }

        Work work(int offset) {
            return works.stream().filter(work -> work.offset == offset).findFirst().orElseThrow();
        }

        boolean lives() {
            return state != State.DOWN;
        }

        int committable() {
            return works.stream().filter(work -> work.phase != Phase.SETTLED).mapToInt(work -> work.offset).findFirst()
                    .orElse(setting.records().size());
        }

        /** Deliveries of one ID take turns. */
        boolean isFirstOfItsId(Work work) {
            return works.stream().filter(other -> other.id.equals(work.id) && other.offset < work.offset)
                    .allMatch(other -> other.phase == Phase.SETTLED);
        }
    }

    private enum Phase {
        FIND,
        CALL,
        APPEND,
        EMIT,
        TELL,
        SETTLED,
        ABANDONED
    }

    /** A record on its way through an owner. */
    private final class Work {

        private final Process process;
        private final int offset;
        private final String id;
        private final boolean forgets;
        private Phase phase = Phase.FIND;
        private final List<StepOutput> outputs = new ArrayList<>();
        private Map<String, StepOutput> reusable = Map.of();
        private CheckpointLine line;
        private CompletableFuture<Void> awaited;

        Work(Process process, int offset) {
            this.process = process;
            this.offset = offset;
            String record = setting.records().get(offset);
            this.forgets = record.startsWith(FORGET);
            this.id = forgets ? record.substring(FORGET.length()) : record;
        }

        private String source() {
            return "documents-3@" + offset;
        }

        /** What a call is called: one after the document was forgotten is another. */
        private String call(String step) {
            long forgotten = setting.records().subList(0, offset).stream().filter((FORGET + id)::equals).count();
            return step + "/" + id + "#" + forgotten;
        }

        boolean isRunnable() {
            return phase != Phase.SETTLED && phase != Phase.ABANDONED && (awaited == null || awaited.isDone()) && process.isFirstOfItsId(this);
        }

        void effect() throws IOException {
            if (awaited != null) {
                boolean failed = awaited.isCompletedExceptionally();
                awaited = null;
                if (failed) {
                    phase = Phase.ABANDONED;
                    return;
                }
                proceed();
                return;
            }
            switch (phase) {
                case FIND -> find();
                case CALL -> call();
                case APPEND -> append();
                case EMIT -> {
                    Done done = (Done) line;
                    STEPS.forEach(step -> assertThat(anyLost ? call(step) : answerOf.get(done.result().path(step).asText()))
                            .as("the answer of a forgotten document").isGreaterThanOrEqualTo(call(step)));
                    emitted.computeIfAbsent(offset, _ -> new TreeSet<>()).add(done.source() + " " + done.fingerprint() + " " + done.id());
                    phase = Phase.TELL;
                }
                case TELL -> awaited = process.file.checkpoint.emitted((Done) line);
                case SETTLED, ABANDONED -> throw new IllegalStateException();
            }
            if (awaited != null && awaited.isDone() && !awaited.isCompletedExceptionally()) {
                effect();
            }
        }

        /** Appended and answered, or told and answered. */
        private void proceed() {
            switch (phase) {
                case APPEND -> {
                    if (line instanceof Step step) {
                        answered(List.of(step.output().step()));
                        reuse();
                    } else if (line instanceof Done) {
                        answered(STEPS);
                        phase = Phase.EMIT;
                    } else {
                        phase = Phase.SETTLED;
                    }
                }
                case TELL -> phase = Phase.SETTLED;
                case FIND, CALL, EMIT, SETTLED, ABANDONED -> throw new IllegalStateException();
            }
        }

        private void answered(List<String> steps) {
            steps.forEach(step -> answered.add(call(step)));
            if (!anyLost && !forgotten.contains(id)) {
                assertThat(mirror.content().keySet()).as("what the next owner may know")
                        .containsAll(steps.stream().map(step -> id + '\t' + step).toList());
            }
        }

        private void find() {
            History history = process.file.find(id);
            if (forgets) {
                line = history.isEmpty() ? null : new Forgotten(id, now(), source());
                phase = line == null ? Phase.SETTLED : Phase.APPEND;
            } else if (history.last() instanceof Done done) {
                line = done;
                phase = source().equals(done.source()) && done.result() != null ? Phase.EMIT : Phase.SETTLED;
            } else {
                reusable = history.steps();
                reuse();
            }
        }

        private void reuse() {
            while (outputs.size() < STEPS.size() && reusable.containsKey(STEPS.get(outputs.size()))) {
                outputs.add(reusable.get(STEPS.get(outputs.size())));
            }
            phase = outputs.size() < STEPS.size() ? Phase.CALL : Phase.APPEND;
        }

        private void call() {
            String step = STEPS.get(outputs.size());
            if (forgotten.contains(id)) {
                // A record from before the tombstone that is delivered again runs, also with the steps of one behind it, and the tombstone
                // then forgets what that led to.
                makeCall(step);
                return;
            }
            assertThat(process.known).as("%d must not make this call again", process.number).doesNotContain(call(step));
            if (answered.contains(call(step))) {
                assertThat(anyLost).as("%s was answered, and only one owner that did not know it was none may miss that", call(step)).isTrue();
                repeatedBesideAnother++;
            }
            makeCall(step);
        }

        private void makeCall(String step) {
            calls.merge(call(step), 1, Integer::sum);
            answerOf.put("answer-" + callsMade, call(step));
            outputs.add(new StepOutput(step, "5b1e", "gpt-4o-mini", TextNode.valueOf("answer-" + callsMade++), new Usage(1, 700, 60)));
            phase = Phase.APPEND;
        }

        private void append() {
            if (!forgets && outputs.size() < STEPS.size()) {
                line = new Step(id, now(), source(), outputs.getLast());
            } else if (!forgets) {
                ObjectNode result = JsonNodeFactory.instance.objectNode();
                outputs.forEach(output -> result.set(output.step(), output.output()));
                line = new Done(id, now(), source(), "7f3a", new Answer(List.copyOf(outputs), result), new Usage(2, 1400, 120), 2790);
            }
            if (forgets) {
                forgotten.add(id);
            }
            awaited = forgets ? process.file.checkpoint.forget((Forgotten) line) : process.file.checkpoint.append(line);
            groupCommit.await(() -> { });
            if (!awaited.isCompletedExceptionally() && !forgets) {
                outputs.forEach(output -> {
                    durable.get(process.disk).add(call(output.step()));
                    process.known.add(call(output.step()));
                });
            }
        }

        /** Draining ends it before its next call. */
        boolean isInTheMiddle() {
            return phase != Phase.FIND && phase != Phase.CALL && phase != Phase.SETTLED && phase != Phase.ABANDONED;
        }
    }

    private Instant now() {
        return Instant.parse("2026-11-23T09:35:12.345Z").plusSeconds(seconds++);
    }

    private Process owner() {
        return processes.stream().filter(process -> process.state == State.OWNER).findFirst().orElse(null);
    }

    /** What may happen now, the first of them being what happens where nothing gets in the way. */
    List<Event> possible() {
        List<Event> events = new ArrayList<>();
        Process owner = owner();
        List<Process> living = processes.stream().filter(Process::lives).sorted(Comparator.comparing(process -> process.state)).toList();
        living.stream().filter(process -> process.file.way.underWay() > 0)
                .forEach(process -> events.add(new Event(Kind.CONFIRM, process.number, -1)));
        living.forEach(process -> process.works.stream().filter(Work::isRunnable)
                .forEach(work -> events.add(new Event(Kind.EFFECT, process.number, work.offset))));
        if (owner == null) {
            // The one after the last, as a rule on another disk.
            for (int i = 1; i <= processes.size(); i++) {
                Process next = processes.get((lastOwner + i) % processes.size());
                boolean held = processes.stream().anyMatch(other -> other.lives() && other.disk.equals(next.disk));
                if (next.state == State.DOWN && !held) {
                    events.add(new Event(Kind.TAKE, next.number, -1));
                }
                if (next.state == State.DOWN && !setting.oneDisk() && !durable.get(next.disk).isEmpty()) {
                    events.add(new Event(Kind.TAKE_WITHOUT_DISK, next.number, -1));
                }
            }
        } else if (owner.committable() > committed) {
            events.add(new Event(Kind.COMMIT, owner.number, -1));
        }
        living.stream().filter(process -> process.state == State.LOST).forEach(process -> events.add(new Event(Kind.NOTICE, process.number, -1)));
        for (Process process : living) {
            for (int arriving = 0; arriving <= process.file.way.underWay(); arriving++) {
                events.add(new Event(Kind.KILL, process.number, arriving));
            }
        }
        if (owner != null) {
            events.add(new Event(Kind.LEAVE, owner.number, -1));
            events.add(new Event(Kind.LEAVE_AT_ONCE, owner.number, -1));
            events.add(new Event(Kind.LOSE, owner.number, -1));
            events.add(new Event(Kind.COMPACT_FILE, owner.number, -1));
        }
        events.add(new Event(Kind.COMPACT_MIRROR, -1, -1));
        return events;
    }

    private int lastOwner = -1;

    void happen(Event event) throws Exception {
        switch (event.kind()) {
            case EFFECT -> processes.get(event.process()).work(event.what()).effect();
            case CONFIRM -> confirm(processes.get(event.process()), 1);
            case COMMIT -> commit(owner());
            case KILL -> kill(processes.get(event.process()), event.what());
            case LEAVE -> leave(owner());
            case LEAVE_AT_ONCE, NOTICE -> close(processes.get(event.process()));
            case LOSE -> {
                owner().state = State.LOST;
                anyLost = true;
            }
            case TAKE -> take(processes.get(event.process()));
            case TAKE_WITHOUT_DISK -> {
                processes.get(event.process()).disk = newDisk();
                take(processes.get(event.process()));
            }
            case COMPACT_MIRROR -> mirror.compact();
            case COMPACT_FILE -> new Compaction(owner().file.checkpoint, Disk.REAL, new Retention(null, null), () -> false).run();
        }
        if (event.kind() == Kind.LEAVE_AT_ONCE) {
            killed = true;
        }
        if (!anyLost) {
            setting.records().stream().filter(mirror.content()::containsKey).forEach(id ->
                    assertThat(isCompleted(id, setting.records().size())).as("%s is done in the mirror and was never emitted", id).isTrue());
        }
    }

    /** Every line before the mark that was not superseded there got into the mirror. */
    private void verifyMark(Path file) throws IOException {
        if (Files.notExists(MirrorMark.path(file))) {
            return;
        }
        byte[] bytes = Files.readAllBytes(file);
        MirrorMark mark = MirrorMark.read(file, MemoryMirror.TOPIC, bytes.length);
        Map<String, CheckpointLine> live = new TreeMap<>();
        for (OracleReader.Line line : OracleReader.lines(Arrays.copyOf(bytes, (int) mark.length()))) {
            String id = line.content().id();
            if (line.content() instanceof Step step) {
                live.put(id + ' ' + step.output().step(), step);
            } else {
                STEPS.forEach(step -> live.remove(id + ' ' + step));
                live.put(id, line.content());
            }
        }
        for (CheckpointLine line : live.values()) {
            String ts = TIME.matcher(new String(LineFormat.encode(line), StandardCharsets.UTF_8)).results().findFirst().orElseThrow().group();
            assertThat(mirror.everHad(line.id(), ts)).as("%s is before the mark, and never was in the mirror", line).isTrue();
        }
    }

    private void confirm(Process process, int count) throws Exception {
        process.file.way.confirm(count);
        if (setting.marksOften()) {
            Opening.awaitUpkeep();
        }
    }

    private void commit(Process owner) {
        for (int offset = committed; offset < owner.committable(); offset++) {
            Work work = new Work(owner, offset);
            if (!work.forgets) {
                assertThat(isCompleted(work.id, offset)).as("%s@%d is committed and was never emitted", work.id, offset).isTrue();
            }
        }
        committed = Math.max(committed, owner.committable());
    }

    /** By this record, or by an earlier one of the document that was not forgotten since. */
    private boolean isCompleted(String id, int offset) {
        int before = offset < setting.records().size() ? setting.records().subList(0, offset).lastIndexOf(FORGET + id) : -1;
        return emitted.keySet().stream().anyMatch(by -> by > before && by <= offset && setting.records().get(by).equals(id));
    }

    private void kill(Process process, int arriving) throws Exception {
        Opening.awaitUpkeep();
        Path left = newDisk();
        process.file.kill(arriving, left);
        verifyMark(MirroredFile.file(left));
        durable.get(left).addAll(durable.get(process.disk));
        Path before = process.disk;
        processes.stream().filter(other -> other.disk.equals(before)).forEach(other -> other.disk = left);
        down(process);
        killed = true;
    }

    private void leave(Process owner) throws Exception {
        boolean settled = false;
        while (!settled) {
            confirm(owner, owner.file.way.underWay());
            settled = true;
            for (Work work : owner.works) {
                if (work.isInTheMiddle() && work.isRunnable()) {
                    work.effect();
                    settled = false;
                }
            }
        }
        commit(owner);
        close(owner);
    }

    /** Its works end as those do whose checkpoint is closed. What it has sent gets there in time. */
    private void close(Process process) throws Exception {
        confirm(process, process.file.way.underWay());
        process.file.close();
        verifyMark(process.file.file());
        down(process);
    }

    private void down(Process process) {
        process.state = State.DOWN;
        process.works = List.of();
        process.file = null;
    }

    private void take(Process process) throws IOException {
        Files.createDirectories(process.disk);
        MirroredFile file = open(process.disk, setting.marksOften() ? MirroredFile.OFTEN : RARELY);
        process.known.clear();
        process.known.addAll(answered);
        process.known.addAll(durable.get(process.disk));
        int position = committed;
        file.level(source -> Integer.parseInt(source.substring(source.indexOf('@') + 1)) < position);
        durable.get(process.disk).addAll(answered);
        file.way.held = true;
        process.file = file;
        process.state = State.OWNER;
        process.works = new ArrayList<>();
        for (int offset = position; offset < setting.records().size(); offset++) {
            process.works.add(new Work(process, offset));
        }
        lastOwner = process.number;
    }

    private MirroredFile open(Path disk, Duration times) throws IOException {
        MirroredFile file = new MirroredFile(Opening.with(groupCommit).with(Durability.OS).with(DISK), disk, mirror, times);
        opened.add(file);
        return file;
    }

    boolean isOver() {
        return committed == setting.records().size() && processes.stream().noneMatch(process -> process.state == State.LOST);
    }

    /** From here on nothing gets in the way. */
    void runToTheEnd() throws Exception {
        List<Event> last = new ArrayList<>();
        while (!isOver()) {
            last.add(possible().getFirst());
            assertThat(last).as("it does not end: %s", this).hasSizeLessThan(200);
            happen(last.getLast());
        }
        verify();
    }

    void verify() throws IOException {
        emitted.forEach((offset, completions) -> assertThat(completions).as("completions of %d", offset).hasSize(1));
        if (!killed && !anyLost) {
            assertThat(calls.values()).as("calls in a run of hand-overs alone: %s", calls).allMatch(times -> times == 1);
        }
        if (!anyLost) {
            verifyNextOwner();
        }
    }

    /** Somebody who has nothing but the mirror knows of each document how it ended. */
    private void verifyNextOwner() throws IOException {
        for (Process process : processes) {
            if (process.lives()) {
                process.file.way.confirm(process.file.way.underWay());
            }
        }
        mirror.compact();
        MirroredFile next = open(Files.createDirectories(newDisk()), RARELY).level(_ -> true);
        List<String> records = setting.records();
        for (String id : records.stream().filter(record -> !record.startsWith(FORGET)).distinct().toList()) {
            boolean forgotten = records.lastIndexOf(FORGET + id) > records.lastIndexOf(id);
            CheckpointLine last = next.find(id).last();
            assertThat(last).as("what the mirror says of %s", id).isInstanceOf(forgotten ? Forgotten.class : Done.class);
            assertThat(next.find(id).journalled()).as("steps of %s in the mirror", id).isEmpty();
        }
    }

    /** Equal for states from which the same can happen, whenever they came about. */
    String state() throws IOException {
        StringBuilder text = new StringBuilder().append(committed).append(emitted.keySet()).append(new TreeSet<>(answered))
                .append(killed).append(anyLost).append(forgotten);
        for (Process process : processes) {
            text.append('\n').append(process.number).append(process.state).append(process.number == lastOwner).append(new TreeSet<>(process.known));
            Path file = MirroredFile.file(process.disk);
            text.append(Files.exists(file) ? Files.readString(file) : "");
            text.append(Files.exists(MirrorMark.path(file)) ? Files.readString(MirrorMark.path(file)) : "");
            for (Work work : process.works) {
                text.append(work.phase).append(work.outputs).append(work.line)
                        .append(work.awaited != null).append(work.awaited != null && work.awaited.isDone());
            }
            text.append(process.lives() ? process.file.way.content() : "");
        }
        text.append(mirror.from(0).stream().map(MemoryMirror.Entry::toString).collect(Collectors.joining("\n")));
        return withoutMoments(text.toString());
    }

    private static String withoutMoments(String text) {
        Set<String> times = new TreeSet<>();
        for (Matcher time = TIME.matcher(text); time.find();) {
            times.add(time.group());
        }
        List<String> inOrder = List.copyOf(times);
        String ranked = TIME.matcher(CRC.matcher(text).replaceAll("")).replaceAll(time -> "t" + inOrder.indexOf(time.group()));
        Map<String, String> answers = new HashMap<>();
        return ANSWER.matcher(ranked).replaceAll(answer -> answers.computeIfAbsent(answer.group(), _ -> "a" + answers.size()));
    }

    @Override
    public String toString() {
        return "committed %d, emitted %s, calls %s, mirror %s".formatted(committed, emitted, calls, mirror.from(0));
    }

    @Override
    public void close() throws IOException {
        for (MirroredFile file : opened) {
            file.way.kill(0);
            file.close();
        }
    }
}
