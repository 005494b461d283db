//! Commands: what a client wishes of the machine, from afar.
//!
//! queued -> leased -> delivered -> accepted | refused | expired | cancelled | unknown. A plan reads a command as it is
//! *now*: a lease that has lapsed and a time that is over count before anything else, whether or not the sweep was there.

pub mod answer;
pub mod edit;
pub mod lease;
pub mod payload;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties;
pub mod report;
pub mod row;
pub mod send;
pub mod stop;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
