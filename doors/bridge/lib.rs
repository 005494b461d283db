//! The core as the bridge has it: what a line of the app-server is, what of it is kept, what of a command passes.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::command::stop::{self, Stop};
use convex_codex_local::event::classify;
use convex_codex_local::policy::{self, Asked, Machine};
use convex_codex_local::redact;
use convex_codex_local::request::approval;
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

/// A line without its secrets; none where it has none. `request` is the message that the line answers.
#[wasm_bindgen(js_name = redactMessage)]
pub fn redact_message(line: &str, request: Option<String>) -> Option<String> {
    redact::redact_message(line, request.as_deref())
}

/// Whether a command from afar may be given to Codex. The method is empty where it answers no request.
#[wasm_bindgen(js_name = decideCommand, unchecked_return_type = "PolicyAnswer")]
#[expect(
    clippy::too_many_arguments,
    reason = "texts cross as they are: a struct would be read from an object, member by member"
)]
pub fn decide_command(
    policy_json: &str,
    settings_json: &str,
    recent: f64,
    asked_method: &str,
    asked_json: &str,
    is_redacted: bool,
    kind: &str,
    payload_json: &str,
) -> Result<JsValue, JsValue> {
    let asked = Asked { method: asked_method, payload_json: asked_json, is_redacted };
    let asked = Some(asked).filter(|asked| !asked.method.is_empty());
    let machine = Machine { policy_json, settings_json, recent, asked };
    answer(&policy::decide_command(machine, kind, payload_json))
}

/// What Codex is answered with for the decision of an approval, as JSON.
#[wasm_bindgen(js_name = approvalResult)]
pub fn approval_result(method: &str, payload_json: &str, decision_json: &str) -> String {
    approval::result(method, payload_json, decision_json)
}

/// What is done next for a turn that is to end. `others` are the other threads of the process in which a turn runs.
#[wasm_bindgen(js_name = planStop, unchecked_return_type = "StopStep")]
pub fn plan_stop(
    settled: bool,
    pending_requests: u32,
    interrupts: u32,
    elapsed_ms: f64,
    others: Vec<String>,
    forced: bool,
) -> Result<JsValue, JsValue> {
    let others = others.iter().map(String::as_str).collect();
    let (pending_requests, interrupts) = (pending_requests.into(), interrupts.into());
    answer(&stop::plan_stop(&Stop { settled, pending_requests, interrupts, elapsed_ms, others, forced }))
}
