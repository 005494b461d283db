//! The real door, as JavaScript has it: packed calls in, plain objects out.
#![allow(clippy::unwrap_used)]

use super::{plan_beat, plan_presence_expiry, view_presence};
use js_sys::JSON;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const NOW: f64 = 1_000_000.0;

fn text(answer: Result<JsValue, JsValue>) -> String {
    JSON::stringify(&answer.unwrap()).unwrap().into()
}

#[wasm_bindgen_test]
fn a_beat_says_what_is_written() {
    let call = [NOW, 1.0, 2.0, 1.0, 5.0, -1.0, 1.0, 1.0, -1.0, 0.0, 101.0, f64::NAN, 0.0, 0.0, 0.0, 0.0];
    let threads = r#"[{"threadId":"T","pendingRequests":0,"behind":101,"catchingUp":true}]"#;
    let row = r#""generation":2,"phase":"ready","login":"unknown","awayAt":1060000,"expiresAt":2593000000,"threads":"#;
    assert_eq!(
        text(plan_beat(b"rdreadyT", &call)),
        [
            r#"{"type":"beat","now":1000000,"commandsWaiting":0,"row":{"#,
            row,
            threads,
            r#"},"forget":false,"schedule":true,"renewed":[],"leaseExpiresAt":1060000}"#
        ]
        .concat()
    );
}

#[wasm_bindgen_test]
fn an_expiry_waits_for_the_row_that_moved() {
    let call = |away_at| [NOW, 1.0, 1.0, 2.0, away_at, 0.0];
    assert_eq!(text(plan_presence_expiry(b"d", &call(NOW + 1.0))), r#"{"type":"again","at":1000001}"#);
    assert_eq!(text(plan_presence_expiry(b"d", &call(NOW))), r#"{"type":"away"}"#);
}

#[wasm_bindgen_test]
fn a_reader_sees_four_states() {
    let view = r#"{"machine":"here","bridge":"up","codex":"up","login":"in","thread":"here"}"#;
    assert_eq!(
        text(view_presence(b"readyin", &[f64::NAN, 1.0, 0.0, 5.0, 2.0, 1.0])),
        [r#"{"row":0,"view":"#, view, "}"].concat()
    );
}

#[wasm_bindgen_test]
fn a_call_that_is_packed_otherwise_throws() {
    for entry in [plan_beat, plan_presence_expiry, view_presence] {
        assert!(entry(&[], &[]).is_err());
    }
}
