//! The example programs, run as their readers run them.

use std::path::Path;
use std::process::Command;

/// The example of this name: as cargo has built it beside this test, or else built now.
fn example(name: &str) -> Command {
    let changed = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{name}.rs"));
    let own = std::env::current_exe().unwrap();
    let built = own.ancestors().nth(2).unwrap().join("examples").join(name);
    if changed(&built) >= changed(&source) {
        return Command::new(built);
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--package", env!("CARGO_PKG_NAME"), "--example", name, "--"]);
    cargo
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_simple_log_shows_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let run = |texts: &[&str]| output_of(example("simple_log").arg(&path).args(texts));
    assert_eq!(run(&[]), "");
    run(&["hello"]);
    run(&["world"]);
    let shown = run(&[]);
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.splitn(3, ' ').collect()).collect();
    assert_eq!(lines.len(), 2, "{shown}");
    assert_eq!([lines[0][0], lines[0][2], lines[1][0], lines[1][2]], ["0", "hello", "1", "world"]);
    assert!(lines[0][1].parse::<i64>().unwrap() <= lines[1][1].parse().unwrap(), "{shown}");
    let without_a_folder = example("simple_log").output().unwrap();
    assert!(!without_a_folder.status.success());
    assert!(String::from_utf8(without_a_folder.stderr).unwrap().contains("simple_log FOLDER [TEXT]"));
}
