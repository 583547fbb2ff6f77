//! Updates, state vectors and positions at a replica: refused with the document as it was, or applied whole.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_shared::document::{Document, Splice, StickyPosition};
use parlor_shared::id::AuthorId;

const MAX_BYTES: u64 = 4096;

fn document() -> Document {
    let mut document = Document::new(AuthorId(16));
    let typed = |at, delete, insert: &str| Splice { at, delete, insert: insert.to_owned() };
    document.edit(&[typed(0, 0, "one \u{1f600} two\n")]).expect("it fits");
    document.edit(&[typed(3, 2, "")]).expect("it fits");
    let mut other = Document::new(AuthorId(17));
    other.apply([document.missing_from(&[]).expect("a state").as_slice()]).expect("it applies");
    let update = other.edit(&[typed(2, 1, "xyz")]).expect("it fits").expect("it is a change");
    document.apply([update.as_slice()]).expect("it applies");
    document
}

fuzz_target!(|bytes: &[u8]| {
    let mut target = document();
    let before = (target.text(), target.missing_from(&[]).expect("a state"));
    match target.apply_as(AuthorId(17), bytes, MAX_BYTES) {
        Ok(()) => {
            assert!(target.text().len() as u64 <= MAX_BYTES);
            let state = target.missing_from(&[]).expect("a state");
            let mut other = Document::new(AuthorId(90));
            other.apply([state.as_slice()]).expect("our own state applies");
            assert_eq!(other.len(), target.len());
        }
        Err(_) => assert_eq!((target.text(), target.missing_from(&[]).expect("a state")), before),
    }
    let _ = document().apply([bytes]);
    let _ = document().missing_from(bytes);
    let _ = document().resolve(&StickyPosition(bytes.to_vec()));
});
