//! The real door, as JavaScript has it: a packed call in, a plain object out.
#![allow(clippy::unwrap_used)]

use super::plan_import;
use js_sys::JSON;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn a_page_is_planned() {
    let texts = r#"acmeännth_1runningT{"status":"inProgress","startedAt":2}{"id":"m","type":"x"}"#;
    let new_thread = [1.0, 4.0, 3.0, 4.0];
    let page =
        [0.0, 0.0, 1.0, 0.0, 1.0, 7.0, 0.0, 0.0, 2.0, 3.0, 0.0, 0.0, 1.0, 1.0, 37.0, 0.0, 0.0, 1.0, 21.0];
    let numbers = [&new_thread[..], &page].concat();
    let answer: String = JSON::stringify(&plan_import(texts.as_bytes(), &numbers).unwrap()).unwrap().into();
    let started =
        r#"{"turn":0,"kind":"turn/started","isJson":true,"cursorStart":0,"cursorEnd":1,"createdAt":2000}"#;
    let begins = r#"{"turn":0,"item":0,"kind":"item/started","begins":{"id":"m","type":"x"},"isJson":true,"cursorStart":1,"cursorEnd":2,"createdAt":2000}"#;
    let ends = r#"{"turn":0,"item":0,"kind":"item/completed","isJson":true,"cursorStart":2,"cursorEnd":3,"createdAt":2000}"#;
    let events = [started, begins, ends].join(",");
    let named = r#""turns":["T"],"items":[{"turnId":"T","itemId":"m"}],"closing":["T"],"openTurns":false"#;
    let chunks =
        r#""chunks":[{"event":0,"start":0,"end":3}],"nextOrders":["T"],"lifecycleIds":[],"usage":false"#;
    let rest = r#""folds":[],"quarantine":true,"openRequests":true,"requestIds":[]"#;
    let tombstone = "c7c7f078da5454d25f12e520587904e89ea865d95d2348cbe3018b88c7d5a4a3";
    let want = format!(
        r#"{{"type":"import","events":[{events}],"needs":{{{named},{chunks},{rest}}},"tombstone":"{tombstone}","progress":{{"state":"running","position":{{"turn":1,"item":0}},"importedItems":3,"quarantined":3}},"writes":true}}"#
    );
    assert_eq!(answer, want);
    assert!(plan_import(texts.as_bytes(), &numbers[1..]).is_err());
}
