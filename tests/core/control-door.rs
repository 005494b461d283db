//! The real door, as JavaScript has it: a packed call in, a plain object out.
#![allow(clippy::unwrap_used)]

use super::{plan_decision_send, plan_respond, plan_sends};
use js_sys::JSON;
use wasm_bindgen_test::wasm_bindgen_test;

const PAYLOAD: &str = r#"{"params":{"command":"ls 😀"}}"#;
const SHA256: &str = "a0a3335c316dcae6ef048480480a7076fbb35f065dd97cabcb2a919b118cd27d";

/// A `respond` about one pending request, shown with `shown`.
fn respond(shown: &str) -> String {
    let texts = ["accepted", shown, "0", "item/commandExecution/requestApproval", "U", "pending", PAYLOAD];
    let lengths: Vec<f64> = texts.iter().map(|text| text.encode_utf16().count() as f64).collect();
    let [wish, shown, id, method, turn, state, payload] = lengths.try_into().unwrap();
    let none = f64::NAN;
    let request = [id, method, turn, -1.0, -1.0, none, none, state, -1.0, 0.0];
    let numbers = [&[1.0, -1.0, wish, shown, 1.0, 1.0][..], &request, &[-1.0, payload]].concat();
    JSON::stringify(&plan_respond(texts.concat().as_bytes(), &numbers).unwrap()).unwrap().into()
}

#[wasm_bindgen_test]
fn a_decision_about_what_was_shown_is_stored() {
    assert_eq!(
        respond(SHA256),
        [
            r#"{"type":"decide","row":0,"decision":"\"accept\"","response":"{\"decision\":\"accept\"}","shown":""#,
            SHA256,
            r#""}"#
        ]
        .concat()
    );
}

#[wasm_bindgen_test]
fn a_decision_about_anything_else_is_not() {
    assert_eq!(
        respond(&SHA256.replace('a', "g")),
        r#"{"type":"rejected","code":"E_APPROVAL_CHANGED","message":"what is asked is not what was shown","row":0}"#
    );
}

#[wasm_bindgen_test]
fn a_decision_is_sent_and_decided_at_once() {
    let method = "item/commandExecution/requestApproval";
    let payload = r#"{"requestId":0,"decision":"decline"}"#;
    let texts = ["k", "decide", payload, "pending", method];
    let asked = ["0", method, "U", "pending", PAYLOAD];
    let units = |text: &str| text.encode_utf16().count() as f64;
    let none = f64::NAN;
    let head = [1_000.0, 1.0, -1.0, 7.0, 0.0, -1.0, 1.0, 6.0, units(payload), none, 0.0, 0.0, 0.0, 3.0];
    let named = [1.0, 0.0, 0.0, 0.0, 1.0, 7.0, -1.0, 0.0, units(method), 0.0];
    let send = [&head[..], &named].concat();
    let known = [1.0, 1.0, units(method), 1.0, -1.0, -1.0, none, none, 7.0, -1.0, 0.0, -1.0, units(PAYLOAD)];
    let all = [texts.concat(), asked.concat()].concat();
    let answer = plan_decision_send(all.as_bytes(), &[&send[..], &known].concat()).unwrap();
    let command = r#"{"type":"insert","command":{"state":"queued","order":3,"dueAt":601000,"request":{"requestId":"0","isNumber":true}},"adopts":false,"writes":[]}"#;
    let decided = r#"{"type":"decide","row":0,"decision":"\"decline\"","response":"{\"decision\":\"decline\"}","shown":""#;
    assert_eq!(
        String::from(JSON::stringify(&answer).unwrap()),
        [r#"{"command":"#, command, r#","decided":"#, decided, SHA256, r#""}}"#].concat()
    );
    let sends = [&[2.0][..], &send, &send].concat();
    let both = texts.concat().repeat(2);
    let answers = plan_sends(both.as_bytes(), &sends).unwrap();
    assert_eq!(String::from(JSON::stringify(&answers).unwrap()), format!("[{command},{command}]"));
}

#[wasm_bindgen_test]
fn a_call_that_is_packed_otherwise_throws() {
    assert!(plan_respond(b"", &[1.0]).is_err());
    assert!(plan_decision_send(b"", &[1.0]).is_err());
    assert!(plan_sends(b"", &[1.0]).is_err());
}
