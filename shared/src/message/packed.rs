//! Bytes that may be many: compressed on the wire if that makes them fewer, and never larger than allowed.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultCode};
use crate::limits::MAX_DOCUMENT_MESSAGE_BYTES;

/// Fewer bytes are sent as they are: a keystroke gains nothing.
const PACK_FROM_BYTES: usize = 512;

/// What does not get smaller in so many bytes is taken not to do so at all.
const SAMPLE_BYTES: usize = 64 * 1024;

/// LZ4 makes at most this of one byte: a claim of more is a lie, found before any memory is taken for it.
const MOST_FROM_A_BYTE: usize = 255;

/// The bytes can not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// They would be more than allowed.
    #[error("{0} bytes are too many")]
    TooLarge(usize),
    /// They do not become what is claimed.
    #[error("the bytes are damaged")]
    Damaged,
}

impl From<UnpackError> for Fault {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::TooLarge(bytes) => {
                Self::new(FaultCode::TooLarge).with(bytes).with(MAX_DOCUMENT_MESSAGE_BYTES)
            }
            UnpackError::Damaged => FaultCode::InvalidUpdate.into(),
        }
    }
}

/// Bytes as they go over the wire: an LZ4 block, or as they are.
///
/// They stay packed until somebody who may act on them asks: whoever is refused costs nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// How many bytes the block holds; zero if it is none.
    unpacked: u32,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

impl Packed {
    /// Packs bytes, if that makes them fewer.
    pub fn new(bytes: Vec<u8>) -> Self {
        let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
        if (PACK_FROM_BYTES..=MAX_DOCUMENT_MESSAGE_BYTES).contains(&bytes.len())
            && (sample.len() == bytes.len() || parlor_packing::compress(sample).len() < sample.len())
        {
            let packed = parlor_packing::compress(&bytes);
            if packed.len() < bytes.len() {
                return Self { unpacked: bytes.len() as u32, bytes: packed };
            }
        }
        Self { unpacked: 0, bytes }
    }

    /// The bytes.
    ///
    /// # Errors
    /// If they are too many, or the block is damaged. The length is checked before memory is taken.
    pub fn unpack(&self) -> Result<Vec<u8>, UnpackError> {
        let length = self.unpacked as usize;
        if length == 0 {
            return Ok(self.bytes.clone());
        }
        if length > MAX_DOCUMENT_MESSAGE_BYTES {
            return Err(UnpackError::TooLarge(length));
        }
        if length > self.bytes.len().saturating_mul(MOST_FROM_A_BYTE) {
            return Err(UnpackError::Damaged);
        }
        let mut unpacked = vec![0; length];
        match parlor_packing::decompress(&self.bytes, &mut unpacked) {
            Ok(written) if written == length => Ok(unpacked),
            Ok(_) | Err(parlor_packing::Damaged) => Err(UnpackError::Damaged),
        }
    }

    /// How many bytes go over the wire.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bytes_stay_as_they_are_and_many_become_fewer() {
        let few = vec![7; PACK_FROM_BYTES - 1];
        let packed = Packed::new(few.clone());
        assert_eq!((packed.len(), packed.unpack()), (few.len(), Ok(few)));
        let many = b"let value = compute(value);\n".repeat(1000);
        let packed = Packed::new(many.clone());
        assert!(packed.len() < many.len() / 10, "{}", packed.len());
        assert_eq!(packed.unpack(), Ok(many));
    }

    #[test]
    fn what_does_not_get_smaller_is_left_alone() {
        let mut noise = 1u64;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (noise >> 56) as u8
        })
        .take(4096)
        .collect();
        let packed = Packed::new(bytes.clone());
        assert_eq!((packed.unpacked, packed.unpack()), (0, Ok(bytes)));
    }

    #[test]
    fn a_claim_is_checked_before_memory_is_taken() {
        let claim = |unpacked, bytes: &[u8]| Packed { unpacked, bytes: bytes.to_vec() }.unpack();
        assert_eq!(claim(u32::MAX, &[0; 64]), Err(UnpackError::TooLarge(u32::MAX as usize)));
        assert_eq!(claim(48 * 1024 * 1024, &[0; 64]), Err(UnpackError::Damaged));
        assert_eq!(claim(1000, &[]), Err(UnpackError::Damaged));
        // A block whose length is another than it says, and one that reaches back before its beginning.
        let block = Packed::new(vec![3; 1000]);
        for unpacked in [999, 1001] {
            assert_eq!(Packed { unpacked, ..block.clone() }.unpack(), Err(UnpackError::Damaged));
        }
        assert_eq!(claim(600, &[0x1f, b'a', 9, 0, 255, 255, 60]), Err(UnpackError::Damaged));
    }
}
