//! Every input that the fuzz target `topic_name` found worth keeping, through the same check, with any compiler.

use std::fs;
use std::path::Path;

#[expect(unreachable_pub, reason = "the fuzz target calls it from another crate")]
#[path = "../../../../fuzz/src/topic_name.rs"]
mod check;

#[test]
fn every_kept_input_passes() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let folders = ["corpus", "regressions"].map(|kind| fuzz.join(kind).join("topic_name"));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut inputs = 0;
    for file in files {
        let path = file.unwrap().path();
        println!("{}", path.display());
        check::check(&fs::read(path).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "there are no inputs");
}
