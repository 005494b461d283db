//! The real door, as JavaScript has it: a line in, a plain object out.
#![allow(clippy::unwrap_used)]

use super::classify_line;
use js_sys::JSON;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn a_line_is_classified() {
    let line = r#"{"method":"item/x","params":{"threadId":"t😀","turnId":"u"},"emittedAtMs":12}"#;
    let class = classify_line(line).unwrap();
    assert_eq!(
        JSON::stringify(&class).unwrap(),
        r#"{"type":"event","kind":"item/x","threadId":"t😀","turnId":"u","request":false,"opensTurn":true,"endsTurn":false,"emittedAtMs":12,"cutStart":59,"cutEnd":76}"#
    );
}
