//! The core as clients have it beside ingest: what is done to server requests, and how decisions are sent. A module of its own,
//! so that a batch does not pay for what a person does now and then.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::command::send::{self, CommandSendCall, DecisionSendCall};
use convex_codex_local::request::client::{self, ResolveCall, RespondCall, UpsertCall};
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/control-door.rs"]
mod tests;

/// Plans an `approvals.respond`.
#[wasm_bindgen(js_name = planRespond, unchecked_return_type = "RequestAnswer")]
pub fn plan_respond(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, RespondCall::unpack)?;
    answer(&client::plan_respond(&call))
}

/// Plans a `serverRequests.resolve`.
#[wasm_bindgen(js_name = planResolve, unchecked_return_type = "RequestAnswer")]
pub fn plan_resolve(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, ResolveCall::unpack)?;
    answer(&client::plan_resolve(&call))
}

/// Plans a `serverRequests.upsertPending`.
#[wasm_bindgen(js_name = planUpsert, unchecked_return_type = "RequestAnswer")]
pub fn plan_upsert(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, UpsertCall::unpack)?;
    answer(&client::plan_upsert(&call))
}

/// Plans a `commands.send` of a decision.
#[wasm_bindgen(js_name = planDecisionSend, unchecked_return_type = "DecisionSendAnswer")]
pub fn plan_decision_send(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, DecisionSendCall::unpack)?;
    answer(&send::plan_decision_send(&call))
}

/// Plans the commands of decisions that the component sends at once.
#[wasm_bindgen(js_name = planSends, unchecked_return_type = "CommandAnswer[]")]
pub fn plan_sends(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let calls = unpacked(texts, numbers, CommandSendCall::unpack_all)?;
    answer(&calls.iter().map(send::plan_send).collect::<Vec<_>>())
}
