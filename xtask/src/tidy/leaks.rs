//! What belongs to one machine stays out of the project: its paths, and where it fetches packages.

use crate::tidy::tree::{Finding, Tree};

/// Beginnings of absolute paths that exist on one machine only. Split, or this file would be found itself.
const FOLDERS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!("/workspa", "ces/"),
];

/// Where packages are fetched from: whoever builds has their own settings for it.
const HOSTS: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("rsproxy", ".cn"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("deb.debian", ".org"),
    concat!("archive.ubuntu", ".com"),
    concat!("goproxy", ".io"),
    concat!("proxy.golang", ".org"),
    concat!("artifac", "tory"),
    concat!("replace", "-with"),
    concat!("extra-index", "-url"),
];

/// The only source that `Cargo.lock` may name.
const PUBLIC_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, text) in &tree.files {
        for (line, text) in (1..).zip(text.lines()) {
            let Some(what) = judge(file, text) else { continue };
            let mend =
                "say it relative to the workspace, or leave it to the settings of whoever runs it".into();
            findings.push(Finding { file: file.clone(), line, what, mend });
        }
    }
    findings
}

fn judge(file: &str, line: &str) -> Option<String> {
    if let Some(folder) = FOLDERS.iter().find(|folder| starts_path(line, folder)) {
        return Some(format!("a path of one machine (`{folder}…`)"));
    }
    if let Some(host) = HOSTS.iter().find(|host| line.contains(*host)) {
        return Some(format!("where packages come from (`{host}`)"));
    }
    if file.ends_with("Cargo.lock") && line.starts_with("source = ") && line != PUBLIC_SOURCE {
        return Some(format!("a dependency that is not from the public registry: {line}"));
    }
    names_address(line).then(|| "a network address".into())
}

/// Whether an absolute path in `line` begins with `folder`: what stands before it belongs to no path.
fn starts_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|letter| {
            !letter.is_alphanumeric() && !matches!(letter, '.' | '-' | '_' | '/' | '~' | '}')
        })
    })
}

/// Whether `line` has a URL whose host is a number; a loopback address is nobody's in particular.
fn names_address(line: &str) -> bool {
    line.split("://").skip(1).any(|rest| {
        let host = rest.split(|letter: char| !letter.is_ascii_digit() && letter != '.').next().unwrap_or("");
        host.split('.').filter(|part| !part.is_empty()).count() == 4 && !host.starts_with("127.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::tests::{places, tree};

    fn found(file: &str, text: &str) -> Vec<String> {
        places(&check(&tree(&[(file, text)])))
    }

    #[test]
    fn every_folder_and_host_is_found() {
        for word in FOLDERS.iter().chain(HOSTS) {
            assert_eq!(found("README.md", &format!("first\nsee `{word}x`")), ["README.md:2"], "{word}");
        }
    }

    #[test]
    fn an_address_is_found() {
        let address = [10, 0, 0, 7].map(|part| part.to_string()).join(".");
        assert_eq!(found("a.toml", &format!("index = \"https://{address}:80/\"")), ["a.toml:1"]);
        assert_eq!(found("a.toml", "url = \"nats://127.0.0.1:4222\""), Vec::<String>::new());
    }

    #[test]
    fn another_registry_in_the_lock_file_is_found() {
        let text = format!("{PUBLIC_SOURCE}\nsource = \"registry+https://example.com/\"");
        assert_eq!(found("Cargo.lock", &text), ["Cargo.lock:2"]);
    }

    #[test]
    fn paths_that_merely_look_alike_pass() {
        let text = format!("docs{}x and ~{}x", FOLDERS[2], FOLDERS[0]);
        assert_eq!(found("README.md", &text), Vec::<String>::new());
    }
}
