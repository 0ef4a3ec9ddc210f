package dev.pawl.http;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;

import org.eclipse.microprofile.openapi.annotations.media.Schema;

import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.intake.Gate;
import dev.pawl.spend.Spend;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** What {@code GET /progress} answers. Each part copies one of the domain's, so that those may change and this stays. */
@RegisterForReflection
@Schema(name = "Progress", description = "How far the work is, what it cost and what was not paid for again.")
public record ProgressReport(
        @Schema(description = "When this was so, by Pawl's clock.") Instant at,
        @Schema(description = "When this process started.") Instant startedAt,
        @Schema(description = "Which process answers.") Process process,
        @Schema(description = "idle, working, waiting (for what waitingFor says, for the limits, or for a checkpoint) or stuck.", examples = "working") String state,
        @Schema(description = "The model that steps use which name none.") Model model,
        @Schema(description = "What was published since there was last nothing to do for a minute, and how far that is.") Backlog backlog,
        @Schema(description = "How deliveries ended since this process started.") Documents documents,
        @Schema(description = "Documents by their last word in the checkpoints of this process's partitions, over all its lives.") Totals checkpoint,
        @Schema(description = "Model calls since this process started.") Calls calls,
        @Schema(description = "Over all lives of all processes that share the checkpoint's directory, as cost, ledger and budget.") Tokens tokens,
        @Schema(description = "Null where pawl.prices says nothing.", nullable = true) Cost cost,
        @Schema(description = "Model calls, over all lives.") Ledger ledger,
        @Schema(description = "Null where pawl.budget says nothing.", nullable = true) Budget budget,
        @Schema(description = "How fast documents are completed.") Rate rate,
        @Schema(description = "What the model's endpoint permits, and what waits for it.") Limits limits,
        @Schema(description = "Records of this process's partitions that are not settled.") Lag lag,
        @Schema(description = "When the lag will be worked off at the present pace; null where nothing waits or nothing moves.", nullable = true)
        Instant eta,
        @Schema(description = "The same at the fastest and the slowest pace that the last minute allows for; null where eta is.", nullable = true)
        Spread etaSpread,
        @Schema(description = "Whether appends are possible.") boolean ready,
        @Schema(description = "Why they are not; null where they are.", nullable = true) String reason,
        @Schema(description = "Why no documents are taken at present; empty where they are.") List<Closed> waitingFor,
        @Schema(description = "What calls that change something need: token, nothing (open) or a pawl.api.token to be configured first (closed).",
                examples = "token")
        String changes) {

    @RegisterForReflection
    @Schema(name = "ProgressProcess", description = "A process.")
    public record Process(
            @Schema(description = "The host's name.") String host,
            @Schema(description = "The process's number there.") long pid) {}

    @RegisterForReflection
    @Schema(name = "ProgressModel", description = "A model.")
    public record Model(
            @Schema(description = "Its name.", examples = "gpt-4o-mini") String name,
            @Schema(description = "Whether it is dev mode's stand-in and no model at all.") boolean standIn) {}

    @RegisterForReflection
    @Schema(name = "ProgressBacklog", description = "A backlog, counted in records of this process's partitions.")
    public record Backlog(
            @Schema(description = "Records that it has.", examples = "1000") long published,
            @Schema(description = "When the last of them were noticed.") Instant publishedBy,
            @Schema(description = "Of them, those whose documents have ended: done, skipped or failed.", examples = "847") long settled,
            @Schema(description = "When it began; null while no partition is this process's.", nullable = true) Instant since,
            @Schema(description = "Since when all are settled; null while they are not, and where they were before this process started.", nullable = true) Instant doneAt) {}

    @RegisterForReflection
    @Schema(name = "ProgressDocuments", description = "Deliveries by how they ended.")
    public record Documents(
            @Schema(description = "Went through the chain to its end.") long completed,
            @Schema(description = "Of these, those that began at a later step than the first, its answers being in the checkpoint.") long resumed,
            @Schema(description = "Delivered again when done: the stored result was emitted again.") long repeated,
            @Schema(description = "Published again when done: nothing was done.") long skipped,
            @Schema(description = "Became dead letters.") long failed,
            @Schema(description = "Were forgotten for a tombstone.") long forgotten,
            @Schema(description = "In work now.") int inWork,
            @Schema(description = "pawl.max-in-flight.") int maxInFlight) {}

    @RegisterForReflection
    @Schema(name = "ProgressTotals", description = "Documents by their last word.")
    public record Totals(
            @Schema(description = "Done.") int done,
            @Schema(description = "Failed.") int failed,
            @Schema(description = "Forgotten.") int forgotten,
            @Schema(description = "With steps and no end yet.") int unfinished) {

        static Totals of(Checkpoints.Totals totals) {
            return new Totals(totals.done(), totals.failed(), totals.forgotten(), totals.unfinished());
        }
    }

    @RegisterForReflection
    @Schema(name = "ProgressCalls", description = "Model calls.")
    public record Calls(
            @Schema(description = "Answered.") long made,
            @Schema(description = "Not made, since the checkpoint had their answers.") long saved) {}

    @RegisterForReflection
    @Schema(name = "ProgressTokens", description = "Tokens.")
    public record Tokens(
            @Schema(description = "Sent with calls that were answered.") long inputSpent,
            @Schema(description = "Received with these.") long outputSpent,
            @Schema(description = "Not sent, since the checkpoint had the answers.") long inputSaved,
            @Schema(description = "Not received, for the same reason.") long outputSaved,
            @Schema(description = "Sent with calls that ended without an answer, as far as can be guessed.") long inputPossiblyPaidTwice,
            @Schema(description = "Received with these.") long outputPossiblyPaidTwice) {

        static Tokens of(Spend.Report report) {
            return new Tokens(report.spent().inputTokens(), report.spent().outputTokens(), report.saved().inputTokens(),
                    report.saved().outputTokens(), report.possiblyPaidTwice().inputTokens(), report.possiblyPaidTwice().outputTokens());
        }
    }

    @RegisterForReflection
    @Schema(name = "ProgressCost", description = "What tokens cost.")
    public record Cost(
            @Schema(description = "pawl.prices.currency.", examples = "USD") String currency,
            @Schema(description = "Of calls that were answered.") BigDecimal spent,
            @Schema(description = "Of calls that were not made.") BigDecimal saved,
            @Schema(description = "Of calls that ended without an answer, as far as can be guessed.") BigDecimal possiblyPaidTwice,
            @Schema(description = "Tokens of models that have no price, which are no part of this.") long unpricedTokens) {

        static Cost of(Spend.Cost cost) {
            return cost == null ? null
                    : new Cost(cost.currency(), cost.spent(), cost.saved(), cost.possiblyPaidTwice(), cost.unpricedTokens());
        }
    }

    @RegisterForReflection
    @Schema(name = "ProgressLedger", description = "Model calls, over all lives.")
    public record Ledger(
            @Schema(description = "Since when they are counted.") Instant since,
            @Schema(description = "Answered.") long spent,
            @Schema(description = "Not made.") long saved,
            @Schema(description = "In the air now.") long inAir,
            @Schema(description = "Ended without an answer.") long possiblyPaidTwice) {

        static Ledger of(Spend.Report report) {
            return new Ledger(report.since(), report.spent().calls(), report.saved().calls(), report.inAir().calls(),
                    report.possiblyPaidTwice().calls());
        }
    }

    @RegisterForReflection
    @Schema(name = "ProgressBudget", description = "A ceiling on what calls may take, and what it leaves.")
    public record Budget(
            @Schema(description = "pawl.budget.max-cost; null without it.", nullable = true) BigDecimal maxCost,
            @Schema(description = "What it leaves; below zero where it is passed.", nullable = true) BigDecimal costLeft,
            @Schema(description = "pawl.budget.max-tokens; null without it.", nullable = true) Long maxTokens,
            @Schema(description = "What it leaves; below zero where it is passed.", nullable = true) Long tokensLeft,
            @Schema(description = "Why no call may begin, in a sentence; null where one may.", nullable = true) String usedUp) {

        static Budget of(dev.pawl.spend.Budget.Ceiling ceiling) {
            return ceiling == null ? null
                    : new Budget(ceiling.maxCost(), ceiling.costLeft(), ceiling.maxTokens(), ceiling.tokensLeft(), ceiling.usedUp());
        }
    }

    @RegisterForReflection
    @Schema(name = "ProgressRate", description = "A pace.")
    public record Rate(@Schema(description = "Documents completed in the last minute, or scaled up to one.") double documentsPerMinute) {}

    @RegisterForReflection
    @Schema(name = "ProgressSpread", description = "A span of time.")
    public record Spread(
            @Schema(description = "At the fastest.") Instant earliest,
            @Schema(description = "At the slowest.") Instant latest) {}

    @RegisterForReflection
    @Schema(name = "ProgressLimits", description = "What holds calls back.")
    public record Limits(
            @Schema(description = "Calls a minute that this process may make; null while nobody has said.", nullable = true) Double requestsPerMinute,
            @Schema(description = "Tokens a minute that it may use; null while nobody has said.", nullable = true) Double tokensPerMinute,
            @Schema(description = "Calls that may be in the air at once.") int maxConcurrency,
            @Schema(description = "Calls in the air.") int inAir,
            @Schema(description = "Calls that wait for these limits.") int waiting,
            @Schema(description = "For how many milliseconds more the endpoint wants no call at all.") long heldMs) {

        static Limits of(dev.pawl.provider.Limits.State state) {
            return new Limits(state.requestsPerMinute(), state.tokensPerMinute(), state.maxConcurrency(), state.inAir(), state.waiting(),
                    state.heldMs());
        }
    }

    @RegisterForReflection
    @Schema(name = "ProgressLag", description = "Records that are not settled, in the partitions that this process has; GET /partitions knows of all.")
    public record Lag(
            @Schema(description = "In all partitions of this process.") long total,
            @Schema(description = "The partitions of this process.") List<Partition> partitions,
            @Schema(description = "Partitions that are this process's, too, and whose documents wait for their checkpoint.") List<Takeover> takeovers) {}

    @RegisterForReflection
    @Schema(name = "ProgressTakeover", description = "A partition whose checkpoint is being taken over.")
    public record Takeover(
            @Schema(description = "Topic and number.", examples = "documents-3") String partition,
            @Schema(description = "Entries of the mirror that have been read.") long read,
            @Schema(description = "Entries that have to be; 0 while that is not known, or without a mirror.") long entries,
            @Schema(description = "The process that holds the file; null where none does.", nullable = true, examples = "process 4711 on pawl-0")
            String holder) {}

    @RegisterForReflection
    @Schema(name = "ProgressPartition", description = "A partition of this process.")
    public record Partition(
            @Schema(description = "Topic and number.", examples = "documents-3") String partition,
            @Schema(description = "Records that are not settled: in work, or not taken yet.") long lag,
            @Schema(description = "Records in work.") int inWork,
            @Schema(description = "The offset up to which everything is settled; committed within a second.") long committed,
            @Schema(description = "Where its log ends.") long end,
            @Schema(description = "Bytes of its checkpoint.") long checkpointBytes) {}

    @RegisterForReflection
    @Schema(name = "Closed", description = "A reason for which no documents are taken.")
    public record Closed(
            @Schema(description = "paused, budget or provider.", examples = "paused") String reason,
            @Schema(description = "The same in a sentence for people.") String detail,
            @Schema(description = "Since when.") Instant since) {

        static List<Closed> of(Gate gate) {
            return gate.closed().stream().map(closed -> new Closed(closed.reason().text(), closed.detail(), closed.since())).toList();
        }
    }
}
