//! The order in which people expect names: without regard to case, `file2` before `file10`.

use std::cmp::Ordering;

/// A name prepared for comparing many times.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NaturalKey {
    folded: String,
    name: String,
}

impl NaturalKey {
    pub(super) fn new(name: &str) -> Self {
        Self { folded: name.to_lowercase(), name: name.to_owned() }
    }
}

impl Ord for NaturalKey {
    /// A total order: names that differ only in case or in leading zeros are told apart at the end.
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.folded.as_bytes(), other.folded.as_bytes()).then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for NaturalKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares byte by byte, which for UTF-8 is character by character, and runs of digits by their value.
fn compare(mut left: &[u8], mut right: &[u8]) -> Ordering {
    loop {
        match (left.first(), right.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (left_digits, left_rest) = split_number(left);
                let (right_digits, right_rest) = split_number(right);
                let order =
                    left_digits.len().cmp(&right_digits.len()).then_with(|| left_digits.cmp(right_digits));
                if order.is_ne() {
                    return order;
                }
                (left, right) = (left_rest, right_rest);
            }
            (Some(a), Some(b)) if a != b => return a.cmp(b),
            (Some(_), Some(_)) => (left, right) = (&left[1..], &right[1..]),
        }
    }
}

/// The digits at the start without leading zeros, and what follows them.
fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().position(|byte| *byte != b'0').unwrap_or(digits.len());
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_count_and_case_does_not() {
        let mut names = ["b10", "B2", "a", "b1", "Z", "b02", "_", "10", "9", "é", "1a", "b"];
        names.sort_by_key(|name| NaturalKey::new(name));
        assert_eq!(names, ["1a", "9", "10", "_", "a", "b", "b1", "B2", "b02", "b10", "Z", "é"]);
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[0aAb1_]{0,6}", b in "[0aAb1_]{0,6}", c in "[0aAb1_]{0,6}") {
            let [x, y, z] = [&a, &b, &c].map(|name| NaturalKey::new(name));
            prop_assert_eq!(x.cmp(&y), y.cmp(&x).reverse());
            prop_assert_eq!(x.cmp(&y).is_eq(), a == b);
            if x <= y && y <= z {
                prop_assert!(x <= z);
            }
        }
    }
}
