//! Payloads that look random and that a seed repeats.

use crate::outcome::Result;

/// Bytes that payloads are cut from: few enough for a processor's second cache, where a producer's events are, too.
const POOL: usize = 1 << 20;

/// The seed of every measurement, so that all see the same bytes.
const SEED: u64 = 0x0E71_06E7;

/// Payloads of one size, each known by its number.
#[derive(Debug)]
pub struct Payloads {
    pool: Vec<u8>,
    size: usize,
}

impl Payloads {
    /// Pseudo-random payloads of `size` bytes.
    pub fn new(size: usize) -> Payloads {
        let mut pool = vec![0; POOL + size];
        fastrand::Rng::with_seed(SEED).fill(&mut pool);
        Payloads { pool, size }
    }

    /// Payloads of `size` letters.
    pub fn letters(size: usize) -> Payloads {
        let mut chance = fastrand::Rng::with_seed(SEED);
        let pool = std::iter::repeat_with(|| chance.alphabetic() as u8).take(POOL + size).collect();
        Payloads { pool, size }
    }

    /// Bytes of each.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The payload of this number. Neighbours do not overlap, and 131,072 in a row differ where the size is a
    /// multiple of 16.
    pub fn nth(&self, number: u64) -> &[u8] {
        let begin = number.wrapping_mul(self.size as u64 + 8) as usize % POOL;
        &self.pool[begin..begin + self.size]
    }
}

/// What has been read: how many payloads, and a sum of something of each that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub events: u64,
    sum: u64,
}

impl Tally {
    /// Touches a payload: looks at both ends of it. That its middle is right the one who read it has checked, or not.
    #[inline]
    pub fn touch(&mut self, payload: &[u8]) {
        let first = payload.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk));
        let last = payload.last_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk));
        self.add(first ^ last.rotate_left(32));
    }

    /// Counts a payload with the checksum of all its bytes.
    pub fn sum_up(&mut self, payload: &[u8]) {
        self.add(u64::from(crc32fast::hash(payload)));
    }

    fn add(&mut self, value: u64) {
        self.events += 1;
        self.sum = self.sum.wrapping_add(value);
    }

    /// Compares with what should have been read.
    ///
    /// # Errors
    /// Where they differ.
    pub fn expect(&self, expected: &Tally) -> Result<()> {
        if self == expected { Ok(()) } else { Err(format!("read {self:?} instead of {expected:?}").into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_repeat_with_the_seed_and_differ_by_number() {
        let (one, other) = (Payloads::new(128), Payloads::new(128));
        assert_eq!(one.nth(7), other.nth(7));
        assert_eq!(one.nth(7).len(), 128);
        let mut seen = std::collections::BTreeSet::new();
        assert!((0..5_000).all(|number| seen.insert(one.nth(number))));
    }

    #[test]
    fn letters_are_letters() {
        assert!(Payloads::letters(512).nth(3).iter().all(u8::is_ascii_alphabetic));
    }

    #[test]
    fn a_tally_finds_what_is_missing_or_changed_but_not_the_order() {
        let payloads = Payloads::new(64);
        let tally = |numbers: &[u64]| {
            let mut tally = Tally::default();
            for &number in numbers {
                tally.sum_up(payloads.nth(number));
            }
            tally
        };
        tally(&[1, 2, 3]).expect(&tally(&[3, 1, 2])).unwrap();
        tally(&[1, 2]).expect(&tally(&[1, 2, 3])).unwrap_err();
        tally(&[1, 2, 4]).expect(&tally(&[1, 2, 3])).unwrap_err();
    }
}
