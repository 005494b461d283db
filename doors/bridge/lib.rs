//! The core as the bridge has it: what a line of the app-server is.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::event::classify;
use convex_codex_local::wasm::answer;
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[cfg(test)]
#[path = "../../tests/core/bridge-door.rs"]
mod tests;

/// Classifies one line of the app-server.
#[wasm_bindgen(js_name = classifyLine, unchecked_return_type = "LineClass")]
pub fn classify_line(line: &str) -> Result<JsValue, JsValue> {
    answer(&classify::classify_line(line))
}
