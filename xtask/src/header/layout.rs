//! Makes what cbindgen writes pleasant to read.

use crate::process::Failure;

/// No line is longer, where it can be broken.
const WIDTH: usize = 120;

/// Types that say what an argument is for; in C they are pointers.
const POINTERS: &[&str] = &[
    "Shared",
    "Alone",
    "OrNull",
    "Owned",
    "Word",
    "Items",
    "Optional",
    "Out",
    "OptionalOut",
    "NewHandle",
    "OptionalHandle",
    "ErrorOut",
    "Room",
    "Growing",
    "GrowingOut",
    "OptionalGrowingOut",
];

/// The heading above each first function of its kind.
const HEADINGS: &[(&str, &str)] = &[
    ("evlog_abi", "The library"),
    ("evlog_error_status", "Errors"),
    ("evlog_text_string", "Texts"),
    ("evlog_options_new", "Options"),
    ("evlog_open", "Stores"),
    ("evlog_topic_open", "Topics"),
    ("evlog_batch_new", "Batches"),
    ("evlog_append", "Appending"),
    ("evlog_reader_open", "Reading"),
    ("evlog_recovery_report", "Reports"),
];

/// The header as people read it.
///
/// # Errors
/// Where a type is left that C does not know.
pub(super) fn pleasant(header: &str) -> Result<String, Failure> {
    let plain = without_pointer_types(&with_parentheses(header))?;
    Ok(with_headings(&with_short_comments(&with_short_prototypes(&plain))))
}

/// `-1` in a macro becomes `(-1)`, so that no expression around it changes its meaning.
fn with_parentheses(header: &str) -> String {
    let line = |line: &str| match line.strip_prefix("#define ").and_then(|rest| rest.split_once(" -")) {
        Some((name, number)) => format!("#define {name} (-{number})\n"),
        None => format!("{line}\n"),
    };
    header.lines().map(line).collect()
}

/// Puts each pointer where the type stands that says what it is for: `typedef uint64_t *Out_u64;` goes, and
/// `Out_u64 x` becomes `uint64_t *x`.
fn without_pointer_types(header: &str) -> Result<String, Failure> {
    let mut pointers: Vec<(String, String)> = Vec::new();
    let mut kept = Vec::new();
    // The comment above a type goes with it.
    let mut comment = 0;
    for line in header.lines() {
        let pointer =
            line.strip_prefix("typedef ").and_then(|rest| rest.strip_suffix(';')).and_then(|rest| {
                let (target, name) = rest.rsplit_once(' ')?;
                let stars = name.len() - name.trim_start_matches('*').len();
                let name = &name[stars..];
                let is_pointer = POINTERS.contains(&name.split('_').next()?);
                is_pointer.then(|| (name.to_owned(), format!("{target} {}", &"****"[..stars])))
            });
        if let Some(pointer) = pointer {
            kept.truncate(kept.len() - comment);
            pointers.push(pointer);
            comment = 0;
            continue;
        }
        comment = match line.trim_start() {
            text if text.starts_with("/**") => 1,
            text if comment > 0 && text.starts_with('*') => comment + 1,
            _ => 0,
        };
        kept.push(line.to_owned());
    }
    let mut text = kept.join("\n") + "\n";
    // Longest first: no name is the beginning of a later one then.
    pointers.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, target) in pointers {
        text = text.replace(&format!("{name} *"), &format!("{target}*"));
        text = text.replace(&format!("{name} "), &target);
    }
    match POINTERS
        .iter()
        .find(|name| text.contains(&format!("{name}_")) || text.contains(&format!("{name} ")))
    {
        Some(name) => Err(format!("the type {name} is left in the header").into()),
        None => Ok(text),
    }
}

/// Headings, and no more than one empty line anywhere.
fn with_headings(header: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut above = 0;
    for line in header.lines() {
        let heading = HEADINGS.iter().find(|(function, _)| line.contains(&format!("{function}(")));
        if let Some((_, heading)) = heading {
            let dashes = "-".repeat(100 - heading.len());
            lines.insert(above, format!("/* ---- {heading} {dashes} */"));
            lines.insert(above + 1, String::new());
        }
        if line.is_empty() && lines.last().is_some_and(String::is_empty) {
            continue;
        }
        lines.push(line.to_owned());
        if line.is_empty() {
            above = lines.len();
        }
    }
    lines.join("\n") + "\n"
}

/// Types by their short names, and each prototype on as few lines as it needs.
fn with_short_prototypes(header: &str) -> String {
    let mut text = String::new();
    let mut prototype = String::new();
    for line in header.lines() {
        let line =
            if line.starts_with("typedef") { line.into() } else { line.replace("struct evlog_", "evlog_") };
        let begins = line.contains(" *evlog_") || line.contains(" evlog_");
        if prototype.is_empty() && !(begins && line.contains('(') && line.starts_with(char::is_alphabetic)) {
            text += &line;
            text.push('\n');
            continue;
        }
        if !prototype.is_empty() {
            prototype.push(' ');
        }
        prototype += line.trim();
        if prototype.ends_with(';') {
            text += &broken(&prototype);
            prototype.clear();
        }
    }
    text
}

/// A prototype with as many arguments on a line as fit.
fn broken(prototype: &str) -> String {
    let indent = prototype.find('(').map_or(4, |at| at + 1);
    let mut lines = vec![String::new()];
    for argument in prototype.split_inclusive(", ") {
        let last = lines.last_mut().filter(|line| line.len() + argument.trim_end().len() <= WIDTH);
        match last {
            Some(line) => *line += argument,
            None => lines.push(" ".repeat(indent) + argument),
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n") + "\n"
}

/// Comments of one line on one line, and constants that have one below each other.
fn with_short_comments(header: &str) -> String {
    let lines: Vec<&str> = header.lines().collect();
    let mut short: Vec<String> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let comment = match lines[at..] {
            [open, text, close, ..] if open.trim() == "/**" && close.trim() == "*/" => {
                let indent = &open[..open.len() - 3];
                Some(format!("{indent}/** {} */", text.trim_start_matches([' ', '*'])))
            }
            _ => None,
        }
        .filter(|comment| comment.len() <= WIDTH);
        let Some(comment) = comment else {
            short.push(lines[at].into());
            at += 1;
            continue;
        };
        let is_constant = lines.get(at + 3).is_some_and(|line| line.starts_with("#define"));
        if let [.., constant, empty] = &short[..]
            && is_constant
            && empty.is_empty()
            && constant.starts_with("#define")
        {
            short.pop();
        }
        short.push(comment);
        at += 3;
    }
    short.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointer_types_become_pointers() {
        let text = "/**\n * What for.\n */\ntypedef const evlog_topic *Shared_Topic;\n\n\
            typedef evlog_error **ErrorOut;\n\nint f(Shared_Topic topic,\n      ErrorOut err);\n";
        let plain = without_pointer_types(text).unwrap();
        assert_eq!(plain.trim_start(), "int f(const evlog_topic *topic,\n      evlog_error **err);\n");
        assert!(without_pointer_types("int f(Shared_Topic topic);").is_err());
    }

    #[test]
    fn prototypes_are_as_short_as_they_can_be() {
        let text = "int evlog_f(const struct evlog_topic *topic,\n            int n);\n";
        assert_eq!(with_short_prototypes(text), "int evlog_f(const evlog_topic *topic, int n);\n");
        let long = format!("int evlog_f({}int last);", "uint64_t argument, ".repeat(6));
        let lines: Vec<String> = broken(&long).lines().map(String::from).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("            uint64_t") || lines[1].starts_with("            int last"));
    }

    #[test]
    fn comments_and_constants_are_short() {
        let text = "#define A 0\n\n/**\n * B.\n */\n#define B -1\n";
        assert_eq!(with_short_comments(&with_parentheses(text)), "#define A 0\n/** B. */\n#define B (-1)\n");
    }

    #[test]
    fn a_heading_stands_above_the_comment_of_its_function() {
        let text = "int x;\n\n/** Opens. */\nint evlog_open(int a);\n";
        let lines = with_headings(text);
        let heading = lines.find("/* ---- Stores -").unwrap();
        assert!(heading < lines.find("/** Opens.").unwrap() && lines.find("int x").unwrap() < heading);
    }
}
