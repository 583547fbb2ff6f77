//! The library behind the `parlor` binary.
