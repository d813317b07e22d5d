//! Every input that the fuzz target `ffi_calls` found worth keeping, with any compiler.

use std::fs;
use std::path::Path;

#[test]
#[expect(clippy::disallowed_methods, reason = "the inputs are files of the project, not of a store")]
fn every_kept_input_passes() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let folders = ["corpus", "regressions"].map(|kind| fuzz.join(kind).join("ffi_calls"));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let (mut inputs, mut done) = (0, 0);
    for file in files {
        let path = file.unwrap().path();
        println!("{}", path.display());
        let folder = tempfile::tempdir().unwrap();
        done += evlog::player::play(&fs::read(path).unwrap(), folder.path());
        inputs += 1;
    }
    assert!(inputs > 0, "there are no inputs");
    assert!(done > inputs, "only {done} calls succeeded: this tests little");
}
