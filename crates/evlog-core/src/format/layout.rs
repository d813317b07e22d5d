//! How the places of fields are stated, once, so that code and document can be compared.

/// One field of a [`Layout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, as in `docs/FORMAT.md`.
    pub name: &'static str,
    /// First byte, from the beginning of the structure.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
}

/// Where the fields of one structure stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name, as in the marks of `docs/FORMAT.md`.
    pub name: &'static str,
    /// Bytes of the whole structure.
    pub size: usize,
    /// Its fields in order.
    pub fields: &'static [Field],
}

impl Field {
    /// The `N` bytes of this field; zeros where `bytes` ends before it, which no caller that checked the length meets.
    pub(crate) fn array<const N: usize>(self, bytes: &[u8]) -> [u8; N] {
        debug_assert_eq!(self.size, N, "{}", self.name);
        bytes.get(self.offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    pub(crate) fn u8(self, bytes: &[u8]) -> u8 {
        u8::from_le_bytes(self.array(bytes))
    }

    pub(crate) fn u16(self, bytes: &[u8]) -> u16 {
        u16::from_le_bytes(self.array(bytes))
    }

    pub(crate) fn u32(self, bytes: &[u8]) -> u32 {
        u32::from_le_bytes(self.array(bytes))
    }

    pub(crate) fn u64(self, bytes: &[u8]) -> u64 {
        u64::from_le_bytes(self.array(bytes))
    }

    pub(crate) fn i64(self, bytes: &[u8]) -> i64 {
        i64::from_le_bytes(self.array(bytes))
    }

    /// Writes `value` at the place of this field.
    pub(crate) fn put(self, bytes: &mut [u8], value: &[u8]) {
        debug_assert_eq!(self.size, value.len(), "{}", self.name);
        bytes[self.offset..self.offset + self.size].copy_from_slice(value);
    }

    /// Whether every byte of this field is zero.
    pub(crate) fn is_zero(self, bytes: &[u8]) -> bool {
        bytes[self.offset..self.offset + self.size].iter().all(|&byte| byte == 0)
    }
}

/// States the fields of a structure: a module of constants for the code, a [`Layout`] for the document.
macro_rules! layout {
    ($module:ident, $layout:ident = $title:literal, $size:expr;
     $($field:ident = $name:literal @ $offset:literal + $length:literal;)*) => {
        mod $module {
            use $crate::format::layout::Field;
            $(pub(super) const $field: Field = Field { name: $name, offset: $offset, size: $length };)*
        }
        /// Where the fields stand.
        pub const $layout: $crate::format::layout::Layout =
            $crate::format::layout::Layout { name: $title, size: $size, fields: &[$($module::$field),*] };
    };
}
pub(crate) use layout;
