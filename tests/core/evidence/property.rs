//! The core against the naive model, over many random cases.

use super::operations::Case;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::cell::Cell;

/// The seed of a run that names none: a red CI is then its change's doing.
const SEED: u64 = 1;

/// What says which cases a run is made of: `EVIDENCE_SEED`, where `new` draws one.
pub(super) fn seed() -> u64 {
    match std::env::var("EVIDENCE_SEED").ok().as_deref() {
        None => SEED,
        Some("new") => draw(),
        Some(seed) => seed.parse().expect("EVIDENCE_SEED is a number or `new`"),
    }
}

fn draw() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

fn any_case() -> impl Strategy<Value = Case> {
    let steps = prop::collection::vec(any::<[u8; 2]>(), 1..60);
    let operations = prop::collection::vec(any::<[u8; 4]>(), 25..50);
    (any::<u8>(), steps, operations).prop_map(|(flags, steps, operations)| Case { flags, steps, operations })
}

/// The few that every `cargo test` runs.
#[test]
fn the_core_agrees_with_the_model() {
    agrees(30, 900);
}

#[test]
#[ignore = "of the step evidence: npm test -- --only evidence"]
fn the_core_agrees_with_the_model_over_100_000_operations() {
    agrees(3_000, 100_000);
}

/// Runs so many random cases, which are so many operations at least.
fn agrees(cases: u32, operations_min: usize) {
    let seed = seed();
    println!("EVIDENCE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let count = Cell::new(0);
    let result = runner.run(&any_case(), |case| {
        count.set(count.get() + case.run());
        Ok(())
    });
    println!("{} operations", count.get());
    match result {
        Err(TestError::Fail(reason, case)) => panic!("EVIDENCE_SEED={seed}\n{}{reason}", case.describe()),
        other => other.unwrap(),
    }
    assert!(count.get() >= operations_min, "{} operations", count.get());
}
