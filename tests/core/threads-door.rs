//! The real door, as JavaScript has it: a packed call in, a plain object out.
#![allow(clippy::unwrap_used)]

use super::{
    plan_change, plan_copies, plan_deletion, plan_fork, plan_fork_step, plan_make, plan_revert, plan_step,
    tombstones_of,
};
use js_sys::JSON;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn text(answer: Result<JsValue, JsValue>) -> String {
    JSON::stringify(&answer.unwrap()).unwrap().into()
}

#[wasm_bindgen_test]
fn tombstones_have_the_names_that_the_core_gives_them() {
    let name = "c7c7f078da5454d25f12e520587904e89ea865d95d2348cbe3018b88c7d5a4a3";
    let texts = "acmeännthreadth_1externalth_1".as_bytes();
    let names = tombstones_of(texts, &[4.0, 3.0, 2.0, 6.0, 4.0, 8.0, 4.0]).unwrap();
    assert_eq!((names.len(), names[0].as_str(), names[1] == name), (2, name, false));
    assert!(tombstones_of(texts, &[4.0, 3.0, 2.0, 6.0, 4.0]).is_err());
}

#[wasm_bindgen_test]
fn a_thread_that_was_deleted_is_not_made() {
    let deleted = r#"{"type":"rejected","code":"E_THREAD_DELETED","message":"the thread was deleted","retryable":false}"#;
    assert_eq!(text(plan_make(9.0, false, 5.0)), deleted);
    let deleting = r#"{"type":"rejected","code":"E_THREAD_DELETED","message":"the thread is being deleted","retryable":true}"#;
    assert_eq!(text(plan_make(f64::NAN, true, 5.0)), deleting);
    assert_eq!(text(plan_make(5.0, false, 5.0)), r#"{"type":"make"}"#);
}

#[wasm_bindgen_test]
fn a_deletion_is_planned() {
    let numbers = [5.0, 6.0, 1.0, 1.0, 0.0, 0.0, 1.0, 60_000.0, 0.0, 0.0];
    assert_eq!(text(plan_deletion(b"thread", &numbers)), r#"{"type":"insert","dueAt":60005}"#);
    let at_once = text(plan_deletion(b"thread", &[5.0, 6.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
    assert!(
        at_once.starts_with(r#"{"type":"insert","dueAt":5,"first":{"begins":true,"rows":500,"#),
        "{at_once}"
    );
    assert!(plan_deletion(b"thread", &numbers[1..]).is_err());
    assert!(plan_deletion(b"thrift", &numbers).is_err());
}

#[wasm_bindgen_test]
fn a_revert_is_planned() {
    assert_eq!(text(plan_revert(b"", &[4.0, 5.0, 2.0, 1.0, 4.0])), r#"{"to":4,"moved":[5]}"#);
    assert!(plan_revert(b"", &[4.0, 5.0, 2.0, 1.0]).is_err());
}

#[wasm_bindgen_test]
fn a_change_is_planned() {
    let none = r#"{"type":"rejected","code":"E_AUTH_THREAD_FORBIDDEN""#;
    assert!(text(plan_change(b"", &[0.0, -1.0, 1.0])).starts_with(none));
    let active = [1.0, -1.0, 7.0, 0.0, -1.0];
    let change = |texts, change: [f64; 2]| text(plan_change(texts, &[&active[..], &change].concat()));
    assert_eq!(change(b"", [-1.0, 1.0]), r#"{"type":"archive","archived":true}"#);
    assert_eq!(change(b"", [-1.0, 0.0]), r#"{"type":"keep"}"#);
    assert_eq!(change(b"new", [3.0, 0.0]), r#"{"type":"rename","name":"new"}"#);
}

#[wasm_bindgen_test]
fn a_step_is_planned() {
    assert_eq!(text(plan_step(b"completed", &[9.0, 0.0, 5.0])), r#"{"type":"keep"}"#);
    let step = text(plan_step(b"running", &[7.0, 0.0, 5.0]));
    assert!(
        step.starts_with(
            r#"{"type":"step","step":{"begins":false,"rows":500,"units":2097152,"retryAt":300005,"#
        ),
        "{step}"
    );
}

#[wasm_bindgen_test]
fn a_fork_is_planned() {
    let numbers = [5.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 99.0];
    let waits = r#"{"type":"insert","first":{"type":"wait","retryAt":300005}}"#;
    assert_eq!(text(plan_fork(b"", &numbers)), waits);
    let makes = [5.0, 1.0, 4.0, 3.0, 4.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let made = text(plan_fork("acmeännth_1".as_bytes(), &makes));
    assert!(made.contains(r#""first":{"type":"copy","begins":true,"#), "{made}");
    assert!(made.contains(r#""tombstone":"c7c7f078da5454d2"#), "{made}");
    let known = [5.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0];
    assert_eq!(text(plan_fork(b"", &known)), r#"{"type":"keep"}"#);
    assert!(plan_fork(b"", &numbers[1..]).is_err());
    let fail = text(plan_fork_step(b"running", &[7.0, 1.0, 0.0, 0.0, 5.0]));
    assert_eq!(fail, r#"{"type":"fail","code":"E_THREAD_DELETED","expiresAt":604800005}"#);
    let copy = text(plan_fork_step(b"scheduled", &[9.0, 1.0, 1.0, 0.0, 5.0]));
    assert!(copy.starts_with(r#"{"type":"copy","begins":true,"rows":500,"units":1048576,"#), "{copy}");
}

#[wasm_bindgen_test]
fn copies_are_planned() {
    let numbers = [1.0, 10.0, 1.0, 9.0, 1.0, 0.0, 3.0, f64::NAN, 1.0, 0.0, 1.0, 0.0, 4.0, 1.0];
    let ended = r#"{"status":"interrupted","closing":"turn"}"#;
    let tail = r#"[{"message":0,"textBytes":1,"firstPart":1,"parts":[]}]"#;
    let turn = r#"{"copied":true,"status":"interrupted","source":"local"}"#;
    let want =
        ["{\"turns\":[", turn, "],\"messages\":[", ended, "],\"tails\":", tail, ",\"part\":", ended, "}"];
    assert_eq!(text(plan_copies(b"inProgressstreaminga", &numbers)), want.concat());
}
