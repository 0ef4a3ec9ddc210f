package dev.pawl.http;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Clock;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.AriaRole;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

/** The page at "/" as a visitor's browser shows it, over a stand-in for Pawl's HTTP calls. */
class PageTest {

    private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
    private static final Path FILES = Path.of("src/main/resources/META-INF/resources");
    private static final ObjectMapper JSON = new ObjectMapper();

    private static Playwright playwright;
    private static Browser browser;

    private final FakePawl pawl = new FakePawl();
    private final List<String> errors = new CopyOnWriteArrayList<>();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private BrowserContext context;
    private Page page;

    @BeforeAll
    static void startBrowser() {
        // A machine without a browser can still build Pawl; CI installs one and may not pass without it.
        if (!"required".equals(System.getenv("PAWL_TEST_BROWSER"))) {
            assumeTrue(Files.isExecutable(CHROMIUM), CHROMIUM + " is missing: install Debian's chromium to test the page");
        }
        playwright = Playwright.create(new Playwright.CreateOptions()
                .setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        // Headless, with a throw-away profile: Playwright's own defaults.
        browser = playwright.chromium().launch(new BrowserType.LaunchOptions()
                .setExecutablePath(CHROMIUM)
                .setArgs(List.of("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                        "--disable-background-networking", "--disable-component-update", "--disable-sync")));
    }

    @AfterAll
    static void stopBrowser() {
        if (playwright != null) {
            playwright.close();
        }
    }

    @BeforeEach
    void openContext() {
        pawl.start();
        context = browser.newContext(new Browser.NewContextOptions().setTimezoneId("UTC").setViewportSize(1280, 900));
        context.onRequest(request -> requests.add(request.url()));
        context.onConsoleMessage(message -> {
            if (message.type().equals("error") || message.type().equals("warning")) {
                errors.add(message.text() + " " + message.location());
            }
        });
        context.onWebError(error -> errors.add(error.error()));
        page = context.newPage();
        page.clock().install(new Clock.InstallOptions().setTime("2026-11-23T09:30:10Z"));
        page.onDialog(dialog -> {
            errors.add("dialog: " + dialog.message());
            dialog.dismiss();
        });
    }

    @AfterEach
    void noErrorAndNothingFromElsewhere() {
        context.close();
        pawl.stop();
        // That a request failed or was answered 404 the browser logs by itself; the tests that provoke it say so.
        assertThat(errors).filteredOn(error -> !error.startsWith("Failed to load resource")).isEmpty();
        assertThat(requests).isNotEmpty().allSatisfy(url -> {
            assertThat(URI.create(url).getHost()).isEqualTo("127.0.0.1");
            assertThat(URI.create(url).getPort()).isEqualTo(pawl.port);
        });
    }

    @Test
    void showsTheFiguresItIsGiven() {
        open();

        see("progress-done", "849");
        see("progress-of", "of 1,002 documents finished");
        see("progress-percent", "84%");
        Locator bar = page.getByRole(AriaRole.PROGRESSBAR, new Page.GetByRoleOptions().setName("Progress"));
        assertThat(bar).hasAttribute("aria-valuenow", "84");
        assertThat(bar).hasAttribute("aria-valuetext", "849 of 1,002 documents finished, 84 percent");
        see("rate", "148 documents a minute.");
        see("eta", "About 6 minutes left, done around 09:36.");

        see("done", "847");
        see("done-aside", "412 since this start");
        see("in-work", "64");
        see("in-work-aside", "at most 256 at once");
        see("waiting", "89");
        see("waiting-aside", "153 not yet acknowledged");
        see("failed", "2");

        see("saved-sentence", "864 of 1,694 model calls were in the checkpoint already, and not made again.");
        see("calls-made", "830");
        see("calls-saved", "864");
        see("input-spent", "581,000");
        see("input-saved", "604,800");
        see("output-spent", "49,800");
        see("output-saved", "51,840");
        see("cost-spent", "$0.117");
        see("cost-saved", "$0.121");
        see("resumed", "3");
        see("repeated", "5");
        see("skipped", "430");
        assertThat(page.locator("#unfinished")).containsText("61 unfinished documents");

        assertThat(page.locator("#lag-rows th")).hasText(new String[] {"documents-2", "documents-10"});
        assertThat(page.locator("#lag-rows td:not(.lag-cell)")).hasText(new String[] {"32", "75", "32", "78"});
        see("ready", "Ready");
        see("status", "");
        assertThat(page).hasTitle("84% · Pawl");

        pawl.progress = progress("\"done\":900", "\"cost\":null", "\"eta\":null", "\"documentsPerMinute\":null");
        aSecondLater();
        see("progress-done", "902");
        see("rate", "The rate is not known yet.");
        see("eta", "How long it takes is not known yet.");
        assertThat(page.locator("#cost")).isHidden();
        assertThat(page.locator("#no-price")).isVisible();

        pawl.progress = "{}";
        aSecondLater();
        see("progress-done", "0");
        see("rate", "Nothing is waiting.");
        see("lag-sentence", "No partition is assigned to this process.");
    }

    @Test
    void saysWhenAStandInAnswers() {
        open();
        assertThat(page.locator("#stand-in")).isVisible();
        assertThat(page.locator("#stand-in")).containsText("An offline stand-in model answers, not a real one.");
        assertThat(page.locator("#model")).isHidden();

        pawl.progress = progress("\"name\":\"gpt-4o-mini\"", "\"standIn\":false");
        aSecondLater();
        assertThat(page.locator("#stand-in")).isHidden();
        see("model", "Model gpt-4o-mini");
    }

    @Test
    void saysWhyPawlIsNotReady() {
        pawl.progress = progress("\"ready\":false", "\"reason\":\"documents-3.jsonl: <b>No space left</b> on device\"");
        open();
        see("ready", "Not ready");
        see("status", "Not ready: documents-3.jsonl: <b>No space left</b> on device");
        assertThat(page.locator("#status")).hasAttribute("aria-live", "polite");
    }

    @Test
    void publishesTheSamplesAndReports() throws IOException {
        open();
        see("samples-count", "3 sample documents");
        Locator button = page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Publish the samples"));
        button.focus();
        page.keyboard().press("Enter");
        see("publish-status", "3 documents published.");
        assertThat(page.locator("#publish-status")).hasAttribute("aria-live", "polite");
        assertThat(button).isFocused();
        assertThat(pawl.publishedAs).isEqualTo("application/json");
        assertThat(JSON.readTree(pawl.published))
                .isEqualTo(JSON.readTree("[{\"id\":\"letter\"},{\"id\":\"notice\"},{\"id\":\"ünïcode / 1\"}]"));

        pawl.publishAnswer = "{\"accepted\":2,\"rejected\":[{\"line\":3,\"reason\":\"<i>too long</i>\"}]}";
        button.click();
        see("publish-status", "2 documents published, 1 rejected:");
        assertThat(page.locator("#publish-rejected li")).hasText(new String[] {"Line 3: <i>too long</i>"});

        pawl.publishStatus = 403;
        pawl.publishAnswer = "{\"message\":\"Set pawl.api.token\"}";
        button.click();
        see("publish-status", "Set pawl.api.token (HTTP 403)");

        pawl.samples = null; // as outside dev mode
        button.click();
        assertThat(page.locator("#try")).isHidden();
        page.reload();
        see("done", "847");
        assertThat(page.locator("#try")).isHidden();
    }

    @Test
    void keepsTheLastFiguresWhilePawlIsAway() {
        open();
        see("done", "847");
        pawl.stop();
        aSecondLater();
        Locator status = page.locator("#status");
        assertThat(status).hasText(Pattern.compile("No connection to Pawl since 09:30:\\d\\d, trying again"));
        see("ready", "No connection");
        see("done", "847");
        String since = status.textContent();
        page.clock().fastForward(30_000); // another attempt fails; still since the first one
        page.waitForTimeout(200);
        see("status", since);

        pawl.progress = progress("\"startedAt\":\"2026-11-23T09:30:40Z\"", "\"done\":900");
        pawl.start();
        aSecondLater();
        see("done", "900");
        see("ready", "Ready");
        assertThat(status).hasText(Pattern.compile(
                "Pawl is back after 3\\d seconds: a new process, started 09:30:40\\. It goes on where the last one stopped\\."));
        page.clock().fastForward(15_000);
        see("status", "");

        pawl.progress = null; // an answer, but no figures
        aSecondLater();
        assertThat(status).hasText(Pattern.compile("No figures from Pawl since 09:30:\\d\\d \\(HTTP 503\\), trying again"));
        see("done", "900");
    }

    @Test
    void noticesAProcessThatOnlyHangs() {
        open();
        see("done", "847");
        pawl.hangs = true;
        aSecondLater();
        page.waitForTimeout(200);
        see("status", "");
        page.clock().fastForward(5_000);
        assertThat(page.locator("#status")).hasText(Pattern.compile("No connection to Pawl since .*, trying again"));
    }

    @Test
    void asksNothingWhileTheTabIsHidden() {
        page.addInitScript("""
                let hidden = false;
                Object.defineProperty(document, 'hidden', { get: () => hidden });
                addEventListener('hide', () => { hidden = true; document.dispatchEvent(new Event('visibilitychange')); });
                addEventListener('show', () => { hidden = false; document.dispatchEvent(new Event('visibilitychange')); });
                """);
        open();
        see("done", "847");
        page.evaluate("() => dispatchEvent(new Event('hide'))");
        int asked = pawl.asked.get();
        page.clock().fastForward(60_000);
        page.waitForTimeout(200);
        assertThat(pawl.asked.get()).isEqualTo(asked);

        pawl.progress = progress("\"done\":900");
        page.evaluate("() => dispatchEvent(new Event('show'))");
        see("done", "900");
        see("status", "");
    }

    @Test
    void showsADocumentAsTextOnly() {
        String evil = "<script>alert(1)</script><img src=x onerror=alert(2)>";
        pawl.documents = Map.of(
                "/documents/a%2Fb%20%3F%C3%BC", """
                        {"id":"a/b ?ü","status":"done","source":"documents-3@847","ts":"2026-11-23T09:35:13.101Z",
                         "steps":[{"step":"<b>summary</b>","fingerprint":"5b1e","output":"%1$s","usage":{"calls":1,"inputTokens":700,"outputTokens":60}}],
                         "result":{"summary":"%1$s","entities":["x"]},"usage":{"calls":2,"inputTokens":1812,"outputTokens":96}}"""
                        .formatted(evil),
                "/documents/doc-0848", """
                        {"id":"doc-0848","status":"failed","source":"documents-3@848",
                         "error":{"kind":"invalid-output","message":"%s","attempts":3}}""".formatted(evil));
        open();
        Locator id = page.getByLabel("Document ID");

        id.fill("a/b ?ü");
        id.press("Enter");
        see("lookup-status", "a/b ?ü: done");
        Locator document = page.locator("#document");
        assertThat(document).containsText("documents-3@847");
        assertThat(document).containsText("2 model calls, 1,812 input tokens, 96 output tokens");
        assertThat(document.locator("pre").first().textContent()).isEqualTo("""
                {
                  "summary": "%s",
                  "entities": [
                    "x"
                  ]
                }""".formatted(evil));
        assertThat(document.locator("pre").nth(1)).hasText(evil);
        assertThat(page.getByText("Step <b>summary</b>")).isVisible();

        id.fill("doc-0848");
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Look up")).click();
        see("lookup-status", "doc-0848: failed");
        assertThat(document).containsText("invalid-output: " + evil);
        assertThat(document.locator("script, img, b")).hasCount(0);

        id.fill("never-seen");
        id.press("Enter");
        see("lookup-status", "Not known here");
        assertThat(document).isEmpty();
    }

    @Test
    void fitsEveryWidth() {
        pawl.documents = Map.of("/documents/long", """
                {"id":"long","status":"done","result":"%s"}""".formatted("x".repeat(3000)));
        pawl.progress = progress("\"done\":123456789", "\"inputSaved\":123456789012");
        open();
        page.getByLabel("Document ID").fill("long");
        page.getByLabel("Document ID").press("Enter");
        see("lookup-status", "long: done");
        for (int width : new int[] {360, 768, 1400}) {
            page.setViewportSize(width, 800);
            assertThat((Integer) page.evaluate("() => document.documentElement.scrollWidth")).as("at %s px", width).isLessThanOrEqualTo(width);
        }
    }

    private void open() {
        page.navigate("http://127.0.0.1:" + pawl.port + "/");
    }

    /** The page asks once a second; its clock is the test's. */
    private void aSecondLater() {
        page.clock().fastForward(1_000);
    }

    private void see(String id, String text) {
        assertThat(page.locator("#" + id)).hasText(text);
    }

    /** The figures of a run half way, with members replaced: {@code "done":900} takes the place of {@code "done":…}. */
    private static String progress(String... replaced) {
        String json = """
                {"startedAt":"2026-11-23T09:30:00Z",
                 "model":{"name":"pawl-offline-stand-in","standIn":true},
                 "documents":{"completed":412,"resumed":3,"repeated":5,"skipped":430,"failed":2,"forgotten":0,"inWork":64,"maxInFlight":256},
                 "checkpoint":{"done":847,"failed":2,"forgotten":0,"unfinished":61},
                 "calls":{"made":830,"saved":864},
                 "tokens":{"inputSpent":581000,"outputSpent":49800,"inputSaved":604800,"outputSaved":51840},
                 "cost":{"currency":"USD","spent":0.117,"saved":0.121},
                 "rate":{"documentsPerMinute":148.2},
                 "lag":{"total":153,"partitions":[{"partition":"documents-10","lag":78,"inWork":32},{"partition":"documents-2","lag":75,"inWork":32}]},
                 "eta":"2026-11-23T09:36:02Z",
                 "ready":true,"reason":null}""";
        for (String member : replaced) {
            String name = member.substring(0, member.indexOf(':') + 1);
            assertThat(json).contains(name);
            json = json.replaceFirst(Pattern.quote(name) + "(\\{[^}]*}|\"[^\"]*\"|[^,}]+)",
                    Matcher.quoteReplacement(member));
        }
        return json;
    }

    /** Serves the page's files and answers its calls; can be stopped and started again on the same port. */
    private static final class FakePawl {

        private static final Map<String, String> TYPES = Map.of("html", "text/html;charset=UTF-8", "css", "text/css",
                "js", "text/javascript", "svg", "image/svg+xml");

        final AtomicInteger asked = new AtomicInteger();
        volatile String progress = progress();
        volatile String samples = "[\"letter\",\"notice\",\"ünïcode / 1\"]";
        volatile Map<String, String> documents = Map.of();
        volatile int publishStatus = 202;
        volatile String publishAnswer = "{\"accepted\":3,\"rejected\":[]}";
        volatile String published;
        volatile String publishedAs;
        volatile boolean hangs;
        int port;
        private HttpServer server;
        private ExecutorService threads;

        void start() {
            try {
                server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 0);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            port = server.getAddress().getPort();
            threads = Executors.newVirtualThreadPerTaskExecutor();
            server.setExecutor(threads);
            server.createContext("/", this::answer);
            server.start();
        }

        void stop() {
            if (server != null) {
                server.stop(0);
                threads.shutdownNow();
                server = null;
            }
        }

        private void answer(HttpExchange exchange) throws IOException {
            try (exchange) {
                String path = exchange.getRequestURI().getRawPath();
                switch (path) {
                    case "/progress" -> {
                        asked.incrementAndGet();
                        if (hangs) {
                            Thread.sleep(60_000);
                        }
                        json(exchange, progress == null ? 503 : 200, progress);
                    }
                    case "/dev/samples" -> json(exchange, samples == null ? 404 : 200, samples);
                    case "/documents" -> {
                        publishedAs = exchange.getRequestHeaders().getFirst("Content-Type");
                        published = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
                        json(exchange, publishStatus, publishAnswer);
                    }
                    default -> {
                        if (path.startsWith("/documents/")) {
                            json(exchange, documents.containsKey(path) ? 200 : 404, documents.get(path));
                        } else {
                            file(exchange, path.equals("/") ? "index.html" : path.substring(1));
                        }
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // stopped while it hangs
            }
        }

        private static void file(HttpExchange exchange, String name) throws IOException {
            Path file = FILES.resolve(name);
            if (Files.isRegularFile(file)) {
                send(exchange, 200, TYPES.get(name.substring(name.lastIndexOf('.') + 1)), Files.readAllBytes(file));
            } else {
                send(exchange, 404, "text/plain", new byte[0]);
            }
        }

        private static void json(HttpExchange exchange, int status, String body) throws IOException {
            send(exchange, status, "application/json", body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8));
        }

        private static void send(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.getResponseHeaders().set("Content-Security-Policy", "default-src 'self'");
            exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
        }
    }
}
