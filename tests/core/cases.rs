//! Writes calls and the native core's answers, one a line: those of every transcript that it is given, then so many
//! random ones. `tests/core/alike.mjs` holds the wasm against them.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use convex_codex_local::evidence::calls::{Packed, random_calls, transcript_calls};
use std::io::{BufWriter, Write, stdout};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = || {
        arguments
            .next()
            .and_then(|text| text.parse().ok())
            .expect("usage: cases <seed> <count> <transcript>...")
    };
    let (seed, count): (u64, u64) = (number(), number());
    let mut out = BufWriter::new(stdout().lock());
    let mut write = |call: &Packed| {
        // JSON has no NaN: it is null.
        let line = serde_json::json!([call.entry, call.texts, call.numbers, call.answer()]);
        writeln!(out, "{line}").unwrap();
    };
    for file in arguments {
        let transcript = std::fs::read_to_string(&file).expect("a transcript");
        transcript_calls(&transcript).iter().for_each(&mut write);
    }
    random_calls(seed, usize::try_from(count).unwrap()).iter().for_each(write);
}
