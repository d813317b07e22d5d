//! Tables in Markdown that a comment on the line above marks for a rule: `<!-- layout: hint -->`.

/// A marked table.
#[derive(Debug)]
pub(crate) struct Table {
    /// What the comment says.
    pub(crate) mark: String,
    /// Of the comment.
    pub(crate) line: usize,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) line: usize,
    /// One a column, without the spaces around; an escaped bar inside is not understood.
    pub(crate) cells: Vec<String>,
}

/// Every mark in `document` that `is_ours` accepts, with the table below it: empty where there is none.
pub(crate) fn marked(document: &str, is_ours: impl Fn(&str) -> bool) -> Vec<Table> {
    let lines: Vec<&str> = document.lines().map(str::trim).collect();
    let mut tables = Vec::new();
    for (at, text) in lines.iter().enumerate() {
        let mark = text.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")).map(str::trim);
        let Some(mark) = mark.filter(|mark| is_ours(mark)) else { continue };
        let below = lines.iter().enumerate().skip(at + 1).skip_while(|(_, text)| text.is_empty());
        let mut rows = below.take_while(|(_, text)| text.starts_with('|')).map(|(at, text)| Row {
            line: at + 1,
            cells: text.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect(),
        });
        let columns = rows.next().map_or_else(Vec::new, |header| header.cells);
        // The line of dashes below the header.
        let rows = rows.skip(1).collect();
        tables.push(Table { mark: mark.to_owned(), line: at + 1, columns, rows });
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_tables_are_found_with_their_lines() {
        let text = "<!-- other -->\n| x |\n\n<!-- ours: a -->\n\n| p | q |\n|---|---|\n| 1 | `2` |\n| 3 | |\nend\n<!-- ours: b -->";
        let tables = marked(text, |mark| mark.starts_with("ours"));
        assert_eq!(tables.len(), 2);
        assert_eq!((tables[0].mark.as_str(), tables[0].line), ("ours: a", 4));
        assert_eq!(tables[0].columns, ["p", "q"]);
        assert_eq!((tables[0].rows[0].line, tables[0].rows[0].cells.join(",")), (8, "1,`2`".into()));
        assert_eq!(tables[0].rows[1].cells, ["3", ""]);
        assert!(tables[1].columns.is_empty() && tables[1].rows.is_empty());
    }
}
