//! Looks at encoded updates, state vectors and positions before yrs decodes them, and lets through only plain text.
//!
//! yrs reserves memory for whatever a length prefix claims (five bytes make it touch hundreds of megabytes), adds
//! clocks without looking for overflow, recurses as deep as nested values go, and keeps what it can not place for
//! ever. So an update is walked first, in memory that its own length bounds; here is what it looks like (lib0 version 1, as yrs
//! 0.28 writes it; every number is a varint, little end first, seven bits a byte):
//!
//! ```text
//! update   = clients, { blocks, client, first clock, { block } }, deletions
//! block    = 0 units                              collected: units that are gone
//!          | 10 units                             skipped: units that are not part of this update
//!          | info [origin] [right origin] [parent] content
//! info     = 0x80 has origin, 0x40 has right origin, 0x20 belongs to a map key, low four bits: kind of content
//! origin   = client, clock
//! parent   = 1 bytes name | 0 client, clock       only if there is neither origin
//! content  = units (kind 1: deleted) | bytes UTF-8 (kind 4: text); all other kinds are not text
//! deletions = clients, { client, ranges, { clock, units } }
//! vector   = clients, { client, clock }
//! position = 0 client, clock, side | 1 bytes name, side
//! ```
//!
//! A block's clock is its predecessor's plus that one's units; text counts in UTF-16 units.

use std::collections::BTreeSet;

use super::{TEXT_NAME, UpdateError, text, utf16_len};
use crate::id::AuthorId;

/// Client ids have 53 bits: yrs packs them so, and JavaScript numbers hold no more.
const MAX_CLIENT: u64 = (1 << 53) - 1;

/// Clocks stay below this: yrs subtracts them as signed 32-bit numbers.
const MAX_CLOCK: u32 = i32::MAX as u32;

const KIND_COLLECTED: u8 = 0;
const KIND_DELETED: u8 = 1;
const KIND_TEXT: u8 = 4;
const KIND_SKIPPED: u8 = 10;
const HAS_ORIGIN: u8 = 0x80;
const HAS_RIGHT_ORIGIN: u8 = 0x40;

/// What the walk comes across, in the order of the bytes.
enum Part<'a> {
    /// Units of an author, here or deleted meanwhile, and their text.
    Block { client: u64, clock: u32, units: u32, text: &'a str },
    /// Units that the update leaves out.
    Skip,
    /// The block of `by` with the clock `block` was put beside this unit.
    Beside { client: u64, clock: u32, by: u64, block: u32 },
    /// Deleted units.
    Deletion { client: u64, end: u32 },
}

/// Checks that an update holds nothing but text and deletions and claims no more than it carries.
pub(super) fn check(update: &[u8]) -> Result<(), UpdateError> {
    walk(update, |_| Ok(()))
}

/// What an update adds to a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct New {
    /// UTF-16 units.
    pub(super) units: u64,
    /// Bytes of UTF-8, at most.
    pub(super) bytes: u64,
}

/// What half a character takes more than its part of the whole one, once it is replaced because text came between: a pair of
/// surrogates has four bytes, two U+FFFD have six.
const BYTES_OF_A_SPLIT: u64 = 2;

/// Checks that an update can be applied at once and whole, inserts as `author` alone, and nothing but text. `known` says how
/// many units of an author are here. Gives what is new.
pub(super) fn check_as(
    update: &[u8],
    author: AuthorId,
    known: impl Fn(AuthorId) -> u32,
) -> Result<New, UpdateError> {
    let mine = known(author);
    // Units of the author that are here once the blocks so far are applied.
    let mut reached = mine;
    let mut new = New::default();
    walk(update, |part| match part {
        Part::Block { client: by, .. } | Part::Beside { by, .. } if by != author.0 => {
            Err(UpdateError::ForeignAuthor(AuthorId(by)))
        }
        Part::Block { clock, units, text, .. } if clock <= reached => {
            let end = clock + units;
            if end > reached {
                if let Some(foreign) = text::first_foreign(text) {
                    return Err(UpdateError::NotText(foreign));
                }
                new.units += u64::from(end - reached);
                // What is deleted already counts as well, or an update could claim any number of units.
                new.bytes += (text.len() as u64).max(u64::from(units)) + BYTES_OF_A_SPLIT;
                reached = end;
            }
            Ok(())
        }
        Part::Beside { client, clock, block, .. } if client == author.0 && clock < block => Ok(()),
        Part::Beside { client, clock, .. } if client != author.0 && clock < known(AuthorId(client)) => Ok(()),
        Part::Deletion { client, end } if client == author.0 && end <= reached => Ok(()),
        Part::Deletion { client, end } if client != author.0 && end <= known(AuthorId(client)) => Ok(()),
        Part::Block { .. } | Part::Skip | Part::Beside { .. } | Part::Deletion { .. } => {
            Err(UpdateError::Gap)
        }
    })?;
    Ok(new)
}

/// Checks a state vector.
pub(super) fn check_state_vector(bytes: &[u8]) -> Result<(), UpdateError> {
    let mut reader = Reader(bytes);
    for _ in 0..reader.count(2)? {
        reader.id()?;
    }
    reader.end()
}

/// Checks a position: beside a unit, or at an end of the text.
pub(super) fn check_position(bytes: &[u8]) -> Result<(), UpdateError> {
    let mut reader = Reader(bytes);
    match reader.byte()? {
        0 => {
            reader.id()?;
        }
        1 => reader.name()?,
        _ => return Err(UpdateError::Malformed),
    }
    // A signed varint: 0 after, -1 before.
    if matches!(reader.byte()?, 0 | 0x41) { reader.end() } else { Err(UpdateError::Malformed) }
}

fn walk(update: &[u8], mut part: impl FnMut(Part<'_>) -> Result<(), UpdateError>) -> Result<(), UpdateError> {
    let mut reader = Reader(update);
    // The fewest bytes of a client: count, id, clock, and one block of two.
    let clients = reader.count(5)?;
    let mut seen = BTreeSet::new();
    for _ in 0..clients {
        let blocks = reader.number()?;
        let (client, mut clock) = reader.id()?;
        // yrs would take the blocks of a client that comes twice for one sequence.
        if blocks == 0 || !seen.insert(client) {
            return Err(UpdateError::Malformed);
        }
        reader.fits(blocks, 2)?;
        for _ in 0..blocks {
            let units = walk_block(&mut reader, client, clock, &mut part)?;
            clock = end_of(clock, units)?;
        }
    }
    let clients = reader.count(4)?;
    seen.clear();
    for _ in 0..clients {
        let client = reader.client()?;
        if !seen.insert(client) {
            return Err(UpdateError::Malformed);
        }
        let ranges = reader.count(2)?;
        let mut end = 0;
        for index in 0..ranges {
            let start = reader.number()?;
            // Ascending and apart: yrs searches them by halving.
            if index > 0 && start < end {
                return Err(UpdateError::Malformed);
            }
            end = end_of(start, reader.number()?)?;
            part(Part::Deletion { client, end })?;
        }
    }
    reader.end()
}

/// Walks one block; gives its units.
fn walk_block(
    reader: &mut Reader<'_>,
    by: u64,
    block: u32,
    part: &mut impl FnMut(Part<'_>) -> Result<(), UpdateError>,
) -> Result<u32, UpdateError> {
    let info = reader.byte()?;
    let mut text = "";
    let units = match info {
        KIND_SKIPPED => {
            let units = reader.number()?;
            part(Part::Skip)?;
            return Ok(units);
        }
        KIND_COLLECTED => reader.number()?,
        _ => {
            let mut sides = [None; 2];
            for (side, flag) in sides.iter_mut().zip([HAS_ORIGIN, HAS_RIGHT_ORIGIN]) {
                if info & flag != 0 {
                    let (client, clock) = *side.insert(reader.id()?);
                    part(Part::Beside { client, clock, by, block })?;
                }
            }
            // No replica puts text on both sides of one unit; those that are told so order it differently.
            if sides[0].is_some() && sides[0] == sides[1] {
                return Err(UpdateError::Malformed);
            }
            if info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN) == 0 {
                if reader.byte()? != 1 {
                    return Err(UpdateError::Malformed);
                }
                reader.name()?;
            }
            match info & !(HAS_ORIGIN | HAS_RIGHT_ORIGIN) {
                KIND_DELETED => reader.number()?,
                KIND_TEXT => {
                    text = reader.text()?;
                    utf16_len(text)
                }
                _ => return Err(UpdateError::Malformed),
            }
        }
    };
    end_of(block, units)?;
    part(Part::Block { client: by, clock: block, units, text })?;
    Ok(units)
}

/// The clock behind some units; there is at least one.
fn end_of(clock: u32, units: u32) -> Result<u32, UpdateError> {
    let end = clock.checked_add(units).filter(|end| *end <= MAX_CLOCK && units > 0);
    end.ok_or(UpdateError::Malformed)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, UpdateError> {
        let (&first, rest) = self.0.split_first().ok_or(UpdateError::Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    /// A varint in its shortest form, so that nobody can read another number from it.
    fn varint(&mut self) -> Result<u64, UpdateError> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(UpdateError::Malformed) } else { Ok(value) };
            }
        }
        Err(UpdateError::Malformed)
    }

    fn number(&mut self) -> Result<u32, UpdateError> {
        self.varint()?.try_into().map_err(|_| UpdateError::Malformed)
    }

    /// How many items follow, of which each takes some bytes at least.
    fn count(&mut self, item_bytes: usize) -> Result<u32, UpdateError> {
        let count = self.number()?;
        self.fits(count, item_bytes)?;
        Ok(count)
    }

    fn fits(&self, count: u32, item_bytes: usize) -> Result<(), UpdateError> {
        if count as usize <= self.0.len() / item_bytes { Ok(()) } else { Err(UpdateError::Malformed) }
    }

    fn client(&mut self) -> Result<u64, UpdateError> {
        let client = self.varint()?;
        if client <= MAX_CLIENT { Ok(client) } else { Err(UpdateError::Malformed) }
    }

    fn id(&mut self) -> Result<(u64, u32), UpdateError> {
        let client = self.client()?;
        let clock = self.number()?;
        if clock <= MAX_CLOCK { Ok((client, clock)) } else { Err(UpdateError::Malformed) }
    }

    fn text(&mut self) -> Result<&'a str, UpdateError> {
        let length = self.number()? as usize;
        let (text, rest) = self.0.split_at_checked(length).ok_or(UpdateError::Malformed)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| UpdateError::Malformed)
    }

    fn name(&mut self) -> Result<(), UpdateError> {
        if self.text()? == TEXT_NAME { Ok(()) } else { Err(UpdateError::Malformed) }
    }

    fn end(&self) -> Result<(), UpdateError> {
        if self.0.is_empty() { Ok(()) } else { Err(UpdateError::Malformed) }
    }
}
