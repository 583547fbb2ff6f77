//! What happens to bytes on their way, as strategies for proptest.

use proptest::prelude::*;
use proptest::sample::Index;

/// What happens to bytes on their way.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Cut(Index),
    Flip(Index, u8),
    Replace(Index, Vec<u8>),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index),
}

impl Damage {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        match self {
            Self::Cut(index) => bytes.truncate(at(index, bytes)),
            Self::Flip(index, bit) => {
                let at = at(index, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Replace(index, with) => {
                let start = at(index, bytes);
                let end = (start + with.len()).min(bytes.len());
                bytes.splice(start..end, with.iter().copied());
            }
            Self::Insert(index, what) => {
                let start = at(index, bytes);
                bytes.splice(start..start, what.iter().copied());
            }
            Self::Repeat(from, to) => {
                let (from, to) = (at(from, bytes), at(to, bytes));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(piece);
            }
        }
    }
}

/// Bytes that decoders like to trip over: long numbers, full bytes, the borders of varints.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..8),
        Just(vec![0xff, 0xff, 0xff, 0xff, 0x0f]),
        Just(vec![0xff, 0xff, 0xff, 0xff, 0x07]),
        Just(vec![0xff; 11]),
        Just(vec![0x80, 0x00]),
        Just(vec![0; 4]),
    ]
}

pub(crate) fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let one = prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (any::<Index>(), piece()).prop_map(|(at, with)| Damage::Replace(at, with)),
        (any::<Index>(), piece()).prop_map(|(at, what)| Damage::Insert(at, what)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ];
    prop::collection::vec(one, 0..4)
}

/// One of these, damaged; or bytes that never were anything.
pub(crate) fn damaged(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let altered = (prop::sample::select(corpus), damage()).prop_map(|(mut bytes, damage)| {
        damage.iter().for_each(|damage| damage.apply(&mut bytes));
        bytes
    });
    prop_oneof![9 => altered, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

/// A failure prints its smallest input; one that taught us something becomes a test of its own here.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
