//! The core as threads have it that are made, deleted, archived: a module of its own, so that a batch pays for it only where it
//! names a thread that is not there.
#![cfg(target_arch = "wasm32")]

use convex_codex_local::deletion::{self, DeletionCall, JobState, Target};
use convex_codex_local::fork::{self, CopyCall, ForkCall, ForkState, ForkStepCall};
use convex_codex_local::ingest::call::ThreadRow;
use convex_codex_local::pack::Unpacker;
use convex_codex_local::thread::{self, Change};
use convex_codex_local::tombstone::{self, Buried, NewThread, Tombstone};
use convex_codex_local::wasm::{answer, unpacked};
use wasm_bindgen::prelude::*;

#[global_allocator]
static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(test)]
#[path = "../../tests/core/threads-door.rs"]
mod tests;

/// The names of the tombstones of what a user had.
#[wasm_bindgen(js_name = tombstonesOf)]
pub fn tombstones_of(texts: &[u8], numbers: &[f64]) -> Result<Vec<String>, JsValue> {
    unpacked(texts, numbers, |mut call| {
        let (tenant_id, user_id) = (call.text(), call.text());
        let names = call.list(|call| {
            let what: Buried = call.named(Buried::read);
            tombstone::tombstone_of(what, tenant_id, user_id, call.text())
        });
        call.end(names)
    })
}

/// Whether a thread may be made. `buried_until` is its tombstone's: NaN while rows are left.
#[wasm_bindgen(js_name = planMake, unchecked_return_type = "MakeAnswer")]
pub fn plan_make(buried_until: f64, recreate: bool, now_ms: f64) -> Result<JsValue, JsValue> {
    let tombstone = if buried_until.is_nan() { Tombstone::Deleting } else { Tombstone::Until(buried_until) };
    answer(&tombstone::plan_make(tombstone, recreate, now_ms))
}

/// Plans a deletion.
#[wasm_bindgen(js_name = planDeletion, unchecked_return_type = "DeletionAnswer")]
pub fn plan_deletion(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, |mut call| {
        let read = DeletionCall {
            now_ms: call.number(),
            target: call.named(Target::read),
            thread_exists: call.flag(),
            exists: call.flag(),
            buried: call.flag(),
            empty: call.flag(),
            delay_ms: call.optional(Unpacker::number),
            open: call.optional(state),
            open_count: call.integer(),
        };
        call.end(read)
    })?;
    answer(&deletion::plan_deletion(&call))
}

/// Plans what a revert hides.
#[wasm_bindgen(js_name = planRevert, unchecked_return_type = "RevertPlan")]
pub fn plan_revert(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let (begun_end, next, waiting) = unpacked(texts, numbers, |mut call| {
        let read = (call.integer(), call.integer(), call.list(Unpacker::integer));
        call.end(read)
    })?;
    answer(&deletion::plan_revert(begun_end, next, &waiting))
}

/// Plans a cancellation.
#[wasm_bindgen(js_name = planCancel, unchecked_return_type = "DeletionAnswer")]
pub fn plan_cancel(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let (found, now_ms) = unpacked(texts, numbers, |mut call| {
        let read = (call.optional(state), call.number());
        call.end(read)
    })?;
    answer(&deletion::plan_cancel(found, now_ms))
}

/// Plans that a job does not wait.
#[wasm_bindgen(js_name = planForce, unchecked_return_type = "DeletionAnswer")]
pub fn plan_force(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let (found, now_ms) = unpacked(texts, numbers, |mut call| {
        let read = (call.optional(state), call.number());
        call.end(read)
    })?;
    answer(&deletion::plan_force(found, now_ms))
}

/// Plans a job's next batch.
#[wasm_bindgen(js_name = planStep, unchecked_return_type = "DeletionAnswer")]
pub fn plan_step(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let (found, due_at, now_ms) = unpacked(texts, numbers, |mut call| {
        let read = (state(&mut call), call.number(), call.number());
        call.end(read)
    })?;
    answer(&deletion::plan_step(found, due_at, now_ms))
}

/// Plans a change of a thread: `archive`, `unarchive`, or its new name.
#[wasm_bindgen(js_name = planChange, unchecked_return_type = "ThreadAnswer")]
pub fn plan_change(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let (found, change) = unpacked(texts, numbers, |mut call| {
        let found = call.optional(ThreadRow::unpack);
        let change = match (call.optional_text(), call.flag()) {
            (Some(name), _) => Change::Rename(name),
            (None, true) => Change::Archive,
            (None, false) => Change::Unarchive,
        };
        call.end((found, change))
    })?;
    answer(&thread::plan_change(found.as_ref(), change))
}

/// Plans a fork.
#[wasm_bindgen(js_name = planFork, unchecked_return_type = "ForkAnswer")]
pub fn plan_fork(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, |mut call| {
        let read = ForkCall {
            now_ms: call.number(),
            new_thread: call.optional(NewThread::unpack),
            source: call.flag(),
            buried: call.flag(),
            turn: call.optional(Unpacker::flag),
            known: call.optional(Unpacker::flag),
            used: call.flag(),
            filling: call.flag(),
            open_count: call.integer(),
        };
        call.end(read)
    })?;
    answer(&fork::plan_fork(&call))
}

/// Plans a fork's next batch.
#[wasm_bindgen(js_name = planForkStep, unchecked_return_type = "ForkStep")]
pub fn plan_fork_step(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, |mut call| {
        let read = ForkStepCall {
            state: call.named(ForkState::read),
            source: call.flag(),
            copy: call.flag(),
            filling: call.flag(),
            now_ms: call.number(),
        };
        call.end(read)
    })?;
    answer(&fork::plan_fork_step(&call))
}

/// Decides what rows of a thread are in its copy.
#[wasm_bindgen(js_name = planCopies, unchecked_return_type = "CopyAnswer")]
pub fn plan_copies(texts: &[u8], numbers: &[f64]) -> Result<JsValue, JsValue> {
    let call = unpacked(texts, numbers, CopyCall::unpack)?;
    answer(&fork::plan_copies(&call))
}

fn state(call: &mut Unpacker<'_>) -> JobState {
    call.named(JobState::read)
}
