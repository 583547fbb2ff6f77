//! What a save announces before it begins, and what a file is to a save whose end is not known.

use parlor_shared::document::diff;
use serde::{Deserialize, Serialize};

/// What a save is about to do. The journal keeps it, so that what a sudden end leaves can be understood.
///
/// The texts of before and after are in the journal already. So it holds what proves that they were rebuilt right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The file before, without [`Self::before_tail`].
    pub before: Fingerprint,
    /// The file afterwards, without [`Self::after_tail`].
    pub after: Fingerprint,
    /// What is behind `before` in the file: another program appended it.
    pub before_tail: Vec<u8>,
    /// What will be behind `after`.
    pub after_tail: Vec<u8>,
    /// Whether the file is made anew. Then nothing was there before.
    pub creates: bool,
}

/// How many bytes there are, and their CRC-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// How many.
    pub bytes: u64,
    /// Their checksum.
    pub crc: u32,
}

impl Fingerprint {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, crc: crc32fast::hash(bytes) }
    }
}

impl Intent {
    /// A file holds the one, and is to hold the other.
    pub fn of(before: &[u8], after: &[u8]) -> Self {
        Self {
            before: Fingerprint::of(before),
            after: Fingerprint::of(after),
            before_tail: Vec::new(),
            after_tail: Vec::new(),
            creates: false,
        }
    }
}

/// A save whose end is not known: all that the file held, and all that it was to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remains {
    /// What the file held.
    pub before: Vec<u8>,
    /// What it was to hold.
    pub after: Vec<u8>,
    /// Whether it was being made anew.
    pub creates: bool,
}

/// What a file is to a save whose end is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The save was not begun.
    NotWritten,
    /// It was done. Behind it may be what another program appended since.
    Written,
    /// It was torn.
    Torn {
        /// What the file is to hold: what the save was to write, and behind it what another program appended.
        wanted: Vec<u8>,
    },
    /// Another program wrote the file since.
    Unrelated,
}

impl Remains {
    /// The remains of an announced save, if these are the bytes that it speaks of.
    pub fn of(intent: &Intent, before: Vec<u8>, after: Vec<u8>) -> Option<Self> {
        let before = if intent.creates { Vec::new() } else { before };
        let same = Fingerprint::of(&before) == intent.before && Fingerprint::of(&after) == intent.after;
        same.then(|| Self {
            before: [&before[..], &intent.before_tail].concat(),
            after: [&after[..], &intent.after_tail].concat(),
            creates: intent.creates,
        })
    }

    /// What these bytes, which the file holds, are to the save.
    ///
    /// A file is torn in which each byte is the old or the new one at its place. Behind the old end a zero counts too: file
    /// systems lengthen a file before they fill it. What is behind both ends is another program's.
    pub fn judge(&self, found: &[u8]) -> Judgement {
        let Self { before, after, creates } = self;
        let torn = |behind: &[u8]| Judgement::Torn { wanted: [after, behind].concat() };
        if found == after.as_slice() {
            return Judgement::Written;
        }
        if *creates {
            let fits = found.iter().zip(after).all(|(found, after)| found == after || *found == 0);
            let is_torn = found.len() <= after.len() && fits;
            return if is_torn { torn(&[]) } else { Judgement::Unrelated };
        }
        if found == before.as_slice() {
            return Judgement::NotWritten;
        }
        if after.len() >= before.len() && found.starts_with(after) {
            return Judgement::Written;
        }
        let (shorter, longer) = (before.len().min(after.len()), before.len().max(after.len()));
        let fits = |(at, byte): (usize, &u8)| {
            before.get(at) == Some(byte)
                || after.get(at) == Some(byte)
                || *byte == 0 && at >= before.len()
                || at >= longer
        };
        if found.len() < shorter || !found.iter().enumerate().all(fits) {
            return Judgement::Unrelated;
        }
        torn(found.get(longer..).unwrap_or_default())
    }
}

/// How far one text is from another that became of it: how much was inserted, and how often something was deleted. Another
/// program may have deleted ever so much, but hardly wrote by chance what had been typed.
pub(in crate::agent) fn insertions(from: &str, to: &str) -> usize {
    let splices = diff::fewest_splices(from, to);
    splices.iter().map(|splice| usize::from(splice.delete > 0) + splice.insert.len()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn remains(before: &str, after: &str) -> Remains {
        Remains { before: before.into(), after: after.into(), creates: false }
    }

    #[test]
    fn a_file_tells_how_far_a_save_came() {
        let longer = remains("one three", "one two three");
        let torn = Judgement::Torn { wanted: "one two three".into() };
        assert_eq!(longer.judge(b"one three"), Judgement::NotWritten);
        assert_eq!(longer.judge(b"one two three"), Judgement::Written);
        assert_eq!(longer.judge(b"one two three, and more"), Judgement::Written);
        assert_eq!(longer.judge(b"one threehree"), torn);
        assert_eq!(longer.judge(b"one three\0\0\0\0"), torn);
        assert_eq!(longer.judge(b"one 2 three"), Judgement::Unrelated);
        assert_eq!(longer.judge(b"one"), Judgement::Unrelated);

        let shorter = remains("one two three\n", "one three\n");
        assert_eq!(shorter.judge(b"one threehree\n"), Judgement::Torn { wanted: "one three\n".into() });
        let appended = Judgement::Torn { wanted: "one three\nfour\n".into() };
        assert_eq!(shorter.judge(b"one threehree\nfour\n"), appended);
        assert_eq!(shorter.judge(b""), Judgement::Unrelated);
    }

    #[test]
    fn a_file_that_is_made_anew_may_be_torn_at_any_length() {
        let made = Remains { creates: true, ..remains("", "text") };
        for torn in ["", "te", "te\0\0"] {
            assert_eq!(made.judge(torn.as_bytes()), Judgement::Torn { wanted: "text".into() }, "{torn:?}");
        }
        assert_eq!(made.judge(b"text"), Judgement::Written);
        assert_eq!(made.judge(b"other"), Judgement::Unrelated);
    }

    #[test]
    fn only_the_bytes_that_were_announced_are_judged() {
        let intent =
            Intent { before_tail: b"X".to_vec(), after_tail: b"X".to_vec(), ..Intent::of(b"o", b"n") };
        let remains = Remains::of(&intent, b"o".to_vec(), b"n".to_vec()).unwrap();
        assert_eq!((remains.before.as_slice(), remains.after.as_slice()), (&b"oX"[..], &b"nX"[..]));
        assert_eq!(Remains::of(&intent, b"o".to_vec(), b"m".to_vec()), None);
    }

    proptest! {
        #[test]
        fn any_mix_of_old_and_new_blocks_is_known_as_torn(
            before in proptest::collection::vec(1..4u8, 0..64),
            after in proptest::collection::vec(1..4u8, 0..64),
            mix in proptest::collection::vec(any::<bool>(), 16),
            grown in any::<bool>(),
        ) {
            let mut found = before.clone();
            if grown {
                found.resize(before.len().max(after.len()), 0);
            }
            for (block, _) in mix.iter().enumerate().filter(|(_, new)| **new) {
                let until = (block * 4 + 4).min(found.len()).min(after.len());
                if block * 4 < until {
                    found[block * 4..until].copy_from_slice(&after[block * 4..until]);
                }
            }
            let remains = Remains { before: before.clone(), after: after.clone(), creates: false };
            match remains.judge(&found) {
                Judgement::NotWritten => prop_assert_eq!(found, before),
                Judgement::Written => prop_assert!(found.starts_with(&after)),
                Judgement::Torn { wanted } => prop_assert_eq!(wanted, after),
                Judgement::Unrelated => prop_assert!(false, "{:?}", found),
            }
        }
    }
}
