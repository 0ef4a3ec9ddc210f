package dev.pawl.checkpoint;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntFunction;

/** The checkpoint of a partition whose documents are all done, with results of 400 bytes, as a closed process leaves it. */
public final class DoneDocuments {

    private DoneDocuments() {
    }

    /**
     * @param source of the document at an offset of the partition, {@code documents-3@847}
     * @param id of that document
     * @param count of offsets, from 0
     */
    public static void write(Path file, IntFunction<String> source, IntFunction<String> id, int count) throws IOException {
        try (OutputStream lines = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            for (int offset = 0; offset < count; offset++) {
                lines.write(LineFormat.encode(Data.done(id.apply(offset), source.apply(offset))));
            }
        }
        Data.withSidecar(file);
    }

    /** What the mirror has of such a document: about 240 bytes. Its key is the ID. */
    public static byte[] mirrored(String id, String source) {
        return MirrorEntry.emitted(Data.done(id, source)).getFirst().value();
    }
}
