//! The real door, as JavaScript has it: packed calls in, plain objects out.
#![allow(clippy::unwrap_used)]

use super::plan_ingest;
use js_sys::{JSON, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn stringify(value: &JsValue) -> String {
    JSON::stringify(value).unwrap().into()
}

fn get(target: &JsValue, key: &str) -> JsValue {
    Reflect::get(target, &key.into()).unwrap()
}

/// Packs a call as `js-wrapper/core/boundary.ts` does.
#[derive(Default)]
struct Packer {
    texts: String,
    numbers: Vec<f64>,
}

impl Packer {
    fn numbers(mut self, numbers: &[f64]) -> Self {
        self.numbers.extend(numbers);
        self
    }

    fn text(mut self, text: &str) -> Self {
        self.texts.push_str(text);
        self.numbers.push(text.encode_utf16().count() as f64);
        self
    }
}

fn first_batch(created_at: f64) -> Packer {
    let payload = r#"{"method":"item/agentMessage/delta","params":{"itemId":"m","delta":"é😀"}}"#;
    let call = Packer::default()
        .numbers(&[0.0, 1_000.0])
        .text("T")
        .numbers(&[f64::NAN; 6])
        .numbers(&[0.0])
        .text("s")
        .text("d")
        .numbers(&[0.0, 0.0, 0.0])
        .numbers(&[0.0, 0.0])
        .numbers(&[1.0])
        .text("e0")
        .text("U")
        .text("T:U:0")
        .text("item/agentMessage/delta")
        .text(payload)
        .numbers(&[0.0, 1.0, created_at]);
    call.numbers(&[0.0])
}

fn ingest(call: &Packer) -> Result<JsValue, JsValue> {
    plan_ingest(call.texts.as_bytes(), &call.numbers)
}

#[wasm_bindgen_test]
fn an_unknown_item_is_asked_for() {
    let answer = ingest(&first_batch(5.0).numbers(&[0.0])).unwrap();
    assert_eq!(
        stringify(&answer),
        r#"{"type":"needs","needs":{"turns":["U"],"items":[{"turnId":"U","itemId":"m"}],"closing":["U"],"openTurns":false,"chunks":[],"nextOrders":[],"lifecycleIds":[],"usage":false,"folds":[],"quarantine":false,"openRequests":false,"requestIds":[]}}"#
    );
}

#[wasm_bindgen_test]
fn a_plan_is_plain_objects_and_numbers() {
    let answer = ingest(&first_batch(12.5).numbers(&[1.0]).numbers(&[0.0; 11])).unwrap();
    let writes = get(&get(&answer, "plan"), "writes");
    let chunk = get(&writes, "6");
    assert_eq!(
        stringify(&chunk),
        r#"{"type":"insertChunk","events":[0],"cursorStart":0,"cursorEnd":1,"runs":[{"messageId":"m","channel":"text","cursorStart":0,"cursorEnd":1,"text":"é😀"}],"kept":[],"itemIds":[],"expiresAt":86401000}"#
    );
    assert_eq!(get(&chunk, "cursorEnd").as_f64(), Some(1.0), "a number, no BigInt");
    let run = get(&get(&chunk, "runs"), "0");
    assert!(get(&run, "leadingLow").is_undefined(), "what is not there is left out, not null");
    let turn = get(&writes, "2");
    assert!(get(&turn, "error").is_undefined());
    assert_eq!(get(&turn, "startedAt").as_f64(), Some(12.5), "a fraction of a millisecond stays");
    assert!(get(&turn, "hasItems").is_truthy());
}

#[wasm_bindgen_test]
fn a_call_that_is_packed_otherwise_throws() {
    for call in [first_batch(5.0), first_batch(5.0).numbers(&[0.0, 0.0]), first_batch(5.0).text("x")] {
        let message = get(&ingest(&call).unwrap_err(), "message").as_string().unwrap();
        assert!(message.starts_with("E_INTERNAL: "), "{message}");
    }
    assert!(plan_ingest(&[0xFF], &[]).is_err(), "texts that are no UTF-8");
}
