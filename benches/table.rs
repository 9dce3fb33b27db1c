//! Tables for people.

use std::fmt::{self, Write};

/// Columns as wide as they must be; those of words to the left, those of numbers to the right.
pub(crate) fn write_table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    heads: [&str; N],
    rows: impl Iterator<Item = Vec<String>>,
) -> fmt::Result {
    let rows: Vec<_> = std::iter::once(heads.map(str::to_owned).to_vec()).chain(rows).collect();
    let of_column = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let width = |column| of_column(column).map(String::len).max().unwrap_or_default();
    let is_words =
        |column| of_column(column).nth(1).is_some_and(|cell| cell.starts_with(char::is_alphabetic));
    let columns: Vec<_> = (0..N).map(|column| (width(column), is_words(column))).collect();
    for row in &rows {
        let mut line = String::new();
        for (cell, &(width, is_words)) in row.iter().zip(&columns) {
            if is_words { write!(line, "  {cell:<width$}")? } else { write!(line, "  {cell:>width$}")? }
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}
