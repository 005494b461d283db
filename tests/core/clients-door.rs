//! The real door, as JavaScript has it: packed calls in, plain objects out.
#![allow(clippy::unwrap_used)]

use super::{plan_admission, plan_checkpoint, plan_session, plan_turn_interrupt, plan_turn_start};
use js_sys::JSON;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn text(answer: Result<JsValue, JsValue>) -> String {
    JSON::stringify(&answer.unwrap()).unwrap().into()
}

#[wasm_bindgen_test]
fn a_turn_of_no_thread_is_rejected() {
    let code = r#"{"type":"rejected","code":"E_AUTH_THREAD_FORBIDDEN""#;
    assert!(text(plan_turn_start(&[], &[5.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0])).starts_with(code));
    let none_loaded = [vec![5.0, -1.0], vec![0.0; 11]].concat();
    let code = r#"{"type":"rejected","code":"E_AUTH_TURN_FORBIDDEN""#;
    assert!(text(plan_turn_interrupt(&[], &none_loaded)).starts_with(code));
}

#[wasm_bindgen_test]
fn a_session_is_bound() {
    let call = [0.0, 1.0, 1.0, 0.0, 0.0, 0.0];
    let bound = r#"{"type":"session","session":{"type":"bind","epoch":1,"created":true}}"#;
    assert_eq!(text(plan_session(b"sd", &call)), bound);
    assert_eq!(text(plan_admission(b"sd", &call)), bound);
}

#[wasm_bindgen_test]
fn a_checkpoint_of_0_is_a_value_and_below_0_is_none() {
    assert_eq!(
        text(plan_checkpoint(5.0, 3.0, -1.0, true)),
        r#"{"type":"raise","cursor":3,"expiresAt":604800005}"#
    );
    assert_eq!(text(plan_checkpoint(5.0, 0.0, 0.0, true)), r#"{"type":"keep"}"#);
}

#[wasm_bindgen_test]
fn a_call_that_is_packed_otherwise_throws() {
    for refused in [plan_turn_start(&[], &[]), plan_turn_interrupt(&[], &[]), plan_session(&[0xFF], &[])] {
        assert!(refused.is_err());
    }
}
