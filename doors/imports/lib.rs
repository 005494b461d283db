//! The core as history imports have it: a module of its own, beside the one that takes the batches which they become.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::import::{self, ImportCall};
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/imports-door.rs"]
mod tests;

/// Plans a page of a history.
#[wasm_bindgen(js_name = planImport, unchecked_return_type = "ImportAnswer")]
pub fn plan_import(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, ImportCall::unpack)?;
    answer(&import::plan_import(&call))
}
