//! The core as Convex has it: the plans of ingest and of clients, and what readers get.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::checkpoint;
use convex_codex_local::delta::window::{WindowCall, read_window};
use convex_codex_local::ingest::call::IngestCall;
use convex_codex_local::ingest::{newest, plan};
use convex_codex_local::options::Options;
use convex_codex_local::pack::safe_integer;
use convex_codex_local::session::SessionFacts;
use convex_codex_local::turn;
use convex_codex_local::wasm::{answer, misfit, unpacker};
use wasm_bindgen::prelude::*;

#[cfg(test)]
#[path = "../../tests/core/component-door.rs"]
mod tests;

/// Plans a batch.
#[wasm_bindgen(js_name = planIngest, unchecked_return_type = "IngestAnswer")]
pub fn plan_ingest(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = IngestCall::unpack(unpacker(texts, numbers)?).map_err(misfit)?;
    answer(&plan::plan_ingest(&call))
}

/// Decides what a reader gets.
#[wasm_bindgen(js_name = readWindow, unchecked_return_type = "WindowAnswer")]
pub fn window(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = WindowCall::unpack(unpacker(texts, numbers)?).map_err(misfit)?;
    answer(&read_window(&call))
}

/// Plans a `turns.start`.
#[wasm_bindgen(js_name = planTurnStart, unchecked_return_type = "ClientAnswer")]
pub fn plan_turn_start(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = turn::TurnStartCall::unpack(unpacker(texts, numbers)?).map_err(misfit)?;
    answer(&turn::plan_turn_start(&call))
}

/// Plans a `turns.interrupt`.
#[wasm_bindgen(js_name = planTurnInterrupt, unchecked_return_type = "ClientAnswer")]
pub fn plan_turn_interrupt(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = turn::TurnInterruptCall::unpack(unpacker(texts, numbers)?).map_err(misfit)?;
    answer(&turn::plan_turn_interrupt(&call))
}

/// Plans a `sync.ensureSession`.
#[wasm_bindgen(js_name = planSession, unchecked_return_type = "ClientAnswer")]
pub fn plan_session(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let mut call = unpacker(texts, numbers)?;
    let heartbeat = call.flag();
    let facts = SessionFacts::unpack(&mut call);
    let facts = call.end(facts).map_err(misfit)?;
    answer(&facts.answer(heartbeat))
}

/// Plans a `sync.upsertCheckpoint`. `known` below 0 means none.
#[wasm_bindgen(js_name = planCheckpoint, unchecked_return_type = "ClientAnswer")]
pub fn plan_checkpoint(cursor: f64, known: f64, stream_exists: bool) -> Result<JsValue, JsValue> {
    answer(&checkpoint::plan_checkpoint(cursor, safe_integer(known), stream_exists))
}

/// Whether the usage of the turn at `order` is the thread's too; that is of the turn before `place`.
#[wasm_bindgen(js_name = isThreadUsage)]
pub fn is_thread_usage(order: f64, place: f64) -> bool {
    newest::is_thread_usage(order as u64, place as u64)
}

/// The reader's limits, brought into their ranges: how many chunks of a stream are worth loading.
#[wasm_bindgen(js_name = chunksToLoad)]
pub fn chunks_to_load(texts: &[u8], numbers: &[f64]) -> Result<usize, JsValue> {
    let mut call = unpacker(texts, numbers)?;
    let options = Options::unpack(&mut call);
    Ok(options.deltas_per_stream_max)
}
