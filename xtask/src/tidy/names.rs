//! One word, one meaning: words that say nothing, and words for which the house has another.

use crate::tidy::source::{Definition, Kind};
use crate::tidy::tree::{Finding, Tree, is_test_module};

/// Words that fit everything and so say nothing.
const EMPTY_WORDS: &[&str] = &["manager", "handler", "helper", "util", "common", "info", "data", "engine"];

/// Where a word means what it says.
const PLAIN: &[(&str, &str)] = &[
    // A command: `evlog info`.
    ("evlog-cli", "info"),
    // A machine that has crashed is not a log that refuses appends.
    ("evlog-sim", "dead"),
    // Between threads: module sync is the door to them.
    ("evlog-store", "channel"),
];

/// Things that have another name here: in types and modules.
const NOUNS: &[(&str, &str)] = &[
    ("message", "event"),
    ("block", "batch"),
    ("frame", "batch, or record for the frame of one event"),
    ("chunk", "segment"),
    ("journal", "log, or segment for one file of it"),
    ("stream", "topic, or log"),
    ("channel", "topic, or what is sent and to whom"),
    ("corruption", "damage, or torn tail for an unfinished last write"),
    ("subscriber", "reader that follows"),
    ("subscription", "reader that follows"),
    ("consumer", "reader, or cursor where it is named and durable"),
    ("iterator", "reader"),
];

/// Deeds that have another name here: in functions.
const VERBS: &[(&str, &str)] = &[
    ("persist", "sync"),
    ("publish", "commit, or advance for the watermark"),
    ("rotate", "roll"),
    ("cycle", "roll"),
    ("purge", "trim"),
    ("gc", "trim"),
    ("cleanup", "trim"),
    ("subscribe", "follow"),
    ("acked", "durable, or written"),
    ("dead", "poisoned"),
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages() {
        for (file, _, source) in tree.product_code(&package).filter(|(_, module, _)| !is_test_module(module))
        {
            for item in source.definitions.iter().filter(|item| !item.place.in_tests) {
                findings.extend(judge(item, &package.name).map(|(what, mend)| Finding {
                    file: file.into(),
                    line: item.place.line,
                    what,
                    mend,
                }));
            }
        }
    }
    findings
}

fn judge(item: &Definition, package: &str) -> Option<(String, String)> {
    let name = &item.name;
    if item.kind == Kind::Function
        && (name.starts_with("get_") || name.starts_with("do_") || name.ends_with("_impl"))
    {
        let mend =
            "say what it gives or does: `len`, not `get_len`; two functions of one name do two things".into();
        return Some((format!("`{name}` is named after being a function"), mend));
    }
    let words = words_of(name);
    let has = |word: &str| {
        words.iter().any(|own| own == word || own.strip_suffix('s') == Some(word))
            && !PLAIN.contains(&(package, word))
    };
    if let Some(word) = EMPTY_WORDS.iter().find(|word| has(word)) {
        return Some((
            format!("`{name}`: the word `{word}` fits everything"),
            "say what it is or holds".into(),
        ));
    }
    let instead = if item.kind == Kind::Function { VERBS } else { NOUNS };
    let (word, say) = instead.iter().find(|(word, _)| has(word))?;
    Some((format!("`{name}`: `{word}` has another name here"), format!("say {say}")))
}

/// `TopicInfo`, `topic_info` and `TOPIC_INFO` are all `["topic", "info"]`.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() && before.is_lowercase() {
            words.push(String::new());
        }
        if letter != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    fn found(package: &str, text: &str) -> Vec<String> {
        let manifest = format!("crates/{package}/Cargo.toml");
        let file = format!("crates/{package}/src/lib.rs");
        places(&check(&tree(&[(&manifest, ""), (&file, text)])))
    }

    #[test]
    fn empty_words_are_found_in_every_case() {
        for text in [
            "struct TopicManager;",
            "enum TopicInfo {}",
            "mod utils;",
            "trait DataSource {}",
            "fn sync_data() {}",
            "fn get_len() {}",
            "impl S { fn do_append(&self) {} }",
            "mod m { fn append_impl() {} }",
            "type Helpers = u8;",
        ] {
            assert_eq!(found("evlog-core", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn words_that_have_another_name_are_found() {
        for text in
            ["struct LogChunk;", "mod journal;", "fn rotate() {}", "fn run_gc() {}", "struct MessageFrame;"]
        {
            assert_eq!(found("evlog-store", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn words_inside_words_and_tests_pass() {
        let text = "struct Metadata; fn database() {} fn target_len() {} fn error_message() {} fn roll() {}
            #[cfg(test)] mod tests { fn get_it() {} } #[test] fn a_chunk_of_data() {}";
        assert_eq!(found("evlog-core", text), Vec::<String>::new());
    }

    #[test]
    fn a_plain_word_passes_in_its_crate_alone() {
        assert_eq!(found("evlog-cli", "mod info; struct Info;"), Vec::<String>::new());
        assert_eq!(found("evlog-sim", "fn is_dead() {}"), Vec::<String>::new());
        assert_eq!(found("evlog-store", "mod info; fn is_dead() {}").len(), 2);
    }
}
