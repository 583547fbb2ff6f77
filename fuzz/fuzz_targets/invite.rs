//! Links: what can be read is the same after it was written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_shared::invite::Invite;

fuzz_target!(|text: &str| {
    if let Ok(invite) = text.parse::<Invite>() {
        let again: Invite = invite.link().parse().expect("what was written can be read");
        assert_eq!(again.link(), invite.link());
    }
});
