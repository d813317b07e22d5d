//! Every input that the fuzz targets found worth keeping, through the same checks, with any compiler.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use evlog_sim::fuzzing::{TARGETS, Target, most_memory};

/// The committed inputs of a target: a small corpus, and everything that ever broke a promise.
fn inputs(target: &Target) -> Vec<PathBuf> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let folders = ["corpus", "regressions"].map(|kind| fuzz.join(kind).join(target.name));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

fn check(target: &Target, bytes: &[u8]) {
    let mut disk_bytes = 0;
    let memory = allocation_counter::measure(|| disk_bytes = (target.check)(bytes)).bytes_max;
    assert!(memory <= most_memory(disk_bytes), "{memory} bytes of memory for {disk_bytes} bytes of log");
}

#[test]
fn every_kept_input_passes() {
    let mut broken = Vec::new();
    for target in TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "{} has no inputs", target.name);
        for path in inputs {
            let bytes = fs::read(&path).unwrap();
            if catch_unwind(AssertUnwindSafe(|| check(target, &bytes))).is_err() {
                println!("{} takes this for\n{}", target.name, (target.describe)(&bytes));
                broken.push(path);
            }
        }
    }
    assert!(broken.is_empty(), "promises are broken with {broken:#?}");
}
