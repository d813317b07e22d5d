//! The one checksum of the format: CRC-32 (IEEE, reflected), as crc32fast computes it.

/// The checksum of `bytes`.
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn known_answers() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
        // A run of zeros must never verify by itself.
        assert_eq!(checksum(&[0; 32]), 0x190A_55AD);
    }
}
