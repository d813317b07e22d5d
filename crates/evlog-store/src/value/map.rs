//! Values by name, kept in the order of the names.

use super::{ArchivedValue, Value};
use rkyv::rancor::Source;
use rkyv::ser::{Allocator, Writer};
use rkyv::string::ArchivedString;
use rkyv::tuple::ArchivedTuple2;
use rkyv::validation::ArchiveContext;
use rkyv::{Archive, Deserialize, Serialize};

/// Values by name, each name once, ascending by its UTF-8 bytes: equal maps have equal archives and equal JSON.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[rkyv(
    archived = ArchivedMap,
    derive(Debug),
    serialize_bounds(__S: Writer + Allocator, __S::Error: Source),
    deserialize_bounds(__D::Error: Source),
    bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)),
)]
pub struct Map(#[rkyv(omit_bounds)] Vec<(String, Value)>);

impl Map {
    /// An empty map.
    pub const fn new() -> Map {
        Map(Vec::new())
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.find(key).ok().map(|index| &self.0[index].1)
    }

    /// Puts a value under `key`, and returns what stood there before.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        match self.find(&key) {
            Ok(index) => Some(std::mem::replace(&mut self.0[index].1, value)),
            Err(index) => {
                self.0.insert(index, (key, value));
                None
            }
        }
    }

    /// Takes away what stands under `key`, and returns it.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.find(key).ok().map(|index| self.0.remove(index).1)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There is no name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, ascending by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The values, in the order of their names.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(name, _)| name.as_str().cmp(key))
    }
}

/// Of names that come twice the last counts.
impl<K: Into<String>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Map {
        let mut entries: Vec<_> = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        // The sort keeps the order of equal names, so the later of two moves into the place of the earlier.
        entries.sort_by(|(one, _), (two, _)| one.cmp(two));
        entries.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Map(entries)
    }
}

/// Of names that come twice the last counts.
impl<K: Into<String>, const N: usize> From<[(K, Value); N]> for Map {
    fn from(entries: [(K, Value); N]) -> Map {
        entries.into_iter().collect()
    }
}

impl IntoIterator for Map {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl ArchivedMap {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&ArchivedValue> {
        let index = self.0.binary_search_by(|entry| entry.0.as_str().cmp(key)).ok()?;
        Some(&self.0[index].1)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There is no name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, ascending by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &ArchivedValue)> {
        self.0
            .iter()
            .map(|entry: &ArchivedTuple2<ArchivedString, ArchivedValue>| (entry.0.as_str(), &entry.1))
    }

    pub(super) fn ascends(&self) -> bool {
        self.0.is_sorted_by(|one, two| one.0.as_str() < two.0.as_str())
    }
}
