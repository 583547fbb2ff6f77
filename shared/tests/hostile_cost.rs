//! A few bytes that claim much cost little: memory and time of the worst that may arrive, measured.
//!
//! One test, so that nothing else allocates while it measures.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/updates.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod updates;

use std::alloc::System;
use std::time::{Duration, Instant};

use cap::Cap;
use parlor_shared::codec;
use parlor_shared::document::{Document, Side, Splice, StickyPosition, UpdateError};
use parlor_shared::id::AuthorId;
use parlor_shared::link::Link;
use parlor_shared::message::{ToGuest, ToHost};

use updates::{Block, Content, EncodedUpdate};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// More than anything here needs, less than any claim below.
const FAIR_BYTES: usize = 1024 * 1024;

/// Blocks of an update that is built to be slow.
const BLOCKS: u32 = 1000;

fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    // The statistics only rise, so what is there already counts as a floor.
    let before = MEMORY.max_allocated();
    let result = work();
    (result, MEMORY.max_allocated() - before)
}

#[expect(clippy::disallowed_methods, reason = "measures real time")]
fn time_of<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn varint(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    updates::varint(&mut bytes, value);
    bytes
}

/// Updates of a few bytes that claim to hold very much.
fn claims() -> Vec<Vec<u8>> {
    let mut claims = Vec::new();
    for much in [1 << 20, 1 << 28, u64::from(u32::MAX), u64::MAX] {
        let much = varint(much);
        let text = [&[4, 1, 4][..], b"text"].concat();
        let padding = vec![0; 64];
        claims.extend([
            // Clients, blocks, units of every kind of content, deleted clients, deleted ranges.
            [&much[..], &padding].concat(),
            [&[1], &much[..], &[17, 0], &padding].concat(),
            [&[1, 1, 17, 0], &text[..], &much, b"xx", &padding].concat(),
            [&[1, 1, 17, 0, 0], &much[..], &[0]].concat(),
            [&[1, 1, 17, 0, 10], &much[..], &[0]].concat(),
            [&[0], &much[..], &padding].concat(),
            [&[0, 1, 17], &much[..], &padding].concat(),
            [&[0, 1, 17, 1, 0], &much[..], &padding].concat(),
            [&[0, 1, 17, 1], &much[..], &much].concat(),
        ]);
        for kind in 1..16u8 {
            claims.push([&[1, 1, 17, 0, kind, 1, 4][..], b"text", &much, &padding].concat());
        }
    }
    // Values within values, deep enough for any stack.
    let nested = [&[1, 1, 17, 0, 8, 1, 4][..], b"text", &[1], &[0x75, 1].repeat(200_000)].concat();
    claims.push(nested);
    claims
}

#[test]
fn claims_cost_no_memory_and_the_largest_updates_little_time() {
    let mut document = Document::new(AuthorId(16));
    let text = "0123456789\n".repeat(1000);
    document.edit(&[Splice { at: 0, delete: 0, insert: text.clone() }]).unwrap();
    let claims = claims();

    let ((), peak) = peak_of(|| {
        for claim in &claims {
            assert!(document.apply_as(AuthorId(17), claim, 1 << 19).is_err(), "{claim:?}");
            // From a host; deletions of what is not here are kept, but not more than was sent.
            let _ = Document::new(AuthorId(16)).apply([claim.as_slice()]);
            let _ = document.missing_from(&claim[..claim.len().min(64)]);
            let _ = document.resolve(&StickyPosition(claim[..claim.len().min(64)].to_vec()));
            let _ = codec::decode::<ToHost>(claim);
            let _ = codec::decode::<ToGuest>(claim);
            let _ = Link::new(Duration::ZERO).receive(claim, Duration::ZERO);
        }
    });
    assert!(peak < FAIR_BYTES, "claims took {peak} bytes");

    // A listing that claims four billion entries.
    let listing = [&[3, 0, 0, 0][..], &varint(u64::from(u32::MAX)), &[0; 16]].concat();
    let (result, peak) = peak_of(|| codec::decode::<ToGuest>(&listing));
    assert!(result.is_err() && peak < 2 * FAIR_BYTES, "{peak}");

    // A message in a million empty pieces.
    let (mut link, frame) = (Link::new(Duration::ZERO), [&[0, 1, 0][..], &[0x82, 0].repeat(8000)].concat());
    let (result, peak) = peak_of(|| link.receive(&frame, Duration::ZERO));
    assert!(result.is_ok() && peak < FAIR_BYTES, "{peak}");
    // A million messages of nothing, in frames as large as they come: a few bytes each.
    let (result, peak) = peak_of(|| {
        Link::new(Duration::ZERO).receive(&[&[0, 1, 0][..], &[2, 0].repeat(8000)].concat(), Duration::ZERO)
    });
    assert!(result.is_ok() && peak < 2 * FAIR_BYTES, "{peak}");

    println!("claims done");
    let block = |left| Block { left, right: None, content: Content::Text("a".into()) };
    // yrs looks for a block's place among everything between its two neighbours, and an honest author's neighbours
    // stood side by side. One who names distant ones makes each block cost a walk through the text.
    let scattered: Vec<Block> = (0..BLOCKS).map(|at| block(Some((16, at * 7919 % 11_000)))).collect();
    let crowded: Vec<Block> = (0..BLOCKS).map(|_| block(Some((16, 5000)))).collect();
    let backwards: Vec<Block> = (0..BLOCKS)
        .map(|at| Block {
            right: Some((16, 10_999 - at % 11_000)),
            ..block((at > 0).then_some((17, at / 2)))
        })
        .collect();
    for (name, blocks) in [("scattered", scattered), ("crowded", crowded), ("backwards", backwards)] {
        let update = EncodedUpdate { sections: vec![(17, 0, blocks)], deletions: vec![] }.bytes();
        let mut target = Document::new(AuthorId(16));
        target.edit(&[Splice { at: 0, delete: 0, insert: text.clone() }]).unwrap();
        let (result, time) = time_of(|| target.apply_as(AuthorId(17), &update, 1 << 24));
        println!("{name}: {BLOCKS} blocks, {} bytes, {time:?}, {result:?}", update.len());
        assert!(matches!(result, Ok(()) | Err(UpdateError::Gap)));
        assert!(time < Duration::from_secs(20), "{name} took {time:?}");
        let (_, time) = time_of(|| target.resolve(&target.sticky(target.len(), Side::Before)));
        assert!(time < Duration::from_secs(1), "a position took {time:?}");
    }
}
