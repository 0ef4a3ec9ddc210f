package dev.pawl.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

import com.deque.html.axecore.args.AxeRunOptions;
import com.deque.html.axecore.playwright.AxeBuilder;
import com.deque.html.axecore.results.Rule;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.ReducedMotion;

/** A real browser, Debian's. A machine without one can still build Pawl; CI installs one and may not pass without it. For one thread. */
public final class Chromium implements AutoCloseable {

    private static final Path EXECUTABLE = Path.of("/usr/bin/chromium");

    /** All else takes most of the time. */
    private static final AxeRunOptions ONLY_VIOLATIONS = new AxeRunOptions();

    /** A state that is waited for may come late: the machine may have other tests to run. By default it is 5 s. */
    private static final double PATIENCE_MS = 20_000;

    static {
        ONLY_VIOLATIONS.setResultTypes(List.of("violations"));
        PlaywrightAssertions.setDefaultAssertionTimeout(PATIENCE_MS);
    }

    private final Playwright playwright;
    private final Browser browser;

    private Chromium(Playwright playwright, Browser browser) {
        this.playwright = playwright;
        this.browser = browser;
    }

    /** Skips the test where there is none. */
    public static Chromium open() {
        if (!"required".equals(System.getenv("PAWL_TEST_BROWSER"))) {
            assumeTrue(Files.isExecutable(EXECUTABLE), EXECUTABLE + " is missing: install Debian's chromium to test the page");
        }
        Playwright playwright = Playwright.create(new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        // Headless, with a throw-away profile: Playwright's own defaults.
        return new Chromium(playwright, playwright.chromium().launch(new BrowserType.LaunchOptions()
                .setExecutablePath(EXECUTABLE)
                .setArgs(List.of("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                        "--disable-background-networking", "--disable-component-update", "--disable-sync"))));
    }

    public Visit visit(int width, ColorScheme theme) {
        return new Visit(browser.newContext(new Browser.NewContextOptions()
                .setTimezoneId("UTC")
                .setLocale("en-GB")
                .setViewportSize(width, 900)
                .setColorScheme(theme)
                .setReducedMotion(ReducedMotion.REDUCE)));
    }

    /** A visitor: one tab, with a memory of its own, and an eye on what goes wrong in it. */
    public static final class Visit implements AutoCloseable {

        private final BrowserContext context;
        private final Page page;
        private final List<String> errors = new CopyOnWriteArrayList<>();
        private final List<String> requests = new CopyOnWriteArrayList<>();

        private Visit(BrowserContext context) {
            this.context = context;
            context.onRequest(request -> requests.add(request.url()));
            context.onConsoleMessage(message -> {
                if (message.type().equals("error") || message.type().equals("warning")) {
                    errors.add(message.text() + " " + message.location());
                }
            });
            context.onWebError(error -> errors.add(error.error()));
            page = context.newPage();
            page.onDialog(dialog -> {
                errors.add("dialog: " + dialog.message());
                dialog.dismiss();
            });
        }

        public Page page() {
            return page;
        }

        public List<String> requests() {
            return List.copyOf(requests);
        }

        /** What axe-core has to say against the page as it is. In legacy mode, which opens no second page: there are no frames. */
        public void assertAccessible(String when) {
            List<Rule> violations = new AxeBuilder(page).setLegacyMode(true).options(ONLY_VIOLATIONS).analyze().getViolations();
            assertThat(violations.stream().map(rule -> rule.getId() + ": " + rule.getNodes().stream().map(node -> node.getHtml() + node.getFailureSummary()).toList()))
                    .as(when).isEmpty();
        }

        public void assertFits() {
            int width = page.viewportSize().width;
            // A frame that scrolls may hold what is wider than the page.
            assertThat((List<?>) page.evaluate("""
                    (width) => document.documentElement.scrollWidth <= width ? [] : [...document.querySelectorAll('body *')]
                        .filter((each) => each.getBoundingClientRect().right > width && !each.closest('.scroll'))
                        .map((each) => each.outerHTML.slice(0, 200))""", width)).as("wider than %d px", width).isEmpty();
        }

        /** That nothing went wrong in the browser, and nothing was asked of another host or port. */
        public void assertQuiet(URI pawl) {
            // That a request failed the browser logs by itself; the tests that provoke it say so.
            assertThat(errors).filteredOn(error -> !error.startsWith("Failed to load resource") && !error.contains("ERR_")).isEmpty();
            assertThat(requests).isNotEmpty().allSatisfy(url -> {
                assertThat(URI.create(url).getHost()).isEqualTo(pawl.getHost());
                assertThat(URI.create(url).getPort()).isEqualTo(pawl.getPort());
            });
        }

        @Override
        public void close() {
            context.close();
        }
    }

    @Override
    public void close() {
        browser.close();
        playwright.close();
    }
}
