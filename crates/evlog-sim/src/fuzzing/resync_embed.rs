//! Payloads that hold batches: none of them ever surfaces, wherever the search for the next batch begins.

use arbitrary::Arbitrary;

use super::corrupt_log::judge;
use super::exercise::{Honesty, size};
use super::folder::files;
use super::history::{Content, Draft, Shape, Step, Written};
use super::input::{Case, list};
use crate::Damage;
use crate::anatomy::{Segment, segments};

#[derive(Arbitrary, Debug)]
pub(crate) struct ResyncEmbed {
    forgers: Forgers,
    shape: Shape,
    /// Batches whose header is damaged, and how.
    #[arbitrary(with = list::<_, 4>)]
    victims: Vec<(u8, u16)>,
    #[arbitrary(with = list::<_, 16>)]
    drafts: Vec<Draft>,
}

/// What those who make payloads know.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Forgers {
    /// What they appended before.
    Innocent,
    /// The files of the log: every other payload is a batch right down to its salt and its place. Where damage hides
    /// what such a payload stands in, nothing tells it from a batch; as long as nothing is damaged, it is a payload.
    Reading,
}

impl Case for ResyncEmbed {
    fn check(&self) -> usize {
        let mut written = Written::new(self.shape);
        for (number, draft) in self.drafts.iter().enumerate() {
            let content = match self.forgers {
                Forgers::Reading if number % 2 == 0 => Content::PerfectBatch,
                _ => draft.content.clone(),
            };
            written.append(&[Draft { time: draft.time, content }]);
            written.take(&Step::Sync);
        }
        written.stop();
        written.check();
        let before = segments(&written.disk);
        if self.forgers == Forgers::Innocent {
            damage_headers(&written, &before, &self.victims);
            judge(&written, &before, Honesty::Honest);
        }
        size(&files(&written.disk))
    }
}

fn damage_headers(written: &Written, before: &[Segment], victims: &[(u8, u16)]) {
    let headers: Vec<_> = before
        .iter()
        .flat_map(|segment| segment.batches.iter().map(|framed| (&segment.path, framed.header_range())))
        .collect();
    for (batch, bit) in victims {
        if let Some((path, range)) = headers.get(usize::from(*batch) % headers.len().max(1)) {
            let bit = range.start as u64 * 8 + u64::from(*bit) % (range.len() as u64 * 8);
            written.disk.damage(path, &Damage::Flip(bit)).unwrap();
        }
    }
}
