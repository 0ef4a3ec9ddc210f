package dev.pawl.chain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

import com.fasterxml.jackson.core.JsonProcessingException;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.pawl.PawlConfig;

/**
 * Makes the steps that {@code pawl.chain} describes, or refuses to start with a sentence that names the key, its value
 * and what is allowed.
 */
final class ChainLoader {

    private static final String CLASSPATH = "classpath:";
    private static final String STEP_NAME = "[A-Za-z][A-Za-z0-9_-]{0,63}";
    private static final int FINGERPRINT_BYTES = 8;

    private final PawlConfig.Chain config;
    private final ChatRequestParameters defaults;
    private final Map<String, Step> steps = new LinkedHashMap<>();

    private ChainLoader(PawlConfig.Chain config, ChatRequestParameters defaults) {
        this.config = config;
        this.defaults = defaults;
    }

    /** @param defaults the model's own parameters, which hold where a step says nothing */
    static List<Step> load(PawlConfig.Chain config, ChatRequestParameters defaults) {
        return new ChainLoader(config, defaults).load();
    }

    private List<Step> load() {
        List<String> names = config.steps().orElse(List.of());
        if (names.isEmpty()) {
            throw PawlConfig.refusal("pawl.chain.steps", "(nothing)", "it must name at least one step, such as summary,entities");
        }
        for (String name : names) {
            if (!name.matches(STEP_NAME) || Step.GIVEN.contains(name)) {
                throw PawlConfig.refusal("pawl.chain.steps", name,
                        "a step's name is a letter and up to 63 letters, digits, - or _, and none of " + new TreeSet<>(Step.GIVEN));
            }
            if (steps.containsKey(name)) {
                throw PawlConfig.refusal("pawl.chain.steps", String.join(",", names), "%s stands in it twice".formatted(name));
            }
            steps.put(name, step(name));
        }
        return List.copyOf(steps.values());
    }

    private Step step(String name) {
        PawlConfig.Chain.Step step = config.step().get(name);
        if (step == null || step.prompt().isEmpty()) {
            throw PawlConfig.refusal(key(name, "prompt"), "(nothing)",
                    "every step that pawl.chain.steps names needs a prompt file: a path, or classpath: and a resource");
        }
        PromptTemplate prompt = prompt(name, step.prompt().get());
        OutputFormat format = format(name, step);
        ChatRequestParameters parameters = parameters(name, step, format);
        checkRange(name, "attempts", step.attempts(), 1, 10);
        return new Step(name, prompt, parameters, format, step.attempts(), fingerprint(prompt, parameters, format));
    }

    private PromptTemplate prompt(String name, String location) {
        PromptTemplate prompt = new PromptTemplate(content(key(name, "prompt"), location));
        Set<String> allowed = new TreeSet<>(Step.GIVEN);
        allowed.addAll(steps.keySet());
        for (String variable : prompt.variables()) {
            if (!allowed.contains(variable)) {
                throw PawlConfig.refusal(key(name, "prompt"), location,
                        "its variable {{%s}} is unknown; a prompt may use %s and the steps before it: %s"
                                .formatted(variable, new TreeSet<>(Step.GIVEN), steps.keySet()));
            }
        }
        return prompt;
    }

    private OutputFormat format(String name, PawlConfig.Chain.Step step) {
        if (step.output() == PawlConfig.Chain.Output.TEXT) {
            return new OutputFormat.Text();
        }
        String location = step.schema().orElseThrow(() -> PawlConfig.refusal(key(name, "schema"), "(nothing)",
                "a step with output json needs the file of its JSON Schema: a path, or classpath: and a resource"));
        try {
            return new OutputFormat.Json(name, content(key(name, "schema"), location));
        } catch (JsonProcessingException e) {
            throw PawlConfig.refusal(key(name, "schema"), location, "it must hold a JSON Schema, and is not JSON: line %d, column %d"
                    .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr()));
        } catch (RuntimeException e) {
            throw PawlConfig.refusal(key(name, "schema"), location, "it must hold a JSON Schema: " + e.getMessage());
        }
    }

    private ChatRequestParameters parameters(String name, PawlConfig.Chain.Step step, OutputFormat format) {
        DefaultChatRequestParameters.Builder<?> parameters = ChatRequestParameters.builder();
        step.model().ifPresent(parameters::modelName);
        step.temperature().ifPresent(temperature -> {
            if (!(temperature >= 0 && temperature <= 2)) {
                throw PawlConfig.refusal(key(name, "temperature"), temperature, "a number from 0 to 2");
            }
            parameters.temperature(temperature);
        });
        step.maxOutputTokens().ifPresent(tokens -> {
            checkRange(name, "max-output-tokens", tokens, 1, Integer.MAX_VALUE);
            parameters.maxOutputTokens(tokens);
        });
        parameters.responseFormat(format.responseFormat());
        return parameters.build();
    }

    private static void checkRange(String step, String name, int value, int from, int to) {
        if (value < from || value > to) {
            throw PawlConfig.refusal(key(step, name), value, "a whole number from %d to %d".formatted(from, to));
        }
    }

    private String fingerprint(PromptTemplate prompt, ChatRequestParameters parameters, OutputFormat format) {
        List<String> parts = new ArrayList<>(List.of(prompt.toString(), format.definition()));
        ChatRequestParameters effective = defaults.overrideWith(parameters);
        parts.add(String.valueOf(effective.modelName()));
        parts.add(String.valueOf(effective.temperature()));
        parts.add(String.valueOf(effective.topP()));
        parts.add(String.valueOf(effective.maxOutputTokens()));
        for (String variable : prompt.variables()) {
            if (steps.containsKey(variable)) {
                parts.add(steps.get(variable).fingerprint());
            }
        }
        return fingerprint(parts);
    }

    /** The first 64 bits of SHA-256 over the parts, each with its length so that no two lists read alike. */
    static String fingerprint(List<String> parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String part : parts) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
                digest.update(bytes);
            }
            return HexFormat.of().formatHex(digest.digest(), 0, FINGERPRINT_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static String content(String key, String location) {
        try {
            if (!location.startsWith(CLASSPATH)) {
                return Files.readString(Path.of(location));
            }
            String resource = location.substring(CLASSPATH.length());
            try (InputStream in = Thread.currentThread().getContextClassLoader().getResourceAsStream(resource)) {
                if (in != null) {
                    return new String(in.readAllBytes(), StandardCharsets.UTF_8);
                }
            }
        } catch (IOException | RuntimeException e) {
            // Refused below, like a resource that is not there.
        }
        throw PawlConfig.refusal(key, location,
                "there is no such file that this process can read as UTF-8 text; give a path, or classpath: and a resource");
    }

    private static String key(String step, String name) {
        return "pawl.chain.step.%s.%s".formatted(step, name);
    }
}
