//! The core as device tokens have it: how one is made, and by which name it is looked up. A module of its own: every call of
//! a bridge asks for that name.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::device::{self, IssueCall};
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/devices-door.rs"]
mod tests;

/// Plans a `devices.issueToken`.
#[wasm_bindgen(js_name = planIssue, unchecked_return_type = "DeviceAnswer")]
pub fn plan_issue(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, IssueCall::unpack)?;
    answer(&device::plan_issue(&call))
}

/// What a token is stored as.
#[wasm_bindgen(js_name = tokenHash)]
pub fn token_hash(texts: &[u8], numbers: &[f64]) -> Result<String, JsValue> {
    let token = unpacked(texts, numbers, |mut call| {
        let token = call.text();
        call.end(token)
    })?;
    Ok(device::token_hash(token))
}
