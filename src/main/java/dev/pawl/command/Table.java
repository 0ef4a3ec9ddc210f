package dev.pawl.command;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Columns of a fixed pitch: the first aligned left, the others right. */
public final class Table {

    private static final String GAP = "  ";

    private final List<String[]> rows = new ArrayList<>();

    /** @param head the first row; nothing where the table has none */
    public Table(String... head) {
        if (head.length > 0) {
            rows.add(head);
        }
    }

    public void add(Object... cells) {
        String[] row = new String[cells.length];
        for (int i = 0; i < cells.length; i++) {
            row[i] = cells[i] instanceof Number number ? String.format(Locale.ROOT, "%,d", number.longValue()) : String.valueOf(cells[i]);
        }
        rows.add(row);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (String[] row : rows) {
            for (int column = 0; column < row.length; column++) {
                String padding = " ".repeat(width(column) - row[column].length());
                text.append(column == 0 ? row[0] + padding : GAP + padding + row[column]);
            }
            text.append('\n');
        }
        return text.toString();
    }

    private int width(int column) {
        return rows.stream().mapToInt(row -> row[column].length()).max().orElse(0);
    }
}
