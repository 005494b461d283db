//! The core as the mutations of clients have it: turns, sessions, checkpoints.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::checkpoint;
use convex_codex_local::ingest::newest;
use convex_codex_local::pack::safe_integer;
use convex_codex_local::session::SessionFacts;
use convex_codex_local::turn;
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/clients-door.rs"]
mod tests;

/// Plans a `turns.start`.
#[wasm_bindgen(js_name = planTurnStart, unchecked_return_type = "ClientAnswer")]
pub fn plan_turn_start(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, turn::TurnStartCall::unpack)?;
    answer(&turn::plan_turn_start(&call))
}

/// Plans a `turns.interrupt`.
#[wasm_bindgen(js_name = planTurnInterrupt, unchecked_return_type = "ClientAnswer")]
pub fn plan_turn_interrupt(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, turn::TurnInterruptCall::unpack)?;
    answer(&turn::plan_turn_interrupt(&call))
}

/// Plans a `sync.ensureSession`.
#[wasm_bindgen(js_name = planSession, unchecked_return_type = "ClientAnswer")]
pub fn plan_session(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let (heartbeat, facts) = unpacked(texts, numbers, |mut call| {
        let read = (call.flag(), SessionFacts::unpack(&mut call));
        call.end(read)
    })?;
    answer(&facts.answer(heartbeat))
}

/// Plans what a call does to its session that writes the thread as a batch does, and brings none.
#[wasm_bindgen(js_name = planAdmission, unchecked_return_type = "ClientAnswer")]
pub fn plan_admission(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let (now_ms, facts) = unpacked(texts, numbers, |mut call| {
        let read = (call.number(), SessionFacts::unpack(&mut call));
        call.end(read)
    })?;
    answer(&facts.admission(now_ms))
}

/// Plans a `sync.upsertCheckpoint`. `known` below 0 means none.
#[wasm_bindgen(js_name = planCheckpoint, unchecked_return_type = "ClientAnswer")]
pub fn plan_checkpoint(
    now_ms: f64,
    cursor: f64,
    known: f64,
    stream_exists: bool,
) -> Result<JsValue, JsValue> {
    answer(&checkpoint::plan_checkpoint(now_ms, cursor, safe_integer(known), stream_exists))
}

/// Whether the usage of the turn at `order` is the thread's too; that is of the turn before `place`.
#[wasm_bindgen(js_name = isThreadUsage)]
pub fn is_thread_usage(order: f64, place: f64) -> bool {
    newest::is_thread_usage(order as u64, place as u64)
}
