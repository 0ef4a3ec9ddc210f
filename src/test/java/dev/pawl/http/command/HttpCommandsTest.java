package dev.pawl.http.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.pawl.command.ExitStatus;
import dev.pawl.http.command.ScriptedPawl.Answer;
import dev.pawl.http.command.ScriptedPawl.Call;
import dev.pawl.http.command.ScriptedPawl.Ran;

class HttpCommandsTest {

    private static final Map<String, String> TOKEN = Map.of("PAWL_API_TOKEN", "the-token");
    private static final String PROGRESS = """
            {'at':'2026-11-23T09:35:12Z','state':'working','model':{'name':'gpt-4o-mini','standIn':false},
             'backlog':{'published':1000,'settled':847},
             'documents':{'completed':800,'resumed':35,'repeated':81,'skipped':7,'failed':3,'forgotten':1,'inWork':26,'maxInFlight':256},
             'checkpoint':{'done':12345,'failed':3,'forgotten':1,'unfinished':20},
             'tokens':{'inputSpent':4800,'outputSpent':480,'inputSaved':800,'outputSaved':80,'inputPossiblyPaidTwice':100,'outputPossiblyPaidTwice':10},
             'cost':{'currency':'USD','spent':0.005760,'saved':0.000960,'possiblyPaidTwice':0.000120},
             'ledger':{'spent':48,'saved':8,'inAir':0,'possiblyPaidTwice':1},'rate':{'documentsPerMinute':312.4},
             'lag':{'total':153,'partitions':[{'partition':'documents-0','lag':100,'inWork':20},{'partition':'documents-1','lag':53,'inWork':6}]},
             'eta':'2026-11-23T09:35:41Z','ready':true,'reason':null,
             'waitingFor':[{'reason':'paused','detail':'paused by a call','since':'2026-11-23T09:30:00Z'}]}""";

    @TempDir
    Path directory;

    private ScriptedPawl pawl;

    @BeforeEach
    void open() {
        pawl = new ScriptedPawl();
    }

    @AfterEach
    void close() {
        pawl.close();
    }

    // ---- publish ----

    @Test
    void publish_ids_sendsEachAsTheIdThatItIs() {
        pawl.answers(202, "{'accepted':3,'rejected':[]}");

        Ran ran = pawl.run("", TOKEN, "publish", "doc-1", "{doc-2", "doc \"3\"");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.out()).isEqualTo("accepted  3\nrejected  0\n");
        assertThat(ran.err()).isEmpty();
        Call call = pawl.calls().getFirst();
        assertThat(call.method() + " " + call.uri()).isEqualTo("POST /documents");
        assertThat(call.headers()).containsEntry("Authorization", "Bearer the-token").containsEntry("Content-type", "application/x-ndjson");
        assertThat(call.body()).isEqualTo("\"doc-1\"\n\"{doc-2\"\n\"doc \\\"3\\\"\"\n");
    }

    @Test
    void publish_aListWithLinesOfAllSorts_namesThoseRejectedByTheirLineInTheList() throws IOException {
        Path list = directory.resolve("list");
        Files.write(list, "\uFEFFdoc-1\r\n\n  \n{\"id\":\"doc-2\",\"text\":\"t\"}\nbad\n".getBytes(StandardCharsets.UTF_8));
        Files.write(list, new byte[] { (byte) 0xff, '\n' }, StandardOpenOption.APPEND);
        Files.writeString(list, "doc-7", StandardOpenOption.APPEND);
        pawl.answers(202, "{'accepted':3,'rejected':[{'line':3,'reason':'a \\u001B[31m reason'}]}");

        Ran ran = pawl.run("", TOKEN, "publish", "--file", list.toString(), "--json");

        assertThat(ran.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(pawl.calls().getFirst().body()).isEqualTo("\"doc-1\"\n{\"id\":\"doc-2\",\"text\":\"t\"}\n\"bad\"\n\"doc-7\"\n");
        assertThat(ran.out()).isEqualTo("{\"accepted\":3,\"rejected\":2,\"rejections\":["
                + "{\"line\":5,\"reason\":\"a \\u001B[31m reason\"},{\"line\":6,\"reason\":\"not UTF-8\"}]}\n");
        assertThat(ran.err()).isEqualTo("line 5 rejected: a \\u001B[31m reason\nline 6 rejected: not UTF-8\n");
    }

    @Test
    void publish_aLongList_sendsItInBoundedCalls() {
        pawl.answers(call -> Answer.json(202, "{'accepted':%d,'rejected':[]}".formatted(call.body().lines().count())));

        Ran ran = pawl.run(ids(100_000), TOKEN, "publish", "--json", "--progress");

        assertThat(ran.json().path("accepted").asInt()).as(ran.err()).isEqualTo(100_000);
        assertThat(pawl.calls()).hasSize(10).allSatisfy(call -> assertThat(call.body().length()).isLessThan(Batch.MAX_BYTES));
        assertThat(ran.err()).contains("\r100,000 documents  ").endsWith("/s  \n");
    }

    @Test
    void publish_aFile_showsABar() throws IOException {
        pawl.answers(202, "{'accepted':2,'rejected':[]}");
        Path list = Files.writeString(directory.resolve("list"), "a\nb\n");

        assertThat(pawl.run("", TOKEN, "publish", "--progress", "--file", list.toString()).err())
                .startsWith("\r[........................]   0 %").contains("\r[########################] 100 %  2 documents");
    }

    @Test
    void publish_rejectionsInALaterCall_areNamedByTheirLineInTheList() {
        pawl.answers(call -> Answer.json(202, call.body().startsWith("\"doc-10000\"")
                ? "{'accepted':1,'rejected':[{'line':2,'reason':'r'},{'line':3,'reason':'r'}],'rejectedTotal':499}"
                : "{'accepted':10000,'rejected':[]}"));

        Ran ran = pawl.run(ids(10_500), TOKEN, "publish", "--json");

        assertThat(ran.json().path("rejected").asInt()).isEqualTo(499);
        assertThat(ran.json().path("rejections").findValuesAsText("line")).containsExactly("10002", "10003");
        assertThat(ran.err()).endsWith("and 497 more rejected\n");
    }

    @Test
    void publish_aLineThatIsTooLargeForPawl_isRejectedAndTheOthersGoOn() {
        String large = "{\"id\":\"large\",\"text\":\"%s\"}".formatted("x".repeat(Batch.MAX_BYTES));
        pawl.answers(call -> call.body().contains("large") ? Answer.json(413, "{'detail':'the line is larger than allowed'}")
                : Answer.json(202, "{'accepted':%d,'rejected':[]}".formatted(call.body().lines().count())));

        Ran ran = pawl.run("a\n" + large + "\nb\nc\n", TOKEN, "publish");

        assertThat(ran.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(ran.err()).isEqualTo("line 2 rejected: the line is larger than allowed\n");
        assertThat(ran.out()).isEqualTo("accepted  3\nrejected  1\n");
    }

    @Test
    void publish_thatBreaksOff_saysWhereToGoOn() {
        pawl.answers(call -> call.body().startsWith("\"doc-20000\"") ? Answer.json(503, "{'detail':'the broker is gone'}")
                : Answer.json(202, "{'accepted':10000,'rejected':[]}"));

        Ran ran = pawl.run(ids(30_000), TOKEN, "publish");

        assertThat(ran.status()).isEqualTo(ExitStatus.UNAVAILABLE);
        assertThat(ran.out()).isEmpty();
        assertThat(ran.err()).isEqualTo(pawl.url()
                + " can't do it now: the broker is gone; 20000 documents before line 20001 are published, go on there\n");
    }

    @Test
    void publish_nothing_callsNobody() {
        assertThat(pawl.run("\n\n", TOKEN, "publish").out()).isEqualTo("accepted  0\nrejected  0\n");
        assertThat(pawl.calls()).isEmpty();
    }

    /** {@code doc-0} and so on, made while they are read. */
    private static InputStream ids(int count) {
        return new SequenceInputStream(Collections.enumeration(IntStream.range(0, count / 500)
                .mapToObj(part -> IntStream.range(500 * part, 500 * part + 500).mapToObj("doc-%d\n"::formatted).collect(Collectors.joining()))
                .map(text -> new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))
                .toList()));
    }

    // ---- Whom, and with what token ----

    @Test
    void url_isTheOptionsBeforeTheEnvironments() {
        pawl.answers(200, PROGRESS);

        Ran ran = pawl.run("", Map.of("PAWL_URL", "http://127.0.0.1:1"), "status", "--url", pawl.url() + "/below/");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(pawl.calls().getFirst().uri()).isEqualTo("/below/progress");
    }

    @ParameterizedTest
    @ValueSource(strings = { "localhost:8080", "ftp://host", "http://", "http://host?x", "http://h h", "file:///etc/passwd", "" })
    void url_thatIsNone_isWrongUsage(String url) {
        Ran ran = pawl.run("status", "--url", url);

        assertThat(ran.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(ran.err().lines()).singleElement().asString().startsWith("--url = " + url).contains("http or https");
    }

    @Test
    void url_withAPassword_isRefusedAndNotRepeated() {
        Ran ran = pawl.run("status", "--url", "http://user:secret@host");

        assertThat(ran.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(ran.err()).contains("--url").doesNotContain("secret");
    }

    @Test
    void nobodyAtTheUrl_isOneSentence() {
        pawl.close();

        Ran ran = pawl.run("status");

        assertThat(ran.status()).isEqualTo(ExitStatus.UNAVAILABLE);
        assertThat(ran.out()).isEmpty();
        assertThat(ran.err()).isEqualTo("no Pawl answers at %s: the connection is refused; --url or PAWL_URL says where it runs\n"
                .formatted(pawl.url()));
    }

    @Test
    void token_ofAFile_isSentAndOnlyWhereSomethingIsChanged() throws IOException {
        Path file = Files.writeString(directory.resolve("token"), "from-the-file\n");
        pawl.answers(call -> call.method().equals("GET") ? Answer.json(200, PROGRESS) : Answer.json(202, "{'accepted':1,'rejected':[]}"));

        pawl.run("", TOKEN, "publish", "--token-file", file.toString(), "a");
        pawl.run("", TOKEN, "status");

        assertThat(pawl.calls().getFirst().headers()).containsEntry("Authorization", "Bearer from-the-file");
        assertThat(pawl.calls().getLast().headers()).doesNotContainKey("Authorization");
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "two words", "two\nlines", "\u00E9" })
    void token_ofAFileThatHoldsNone_isWrongUsage(String content) throws IOException {
        Path file = Files.writeString(directory.resolve("token"), content);

        Ran ran = pawl.run("publish", "--token-file", file.toString(), "a");

        assertThat(ran.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(ran.err()).isEqualTo(file + " holds no token: one line of ASCII without blanks\n");
    }

    @Test
    void token_missingOrWrong_saysWhichKeyToSet() {
        pawl.answers(401, "{'detail':'this call needs Authorization: Bearer <pawl.api.token>'}");

        Ran missing = pawl.run("publish", "a");
        Ran wrong = pawl.run("", TOKEN, "replay", "--all");

        assertThat(missing.status()).isEqualTo(ExitStatus.NO_PERMISSION);
        assertThat(missing.err()).isEqualTo("%s wants its token: set PAWL_API_TOKEN, or --token-file, to what pawl.api.token has there\n"
                .formatted(pawl.url()));
        assertThat(wrong.status()).isEqualTo(ExitStatus.NO_PERMISSION);
        assertThat(wrong.err()).isEqualTo("%s does not accept the token of PAWL_API_TOKEN: it must be what pawl.api.token has there\n"
                .formatted(pawl.url())).doesNotContain("the-token");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            403 | {'detail':'set pawl.api.token'}     | 77 | refuses: set pawl.api.token
            403 | {'error':'set pawl.api.token'}      | 77 | refuses: set pawl.api.token
            403 | <html>                              | 77 | pawl.api.token (PAWL_API_TOKEN) must be set
            404 | <html>                              | 76 | answers, but not as Pawl does
            200 | <html>                              | 76 | answers, but not as Pawl does
            200 | {}                                  | 76 | answers, but not as Pawl does
            302 | moved                               | 76 | sends elsewhere: give --url for http://elsewhere/
            503 | {'error':'later','x':1}             | 69 | can't do it now: later
            400 | {'detail':'a \\u001B[2J sequence'}  |  2 | a \\u001B[2J sequence
            418 |                                     | 76 | refuses: status 418
            """)
    void refusal_isOneSentence(int status, String body, int exit, String sentence) {
        pawl.answers(_ -> new Answer(status, "text/plain", body == null ? "" : body.replace('\'', '"'),
                status == 302 ? Map.of("Location", "http://elsewhere/") : Map.of()));

        for (String command : List.of("status", "failures", "replay --all")) {
            Ran ran = pawl.run("", TOKEN, command.split(" "));

            assertThat(ran.status()).as(command).isEqualTo(exit);
            assertThat(ran.out()).isEmpty();
            assertThat(ran.err().lines()).singleElement().asString().contains(sentence);
        }
    }

    // ---- status ----

    @Test
    void status_tellsItInWordsAndTables() {
        pawl.answers(200, PROGRESS);

        Ran ran = pawl.run("status");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.out()).isEqualTo(pawl.url() + """
                : working, with gpt-4o-mini
                847 of 1,000 settled, 153 to go, 26 in work; 312.4 documents a minute, done in 29s (2026-11-23T09:35:41Z)
                takes no documents since 2026-11-23T09:30:00Z: paused by a call

                documents            done  failed  forgotten  unfinished  resumed  repeated  skipped
                in the checkpoint  12,345       3          1          20        -         -        -
                since the start       800       3          1           -       35        81        7

                over all lives     spent     saved  possibly paid twice
                calls                 48         8                    1
                input tokens       4,800       800                  100
                output tokens        480        80                   10
                USD             0.005760  0.000960             0.000120

                partition    to go  in work
                documents-0    100       20
                documents-1     53        6
                """);
    }

    @Test
    void status_json_isWhatPawlAnswered() {
        pawl.answers(200, PROGRESS);

        assertThat(pawl.run("status", "--json").out()).startsWith("{\"at\":\"2026-11-23T09:35:12Z\"").contains("\"spent\":0.005760,")
                .endsWith("}\n").hasLineCount(1);
    }

    @ParameterizedTest
    @ValueSource(strings = { "'state':'stuck'", "'ready':false,'reason':'the disk'" })
    void status_ofAPawlThatCanNotGoOn_endsWith1(String what) {
        pawl.answers(200, "{%s,'lag':{'total':1,'partitions':[]}}".formatted(what));

        assertThat(pawl.run("status").status()).isEqualTo(ExitStatus.CONTENT);
    }

    @Test
    void status_untilDone_endsWhenNothingIsLeft() {
        pawl.answers(_ -> pawl.calls().size() == 2 ? Answer.json(503, "{'detail':'starting'}")
                : Answer.json(200, PROGRESS.replace("'total':153", "'total':" + Math.max(0, 4 - pawl.calls().size()))
                        .replace("'inWork':26", "'inWork':0")));

        Ran ran = pawl.run("status", "--until-done", "--interval", "0.1", "--json");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.out().lines()).hasSizeGreaterThan(4);
        assertThat(ran.err()).isEqualTo(pawl.url() + " can't do it now: starting; asking again\n");
    }

    // ---- show ----

    @Test
    void show_aDoneDocument_tellsStepsTokensAndResult() {
        pawl.answers(200, """
                {'id':'2026/a b','status':'done','source':'documents-3@847','ts':'2026-11-23T09:35:13.101Z','durationMs':1307,
                 'steps':[{'step':'summary','model':'m','usage':{'calls':1,'inputTokens':700,'outputTokens':60}}],
                 'result':{'summary':'line\\nline \\u009B'},'usage':{'calls':1,'inputTokens':700,'outputTokens':60}}""");

        Ran ran = pawl.run("show", "2026/a b");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(pawl.calls().getFirst().uri()).isEqualTo("/documents/2026%2Fa%20b");
        assertThat(ran.out()).isEqualTo("""
                2026/a b: done since 2026-11-23T09:35:13.101Z, published as documents-3@847, in 1,307 ms

                step     model  calls  input tokens  output tokens
                summary      m      1           700             60
                total               1           700             60

                result:
                {
                  "summary" : "line\\nline \\u009B"
                }
                """);
    }

    @Test
    void show_aFailedDocument_tellsTheError() {
        pawl.answers(200, "{'id':'a\\u001B[2J','status':'failed','error':{'kind':'refused','step':'summary','message':'no\\r!','attempts':2}}");

        Ran ran = pawl.run("show", "a");

        assertThat(ran.status()).isZero();
        assertThat(ran.out()).isEqualTo("a\\u001B[2J: failed\n\nfailed: refused in summary, attempts: 2: no\\u000D!\n");
    }

    @Test
    void show_anUnfinishedDocument_tellsWhatItHas() {
        pawl.answers(200, "{'id':'a','status':'unfinished','steps':[{'step':'summary','model':'m','output':'text'}]}");

        assertThat(pawl.run("show", "a").out()).startsWith("a: unfinished\n").endsWith("\nsummary:\n\"text\"\n");
    }

    @ParameterizedTest
    @ValueSource(strings = { "detail", "error" })
    void show_anUnknownDocument_endsWith1(String member) {
        pawl.answers(404, "{'%s':'not known here'}".formatted(member));

        Ran ran = pawl.run("show", "a\033c");

        assertThat(ran.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(ran.err()).isEqualTo("a\\u001Bc: not known here\n");
    }

    // ---- failures ----

    @Test
    void failures_tellsTheKindsAndAPage() {
        pawl.answers(200, """
                {'open':{'total':13,'kinds':{'refused':1,'invalid-output':12}},'complete':false,'elsewhere':['documents-2'],'failures':[
                 {'position':'dl-0@4','id':'doc-1','kind':'invalid-output','step':'entities','attempts':3,'message':'m','source':'documents-3@8',
                  'failedAt':'2026-11-23T09:35:14Z','open':false},
                 {'position':'dl-0@5','kind':'invalid-document','message':'\\u001B]0;x','source':'documents-3@9','failedAt':'2026-11-23T09:35:15Z'}],
                 'next':'dl-0@5'}""");

        Ran ran = pawl.run("failures", "--kind", "invalid output", "--all", "--limit", "2", "--after", "dl-0@3");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(pawl.calls()).singleElement().extracting(Call::uri)
                .isEqualTo("/failures?limit=2&kind=invalid+output&after=dl-0%403&all=true");
        assertThat(ran.out()).isEqualTo("""
                kind            open
                refused            1
                invalid-output    12
                total             13

                doc-1  2026-11-23T09:35:14Z  documents-3@8  not open
                  invalid-output in entities, attempts: 3: m

                dl-0@5  2026-11-23T09:35:15Z  documents-3@9
                  invalid-document: \\u001B]0;x

                more with --after dl-0@5
                """);
        assertThat(ran.err()).contains("not counted to their end yet").contains("other processes hold documents-2");
    }

    @Test
    void failures_moreThanAPage_asksForTheNext() {
        pawl.answers(call -> Answer.json(200, call.uri().contains("after") ? page(500, "'next':null") : page(1_000, "'next':'dl-0@999'")));

        Ran ran = pawl.run("failures", "--limit", "2500");

        assertThat(pawl.calls()).extracting(Call::uri).containsExactly("/failures?limit=1000", "/failures?limit=1000&after=dl-0%40999");
        assertThat(ran.out().lines().filter(line -> line.startsWith("doc  "))).hasSize(1_500);
        assertThat(ran.out()).containsOnlyOnce("total").doesNotContain("--after");
    }

    private static String page(int size, String next) {
        return "{'open':{'total':1500,'kinds':{'refused':1500}},'complete':true,'elsewhere':[],'failures':[%s],%s}"
                .formatted("{'id':'doc','kind':'refused','open':true},".repeat(size).replaceAll(",$", ""), next);
    }

    // ---- replay ----

    @Test
    void replay_thatIsNotComplete_isCalledAgain() {
        pawl.answers(_ -> Answer.json(202, "{'replayed':10,'skipped':[],'complete':%s,'elsewhere':[]}".formatted(pawl.calls().size() == 3)));

        Ran ran = pawl.run("", TOKEN, "replay", "--kind", "invalid-output");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.out()).isEqualTo("replayed  30\nskipped    0\n");
        assertThat(pawl.calls()).hasSize(3).extracting(Call::body).containsOnly("{\"kind\":\"invalid-output\"}");
    }

    /** Of a, b, c and d, the first call replays b and has not read c yet, the second replays c; d was done before. */
    @Test
    void replay_inSeveralCalls_doesNotCallSkippedWhatItHasReplayed() {
        pawl.answers(_ -> Answer.json(202, pawl.calls().size() == 1
                ? """
                {'replayed':1,'skipped':[{'reason':'done','count':1,'of':['d']},{'reason':'not read so far','count':2,'of':['a','c']}],
                 'complete':false,'elsewhere':[]}"""
                : """
                {'replayed':1,'skipped':[{'reason':'done','count':1,'of':['d']},{'reason':'replayed before','count':1,'of':['b']},
                 {'reason':'not open','count':1,'of':['a']}],'complete':true,'elsewhere':['documents-2']}"""));

        Ran ran = pawl.run("", TOKEN, "replay", "a", "b", "c", "d", "--json");

        assertThat(ran.status()).isEqualTo(ExitStatus.CONTENT);
        assertThat(pawl.calls().getFirst().body()).isEqualTo("{\"ids\":[\"a\",\"b\",\"c\",\"d\"]}");
        assertThat(ran.out()).isEqualTo("{\"replayed\":2,\"skipped\":[{\"reason\":\"done\",\"count\":1,\"of\":[\"d\"]},"
                + "{\"reason\":\"not open\",\"count\":1,\"of\":[\"a\"]}],\"elsewhere\":[\"documents-2\"]}\n");
    }

    @Test
    void replay_thatBreaksOff_saysHowManyWereReplayed() {
        pawl.answers(_ -> pawl.calls().size() == 1 ? Answer.json(202, "{'replayed':10,'skipped':[],'complete':false,'elsewhere':[]}")
                : Answer.json(503, "{'error':'the broker did not answer'}"));

        Ran ran = pawl.run("", TOKEN, "replay", "--all");

        assertThat(ran.status()).isEqualTo(ExitStatus.UNAVAILABLE);
        assertThat(ran.err()).endsWith("the broker did not answer; 10 were replayed before, run this again for the rest\n");
    }

    // ---- Arguments ----

    @ParameterizedTest
    @ValueSource(strings = { "publish a --file b", "publish --token secret a", "replay", "replay --all --kind refused", "replay a --source b",
            "show", "show a b", "failures --limit 0", "failures --limit many", "status --interval 0", "status --interval NaN", "status all" })
    void wrongUsage_isOneSentenceAndStatus2(String arguments) {
        Ran ran = pawl.run(arguments.split(" "));

        assertThat(ran.status()).isEqualTo(ExitStatus.USAGE);
        assertThat(ran.out()).isEmpty();
        assertThat(ran.err().lines()).singleElement().asString().contains("--help");
        assertThat(pawl.calls()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = { "publish", "status", "show", "failures", "replay" })
    void help_isPrinted(String command) {
        Ran ran = pawl.run(command, "--help");

        assertThat(ran.status()).isZero();
        assertThat(ran.err()).isEmpty();
        assertThat(ran.out()).startsWith("Usage: java -jar quarkus-run.jar " + command).contains("Exit status: 0").contains("--url=URL");
    }
}
