//! docs/FORMAT.md and the constants of `evlog_core::format` state the same bytes.
//!
//! A table below `<!-- layout: NAME -->` is one structure of the format, the table below `<!-- limits -->` its limits.

use evlog_core::format::{Field, LAYOUTS, LIMITS, Layout};

use crate::tidy::tables::{self, Row, Table};
use crate::tidy::tree::{Finding, Tree};

const DOCUMENT: &str = "docs/FORMAT.md";
const MEND: &str = "the document is normative: bring the constants in evlog_core::format to it (or, where the format is \
                    meant to change, change both and say why in the document)";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let document = tree.files.get(DOCUMENT).map_or("", String::as_str);
    let mut findings = compare_layouts(document, LAYOUTS);
    findings.extend(compare_limits(document, LIMITS));
    findings
}

fn compare_layouts(document: &str, layouts: &[Layout]) -> Vec<Finding> {
    let tables = tables::marked(document, |mark| mark.starts_with("layout:"));
    let name_of = |table: &Table| table.mark["layout:".len()..].trim().to_owned();
    let mut findings = Vec::new();
    for layout in layouts {
        match tables.iter().filter(|table| name_of(table) == layout.name).collect::<Vec<_>>().as_slice() {
            [table] => findings.extend(compare_layout(table, layout)),
            several => findings.push(finding(
                several.get(1).map_or(0, |table| table.line),
                format!("layout `{}` of the code is stated {} times", layout.name, several.len()),
            )),
        }
    }
    let unknown = tables.iter().filter(|table| layouts.iter().all(|layout| layout.name != name_of(table)));
    findings.extend(
        unknown.map(|table| finding(table.line, format!("the code has no layout `{}`", name_of(table)))),
    );
    findings
}

fn compare_layout(table: &Table, layout: &Layout) -> Vec<Finding> {
    if table.columns != ["offset", "size", "type", "field", "meaning"] {
        return vec![finding(table.line, "columns other than offset, size, type, field, meaning".into())];
    }
    let mut findings = Vec::new();
    let mut at = Some(0);
    for (row, stated) in table.rows.iter().map(|row| (row, Stated::of(row))) {
        let Some(stated) = stated else {
            findings.push(finding(row.line, "offset or size is no number, or does not suit the type".into()));
            continue;
        };
        if at.is_some_and(|at| at != stated.offset) {
            findings.push(finding(
                row.line,
                format!("`{}` does not start where the row above ends", stated.name),
            ));
        }
        at = Some(stated.offset + stated.size);
    }
    if at.is_some_and(|end| end != layout.size) {
        let end = at.unwrap_or_default();
        findings.push(finding(
            table.line,
            format!("the rows end at {end}, `{}` has {} bytes", layout.name, layout.size),
        ));
    }
    findings.extend(compare_fields(table, layout.fields));
    findings
}

/// Row by row: the fields of the code stand in the order of their offsets.
fn compare_fields(table: &Table, fields: &[Field]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for place in 0..table.rows.len().max(fields.len()) {
        let row = table.rows.get(place);
        let stated = row.and_then(Stated::of);
        let coded =
            fields.get(place).map(|it| Stated { name: it.name.into(), offset: it.offset, size: it.size });
        if stated != coded {
            let show = |it: Option<Stated>| {
                it.map_or("nothing".into(), |it| format!("`{}` {}+{}", it.name, it.offset, it.size))
            };
            let line = row.map_or(table.line, |row| row.line);
            findings
                .push(finding(line, format!("the document says {}, the code {}", show(stated), show(coded))));
        }
    }
    findings
}

fn compare_limits(document: &str, limits: &[(&str, u64)]) -> Vec<Finding> {
    let tables = tables::marked(document, |mark| mark == "limits");
    let [table] = tables.as_slice() else {
        return vec![finding(
            0,
            format!("there are {} tables marked `<!-- limits -->`, not one", tables.len()),
        )];
    };
    let mut findings = Vec::new();
    for (name, value) in limits {
        let row = table.rows.iter().find(|row| row.cells.first().is_some_and(|cell| cell == name));
        match row.map(|row| (row.line, row.cells.get(1).and_then(|cell| number(cell)))) {
            Some((_, Some(stated))) if stated == *value => {}
            Some((line, _)) => findings.push(finding(line, format!("`{name}` is {value} in the code"))),
            None => findings
                .push(finding(table.line, format!("limit `{name}` ({value}) of the code is not stated"))),
        }
    }
    for row in &table.rows {
        let name = row.cells.first().map_or("", String::as_str);
        if limits.iter().all(|(known, _)| *known != name) {
            findings.push(finding(row.line, format!("LIMITS has no `{name}`")));
        }
    }
    findings
}

/// A field as a row states it.
#[derive(Debug, PartialEq, Eq)]
struct Stated {
    name: String,
    offset: usize,
    size: usize,
}

impl Stated {
    /// None where offset or size is no number, or the size is not that of the type.
    fn of(row: &Row) -> Option<Self> {
        let [offset, size, kind, name, ..] = row.cells.as_slice() else { return None };
        let (offset, size) = (number(offset)?, number(size)?);
        let width = match kind.as_str() {
            "u8" | "i8" => 1,
            "u16" | "i16" => 2,
            "u32" | "i32" => 4,
            "u64" | "i64" => 8,
            _ => size,
        };
        let stated = Self {
            name: name.clone(),
            offset: usize::try_from(offset).ok()?,
            size: usize::try_from(size).ok()?,
        };
        (width == size).then_some(stated)
    }
}

/// `4096`, `4,096` or `` `4096` ``.
fn number(cell: &str) -> Option<u64> {
    cell.trim_matches('`').replace(',', "").parse().ok()
}

fn finding(line: usize, what: String) -> Finding {
    Finding { file: DOCUMENT.into(), line, what, mend: MEND.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout {
        name: "hint",
        size: 12,
        fields: &[
            Field { name: "magic", offset: 0, size: 4 },
            Field { name: "table crc", offset: 4, size: 8 },
        ],
    };
    const TABLE: &str = "<!-- layout: hint -->\n| offset | size | type | field | meaning |\n|---|---|---|---|---|\n\
        | 0 | 4 | bytes | magic | `EVHT` |\n| 4 | 8 | u64 | table crc | |\n";

    fn layout_findings(from: &str, to: &str) -> Vec<String> {
        assert!(TABLE.contains(from));
        let found = compare_layouts(&TABLE.replace(from, to), &[LAYOUT]);
        found.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn the_same_bytes_pass() {
        assert_eq!(layout_findings("hint", "hint"), Vec::<String>::new());
    }

    #[test]
    fn every_difference_of_a_layout_is_found() {
        for (from, to) in [
            ("layout: hint", "layout: hunt"),
            ("| 0 | 4 |", "| 0 | 5 |"),
            ("| 4 | 8 |", "| 5 | 8 |"),
            ("| 4 | 8 | u64", "| 4 | 8 | u32"),
            ("| 4 | 8 |", "| 4 | p |"),
            ("table crc", "tablecrc"),
            ("| 4 | 8 | u64 | table crc | |\n", ""),
            ("table crc | |\n", "table crc | |\n| 12 | 1 | u8 | kind | |\n"),
            ("| meaning |", "| sense |"),
            (TABLE, ""),
        ] {
            assert!(!layout_findings(from, to).is_empty(), "{from} -> {to}");
        }
        assert_eq!(compare_layouts(&TABLE.repeat(2), &[LAYOUT]).len(), 1);
    }

    #[test]
    fn every_difference_of_a_limit_is_found() {
        let table = "<!-- limits -->\n| name | value | meaning |\n|---|---|---|\n| events | 1,024 | |\n";
        let found = |text: &str, limits: &[(&str, u64)]| compare_limits(text, limits).len();
        assert_eq!(found(table, &[("events", 1024)]), 0);
        assert_eq!(found(table, &[("events", 1023)]), 1);
        assert_eq!(found(table, &[]), 1);
        assert_eq!(found(table, &[("events", 1024), ("bytes", 1)]), 1);
        assert_eq!(found(&format!("{table}| bytes | 1 | |\n"), &[("events", 1024)]), 1);
        assert_eq!(found("", &[]), 1);
    }

    #[test]
    fn a_document_that_is_gone_is_found() {
        assert!(check(&crate::tidy::tree::tests::tree(&[])).len() > LAYOUTS.len());
    }
}
