//! What a batch of events does to the rows of its thread.

pub mod call;
pub mod chunks;
pub mod envelope;
pub mod lifecycle;
pub mod messages;
pub mod newest;
pub mod plan;
pub mod quarantine;
pub mod requests;
pub mod rows;
pub mod streams;
pub mod tails;
pub mod turns;
pub mod write;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod methods_tests;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod request_tests;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tails_tests;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod deleted_tests;
