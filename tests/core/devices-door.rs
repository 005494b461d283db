//! The real door, as JavaScript has it: a packed call in, a plain object out.
#![allow(clippy::unwrap_used)]

use super::{plan_issue, token_hash};
use js_sys::JSON;
use wasm_bindgen_test::wasm_bindgen_test;

const ENTROPY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const TOKEN: &str = "cdxd_90fbc1f780b491194633b24f7c38c6d32dde490cec7c187c9032b887eb7f0fba";
const HASH: &str = "09c7575bdb8052b1516da4d2736a9f0a75d1e8a8ea58de46a04e4137d9ce3f99";

fn issue(held: f64) -> String {
    let texts = ["laptop", ENTROPY, "r"].concat();
    let numbers = [5.0, 6.0, -1.0, 60_000.0, 43.0, 1.0, held];
    JSON::stringify(&plan_issue(texts.as_bytes(), &numbers).unwrap()).unwrap().into()
}

#[wasm_bindgen_test]
fn a_token_is_issued_and_found_by_its_hash() {
    let want =
        [r#"{"type":"issue","token":""#, TOKEN, r#"","hash":""#, HASH, r#"","expiresAt":60005}"#].concat();
    assert_eq!(issue(49.0), want);
    assert_eq!(token_hash(TOKEN.as_bytes(), &[TOKEN.len() as f64]).unwrap(), HASH);
}

#[wasm_bindgen_test]
fn beyond_the_bound_none_is() {
    assert!(issue(50.0).starts_with(r#"{"type":"rejected","code":"E_QUOTA""#));
}

#[wasm_bindgen_test]
fn a_call_that_is_packed_otherwise_throws() {
    assert!(plan_issue(b"", &[1.0]).is_err());
    assert!(token_hash(b"", &[1.0]).is_err());
}
