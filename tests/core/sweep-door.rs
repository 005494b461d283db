//! The real door, as JavaScript has it.
#![allow(clippy::unwrap_used)]

use super::{plan_trim, sessions_due};
use js_sys::JSON;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn sessions_are_due_after_45_seconds_and_7_days() {
    let due: String = JSON::stringify(&sessions_due(1_000_000_000.5).unwrap()).unwrap().into();
    assert_eq!(due, r#"{"staleBefore":999955000.5,"forgottenBefore":395200000.5}"#);
}

#[wasm_bindgen_test]
fn chunks_without_texts_go_when_they_are_due() {
    let chunks = [2.0, 0.0, 3.0, 1.0, 0.0, 3.0, 5.0, 0.0, 0.0];
    let call: Vec<f64> = [0.0, 0.0, 0.0, 0.0].into_iter().chain(chunks).collect();
    let answer: String = JSON::stringify(&plan_trim(&[], &call).unwrap()).unwrap().into();
    assert_eq!(answer, r#"{"writes":[],"gone":[0]}"#);
    assert!(plan_trim(&[], &[0.0]).is_err(), "packed otherwise");
}
