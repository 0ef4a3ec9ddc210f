package dev.pawl.deploy;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names of container images, and the versions that they repeat. */
final class Images {

    /** A tag that says which release: a digit in it, and so not {@code latest}. */
    private static final Pattern EXACT = Pattern.compile("([a-z0-9.-]+(:\\d+)?/)*[a-z0-9._-]+:v?\\d[A-Za-z0-9._-]*");
    private static final Pattern VERSION = Pattern.compile("<artifactId>pawl</artifactId>\\s*<version>([^<]+)</version>");
    private static final Pattern KAFKA_VERSION = Pattern.compile("<artifactId>kafka_2.13</artifactId>\\s*<version>([^<]+)</version>");

    private Images() {
    }

    static boolean isExact(String image) {
        return EXACT.matcher(image).matches();
    }

    static String pawl() {
        return "pawl:" + inPom(VERSION);
    }

    /** The version of the client, and of the broker that the tests run against. */
    static String kafka() {
        return "apache/kafka-native:" + inPom(KAFKA_VERSION);
    }

    private static String inPom(Pattern pattern) {
        Matcher found = pattern.matcher(Yaml.text(Path.of("pom.xml")));
        if (!found.find()) {
            throw new IllegalStateException("pom.xml has no " + pattern);
        }
        return found.group(1);
    }
}
