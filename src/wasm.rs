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

/// Begins to read a packed call.
///
/// # Errors
/// An `Error` where the texts are no UTF-8.
pub fn unpacker<'a>(texts: &'a [u8], numbers: &'a [f64]) -> Result<Unpacker<'a>, JsValue> {
    let texts = std::str::from_utf8(texts).map_err(|_| misfit(Misfit))?;
    Ok(Unpacker::new(texts, numbers))
}

/// What JavaScript is thrown for a call that was packed otherwise than it is read.
pub fn misfit(_: Misfit) -> JsValue {
    JsError::new(MISFIT).into()
}

/// The answer as plain objects, lists, texts, numbers and flags; what is not there is left out.
///
/// # Errors
/// None: a tree holds nothing that JavaScript's values do not.
pub fn answer(answer: &impl Serialize) -> Result<JsValue, JsValue> {
    Ok(to_value(answer).serialize(&Serializer::new())?)
}
