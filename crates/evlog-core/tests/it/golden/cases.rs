//! The golden logs: each structure of the format, each way to end, each kind of damage.

mod chain;
mod crafted;
mod damage;
mod whole;

use super::scene::{Golden, Scene};

pub(super) fn all() -> Vec<Golden> {
    let mut all = whole::all();
    all.extend(damage::all());
    all.extend(chain::all());
    all.extend(crafted::all());
    all
}

/// Three segments with two events each, closed.
fn three_segments(seed: u64) -> Scene {
    let mut scene = Scene::new(seed);
    scene.append(&[b"zero", b"one"]).roll();
    scene.append(&[b"two", b"three"]).roll();
    scene.append(&[b"four", b"five"]).close();
    scene
}
