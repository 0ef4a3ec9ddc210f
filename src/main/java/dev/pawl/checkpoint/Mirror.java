package dev.pawl.checkpoint;

/**
 * What carries the lines of one partition to its next owner, who may not have its file. A line is sent once it is durable in the file,
 * and counts once the mirror has it as well. Of all entries under a key the last one is what is known.
 */
public interface Mirror {

    /**
     * Sends an entry; those of one caller arrive in their order. Must not wait for the answer.
     *
     * @param value null takes away what is there
     */
    void send(byte[] key, byte[] value, Confirmation confirmation);

    @FunctionalInterface
    interface Confirmation {

        /**
         * Told once an entry, by a thread of the mirror's or at once by the sender's; one that is too large may be before its turn.
         *
         * @param offset where the entry is; {@link #NOWHERE} where it can't be mirrored, for its size
         * @param failure null where all is well; else nobody may act as if the mirror had it
         */
        void confirmed(long offset, Exception failure);
    }

    long NOWHERE = -1;
}
