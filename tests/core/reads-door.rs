//! The real door, as JavaScript has it: packed calls in, plain objects and numbers out.
#![allow(clippy::unwrap_used)]

use super::{chunks_to_load, window};
use js_sys::JSON;
use wasm_bindgen_test::wasm_bindgen_test;

const NO_OPTIONS: [f64; 6] = [f64::NAN; 6];

#[wasm_bindgen_test]
fn a_window_is_decided() {
    // One stream, from cursor 1 of 4: a chunk 0..4 that keeps a delta 0..2.
    let stream = [0.0, 1.0, 1.0, 4.0, 1.0, 0.0, 4.0, 1.0, 0.0, 2.0];
    let answer = window(&[], &[NO_OPTIONS.as_slice(), stream.as_slice()].concat()).unwrap();
    assert_eq!(
        JSON::stringify(&answer).unwrap(),
        r#"{"windows":[{"status":"rebased","start":0,"end":4,"next":4}]}"#
    );
    assert!(window(&[], &NO_OPTIONS).is_err(), "packed otherwise than it is read");
}

#[wasm_bindgen_test]
fn a_readers_limit_is_brought_into_its_range() {
    let limited =
        |chunks: f64| chunks_to_load(&[], &[1.0, 1.0, 0.0, chunks, f64::NAN, f64::NAN, 0.0]).unwrap();
    assert_eq!([limited(f64::NAN), limited(0.0), limited(7.0), limited(1e9)], [100, 1, 7, 1_000]);
    let alone = |answer: f64| chunks_to_load(&[], &[1.0, 1.0, 0.0, 7.0, answer, f64::NAN, 1.0]).unwrap();
    assert_eq!([alone(f64::NAN), alone(1e9)], [1_000, 4_000]);
}
