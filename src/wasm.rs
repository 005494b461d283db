//! The only door to JavaScript. Its other side is `js-wrapper/core/boundary.ts`.

use crate::answer::to_json;
use crate::checkpoint;
use crate::delta::window::{WindowCall, read_window};
use crate::event::classify::classify_line as classify;
use crate::ingest::call::IngestCall;
use crate::ingest::plan;
use crate::options::Options;
use crate::pack::{Misfit, Unpacker};
use crate::session::SessionFacts;
use crate::turn;
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// SOURCE: measured, a third of the code of the default allocator.
#[global_allocator]
static TALC: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// The boundary's two sides differ: a bug of this software.
const MISFIT: &str = "E_INTERNAL: the call was packed otherwise than it is read";

/// See [`crate::answer::Unwritable`].
const UNWRITABLE: &str = "E_INTERNAL: the answer cannot be written";

// Not through js-sys, whose catching form of `parse` is 330 bytes more: what is parsed here was written by `answer.rs`.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON, js_name = parse)]
    fn parse_json(text: &str) -> JsValue;

    /// A number as JavaScript writes it.
    #[wasm_bindgen(js_name = String)]
    pub(crate) fn number_text(number: f64) -> String;
}

fn unpacker<'a>(texts: &'a [u8], numbers: &'a [f64]) -> Result<Unpacker<'a>, JsValue> {
    let texts = std::str::from_utf8(texts).map_err(|_| misfit(Misfit))?;
    Ok(Unpacker::new(texts, numbers))
}

fn misfit(_: Misfit) -> JsValue {
    JsError::new(MISFIT).into()
}

fn answer(answer: &impl Serialize) -> Result<JsValue, JsValue> {
    let json = to_json(answer).map_err(|_| JsValue::from(JsError::new(UNWRITABLE)))?;
    Ok(parse_json(&json))
}

/// Classifies one line of the app-server.
#[wasm_bindgen(js_name = classifyLine, unchecked_return_type = "LineClass")]
pub fn classify_line(line: &str) -> Result<JsValue, JsValue> {
    answer(&classify(line))
}

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
    answer(&checkpoint::plan_checkpoint(cursor, crate::pack::safe_integer(known), stream_exists))
}

/// The reader's limits, brought into their ranges: how many chunks of a stream are worth loading.
#[wasm_bindgen(js_name = chunksToLoad)]
pub fn chunks_to_load(texts: &[u8], numbers: &[f64]) -> Result<usize, JsValue> {
    let mut call = unpacker(texts, numbers)?;
    let options = Options::unpack(&mut call);
    Ok(options.deltas_per_stream_max)
}
