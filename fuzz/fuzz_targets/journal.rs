//! Journals: whatever a disk has made of one, what is whole is read and nothing panics.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| parlor::agent::fuzz_journal(bytes));
