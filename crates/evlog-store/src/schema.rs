//! Typed payloads: Rust types archived with rkyv, checked on every read, borrowed from the payload where it lies.
//!
//! What this offers is narrower than rkyv, on purpose:
//!
//! - Every access is checked. Bytes on a disk are bytes of a stranger, whatever their checksum says.
//! - The check has a depth limit, [`MAX_DEPTH`]. rkyv's own `access` has none: three megabytes of nested lists end the
//!   process with a stack overflow.
//! - Types with shared pointers (`Rc`, `Arc`, `Weak`) do not compile as a schema: their check would have to follow
//!   whatever graph the bytes describe.
//! - What is encoded is read back once before it is handed out, so that nothing unreadable is ever stored.
//!
//! The check finds bytes that are no archive of the type; it cannot tell two types of the same shape apart: swap two
//! numbers in a struct, and old payloads pass. Therefore a topic remembers the [`SchemaTag`] of its type.

mod tag;

pub use tag::{SchemaTag, TagError};

use rkyv::api::access_with_context;
use rkyv::api::low::{LowDeserializer, LowSerializer, LowValidator, deserialize, to_bytes_in_with_alloc};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Error as ArchiveError;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::{AlignedVec, with_arena};
use rkyv::validation::Validator;
use rkyv::validation::archive::ArchiveValidator;
use rkyv::{Archive, Deserialize, Serialize};
use std::num::NonZeroUsize;

/// How deep the parts of an archive may lie in each other: 64, the root being the first.
///
/// Whatever an archive keeps outside its place (the elements of a list, the text of a long string, what a box holds)
/// lies one deeper than what points to it.
pub const MAX_DEPTH: usize = 64;

/// A type whose values are payloads.
///
/// The name and the version are what a topic remembers: change the version whenever the archived form changes.
///
/// ```
/// use evlog_store::schema::{self, Schema, Scratch};
/// use rkyv::{Archive, Deserialize, Serialize};
///
/// #[derive(Archive, Serialize, Deserialize)]
/// struct Order {
///     number: u64,
///     customer: String,
/// }
///
/// impl Schema for Order {
///     const NAME: &'static str = "shop.Order";
///     const VERSION: u32 = 1;
/// }
///
/// let mut scratch = Scratch::default();
/// let payload = schema::encode(&Order { number: 7, customer: "Ada".into() }, &mut scratch)?.to_vec();
///
/// let order = schema::access::<Order>(&payload, &mut scratch)?;
/// assert_eq!((order.number.to_native(), order.customer.as_str()), (7, "Ada"));
/// # Ok::<(), schema::SchemaError>(())
/// ```
///
/// Shared pointers are refused by the compiler:
///
/// ```compile_fail,E0277
/// use evlog_store::schema::Schema;
/// use rkyv::{Archive, Serialize};
///
/// #[derive(Archive, Serialize)]
/// struct Shared {
///     name: std::rc::Rc<str>,
/// }
///
/// impl Schema for Shared {
///     const NAME: &'static str = "shop.Shared";
///     const VERSION: u32 = 1;
/// }
/// ```
pub trait Schema:
    Archive<Archived: for<'a> CheckBytes<LowValidator<'a, ArchiveError>>>
    + for<'a> Serialize<LowSerializer<AlignedVec, ArenaHandle<'a>, ArchiveError>>
{
    /// Names the type, across versions: 1 to 255 bytes.
    const NAME: &'static str;
    /// Changes with every change of the archived form.
    const VERSION: u32;

    /// Refuses a value that must not be encoded; by default none.
    ///
    /// A type that nests itself bounds its depth here, since the encoding of a deep value needs stack.
    ///
    /// # Errors
    ///
    /// Whatever the type refuses.
    fn check(&self) -> Result<(), SchemaError> {
        Ok(())
    }

    /// Refuses an archive that is sound in memory and yet no value of the type; by default none.
    ///
    /// # Errors
    ///
    /// Whatever the type refuses; readers see it as the source of [`SchemaError::Invalid`].
    fn check_archived(archived: &Self::Archived) -> Result<(), ArchiveError> {
        let _ = archived;
        Ok(())
    }
}

/// A schema whose values can be taken out of their archives. Whatever derives rkyv's `Deserialize` has it.
pub trait Decode: Schema<Archived: Deserialize<Self, LowDeserializer<ArchiveError>>> + Sized {}

impl<T: Schema<Archived: Deserialize<T, LowDeserializer<ArchiveError>>>> Decode for T {}

/// Room for one payload, used again and again: aligned, and empty until needed.
///
/// [`encode`] writes into it; [`access`] copies into it what lies misaligned, and nothing else.
#[derive(Debug, Default)]
pub struct Scratch(AlignedVec);

/// Bytes of room that are kept from one payload to the next.
const KEPT: usize = 1 << 20;

impl Scratch {
    /// Gives back what an unusually large payload took.
    pub(crate) fn shrink(&mut self) {
        if self.0.capacity() > KEPT {
            self.0 = AlignedVec::new();
        }
    }
}

/// Encodes a value as a payload, which stands in `scratch` until its next use.
///
/// # Errors
///
/// [`SchemaError::Encode`], [`SchemaError::Unreadable`] where the value is nested deeper than [`MAX_DEPTH`], and what
/// [`Schema::check`] returns.
pub fn encode<'a, T: Schema>(value: &T, scratch: &'a mut Scratch) -> Result<&'a [u8], SchemaError> {
    value.check()?;
    let mut room = std::mem::take(&mut scratch.0);
    room.clear();
    scratch.0 = with_arena(|arena| to_bytes_in_with_alloc(value, room, arena.acquire()))
        .map_err(|source| SchemaError::Encode { name: T::NAME, source })?;
    checked::<T>(&scratch.0).map_err(|source| SchemaError::Unreadable { name: T::NAME, source })?;
    Ok(&scratch.0)
}

/// Checks a payload and shows the value in it, without decoding it: the answer borrows from `payload`, or from
/// `scratch` where the payload had to be copied because it lay misaligned.
///
/// # Errors
///
/// [`SchemaError::Invalid`] where the bytes are no archive of `T`.
pub fn access<'a, T: Schema>(
    payload: &'a [u8],
    scratch: &'a mut Scratch,
) -> Result<&'a T::Archived, SchemaError> {
    if let Ok(archived) = checked::<T>(payload) {
        return Ok(archived);
    }
    // Payloads lie on multiples of eight in a segment, so what fails here is bad; or it lies elsewhere, or is of a type
    // that wants more, and passes once it is copied to a multiple of sixteen.
    scratch.0.clear();
    scratch.0.extend_from_slice(payload);
    checked::<T>(&scratch.0).map_err(|source| SchemaError::Invalid {
        name: T::NAME,
        version: T::VERSION,
        source,
    })
}

/// Checks a payload and decodes the value in it.
///
/// # Errors
///
/// [`SchemaError::Invalid`] where the bytes are no archive of `T`.
pub fn decode<T: Decode>(payload: &[u8], scratch: &mut Scratch) -> Result<T, SchemaError> {
    take_out(access::<T>(payload, scratch)?)
}

/// Decodes a value that [`access`] has shown.
///
/// # Errors
///
/// [`SchemaError::Invalid`] where the type's own decoding refuses it.
pub fn take_out<T: Decode>(archived: &T::Archived) -> Result<T, SchemaError> {
    deserialize(archived).map_err(|source| SchemaError::Invalid {
        name: T::NAME,
        version: T::VERSION,
        source,
    })
}

/// A payload or a value that is not of its schema, or a topic of another one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The bytes are no archive of the type; they were written by another program, or as another type.
    #[error("the payload is no {name} of version {version}")]
    Invalid {
        /// The type's name.
        name: &'static str,
        /// The type's version.
        version: u32,
        /// What the check found.
        source: ArchiveError,
    },
    /// The type's own encoding failed.
    #[error("the {name} cannot be encoded")]
    Encode {
        /// The type's name.
        name: &'static str,
        /// What the encoding reported.
        source: ArchiveError,
    },
    /// The value could be written and never read again, so it was not written.
    #[error("the {name} could not be read back: most likely its parts are nested deeper than {MAX_DEPTH}")]
    Unreadable {
        /// The type's name.
        name: &'static str,
        /// What the check found.
        source: ArchiveError,
    },
    /// The value is nested too deep.
    #[error("the {name} is nested deeper than {limit} levels; flatten it, or split it into events")]
    TooDeep {
        /// The type's name.
        name: &'static str,
        /// How many levels there may be.
        limit: usize,
    },
    /// The topic holds another type, or another version or shape of it.
    #[error("the topic holds {found}, but {expected} was asked for; read it as what it holds")]
    Mismatch {
        /// What the topic remembers.
        found: Box<SchemaTag>,
        /// What was asked for.
        expected: Box<SchemaTag>,
    },
}

fn checked<T: Schema>(bytes: &[u8]) -> Result<&T::Archived, ArchiveError> {
    let depth = ArchiveValidator::with_max_depth(bytes, NonZeroUsize::new(MAX_DEPTH));
    let archived =
        access_with_context::<T::Archived, _, ArchiveError>(bytes, &mut Validator::new(depth, ()))?;
    T::check_archived(archived)?;
    Ok(archived)
}
