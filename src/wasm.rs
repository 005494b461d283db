//! How calls cross from JavaScript and answers go back; the other side is `js-wrapper/core`.
//!
//! The entries themselves are in `doors/`: one crate, and so one module, for each that asks.

use crate::answer::to_value;
use crate::pack::{Misfit, Unpacker};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::{JsError, JsValue};

/// The boundary's two sides differ: a bug of this software.
const MISFIT: &str = "E_INTERNAL: the call was packed otherwise than it is read";

/// What `read` makes of a packed call.
///
/// # Errors
/// An `Error` where the call was packed otherwise than it is read, or its texts are no UTF-8.
pub fn unpacked<'a, Read>(
    texts: &'a [u8],
    numbers: &'a [f64],
    read: impl FnOnce(Unpacker<'a>) -> Result<Read, Misfit>,
) -> Result<Read, JsValue> {
    let texts = std::str::from_utf8(texts).map_err(|_| Misfit);
    let read = texts.and_then(|texts| read(Unpacker::new(texts, numbers)));
    read.map_err(|Misfit| JsError::new(MISFIT).into())
}

/// The answer as plain objects, lists, texts, numbers and flags; what is not there is left out.
///
/// # Errors
/// What `serde-wasm-bindgen` refuses: nothing that a tree holds.
pub fn answer(answer: &impl Serialize) -> Result<JsValue, JsValue> {
    Ok(to_value(answer).serialize(&Serializer::new())?)
}
