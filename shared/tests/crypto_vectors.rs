//! The frozen cryptographic values, natively; `cargo xtask test` checks the same ones in wasm.

#[path = "common/vectors.rs"]
mod vectors;

#[test]
fn every_value_is_the_frozen_one() {
    assert_eq!(vectors::check(), Ok(()));
}
