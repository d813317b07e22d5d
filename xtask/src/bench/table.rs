//! Tables in Markdown whose columns stand one below the other.

/// Rows of cells below titles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) title: String,
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(title: impl Into<String>, titles: &[&str]) -> Table {
        Table {
            title: title.into(),
            titles: titles.iter().map(|&text| text.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = cells.into_iter().map(|cell| cell.replace('|', "/")).collect();
        row.resize(self.titles.len(), String::new());
        self.rows.push(row);
    }
}

impl std::fmt::Display for Table {
    /// Columns without a figure are left out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_shown = |column: &usize| self.rows.iter().any(|row| !row[*column].is_empty());
        let shown: Vec<usize> = (0..self.titles.len()).filter(is_shown).collect();
        let width = |column: &usize| {
            let cells = self.rows.iter().map(|row| &row[*column]).chain([&self.titles[*column]]);
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = shown.iter().map(width).collect();
        let line = |cells: &[String]| {
            let columns = shown.iter().zip(&widths);
            let padded = columns.map(|(&column, width)| format!(" {:<width$} |", cells[column]));
            format!("|{}", padded.collect::<String>())
        };
        let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(f, "### {}\n\n{}\n|{}|", self.title, line(&self.titles), dashes.join("|"))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{}", line(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_one_below_the_other() {
        let mut table = Table::new("W1", &["subject", "empty", "a second"]);
        table.row(["evlog".into(), String::new(), "1 | 2".into()]);
        table.row(["×".into()]);
        assert_eq!(
            table.to_string(),
            "### W1\n\n| subject | a second |\n|---------|----------|\n| evlog   | 1 / 2    |\n| ×       |          |\n"
        );
    }
}
