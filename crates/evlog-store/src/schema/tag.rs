//! What a topic remembers of its type.

use super::{Schema, SchemaError};
use std::fmt;

const MAGIC: [u8; 4] = *b"EVST";
const LAYOUT: u16 = 1;
/// Bytes before the name: magic, crc, layout, length of the name, version, size, alignment.
const HEAD: usize = 24;
/// Bytes before what the crc covers.
const COVERED: usize = 8;

/// What a topic remembers of its type: name, version, and the size and alignment of the archived root.
///
/// As bytes, little-endian: `EVST` at 0, the CRC-32 of bytes 8.. at 4, the layout (1) as u16 at 8, the name's length
/// as u16 at 10, version, size and alignment as u32 at 12, 16 and 20, the name at 24.
///
/// ```
/// # #[cfg(feature = "value")] {
/// use evlog_store::{schema::SchemaTag, value::Value};
///
/// let tag = SchemaTag::of::<Value>();
/// assert_eq!(SchemaTag::from_bytes(&tag.to_bytes())?, tag);
/// assert_eq!(tag.to_string(), "evlog.Value version 1 (16 bytes, aligned to 8)");
/// # }
/// # Ok::<(), evlog_store::schema::TagError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaTag {
    name: String,
    version: u32,
    root_size: u32,
    root_alignment: u32,
}

impl SchemaTag {
    /// The tag of `T`. A name that is empty or longer than 255 bytes does not compile.
    pub fn of<T: Schema>() -> SchemaTag {
        const { assert!(!T::NAME.is_empty() && T::NAME.len() <= 255, "NAME has 1 to 255 bytes") };
        SchemaTag {
            name: T::NAME.to_owned(),
            version: T::VERSION,
            root_size: size_of::<T::Archived>() as u32,
            root_alignment: align_of::<T::Archived>() as u32,
        }
    }

    /// Refuses another type, another version, or another shape of the root.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Mismatch`], which names both.
    pub fn expect<T: Schema>(&self) -> Result<(), SchemaError> {
        let expected = SchemaTag::of::<T>();
        if *self == expected {
            return Ok(());
        }
        Err(SchemaError::Mismatch { found: Box::new(self.clone()), expected: Box::new(expected) })
    }

    /// The type's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type's version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// A number for the tag that is never zero: the schema number that stands with each event.
    ///
    /// Two different tags share a number with a chance of one in 2^32.
    pub fn number(&self) -> u32 {
        crc32fast::hash(&self.to_bytes()[COVERED..]).max(1)
    }

    /// The tag as bytes, as described above.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut covered = Vec::with_capacity(HEAD - COVERED + self.name.len());
        covered.extend_from_slice(&LAYOUT.to_le_bytes());
        covered.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
        for number in [self.version, self.root_size, self.root_alignment] {
            covered.extend_from_slice(&number.to_le_bytes());
        }
        covered.extend_from_slice(self.name.as_bytes());
        [&MAGIC[..], &crc32fast::hash(&covered).to_le_bytes(), &covered].concat()
    }

    /// Reads a tag from its bytes; anything before or behind them is an error.
    ///
    /// # Errors
    ///
    /// [`TagError`], which says what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<SchemaTag, TagError> {
        let (head, name) = bytes.split_first_chunk::<HEAD>().ok_or(TagError::Length(bytes.len()))?;
        if head[..4] != MAGIC {
            return Err(TagError::Magic);
        }
        if number(head, 4) != crc32fast::hash(&bytes[COVERED..]) {
            return Err(TagError::Checksum);
        }
        let layout = u16::from_le_bytes([head[8], head[9]]);
        if layout != LAYOUT {
            return Err(TagError::Layout(layout));
        }
        if name.is_empty() || name.len() != usize::from(u16::from_le_bytes([head[10], head[11]])) {
            return Err(TagError::Length(bytes.len()));
        }
        let name = String::from_utf8(name.to_vec()).map_err(|_| TagError::Name)?;
        Ok(SchemaTag {
            name,
            version: number(head, 12),
            root_size: number(head, 16),
            root_alignment: number(head, 20),
        })
    }
}

impl fmt::Display for SchemaTag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SchemaTag { name, version, root_size, root_alignment } = self;
        write!(out, "{name} version {version} ({root_size} bytes, aligned to {root_alignment})")
    }
}

/// Bytes that are no [`SchemaTag`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// Shorter or longer than its own fields say.
    #[error("a schema's tag does not have {0} bytes")]
    Length(usize),
    /// Something else.
    #[error("a schema's tag begins with EVST")]
    Magic,
    /// Damaged.
    #[error("the schema's tag is damaged: its checksum does not fit")]
    Checksum,
    /// Of a later version of evlog.
    #[error("the schema's tag has layout {0}, which this version of evlog does not know")]
    Layout(u16),
    /// The name is not UTF-8.
    #[error("the name in the schema's tag is not UTF-8")]
    Name,
}

fn number(head: &[u8; HEAD], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}
