//! The core as presence has it: beats, their expiry, and how a machine stands for its readers. A module of its own: a beat
//! comes every 15 seconds, and each re-runs the readers' queries.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::presence::{self, BeatCall, PresenceExpiryCall, PresenceViewCall};
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/presence-door.rs"]
mod tests;

/// Plans a `presence.beat`.
#[wasm_bindgen(js_name = planBeat, unchecked_return_type = "PresenceAnswer")]
pub fn plan_beat(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, BeatCall::unpack)?;
    answer(&presence::plan_beat(&call))
}

/// Plans an expiry of a runtime's row.
#[wasm_bindgen(js_name = planPresenceExpiry, unchecked_return_type = "PresenceAnswer")]
pub fn plan_presence_expiry(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, PresenceExpiryCall::unpack)?;
    answer(&presence::plan_presence_expiry(call.row, call.now_ms))
}

/// How it stands with a machine and a thread.
#[wasm_bindgen(js_name = viewPresence, unchecked_return_type = "PresenceSeen")]
pub fn view_presence(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, PresenceViewCall::unpack)?;
    answer(&call.see())
}
