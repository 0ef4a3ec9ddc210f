package dev.pawl.spend;

import java.time.Clock;

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

    private static final Spend ANY = of(Configs.of("pawl.checkpoint.directory", "target/spend-of-tests"), Gates.fresh(), new SimpleMeterRegistry());

    private Spends() {
    }

    /** Without prices or a ceiling, for tests that do not look at it; all get the same. */
    public static Spend any() {
        return ANY;
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
