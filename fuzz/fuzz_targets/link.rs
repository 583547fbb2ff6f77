//! Frames: any bytes as any number of frames, cut where the first byte of each says, between frames of our own.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use parlor_shared::lane::Lanes;
use parlor_shared::link::Link;

fuzz_target!(|bytes: &[u8]| {
    let mut now = Duration::ZERO;
    let (mut link, mut lanes) = (Link::new(now), Lanes::default());
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first() {
        let (frame, after) = after.split_at((*length as usize).min(after.len()));
        // Something to be acknowledged, so that acknowledgements can be right as well as wrong.
        lanes.push_control(frame.to_vec().into()).expect("one message fits");
        while link.next_frame(&mut lanes, now).is_some() {}
        if link.receive(frame, now).is_err() {
            break;
        }
        while let Some((_, message)) = link.next_message() {
            assert!(message.len() <= bytes.len());
        }
        rest = after;
        now += Duration::from_millis(u64::from(*length));
    }
});
