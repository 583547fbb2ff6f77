//! Frames: any bytes as any number of frames, cut where the first byte of each says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_shared::link::Link;

fuzz_target!(|bytes: &[u8]| {
    let mut link = Link::default();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first() {
        let (frame, after) = after.split_at((*length as usize).min(after.len()));
        if link.receive(frame).is_err() {
            break;
        }
        while let Some((_, message)) = link.next_message() {
            assert!(message.len() <= bytes.len());
        }
        rest = after;
    }
});
