//! The `parlor` binary: parses the command line and runs what it asks for.

fn main() {}
