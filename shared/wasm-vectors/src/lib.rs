//! Exports what `cargo xtask` runs under Node: the same frozen values as the native test, and how fast wasm seals.

#[path = "../../tests/common/vectors.rs"]
mod vectors;

use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Checks every frozen value.
///
/// # Errors
/// Says which one differs.
#[wasm_bindgen]
pub fn check() -> Result<(), JsError> {
    vectors::check().map_err(|difference| JsError::new(&difference))
}

/// Seals and opens `total_bytes` in frames of `frame_bytes`; gives megabytes a second through both together.
///
/// # Errors
/// If a frame is longer than one may be.
#[wasm_bindgen]
pub fn seal_throughput(frame_bytes: usize, total_bytes: usize) -> Result<f64, JsError> {
    let text = |error: &dyn std::fmt::Display| JsError::new(&error.to_string());
    let (mut one, mut other) = vectors::channels().map_err(|error| text(&error))?;
    let frame = vec![7; frame_bytes];
    let frames = total_bytes.div_ceil(frame_bytes.max(1));
    let start = js_sys::Date::now();
    for _ in 0..frames {
        let sealed = one.seal(&frame).map_err(|error| text(&error))?;
        other.open(&sealed).map_err(|error| text(&error))?;
    }
    let seconds = (js_sys::Date::now() - start) / 1000.0;
    Ok(frames as f64 * frame_bytes as f64 / 1e6 / seconds.max(1e-3))
}
