//! The real door, as JavaScript has it: packed calls in, plain objects out.
#![allow(clippy::unwrap_used)]

use super::{
    plan_cancel, plan_command_sweep, plan_edit, plan_interrupt_send, plan_lease, plan_promote, plan_report,
    plan_send,
};
use js_sys::JSON;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const NOW: f64 = 1_000_000.0;
const NAN: f64 = f64::NAN;

fn text(answer: Result<JsValue, JsValue>) -> String {
    JSON::stringify(&answer.unwrap()).unwrap().into()
}

/// The numbers of a command's row behind `texts` of its kind and state, without anything optional.
const QUEUED: [f64; 12] = [4.0, 6.0, 0.0, 0.0, NAN, 0.0, 0.0, -1.0, 0.0, -1.0, 0.0, 0.0];

#[wasm_bindgen_test]
fn a_sent_command_says_what_it_names_and_is_then_made() {
    let payload = r#"{"clientTurnId":"c😀","input":[{"text":"hi"}]}"#;
    let texts = ["kturn", payload].concat();
    let units = payload.encode_utf16().count() as f64;
    let mut call = vec![NOW, 1.0, -1.0, 7.0, 0.0, -1.0, 1.0, 4.0, units, NAN, 0.0, 0.0, 0.0, 3.0, 0.0];
    assert_eq!(
        text(plan_send(texts.as_bytes(), &call)),
        r#"{"type":"needs","needs":{"clientTurnId":"c😀"}}"#
    );
    call.pop();
    call.extend([1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0]);
    assert_eq!(
        text(plan_send(texts.as_bytes(), &call)),
        r#"{"type":"insert","command":{"state":"queued","order":3,"expiresAt":1600000,"dueAt":1600000,"clientTurnId":"c😀"},"turn":{"turnOrder":7,"inputSummary":"hi","silentAt":87400000},"adopts":false,"writes":[]}"#
    );
}

#[wasm_bindgen_test]
fn a_lease_hands_out_what_waits() {
    let numbers =
        [&[NOW, 1.0, 2.0, 1.0, 1.0, 1.0, 2.0, 1.0, 0.0, 0.0, 0.0, 5.0, 1.0, 1.0, 1.0][..], &QUEUED].concat();
    assert_eq!(
        text(plan_lease(b"rdrdtturnqueued", &numbers)),
        r#"{"type":"leased","writes":[],"handed":[{"row":0,"token":0,"expiresAt":1060000,"lapses":0}],"binds":false}"#
    );
}

#[wasm_bindgen_test]
fn what_became_of_it_is_written() {
    let own = [&[NOW, 0.0, 1.0][..], &QUEUED].concat();
    let cancelled = r#"{"type":"written","writes":[{"row":0,"state":"cancelled","code":"E_COMMAND_CANCELLED","lapses":0,"lease":"clear","turn":{"type":"keep"}}]}"#;
    assert_eq!(text(plan_cancel(b"turnqueued", &own)), cancelled);
    let json = r#"{"input":[{"text":"x"}]}"#;
    let edit = [&own[..], &[24.0, 24.0]].concat();
    assert_eq!(
        text(plan_edit(["turnqueued", json, json].concat().as_bytes(), &edit)),
        r#"{"type":"edit","inputSummary":"x"}"#
    );
    let promote = [&own[..], &[1.0, 4.0, -1.0, 0.0]].concat();
    assert_eq!(text(plan_promote(b"turnqueued", &promote)), r#"{"type":"promote","rank":5}"#);
    let report = [&[NOW, 1.0, 0.0, 1.0][..], &QUEUED, &[1.0, 9.0, -1.0, -1.0, NAN, 0.0, -1.0]].concat();
    let lost = r#"{"type":"rejected","code":"E_SYNC_SESSION_DEVICE_MISMATCH""#;
    assert!(text(plan_report(b"dturnqueuedtdelivered", &report)).starts_with(lost));
    let sweep = [&[NOW][..], &QUEUED].concat();
    assert_eq!(text(plan_command_sweep(b"turnqueued", &sweep)), r#"{"type":"wait","dueAt":1600000}"#);
}

#[wasm_bindgen_test]
fn a_call_that_is_packed_otherwise_throws() {
    let entries = [
        plan_send,
        plan_interrupt_send,
        plan_cancel,
        plan_edit,
        plan_promote,
        plan_lease,
        plan_report,
        plan_command_sweep,
    ];
    for entry in entries {
        assert!(entry(&[], &[]).is_err());
    }
}
