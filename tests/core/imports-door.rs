//! The real door, as JavaScript has it: a packed call in, a plain object out.
#![allow(clippy::unwrap_used)]

use super::plan_import;
use js_sys::JSON;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn a_page_is_planned() {
    let texts = r#"{"status":"inProgress","startedAt":2}{"id":"m","type":"x"}"#;
    let numbers = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 37.0, 0.0, 0.0, 1.0, 21.0];
    let answer: String = JSON::stringify(&plan_import(texts.as_bytes(), &numbers).unwrap()).unwrap().into();
    let started =
        r#"{"turn":0,"kind":"turn/started","isJson":true,"cursorStart":0,"cursorEnd":1,"createdAt":2000}"#;
    let begins = r#"{"turn":0,"item":0,"kind":"item/started","begins":{"id":"m","type":"x"},"isJson":true,"cursorStart":1,"cursorEnd":2,"createdAt":2000}"#;
    let ends = r#"{"turn":0,"item":0,"kind":"item/completed","isJson":true,"cursorStart":2,"cursorEnd":3,"createdAt":2000}"#;
    let events = [started, begins, ends].join(",");
    let want = [r#"{"type":"import","events":["#, &events, r#"],"next":{"turn":1,"item":0}}"#].concat();
    assert_eq!(answer, want);
    assert!(plan_import(texts.as_bytes(), &numbers[1..]).is_err());
}
