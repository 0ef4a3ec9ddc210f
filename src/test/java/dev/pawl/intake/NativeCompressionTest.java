package dev.pawl.intake;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.github.luben.zstd.util.ZstdVersion;

import io.quarkus.runtime.annotations.RegisterForReflection;

/** A native image can't be built here; that the names in it lead to something can be seen. */
class NativeCompressionTest {

    static Stream<String> classNames() {
        return Stream.of(NativeCompression.class.getAnnotation(RegisterForReflection.class).classNames());
    }

    @ParameterizedTest
    @MethodSource("classNames")
    void registeredClass_isTheOneThatLz4FindsByItsName(String name) throws Exception {
        assertThat(Class.forName(name)).hasPublicFields("INSTANCE");
    }

    @ParameterizedTest
    @MethodSource
    void zstdField_isThere(String className, String field) throws Exception {
        assertThat(Class.forName(className).getDeclaredField(field)).isNotNull();
    }

    static Stream<Arguments> zstdField_isThere() throws Exception {
        JsonNode json = new JsonMapper()
                .readTree(NativeCompression.class.getResource("/META-INF/native-image/dev.pawl/pawl/jni-config.json"));
        return json.valueStream().flatMap(type -> type.get("fields").valueStream()
                .map(field -> Arguments.of(type.get("name").asText(), field.get("name").asText())));
    }

    @Test
    void zstdLibrary_isWhereItIsTakenFrom() {
        assertThat(NativeCompression.class.getResource("/linux/amd64/libzstd-jni-" + ZstdVersion.VERSION + ".so"))
                .isNotNull();
    }
}
