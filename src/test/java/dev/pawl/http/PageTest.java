package dev.pawl.http;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.microsoft.playwright.Clock;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.FilePayload;

import dev.pawl.harness.Chromium;

/**
 * The page at "/" as a visitor's browser shows it, over a stand-in for Pawl's HTTP calls: what a real run seldom comes to.
 * {@link dev.pawl.PageIT} has the real one. With {@code -Dpawl.page.looks=target/looks} it leaves a picture of each state there.
 *
 * <p>It mostly waits for the browser, and so runs beside others; the lock keeps its own tests in one thread, the only one that the browser knows.
 */
@Execution(ExecutionMode.CONCURRENT)
@ResourceLock("chromium")
class PageTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)><b>bold</b>";
    private static final int MAX_BYTES = 150_000;
    private static final String LOOKS = System.getProperty("pawl.page.looks");

    private static Chromium chromium;

    private final FakePawl pawl = new FakePawl();
    private Chromium.Visit visit;
    private Page page;

    @BeforeAll
    static void startBrowser() {
        chromium = Chromium.open();
    }

    @AfterAll
    static void stopBrowser() {
        if (chromium != null) {
            chromium.close();
        }
    }

    @BeforeEach
    void startPawl() {
        pawl.start();
        visit = chromium.visit(1280, ColorScheme.LIGHT);
        page = visit.page();
        page.clock().install(new Clock.InstallOptions().setTime("2026-11-23T09:30:10Z"));
    }

    @AfterEach
    void noErrorAndNothingFromElsewhere() {
        visit.close();
        pawl.stop();
        visit.assertQuiet(URI.create(pawl.url()));
    }

    // ---- Figures ----

    @Test
    void figures_areShownAsTheyCome() {
        open();

        see("settled", "847");
        see("published", "of 1,000 published by 09:29");
        see("percent", "84%");
        Locator bar = page.getByRole(AriaRole.PROGRESSBAR);
        assertThat(bar).hasAttribute("aria-valuenow", "84");
        assertThat(bar).hasAttribute("aria-valuetext", "847 of 1,000 published by 09:29, 84 percent");
        see("rate", "148 documents a minute.");
        assertThat(page.locator("#eta")).hasText("About 6 minutes left, 5 to 8, done around 09:36.");
        assertThat(page.locator("#elapsed")).hasText(Pattern.compile("5 min \\d+ s elapsed\\."));
        see("state-name", "Working");
        see("state-words", "64 documents in work, 89 waiting.");
        see("done", "840");
        see("done-aside", "412 since this start");
        see("in-work", "64");
        see("waiting", "89");
        see("failed", "7");
        see("skipped", "435");
        see("resumed", "3");
        see("saved-sentence", "864 of 2,524 calls were in the checkpoint already, and not made again.");
        see("calls-spent", "1,660");
        see("input-saved", "604,800");
        see("cost-spent", "$0.117");
        see("cost-saved", "$0.121");
        assertThat(page.locator("#paid-aside")).containsText("8 calls ended without an answer and may be paid for twice: $0.0021.");
        assertThat(page.locator("#partition-rows th")).hasText(new String[] { "documents-2", "documents-10", "documents-11" });
        assertThat(page.locator("#partition-rows tr").first().locator("td"))
                .hasText(new String[] { "423", "500", "75", "32", "1.2 MB", "this one, host-a 4711" });
        assertThat(page.locator("#partition-rows tr").last().locator("td").last()).hasText("10.0.0.2, pawl-1");
        assertThat(page).hasTitle("84% · Pawl");
        see("connection", "Live");

        pawl.tell(progress("\"settled\":1000", "\"doneAt\":\"2026-11-23T09:31:05Z\"", "\"total\":0", "\"cost\":null", "\"eta\":null", "\"etaSpread\":null",
                "\"inWork\":0", "\"state\":\"idle\""));
        see("rate", "All done at 09:31.");
        see("elapsed", "It took 6 min 5 s.");
        see("state-name", "Idle");
        assertThat(page.locator("#cost")).isHidden();
        assertThat(page.locator("#paid-aside")).containsText("No price is set");

        // By an earlier life.
        pawl.tell(progress("\"settled\":1000", "\"doneAt\":null", "\"total\":0", "\"eta\":null", "\"etaSpread\":null", "\"inWork\":0", "\"state\":\"idle\""));
        see("rate", "All done.");
        see("elapsed", "");

        pawl.tell(FakePawl.EMPTY);
        see("settled", "No");
        see("rate", "Publish some below, or to the topic.");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            'waitingFor':[{'reason':'paused','detail':'paused by a call from 10.0.0.9 at 2026-11-23T09:28:10Z','since':'2026-11-23T09:28:10Z'}] | Paused | Paused by a call from 10.0.0.9, since 09:28:10, for 2 min
            'waitingFor':[{'reason':'provider','detail':'The model endpoint: status 503, since 2026-11-23T09:28:10Z','since':'2026-11-23T09:29:00Z'}] | Model endpoint down | The model endpoint: status 503, since 09:29:00, for 1 min
            'waitingFor':[{'reason':'budget','detail':'pawl.budget.max-cost = 1 leaves no room for a call','since':'2026-11-23T09:28:10Z'}] | Budget reached | Pawl.budget.max-cost = 1 leaves no room for a call.
            'limits':{'requestsPerMinute':500.0,'tokensPerMinute':200000.0,'maxConcurrency':64,'inAir':12,'waiting':34,'heldMs':0} | At the limit | 34 calls wait for the provider's limit, 500 calls and 200,000 tokens a minute. 12 in the air, at most 64 at once.
            'limits':{'requestsPerMinute':null,'tokensPerMinute':null,'maxConcurrency':64,'inAir':0,'waiting':34,'heldMs':12000} | Waiting | The endpoint wants no call for another 12 s.
            'documents':{'inWork':0},'lag':{'total':0,'partitions':[],'takeovers':[{'partition':'documents-3','read':12000,'entries':1000000,'holder':null}]} | Taking over | 1 partition gets its checkpoint from its mirror: 12,000 of 1,000,000 lines read.
            'documents':{'inWork':0},'lag':{'total':0,'partitions':[],'takeovers':[{'partition':'documents-3','read':0,'entries':0,'holder':'process 4711 on pawl-0'}]} | Taking over | 1 partition waits until process 4711 on pawl-0 lets its checkpoint go.
            'state':'stuck' | Stuck | Nothing has moved
            'ready':false,'reason':'documents-3.jsonl: <b>No space left</b> on device' | Not ready | Documents-3.jsonl: <b>No space left</b> on device.
            """)
    void state_isToldInWords(String members, String name, String words) {
        pawl.tell(with(members.replace('\'', '"').replace("provider\"s", "provider's")));
        open();

        see("state-name", name);
        assertThat(page.locator("#state-words")).containsText(words);
    }

    @Test
    void standIn_isNamed() {
        pawl.tell(progress("\"name\":\"pawl-offline-stand-in\"", "\"standIn\":true"));
        open();
        assertThat(page.locator("#stand-in")).containsText("A stand-in answers, no model.");
        assertThat(page.locator("#about")).containsText("Model pawl-offline-stand-in");

        pawl.tell(progress());
        assertThat(page.locator("#stand-in")).isHidden();
        see("about", "Model gpt-4o-mini, process 4711 on host-a, started 09:25:00");
    }

    @Test
    void charts_showWhatWasBeforeThePageWasOpened() {
        open();
        assertThat(page.locator(".chart canvas")).hasCount(3);
        assertThat(page.locator("#chart-rate")).hasAttribute("aria-label", Pattern.compile("Documents a minute over the last 10 minutes: now \\d+, highest \\d+"));
        see("chart-spend-name", "Cost, spent and saved");
        see("chart-spend-now", "spent $0.117, saved $0.121");

        page.getByText("1 hour").click();
        assertThat(page.locator("#chart-work")).hasAttribute("aria-label", Pattern.compile("over the last hour"));
        assertThat(visit.requests()).anyMatch(url -> url.endsWith("/progress/history?span=1h"));
    }

    // ---- The connection ----

    @Test
    void figures_areKeptAndDimmed_whilePawlIsAway() {
        open();
        see("done", "840");
        pawl.stop();
        Locator connection = page.locator("#connection");
        assertThat(connection).hasText(Pattern.compile("No connection since 09:30:\\d\\d, trying again"));
        see("done", "840");
        assertThat(page.locator("body")).hasClass(Pattern.compile("stale"));
        String since = connection.textContent();
        page.clock().fastForward(25_000); // another attempt fails; still since the first one
        assertThat(connection).hasText(since);

        pawl.tell(progress("\"startedAt\":\"2026-11-23T09:30:40Z\"", "\"done\":900"));
        pawl.start();
        page.clock().fastForward(5_000);
        see("done", "900");
        see("connection", "Live");
        assertThat(page.locator("#news")).hasText(Pattern.compile("Connected again after (3|4|5)\\d s\\. A new process, started 09:30:40: it goes on where the last one stopped\\."));
        page.clock().fastForward(15_000);
        see("news", "");
    }

    @Test
    void processThatOnlyHangs_isNoticed() {
        open();
        see("done", "840");
        pawl.falls(true);
        page.clock().fastForward(6_000);
        assertThat(page.locator("#connection")).hasText(Pattern.compile("No connection since .*, trying again"));
    }

    @Test
    void hiddenTab_holdsNoConnection() {
        page.addInitScript("""
                let hidden = false;
                Object.defineProperty(document, 'hidden', { get: () => hidden });
                addEventListener('hide', () => { hidden = true; document.dispatchEvent(new Event('visibilitychange')); });
                addEventListener('show', () => { hidden = false; document.dispatchEvent(new Event('visibilitychange')); });
                """);
        open();
        see("done", "840");
        page.evaluate("() => dispatchEvent(new Event('hide'))");
        pawl.awaitStreams(0);
        page.clock().fastForward(60_000);
        see("connection", "Live");

        pawl.tell(progress("\"done\":900"));
        page.evaluate("() => dispatchEvent(new Event('show'))");
        see("done", "900");
    }

    // ---- Failures ----

    @Test
    void failures_areOpenedAndReplayed() throws Exception {
        pawl.failures = """
                {"open":{"total":3,"kinds":{"refused":1,"invalid-output":2}},"complete":true,"elsewhere":["documents-7"],"next":null,"failures":[
                 {"position":"dl-0@1","id":"doc-1","key":"doc-1","kind":"invalid-output","step":"entities","attempts":3,"message":"%1$s","source":"documents-3@1","failedAt":"2026-11-23T09:29:00Z","open":true},
                 {"position":"dl-0@2","id":"%2$s","key":"k","kind":"invalid-output","step":"%2$s","attempts":3,"message":"no JSON","source":"documents-3@2","failedAt":"2026-11-23T09:29:01Z","open":true},
                 {"position":"dl-0@3","kind":"refused","attempts":1,"source":"documents-3@3","failedAt":"2026-11-23T09:29:02Z","open":true}]}"""
                .formatted(EVIL, "<i>id</i>");
        open();
        assertThat(page.locator("#failures-sentence")).hasText("3 dead letters open: their documents have not got beyond them. Those of documents-7 are with other processes.");
        assertThat(page.locator("#kinds button")).hasText(new String[] { "all 3", "invalid-output 2", "refused 1" });
        assertThat(page.locator(".failure-name")).hasText(new String[] { "doc-1", "<i>id</i>", "documents-3@3" });

        page.locator("#failure-list summary").first().press("Enter");
        assertThat(page.locator("#failure-list dl").first()).containsText(EVIL);
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Replay this one")).click();
        see("replay-status", "1 document published again. It reuses its finished steps.");
        assertThat(JSON.readTree(pawl.body)).isEqualTo(JSON.readTree("{\"sources\":[\"documents-3@1\"]}"));

        page.getByLabel("Choose <i>id</i>").check();
        page.getByLabel("Choose documents-3@3").check();
        see("chosen-count", "2 chosen.");
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Replay these 2")).click();
        assertThat(page.locator("#replay-chosen")).isHidden();
        assertThat(JSON.readTree(pawl.body)).isEqualTo(JSON.readTree("{\"sources\":[\"documents-3@2\",\"documents-3@3\"]}"));

        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("invalid-output 2")).click();
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Replay all 2 of invalid-output")).click();
        pawl.awaitBody("{\"kind\":\"invalid-output\"}");
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("all 3")).click();
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Replay all 3")).click();
        pawl.awaitBody("{\"all\":true}");

        page.getByText("Find the document").first().click();
        see("find-status", "doc-1 is not known here. It may wait, be in its first step, or be with another process.");
    }

    // ---- One document ----

    @Test
    void document_isShownAsTextOnly() {
        pawl.documents = Map.of(
                "/documents/a%2Fb%20%3F%C3%BC", """
                        {"id":"a/b ?ü","status":"done","source":"documents-3@847","ts":"2026-11-23T09:29:13.101Z","durationMs":2101,
                         "steps":[{"step":"<b>summary</b>","fingerprint":"5b1e","model":"m","output":"%1$s","usage":{"calls":1,"inputTokens":700,"outputTokens":60}}],
                         "result":{"<b>summary</b>":"%1$s","entities":["x"]},"usage":{"calls":2,"inputTokens":1812,"outputTokens":96},
                         "checkpoint":{"file":"documents-3.jsonl","offset":123456},
                         "way":[{"at":"2026-11-23T09:29:11.000Z","what":"taken","source":"documents-3@847"},
                                {"at":"2026-11-23T09:29:12.200Z","what":"step","step":"<b>summary</b>","durationMs":1200,"attempts":1,"usage":{"calls":1,"inputTokens":700,"outputTokens":60}},
                                {"at":"2026-11-23T09:29:13.101Z","what":"done","source":"documents-3@847"}]}"""
                        .formatted(EVIL),
                "/documents/doc-0848", """
                        {"id":"doc-0848","status":"failed","source":"documents-3@848",
                         "error":{"kind":"invalid-output","message":"%s","attempts":3}}""".formatted(EVIL));
        open();
        Locator id = page.getByLabel("Document ID", new Page.GetByLabelOptions().setExact(true));

        id.fill("a/b ?ü");
        id.press("Enter");
        see("find-status", "a/b ?ü is done");
        assertThat(page.locator(".timeline .event-name")).hasText(new String[] { "Taken up", "<b>summary</b>", "Done" });
        assertThat(page.locator(".timeline li").nth(1)).containsText("1.2 s");
        assertThat(page.locator(".timeline li").nth(1)).containsText("1 call, 700 tokens in, 60 out");
        Locator document = page.locator("#document");
        assertThat(document).containsText("documents-3.jsonl, byte 123,456");
        assertThat(document).containsText("2 calls, 1,812 tokens in, 96 out");
        assertThat(document.locator("pre").first()).hasText(EVIL);
        assertThat(document.locator("pre").nth(1).textContent()).isEqualTo("[\n  \"x\"\n]");

        id.fill("doc-0848");
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Find").setExact(true)).click();
        see("find-status", "doc-0848 is failed");
        assertThat(document).containsText("invalid-output: " + EVIL);
        assertThat(document.locator("script, img, b")).hasCount(0);

        page.goBack();
        see("find-status", "a/b ?ü is done");
    }

    // ---- Publishing ----

    @Test
    void pastedIds_arePublishedByWhatTheyLookLike() {
        open();
        Locator ids = page.getByLabel("Document IDs");
        Locator button = publishButton();

        button.click();
        see("publish-status", "Paste some IDs first, one a line.");
        for (Map.Entry<String, String> each : Map.of("doc-1\ndoc-2", "text/plain", "{\"id\":\"a\"}\n\"b\"", "application/x-ndjson", "[\"a\"]", "application/json").entrySet()) {
            ids.fill(each.getKey());
            button.click();
            pawl.awaitBody(each.getKey());
            assertThat(pawl.contentType).startsWith(each.getValue());
            see("publish-status", "3 documents published.");
        }

        pawl.publishAnswer = "{\"accepted\":2,\"rejected\":[{\"line\":3,\"reason\":\"<i>too long</i>\"}],\"rejectedTotal\":7}";
        button.click();
        see("publish-status", "2 documents published, 7 rejected:");
        assertThat(page.locator("#publish-rejected li")).hasText(new String[] { "Line 3: <i>too long</i>", "and 6 more" });

        pawl.publishStatus = 503;
        pawl.publishAnswer = "{\"detail\":\"the broker is away\",\"status\":503,\"accepted\":5}";
        button.click();
        see("publish-status", "the broker is away. 5 documents are published all the same.");
    }

    @Test
    void fileThatIsChosen_isPublished() {
        open();
        page.locator("#publish-file").setInputFiles(new FilePayload("ids.ndjson", "application/octet-stream", "\"doc-1\"\n".getBytes()));

        pawl.awaitBody("\"doc-1\"\n");
        assertThat(pawl.contentType).isEqualTo("application/x-ndjson");
    }

    @Test
    void samples_arePublishedWhereThereAreSome() {
        pawl.samples = "[\"letter\",\"notice\"]";
        open();
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Publish the 2 samples")).click();
        see("samples-status", "3 documents published.");
        assertThat(pawl.body).isEqualTo("[\"letter\",\"notice\"]");

        pawl.samples = null; // as outside dev mode
        page.reload();
        see("done", "840");
        assertThat(page.locator("#try")).isHidden();
    }

    @Test
    void token_isAskedForOnce_andKeptInThisTabOnly() {
        pawl.token = "s3cret token";
        pawl.tell(progress("\"changes\":\"token\""));
        open();
        page.getByLabel("Document IDs").fill("doc-1");
        publishButton().click();
        page.locator("#token-value").fill("wrong");
        page.keyboard().press("Enter");
        assertThat(page.locator("#token-words")).containsText("This token is not the right one.");
        page.locator("#token-value").fill("s3cret token");
        page.keyboard().press("Enter");
        see("publish-status", "3 documents published.");
        see("token", "Token set");
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Pause")).click();
        pawl.awaitCall("/intake/pause");

        assertThat(visit.requests()).noneMatch(url -> url.contains("s3cret"));
        assertThat((String) page.evaluate("() => JSON.stringify(localStorage) + document.cookie + location.href")).doesNotContain("s3cret");
        page.locator("#token").click();
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Forget it")).click();
        see("token", "Token");
        publishButton().click();
        assertThat(page.locator("#token-dialog")).isVisible();
        page.keyboard().press("Escape");
        see("publish-status", "Nothing was changed: Pawl wants its token.");
    }

    @Test
    void closedPawl_offersNoChange() {
        pawl.tell(progress("\"changes\":\"closed\""));
        open();

        assertThat(page.locator("#read-only")).containsText("PAWL_API_TOKEN");
        assertThat(publishButton()).isHidden();
        assertThat(page.locator("#intake")).isHidden();
    }

    // ---- The page itself ----

    @Test
    void wholePage_isSmall() {
        open();
        see("done", "840");

        assertThat(pawl.bytesOfFiles()).isLessThan(MAX_BYTES);
    }

    @Test
    void theme_isTheSystemsOrOnesOwn_andKept() {
        open();
        assertThat(ground()).isEqualTo("rgb(245, 246, 243)");
        page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.DARK));
        assertThat(ground()).isEqualTo("rgb(19, 23, 22)");

        page.locator("#theme").click();
        see("theme", "Theme: light");
        assertThat(ground()).isEqualTo("rgb(245, 246, 243)");
        page.reload();
        see("theme", "Theme: light");
        assertThat(ground()).isEqualTo("rgb(245, 246, 243)");
    }

    private String ground() {
        return (String) page.evaluate("() => getComputedStyle(document.body).backgroundColor");
    }

    @Test
    void keyboard_reachesTheFiguresFirst() {
        open();
        page.keyboard().press("Tab");
        assertThat(page.getByText("Skip to the figures")).isFocused();
        page.keyboard().press("Enter");
        assertThat(page.locator("#main")).isFocused();
    }

    static List<String> states() {
        return List.of("empty", "working", "outage", "paused", "failed", "disconnected", "stand-in", "document", "token");
    }

    @ParameterizedTest
    @MethodSource("states")
    void everyState_fitsAndIsAccessible_atEverySizeAndTheme(String state) {
        bringAbout(state);
        for (int width : LOOKS == null ? new int[] { 1280, 380 } : new int[] { 1280, 380, 3840 }) {
            page.setViewportSize(width, width > 2_000 ? 2_000 : 900);
            for (ColorScheme theme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
                page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(theme));
                visit.assertFits();
                // One of them in each state, all four in the one that shows most: an analysis takes longer than all else here.
                if (state.equals("working") || width == 380 && theme == ColorScheme.DARK) {
                    visit.assertAccessible("%s at %d px, %s".formatted(state, width, theme));
                }
                if (LOOKS != null) {
                    page.screenshot(new Page.ScreenshotOptions().setFullPage(true)
                            .setPath(Path.of(LOOKS, "%s-%d-%s.png".formatted(state, width, theme.name().toLowerCase(Locale.ROOT)))));
                }
            }
        }
    }

    private void bringAbout(String state) {
        pawl.documents = Map.of("/documents/doc-0847", FakePawl.DOCUMENT);
        pawl.failures = FakePawl.NO_FAILURES;
        pawl.tell(switch (state) {
            case "empty" -> FakePawl.EMPTY;
            case "outage" -> with("\"waitingFor\":[{\"reason\":\"provider\",\"detail\":\"The model endpoint: status 503\",\"since\":\"2026-11-23T09:28:15Z\"}],\"eta\":null");
            case "paused" -> with("\"waitingFor\":[{\"reason\":\"paused\",\"detail\":\"paused by a call from 127.0.0.1\",\"since\":\"2026-11-23T09:28:15Z\"}],\"eta\":null");
            case "failed" -> with("\"ready\":false,\"reason\":\"documents-3.jsonl can't be written any more: No space left on device\"");
            case "stand-in" -> FakePawl.EMPTY.replace("gpt-4o-mini", "pawl-offline-stand-in").replace("\"standIn\":false", "\"standIn\":true");
            case "token" -> progress("\"changes\":\"token\"");
            default -> progress("\"done\":840");
        });
        pawl.samples = state.equals("stand-in") ? "[\"letter\",\"notice\"]" : null;
        if (state.equals("working") || state.equals("failed")) {
            pawl.failures = FakePawl.FAILURES;
        }
        open();
        see("connection", "Live");
        switch (state) {
            case "working" -> page.locator("#failure-list summary").first().click();
            case "disconnected" -> {
                pawl.stop();
                assertThat(page.locator("#connection")).containsText("No connection since");
            }
            case "document" -> {
                page.locator("#find-id").fill("doc-0847");
                page.locator("#find-id").press("Enter");
                see("find-status", "doc-0847 is done");
            }
            case "token" -> page.locator("#token").click();
            default -> { }
        }
    }

    @Test
    void longWordsAndLargeFigures_fit() {
        pawl.documents = Map.of("/documents/long", """
                {"id":"long","status":"done","result":{"%1$s":"%1$s"}}""".formatted("x".repeat(3000)));
        pawl.tell(progress("\"done\":123456789", "\"inputSaved\":123456789012", "\"partition\":\"%s-0\"".formatted("documents".repeat(20))));
        pawl.failures = FakePawl.FAILURES.replace("doc-0100", "d".repeat(512));
        open();
        page.locator("#find-id").fill("long");
        page.locator("#find-id").press("Enter");
        see("find-status", "long is done");
        for (int width : new int[] { 360, 768, 1400 }) {
            page.setViewportSize(width, 800);
            visit.assertFits();
        }
    }

    // ----

    private void open() {
        page.navigate(pawl.url());
    }

    private Locator publishButton() {
        return page.locator("#publish-form button[type=submit]");
    }

    private void see(String id, String text) {
        assertThat(page.locator("#" + id)).hasText(text);
    }

    /** The figures of a run half way, with members replaced: {@code "done":900} takes the place of {@code "done":…}. */
    private static String progress(String... replaced) {
        String json = FakePawl.WORKING;
        for (String member : replaced) {
            String name = member.substring(0, member.indexOf(':') + 1);
            assertThat(json).contains(name);
            json = json.replaceFirst(Pattern.quote(name) + "(\\{[^}]*}|\"[^\"]*\"|[^,}\\]]+)", Matcher.quoteReplacement(member));
        }
        return json;
    }

    /** The same, with members of the report itself in place of their own. */
    private static String with(String members) {
        try {
            return JSON.readTree(FakePawl.WORKING).<ObjectNode>deepCopy()
                    .setAll((ObjectNode) JSON.readTree("{" + members + "}")).toString();
        } catch (JsonProcessingException e) {
            throw new AssertionError(members, e);
        }
    }
}
