//! The example programs, run as their readers run them.

use std::path::Path;
use std::process::Command;

use evlog_store::{Options, Store};

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

#[test]
fn a_follower_goes_on_where_it_stopped_and_is_told_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bookmark) = (folder.path().join("store"), folder.path().join("bookmark"));
    let store = Store::open(&path, &Options::new()).unwrap();
    let topic = store.topic("orders").unwrap();
    let append = |texts: [&str; 2]| texts.map(|text| topic.append(text).unwrap().wait().unwrap());
    let run = || output_of(example("follow").arg(&path).arg("orders").arg(&bookmark));
    append(["shoes", "socks"]);
    assert_eq!(run(), "0 shoes\n1 socks\nnothing new, next is 2\n");
    append(["hats", "gloves"]);
    topic.roll().unwrap();
    append(["scarves", "belts"]);
    assert_eq!(topic.trim_before(4).unwrap(), 4);
    assert_eq!(run(), "2 to 4 were trimmed\n4 scarves\n5 belts\nnothing new, next is 6\n");
    assert_eq!(std::fs::read_to_string(&bookmark).unwrap(), "6");
    // What is appended while it waits is shown as well.
    std::thread::scope(|threads| {
        threads.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(300));
            append(["late", "later"]);
        });
        assert_eq!(run(), "6 late\n7 later\nnothing new, next is 8\n");
    });
}

#[cfg(feature = "rkyv")]
#[test]
fn a_till_adds_up_what_was_sold_and_takes_nothing_else_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let run = || output_of(example("typed").arg(&path));
    let (sold, refused) =
        ("hats: 35.00\nshoes: 89.90\nsocks: 22.50\n", "refused: the event at 2 of topic sales ");
    let first = run();
    let last = "the last customer was Grace, at position 2\n";
    assert!(first.starts_with(&format!("sold: 0..1 and 1..3\n{sold}{last}{refused}")), "{first}");
    assert!(first.contains("till.Sale version 2"), "{first}");
    let second = run();
    let sold = "hats: 70.00\nshoes: 179.80\nsocks: 45.00\n";
    assert!(second.starts_with(&format!("sold: 3..4 and 4..6\n{sold}")), "{second}");
}
