//! Plans one packed call again and again, for callgrind to count: `steady <times> <numbers> <texts>`, the last two files.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use convex_codex_local::ingest::call::IngestCall;
use convex_codex_local::ingest::plan::plan_ingest;
use convex_codex_local::ingest::write::IngestAnswer;
use convex_codex_local::pack::Unpacker;
use std::hint::black_box;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("usage: steady <times> <numbers> <texts>");
    let times: u32 = next().parse().unwrap();
    let bytes = std::fs::read(next()).unwrap();
    let numbers: Vec<f64> = bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let texts = std::fs::read_to_string(next()).unwrap();
    for _ in 0..times {
        let call =
            IngestCall::unpack(Unpacker::new(black_box(&texts), black_box(&numbers))).expect("a packed call");
        let answer = black_box(plan_ingest(&call));
        assert!(matches!(answer, IngestAnswer::Plan { .. }), "a steady batch needs nothing");
    }
}
