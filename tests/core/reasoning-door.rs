//! The real door, as JavaScript has it: packed calls in, plain objects out.
#![allow(clippy::unwrap_used)]

use super::reasoning;
use js_sys::JSON;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn reasoning_is_told_by_parts() {
    let item = r#"{"summary":["a","b"],"content":["c"]}"#;
    let told = |numbers: &[f64]| JSON::stringify(&reasoning(item.as_bytes(), numbers).unwrap()).unwrap();
    let units = item.len() as f64;
    let [first, second] = [
        r#"{"channel":"summary","segmentType":"textDelta","part":0,"text":"a"}"#,
        r#"{"channel":"summary","segmentType":"sectionBreak","part":1,"text":""},{"channel":"summary","segmentType":"textDelta","part":1,"text":"b"}"#,
    ];
    assert_eq!(told(&[1.0, 0.0, units]), format!(r#"{{"segments":[{first},{second}]}}"#));
    let so_far = r#"{"channel":"summary","segmentType":"textDelta"}"#;
    let raw = r#"{"channel":"raw","segmentType":"textDelta","part":0,"text":"c"}"#;
    assert_eq!(told(&[0.0, 1.0, units]), format!(r#"{{"segments":[{so_far},{raw}]}}"#));
    assert!(reasoning(&[], &[1.0]).is_err(), "packed otherwise than it is read");
}
