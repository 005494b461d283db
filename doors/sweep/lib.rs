//! The core as the sweeps of the component have it: a module of its own, so that no batch and no reader loads it.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::retention;
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/sweep-door.rs"]
mod tests;

/// Which sessions are due.
#[wasm_bindgen(js_name = sessionsDue, unchecked_return_type = "SessionsDue")]
pub fn sessions_due(now_ms: f64) -> Result<JsValue, JsValue> {
    answer(&retention::sessions_due(now_ms))
}

/// Decides which chunks of a stream go.
#[wasm_bindgen(js_name = planTrim, unchecked_return_type = "TrimAnswer")]
pub fn plan_trim(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, retention::TrimCall::unpack)?;
    answer(&retention::plan_trim(&call))
}

/// Decides whether a turn has gone silent.
#[wasm_bindgen(js_name = planSilence, unchecked_return_type = "SilenceAnswer")]
pub fn plan_silence(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, retention::SilenceCall::unpack)?;
    answer(&retention::plan_silence(&call))
}
