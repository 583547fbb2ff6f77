//! Embeds the built page into the binary.

fn main() {}
