package dev.pawl.http.command;

/**
 * What calls that change something are sent with.
 *
 * @param text null where there is none
 * @param origin where it came from, for people; null where there is none
 */
record Token(String text, String origin) {

    static final Token NONE = new Token(null, null);

    /** Not the token: what is printed is kept. */
    @Override
    public String toString() {
        return "token of " + origin;
    }
}
