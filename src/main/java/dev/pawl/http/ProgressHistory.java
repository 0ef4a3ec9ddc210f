package dev.pawl.http;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;

import org.eclipse.microprofile.openapi.annotations.media.Schema;

import dev.pawl.progress.Trend;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** What {@code GET /progress/history} answers. */
@RegisterForReflection
@Schema(name = "ProgressHistory", description = "How the figures have changed.")
public record ProgressHistory(
        @Schema(description = "How far back it reaches, where the process is as old.", examples = "10m") String span,
        @Schema(description = "Milliseconds between two samples.") long intervalMs,
        @Schema(description = "The oldest first.") List<Sample> samples) {

    @RegisterForReflection
    @Schema(name = "ProgressSample", description = "The figures at a moment.")
    public record Sample(
            @Schema(description = "When.") Instant at,
            @Schema(description = "Documents completed since the start of this process.") long completed,
            @Schema(description = "Documents found done already since its start.") long skipped,
            @Schema(description = "Documents failed since its start.") long failed,
            @Schema(description = "Documents in work.") int inWork,
            @Schema(description = "Model calls in the air.") int inAir,
            @Schema(description = "Tokens of calls that were answered, over all lives.") long tokensSpent,
            @Schema(description = "Tokens of calls that were not made, over all lives.") long tokensSaved,
            @Schema(description = "What the former cost; null where no price is known.", nullable = true) BigDecimal costSpent,
            @Schema(description = "What the latter would have cost; null where no price is known.", nullable = true) BigDecimal costSaved) {

        private static Sample of(Trend.Sample sample) {
            return new Sample(sample.at(), sample.completed(), sample.skipped(), sample.failed(), sample.inWork(), sample.inAir(),
                    sample.tokensSpent(), sample.tokensSaved(), sample.costSpent(), sample.costSaved());
        }
    }

    static ProgressHistory of(Trend.Span span, List<Trend.Sample> samples) {
        return new ProgressHistory(span.text(), span.interval().toMillis(), samples.stream().map(Sample::of).toList());
    }
}
