//! LZ4 blocks, for [messages](../parlor_shared/message/packed/index.html) that may be long.
//!
//! A crate of its own, since most of lz4_flex is generic or inlined, thus compiled where it is used: unoptimised it packs a
//! large file in seconds instead of milliseconds, and to optimise all of `shared` for it would make every build longer.

/// Packs bytes into a block.
#[inline(never)]
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    lz4_flex::block::compress(bytes)
}

/// Unpacks a block and says how many bytes it held; nothing is written beyond `room`.
///
/// # Errors
/// If it is no block, or holds more than there is room for.
#[inline(never)]
pub fn decompress(block: &[u8], room: &mut [u8]) -> Result<usize, Damaged> {
    lz4_flex::block::decompress_into(block, room).map_err(|_| Damaged)
}

/// The bytes are no block, or one that holds more than there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_as_it_was() {
        let bytes = b"one line after another\n".repeat(40);
        let block = compress(&bytes);
        assert!(block.len() < bytes.len() / 4, "{}", block.len());
        let mut room = vec![0; bytes.len()];
        assert_eq!(decompress(&block, &mut room), Ok(bytes.len()));
        assert_eq!(room, bytes);
        assert_eq!(decompress(&block, &mut room[1..]), Err(Damaged));
        assert_eq!(decompress(&block[..block.len() / 2], &mut vec![0; bytes.len()]), Err(Damaged));
    }
}
