package dev.pawl.checkpoint;

import java.io.CharConversionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;

/**
 * How far a file and its mirror are level, in a file beside it, {@code documents-3.jsonl.mirror}:
 *
 * <pre>
 * {"topic":"qZ0cXWB2TU6CFsJ_y5lHEw","offset":847,"length":91234}
 * </pre>
 *
 * Every entry of the mirror before {@code offset} is in the file, and every line of the file before {@code length} in the mirror. An old
 * mark is a true one: more is compared than need be. None is as one that says 0 and 0.
 *
 * @param topic what the broker calls the topic: one of the same name, made anew, is another
 */
record MirrorMark(String topic, long offset, long length) {

    private static final JsonMapper JSON = new JsonMapper();

    static Path path(Path checkpoint) {
        return checkpoint.resolveSibling(checkpoint.getFileName() + ".mirror");
    }

    /** @param end the file's; a mark of a longer one is another file's */
    static MirrorMark read(Path checkpoint, String topic, long end) throws IOException {
        MirrorMark none = new MirrorMark(topic, 0, 0);
        if (Files.notExists(path(checkpoint))) {
            return none;
        }
        try {
            MirrorMark mark = JSON.readValue(Files.readAllBytes(path(checkpoint)), MirrorMark.class);
            return mark != null && topic.equals(mark.topic) && mark.length <= end ? mark : none;
        } catch (JsonProcessingException | CharConversionException torn) {
            // A power cut may leave nothing, or zeros, which pass for another encoding.
            return none;
        }
    }

    void write(Path checkpoint) throws IOException {
        Path unfinished = checkpoint.resolveSibling(checkpoint.getFileName() + ".mirror.unfinished");
        Files.write(unfinished, JSON.writeValueAsBytes(this));
        Files.move(unfinished, path(checkpoint), StandardCopyOption.ATOMIC_MOVE);
    }
}
