package dev.pawl.command;

/**
 * Text of others, harmless on a terminal: an ID or an error may hold sequences that move the cursor, or turn the direction of what
 * follows, and so make a terminal show what is not there. Such characters are written as in JSON, so JSON stays what it is.
 */
public final class Printable {

    private Printable() {
    }

    public static String of(String text) {
        if (text.chars().noneMatch(Printable::isHarmful)) {
            return text;
        }
        StringBuilder printable = new StringBuilder(text.length() + 16);
        text.chars().forEach(each -> printable.append(isHarmful(each) ? "\\u%04X".formatted(each) : String.valueOf((char) each)));
        return printable.toString();
    }

    private static boolean isHarmful(int character) {
        return Character.isISOControl(character) || character == 0x2028 || character == 0x2029 || turnsDirection(character);
    }

    /** Unicode's bidirectional formatting characters. */
    private static boolean turnsDirection(int character) {
        return character == 0x061c || character == 0x200e || character == 0x200f || character >= 0x202a && character <= 0x202e
                || character >= 0x2066 && character <= 0x2069;
    }
}
