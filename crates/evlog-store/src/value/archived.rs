//! Values read in place.

use super::ArchivedValue;
use rkyv::rancor::{Error as ArchiveError, Source};

impl ArchivedValue {
    /// What a map holds under `key`; none where this is no map.
    pub fn get(&self, key: &str) -> Option<&ArchivedValue> {
        if let ArchivedValue::Map(map) = self { map.get(key) } else { None }
    }

    /// The integer, if it is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            ArchivedValue::I64(number) => Some(number.to_native()),
            ArchivedValue::U64(number) => i64::try_from(number.to_native()).ok(),
            _ => None,
        }
    }

    /// The integer, if it is one and fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            ArchivedValue::I64(number) => u64::try_from(number.to_native()).ok(),
            ArchivedValue::U64(number) => Some(number.to_native()),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let ArchivedValue::String(text) = self { Some(text) } else { None }
    }

    /// Finds maps whose names do not ascend: no encoding of ours made them, and a search in them would miss names.
    ///
    /// Called behind the check of depth, so it needs little stack.
    pub(super) fn check_order(&self) -> Result<(), ArchiveError> {
        match self {
            ArchivedValue::List(values) => values.iter().try_for_each(ArchivedValue::check_order),
            ArchivedValue::Map(map) if !map.ascends() => Err(ArchiveError::new(Unordered)),
            ArchivedValue::Map(map) => map.iter().try_for_each(|(_, value)| value.check_order()),
            _ => Ok(()),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the names of a map do not ascend")]
struct Unordered;
