package dev.pawl;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions.HasTextOptions;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.ColorScheme;

import dev.pawl.harness.Chromium;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.TestBroker;

/**
 * The whole life of a batch, as somebody sees it who only has the page: publishing, watching, a killed process, failures, replays, one
 * document, a pause. With {@code -Dpawl.page.pictures=docs} it leaves pictures there.
 */
class PageIT {

    private static final String TOKEN = "a-token-for-tests";
    private static final int DOCUMENTS = 1_000;
    private static final int IN_FLIGHT = 48;
    private static final String PICTURES = System.getProperty("pawl.page.pictures");
    /** Slow enough that half of the documents are left when calls are held. */
    private static final Duration DELAY = PICTURES == null ? Duration.ofMillis(250) : Duration.ofSeconds(1);
    private static final Set<String> REFUSED = ConcurrentHashMap.newKeySet();

    @TempDir
    static Path directory;

    private static Chromium chromium;

    private Page page;

    @BeforeAll
    static void open() {
        chromium = Chromium.open();
    }

    @AfterAll
    static void close() {
        if (chromium != null) {
            chromium.close();
        }
    }

    @ParameterizedTest
    @CsvSource({ "1280, LIGHT", "380, DARK" })
    void wholeLife_canBeLedFromThePage(int width, ColorScheme theme) {
        REFUSED.addAll(List.of("doc-0100", "doc-0200", "doc-0300"));
        try (Rig rig = rig(width); Chromium.Visit visit = chromium.visit(width, theme)) {
            List<String> ids = rig.texts(DOCUMENTS);
            PawlProcess pawl = rig.start();
            page = visit.page();
            page.setDefaultTimeout(60_000);

            page.navigate(pawl.uri("/").toString());
            see("connection", "Live");
            see("settled", "No");

            publish(ids);
            awaitSettled(DOCUMENTS / 3);
            // Half way for as long as the looking takes: all that is in work has its first step behind it.
            rig.model().hold(call -> call.step().equals("entities"));
            await().atMost(Duration.ofSeconds(30)).during(DELAY.multipliedBy(3)).until(() -> inAir(rig, "entities") == IN_FLIGHT);
            assertThat(page.locator("#published")).hasText(Pattern.compile("of 1,000 published by \\d\\d:\\d\\d"));
            see("state-name", "Working");
            assertThat(page.locator("#eta")).containsText("left, ");
            assertThat(page.locator("#chart-rate canvas")).hasCount(1);
            visit.assertAccessible("working");
            visit.assertFits();

            pawl.kill();
            rig.model().release();
            if (PICTURES == null) {
                rig.model().delay(Duration.ofMillis(50));
            }
            assertThat(page.locator("#connection")).hasText(Pattern.compile("No connection since \\d\\d:\\d\\d:\\d\\d, trying again"));
            pawl = rig.start();
            see("connection", "Live");
            assertThat(page.locator("#news")).containsText("it goes on where the last one stopped");
            awaitSettled(840);
            assertThat(page.locator("#chart-rate canvas")).hasCount(1);
            picture(width, theme);
            awaitSettled(DOCUMENTS);
            see("percent", "100%");
            // Those that are refused fail when they go on.
            assertThat(Integer.parseInt(page.locator("#resumed").textContent())).as("resumed").isBetween(IN_FLIGHT - 3, IN_FLIGHT);
            assertThat(rig.model().counts().entrySet()).filteredOn(call -> call.getKey().startsWith("summary/")).as("first steps")
                    .hasSize(DOCUMENTS).allMatch(call -> call.getValue() == 1);

            seeAndReplayTheFailures(visit);
            findOne(visit, rig);
            pauseAndResume(visit, rig);
            visit.assertQuiet(pawl.uri("/"));
            assertThat(visit.requests()).noneMatch(url -> url.contains(TOKEN));
            assertThat((String) page.evaluate("() => JSON.stringify(localStorage) + document.cookie")).doesNotContain(TOKEN);
        }
    }

    private static Rig rig(int width) {
        Rig rig = new Rig(TestBroker.shared(), directory.resolve("at-" + width))
                .samePort()
                .config("pawl.api.token", TOKEN)
                .config("pawl.max-in-flight", Integer.toString(IN_FLIGHT))
                .config("pawl.prices.input-per-million", "2.5")
                .config("pawl.prices.output-per-million", "10")
                .config("mp.messaging.incoming.documents.auto.commit.interval.ms", "100");
        rig.model().delay(DELAY);
        rig.model().answer(call -> call.step().equals("entities") && REFUSED.contains(call.id())
                ? new Reply.Status(400)
                : ScriptedModel.usualAnswer(call));
        return rig;
    }

    private static int inAir(Rig rig, String step) {
        return sum(rig.model().counts(), step) - sum(rig.model().answeredCounts(), step);
    }

    private static int sum(Map<String, Integer> counts, String step) {
        return counts.entrySet().stream().filter(each -> each.getKey().startsWith(step + "/")).mapToInt(Map.Entry::getValue).sum();
    }

    private void publish(List<String> ids) {
        page.getByLabel("Document IDs").fill(String.join("\n", ids));
        page.locator("#publish-form").getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName("Publish").setExact(true)).click();
        page.getByLabel("Token", new Page.GetByLabelOptions().setExact(true)).fill(TOKEN);
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Use it")).click();
        see("publish-status", "1,000 documents published.");
    }

    private void seeAndReplayTheFailures(Chromium.Visit visit) {
        see("failures-sentence", "3 dead letters open: their documents have not got beyond them.");
        assertThat(page.locator("#failure-list li")).hasCount(3);
        Locator first = page.locator("#failure-list li").first();
        first.locator("summary").click();
        assertThat(first.locator("dl")).containsText("Attempts");
        assertThat(first.locator("dl")).containsText("entities");
        visit.assertAccessible("failures");

        REFUSED.clear();
        first.getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName("Replay this one")).click();
        see("replay-status", Pattern.compile("1 document published again\\. It reuses its finished steps\\."));
        assertThat(page.locator("#failure-list li")).hasCount(2);
        page.locator("#failure-list li").first().getByRole(AriaRole.CHECKBOX).check();
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Replay it")).click();
        assertThat(page.locator("#failure-list li")).hasCount(1);
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Replay all 1")).click();
        see("failures-sentence", "No dead letter is open.");
        see("failed", "0");
    }

    private void findOne(Chromium.Visit visit, Rig rig) {
        page.locator("#find-id").fill("doc-0200");
        page.locator("#find-id").press("Enter");
        see("find-status", "doc-0200 is done");
        assertThat(page.locator(".timeline .event-name")).hasText(new String[] { "summary", "Failed", "Taken up", "entities", "Done" });
        assertThat(page.locator("#document")).containsText("summary of doc-0200");
        assertThat(page.locator("#document .facts")).containsText(Pattern.compile(rig.topics().documents() + "-\\d\\.jsonl, byte [\\d,]+"));
        visit.assertAccessible("a document");
        visit.assertFits();
    }

    private void pauseAndResume(Chromium.Visit visit, Rig rig) {
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Pause")).click();
        see("state-name", "Paused");
        rig.text("one-more", "One more.");
        rig.publish(List.of("one-more"));
        see("waiting", "1");
        assertThat(page.locator("#state-words")).hasText(Pattern.compile("Paused by a call from 127\\.0\\.0\\.1, since \\d\\d:\\d\\d:\\d\\d, for .*\\. 1 document waiting\\."));
        visit.assertAccessible("paused");
        page.getByRole(AriaRole.BUTTON, new Page.GetByRoleOptions().setName("Resume")).click();
        see("done", "1,001");
        see("state-name", "Idle");
    }

    private void awaitSettled(int documents) {
        await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(50))
                .until(() -> {
                    String settled = page.locator("#settled").textContent().replace(",", "");
                    return settled.matches("\\d+") && Integer.parseInt(settled) >= documents;
                });
    }

    /** Of a run that is slow enough for its charts to show something. */
    private void picture(int width, ColorScheme theme) {
        if (PICTURES != null) {
            page.setViewportSize(width, 960);
            page.evaluate("() => scrollTo(0, 0)");
            page.screenshot(new Page.ScreenshotOptions().setPath(Path.of(PICTURES, theme == ColorScheme.LIGHT ? "page.png" : "page-narrow.png")));
        }
    }

    private void see(String id, String text) {
        assertThat(page.locator("#" + id)).hasText(text, new HasTextOptions().setTimeout(60_000));
    }

    private void see(String id, Pattern text) {
        assertThat(page.locator("#" + id)).hasText(text, new HasTextOptions().setTimeout(60_000));
    }
}
