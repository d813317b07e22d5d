//! Random calls, with handles of every kind of wrongness: none does what the header does not say.

/// How many seeds are played.
const SEEDS: u64 = 80;

#[test]
fn random_calls_do_what_the_header_says() {
    let mut done = 0;
    for seed in 0..SEEDS {
        let mut chance = fastrand::Rng::with_seed(seed);
        let bytes: Vec<u8> = (0..chance.usize(10..4_000)).map(|_| chance.u8(..)).collect();
        let folder = tempfile::tempdir().unwrap();
        println!("seed {seed}");
        done += evlog::player::play(&bytes, folder.path());
    }
    assert!(done > 5_000, "only {done} calls succeeded: this tests little");
}
