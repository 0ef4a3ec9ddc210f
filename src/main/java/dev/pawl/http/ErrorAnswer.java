package dev.pawl.http;

/** The body of an answer that says what was wrong. */
record ErrorAnswer(String error) {}
