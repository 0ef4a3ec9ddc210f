package dev.pawl.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may call where no token says so. */
class OwnPageTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            -           | -                        | localhost:8080
            none        | -                        | localhost:8080
            same-origin | http://localhost:8080    | localhost:8080
            -           | http://LOCALHOST:8080    | localhost:8080
            -           | http://[::1]:8080        | [::1]:8080
            """)
    void callOfOnesOwn_passes(String fetchSite, String origin, String host) {
        assertThat(OwnPage.sent(fetchSite, origin, host)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            cross-site  | https://elsewhere.example     | localhost:8080
            cross-site  | -                             | localhost:8080
            same-site   | http://localhost:3000         | localhost:8080
            -           | https://elsewhere.example     | localhost:8080
            -           | http://localhost:3000         | localhost:8080
            -           | http://localhost              | localhost:8080
            -           | null                          | localhost:8080
            -           | http://localhost:8080@evil.example | localhost:8080
            -           | http://localhost:8080.evil.example | localhost:8080
            -           | ::                            | localhost:8080
            -           | http://localhost:8080         | -
            """)
    void callOfAnotherSitesPage_doesNot(String fetchSite, String origin, String host) {
        assertThat(OwnPage.sent(fetchSite, origin, host)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = { "localhost", "127.0.0.1", "10.0.0.7", "[::1]", "[fe80::1]", "pawl", "pawl_1", "app.localhost", "mac.local", "host.docker.internal",
            "pawl.prod.svc", "pawl.prod.svc.cluster.local", "nas.home.arpa", "pawl.example.com" })
    void hostThatCannotBeAnotherSites_passes(String host) {
        assertThat(FrontDoor.isOurs(host, List.of("pawl.example.com"))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "pawl.example.com.evil.example", "xpawl.example.com",
            "1.2.3.4.5", "svc.com", "[::1].evil.example" })
    void hostThatCouldBe_doesNot(String host) {
        assertThat(FrontDoor.isOurs(host, List.of("pawl.example.com"))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = { "evil.example", "" })
    void everyHost_passesWhereAllAreAllowed(String host) {
        assertThat(FrontDoor.isOurs(host, List.of("*"))).isTrue();
    }
}
