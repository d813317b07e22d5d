//! Tables for people.

use comfy_table::{CellAlignment, Table, presets};

use crate::output::Output;

/// How a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    /// As figures are.
    Right,
}

/// A table without lines, whose columns stand two spaces apart.
pub(crate) fn table(columns: &[(&str, Align)]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(columns.iter().map(|(name, _)| *name));
    for (column, (_, align)) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        if *align == Align::Right {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Puts out the table, without spaces at the ends of lines.
pub(crate) fn put_out(table: &Table, output: &mut Output) {
    for line in table.lines() {
        output.buffer().extend_from_slice(line.trim_end().as_bytes());
        output.buffer().push(b'\n');
    }
}
