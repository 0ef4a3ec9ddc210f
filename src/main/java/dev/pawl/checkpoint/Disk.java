package dev.pawl.checkpoint;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** What a checkpoint asks of the disk when it writes, and where it reads lines back. Tests put a failing one in its place. */
interface Disk {

    Disk REAL = new Disk() { };

    /** Creates the file where there is none. */
    default FileChannel openForAppend(Path path) throws IOException {
        return FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
    }

    default RandomAccessFile openForRead(Path path) throws IOException {
        return new RandomAccessFile(path.toFile(), "r");
    }

    /** Lets {@code to} be what {@code from} was, at once for all who open it. */
    default void replace(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Room for files in a directory, in bytes. */
    default long usableBytes(Path directory) throws IOException {
        return Files.getFileStore(directory).getUsableSpace();
    }

    /** Makes durable which files a directory holds, under which names. */
    default void forceDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
