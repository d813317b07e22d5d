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
fn the_first_steps_lead_where_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let run = || output_of(example("quickstart").arg(&path));
    assert_eq!(
        run(),
        "orders has 0 events\n\
         appended durably: 0..1\n\
         and a batch: 1..3\n\
         read 0: one pair of shoes\n\
         read 1: two pairs of socks\n\
         read 2: three hats\n\
         heard 3: four gloves\n"
    );
    let again = run();
    assert!(again.starts_with("orders has 4 events\nappended durably: 4..5\nand a batch: 5..7\n"), "{again}");
    assert!(again.ends_with("read 6: three hats\nheard 7: four gloves\n"), "{again}");
}
