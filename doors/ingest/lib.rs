//! The core as `sync.ingest` and `ingestSafe` have it: the plan of a batch.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::ingest::call::IngestCall;
use convex_codex_local::ingest::plan;
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/ingest-door.rs"]
mod tests;

/// Plans a batch.
#[wasm_bindgen(js_name = planIngest, unchecked_return_type = "IngestAnswer")]
pub fn plan_ingest(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, IngestCall::unpack)?;
    answer(&plan::plan_ingest(&call))
}
