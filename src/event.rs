//! What a line of the app-server means.

pub mod classify;
pub mod item;
pub mod json;
pub mod methods;
pub mod payload;
pub mod reader;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
