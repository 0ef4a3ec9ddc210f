package dev.pawl.intake;

import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.runtime.annotations.RegisterResources;

/**
 * What a native image needs to read records that their publishers compressed, and nobody else registers. Gzip is the JDK's own and Quarkus
 * cares for Snappy. lz4-java finds its classes by their names; of its three families only those in Java are kept, and it takes
 * the fastest it finds. zstd-jni unpacks a library, which asks for fields of two classes: {@code jni-config.json} in
 * {@code META-INF/native-image} names them.
 */
@RegisterForReflection(classNames = {
        "net.jpountz.lz4.LZ4JavaSafeCompressor", "net.jpountz.lz4.LZ4JavaUnsafeCompressor",
        "net.jpountz.lz4.LZ4HCJavaSafeCompressor", "net.jpountz.lz4.LZ4HCJavaUnsafeCompressor",
        "net.jpountz.lz4.LZ4JavaSafeFastDecompressor", "net.jpountz.lz4.LZ4JavaUnsafeFastDecompressor",
        "net.jpountz.lz4.LZ4JavaSafeSafeDecompressor", "net.jpountz.lz4.LZ4JavaUnsafeSafeDecompressor",
        "net.jpountz.xxhash.XXHash32JavaSafe", "net.jpountz.xxhash.XXHash32JavaUnsafe",
        "net.jpountz.xxhash.XXHash64JavaSafe", "net.jpountz.xxhash.XXHash64JavaUnsafe",
        "net.jpountz.xxhash.StreamingXXHash32JavaSafe$Factory", "net.jpountz.xxhash.StreamingXXHash32JavaUnsafe$Factory",
        "net.jpountz.xxhash.StreamingXXHash64JavaSafe$Factory", "net.jpountz.xxhash.StreamingXXHash64JavaUnsafe$Factory"
})
@RegisterResources(globs = { "linux/amd64/libzstd-jni-*.so", "linux/aarch64/libzstd-jni-*.so" })
final class NativeCompression {

    private NativeCompression() {
    }
}
