package dev.pawl.spend;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Clock;
import java.util.Map;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.pawl.PawlConfig;
import dev.pawl.checkpoint.FailStop;
import dev.pawl.harness.Configs;
import dev.pawl.intake.Gate;
import dev.pawl.intake.Gates;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** Spend for tests. */
public final class Spends {

    /** The model that steps use which name none. */
    static final String DEFAULT_MODEL = "gpt-4o-mini";

    private Spends() {
    }

    /** Without prices or a ceiling, in a directory that nobody looks at. */
    public static Spend fresh() {
        try {
            return of(Configs.of(Map.of("pawl.checkpoint.directory", Files.createTempDirectory("pawl-spend").toString())), Gates.open(),
                    new SimpleMeterRegistry());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Spend of(PawlConfig config, Gate gate, MeterRegistry meters) {
        ChatModel model = new ChatModel() {
            @Override
            public ChatRequestParameters defaultRequestParameters() {
                return ChatRequestParameters.builder().modelName(DEFAULT_MODEL).build();
            }
        };
        return new Spend(config, model, new FailStop(), gate, meters, Clock.systemUTC());
    }
}
