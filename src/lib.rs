//! The deciding core of convex-codex-local.
//!
//! Pure functions: rows, a batch, options and the time go in; writes, acknowledgements and codes come out. No I/O, no
//! clock, no randomness, no state. The shell (`convex/`, `js-wrapper/`) loads what is asked for and applies what is
//! answered.
//!
//! ```
//! use convex_codex_local::delta::order::{Order, Place, Range};
//!
//! let mut stream = Order { latest: 0, holes: vec![] };
//! let delta = Range { start: 0, end: 3 };
//! assert_eq!(stream.place(delta), Place::New);
//! stream.accept(delta);
//! assert_eq!(stream.place(delta), Place::Accepted); // sent again: no effect
//! ```
//!
//! - [`event`]: what a line of the app-server means, and what it does to rows
//! - [`delta`]: where a delta stands in its stream, and what a reader gets of it
//! - [`ingest`]: what a batch does to the rows of its thread
//! - [`import`]: how the history of a thread becomes batches
//! - [`fold`]: how a text moves from chunks into its parts
//! - [`reasoning`]: what readers get of what the model thought
//! - [`retention`]: what goes, and when
//! - [`session`], [`turn`], [`checkpoint`]: what clients do beside it, answered as [`client`] has it
//! - [`command`], [`presence`]: steering from afar, and who is there
//! - [`policy`], [`redact`]: what a machine lets be done to it, and what leaves it
//! - [`thread`], [`fork`], [`deletion`], [`tombstone`]: what is done to a thread as a whole, how it is copied, how it goes, and
//!   what keeps it gone
//! - [`device`]: the credential of a bridge
//! - [`request`]: what the app-server asks, and what became of it
//! - [`sorted`]: lists in order
//! - [`pack`], [`answer`], [`options`], [`limits`], [`error`]: how calls are read and answers made, bounds and codes

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::type_complexity
    )
)]

pub mod answer;
pub mod checkpoint;
pub mod client;
pub mod command;
pub mod deletion;
pub mod delta;
pub mod device;
pub mod error;
pub mod event;
#[cfg(all(any(test, feature = "testing"), not(target_arch = "wasm32")))]
#[path = "../tests/core/evidence/mod.rs"]
pub mod evidence;
pub mod fold;
pub mod fork;
pub mod hash;
pub mod import;
pub mod ingest;
pub mod limits;
pub mod options;
pub mod pack;
pub mod policy;
pub mod presence;
pub mod reasoning;
pub mod redact;
pub mod request;
pub mod retention;
pub mod session;
pub mod sorted;
#[cfg(all(any(test, feature = "testing"), not(target_arch = "wasm32")))]
#[allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, dead_code)]
mod testing;
pub mod thread;
pub mod tombstone;
pub mod turn;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
