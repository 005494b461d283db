//! The core as readers of reasoning have it: what the model thought, told by parts.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::reasoning::{ReasoningCall, read_reasoning};
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/reasoning-door.rs"]
mod tests;

/// Decides what a reader gets of a reasoning item.
#[wasm_bindgen(js_name = readReasoning, unchecked_return_type = "ReasoningAnswer")]
pub fn reasoning(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, ReasoningCall::unpack)?;
    answer(&read_reasoning(&call))
}
