package dev.pawl.http;

import io.quarkus.runtime.annotations.RegisterForReflection;

/** The body of an answer that says what was wrong. */
@RegisterForReflection
record ErrorAnswer(String error) {}
