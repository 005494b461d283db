//! The core as steering from afar has it: what clients wish, what a runtime leases and reports, what ends by itself.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::command::edit::{self, CommandCall, CommandEditCall, CommandPromoteCall};
use convex_codex_local::command::lease::{self, CommandLeaseCall, CommandSweepCall};
use convex_codex_local::command::report::{self, CommandReportCall};
use convex_codex_local::command::send::{self, CommandSendCall, InterruptSendCall};
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/commands-door.rs"]
mod tests;

/// Plans a `commands.send`.
#[wasm_bindgen(js_name = planSend, unchecked_return_type = "CommandAnswer")]
pub fn plan_send(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, CommandSendCall::unpack)?;
    answer(&send::plan_send(&call))
}

/// Plans the command of a `turns.interrupt`.
#[wasm_bindgen(js_name = planInterruptSend, unchecked_return_type = "CommandAnswer")]
pub fn plan_interrupt_send(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, InterruptSendCall::unpack)?;
    answer(&send::plan_interrupt_send(&call))
}

/// Plans a `commands.cancel`.
#[wasm_bindgen(js_name = planCancel, unchecked_return_type = "CommandAnswer")]
pub fn plan_cancel(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, CommandCall::unpack)?;
    answer(&edit::plan_cancel(&call))
}

/// Plans a `commands.edit`.
#[wasm_bindgen(js_name = planEdit, unchecked_return_type = "CommandAnswer")]
pub fn plan_edit(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, CommandEditCall::unpack)?;
    answer(&edit::plan_edit(&call))
}

/// Plans a `commands.promote`.
#[wasm_bindgen(js_name = planPromote, unchecked_return_type = "CommandAnswer")]
pub fn plan_promote(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, CommandPromoteCall::unpack)?;
    answer(&edit::plan_promote(&call))
}

/// Plans a `commands.lease`.
#[wasm_bindgen(js_name = planLease, unchecked_return_type = "CommandAnswer")]
pub fn plan_lease(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, CommandLeaseCall::unpack)?;
    answer(&lease::plan_lease(&call))
}

/// Plans a `commands.report`.
#[wasm_bindgen(js_name = planReport, unchecked_return_type = "CommandAnswer")]
pub fn plan_report(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, CommandReportCall::unpack)?;
    answer(&report::plan_report(&call))
}

/// Plans a sweep of a command.
#[wasm_bindgen(js_name = planCommandSweep, unchecked_return_type = "CommandAnswer")]
pub fn plan_command_sweep(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, CommandSweepCall::unpack)?;
    answer(&lease::plan_command_sweep(&call))
}
