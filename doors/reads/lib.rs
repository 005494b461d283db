//! The core as queries have it: what a reader gets of a stream.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::delta::window::{WindowCall, read_window};
use convex_codex_local::options::Options;
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/reads-door.rs"]
mod tests;

/// Decides what a reader gets.
#[wasm_bindgen(js_name = readWindow, unchecked_return_type = "WindowAnswer")]
pub fn window(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, WindowCall::unpack)?;
    answer(&read_window(&call))
}

/// The reader's limits, brought into their ranges: how many chunks of a stream are worth loading.
#[wasm_bindgen(js_name = chunksToLoad)]
pub fn chunks_to_load(texts: &[u8], numbers: &[f64]) -> Result<usize, JsValue> {
    unpacked(texts, numbers, |mut call| Ok(Options::unpack_reader(&mut call).deltas_per_stream_max))
}
