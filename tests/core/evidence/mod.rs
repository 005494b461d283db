//! The evidence that the core is right, kept apart from it: compiled for tests and, with the feature `testing`, for the
//! fuzz targets and the examples that measure. `docs/EVIDENCE.md` says what each piece proves and how it is run.
//!
//! - [`operations`]: random operations on the core and on the naive [`model`], over a [`history`] of known meaning
//! - [`simulation`]: senders, a bad channel, clients and readers of two users in virtual time
//! - [`calls`]: packed calls and their native answers, for the wasm to give the same
//! - [`engine`]: the core in its shell, as a user's thread
//! - [`json`], [`line`](mod@line): the readers of text against `serde_json`
//! - [`hostile`]: texts that others write, through redaction, policy and imports

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::type_complexity,
    dead_code,
    missing_docs
)]

pub mod calls;
#[cfg(test)]
mod corpus;
pub mod engine;
pub mod history;
pub mod hostile;
pub mod json;
pub mod line;
pub mod model;
pub mod operations;
#[cfg(test)]
mod property;
pub mod random;
pub mod simulation;
