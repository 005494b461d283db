//! A stop that stops: what the bridge does next for a turn that is to end.

use crate::limits::{STOP_AGAIN_MS, STOP_RESTART_MS};
use serde::Serialize;
use tsify::Tsify;

/// How far a stop has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop<'a> {
    /// Whether the turn's `turn/completed` has come, or its process is gone.
    pub settled: bool,
    /// The turn's requests that wait for an answer.
    pub pending_requests: u64,
    /// How often `turn/interrupt` was sent.
    pub interrupts: u64,
    /// Milliseconds since it was first sent.
    pub elapsed_ms: f64,
    /// Other threads of the process in which a turn runs.
    pub others: Vec<&'a str>,
    /// Whether the sender confirmed that their turns may be cut.
    pub forced: bool,
}

/// What is done next.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum StopStep {
    /// Nothing: the turn has ended.
    Settled,
    /// The turn's requests are answered `cancel`.
    CancelRequests,
    /// `turn/interrupt` is sent.
    Interrupt,
    /// The turn is given this long.
    Wait {
        /// Milliseconds.
        ms: f64,
    },
    /// The process is started anew; everybody is told.
    Restart {
        /// Threads whose turns that cuts: they are settled, and the threads resumed.
        cut: Vec<String>,
    },
    /// The sender has to confirm: a restart cuts the turns of others.
    NeedsForce {
        /// Their threads.
        thread_ids: Vec<String>,
    },
}

/// Plans the next step of a stop.
pub fn plan_stop(stop: &Stop<'_>) -> StopStep {
    let wait_until = |end: f64| StopStep::Wait { ms: end - stop.elapsed_ms };
    let others = || stop.others.iter().map(|thread_id| (*thread_id).to_owned()).collect();
    if stop.settled {
        return StopStep::Settled;
    }
    match stop.interrupts {
        0 if stop.pending_requests > 0 => StopStep::CancelRequests,
        0 => StopStep::Interrupt,
        1 if stop.elapsed_ms < STOP_AGAIN_MS => wait_until(STOP_AGAIN_MS),
        1 => StopStep::Interrupt,
        _ if stop.elapsed_ms < STOP_RESTART_MS => wait_until(STOP_RESTART_MS),
        _ if stop.others.is_empty() || stop.forced => StopStep::Restart { cut: others() },
        _ => StopStep::NeedsForce { thread_ids: others() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_goes_as_far_as_it_must() {
        let stop = |interrupts, elapsed_ms, pending_requests, others: &[&'static str], forced| Stop {
            settled: false,
            pending_requests,
            interrupts,
            elapsed_ms,
            others: others.to_vec(),
            forced,
        };
        let restart =
            |cut: &[&str]| StopStep::Restart { cut: cut.iter().map(|id| (*id).to_owned()).collect() };
        for (case, stop, want) in [
            ("requests first", stop(0, 0.0, 2, &[], false), StopStep::CancelRequests),
            ("then the turn", stop(0, 0.0, 0, &[], false), StopStep::Interrupt),
            ("a moment", stop(1, 1_000.0, 0, &[], false), StopStep::Wait { ms: 4_000.0 }),
            (
                "a new request does not hold it up",
                stop(1, 4_999.0, 1, &[], false),
                StopStep::Wait { ms: 1.0 },
            ),
            ("once more", stop(1, 5_000.0, 0, &[], false), StopStep::Interrupt),
            ("once more, late", stop(1, 99_000.0, 0, &["o"], false), StopStep::Interrupt),
            ("another moment", stop(2, 5_001.0, 0, &[], false), StopStep::Wait { ms: 9_999.0 }),
            ("alone in its process", stop(2, 15_000.0, 0, &[], false), restart(&[])),
            (
                "not alone",
                stop(2, 15_000.0, 0, &["o", "p"], false),
                StopStep::NeedsForce { thread_ids: vec!["o".into(), "p".into()] },
            ),
            ("not alone, confirmed", stop(2, 15_000.0, 0, &["o"], true), restart(&["o"])),
            ("confirmed too early", stop(2, 14_999.0, 0, &["o"], true), StopStep::Wait { ms: 1.0 }),
        ] {
            assert_eq!(plan_stop(&stop), want, "{case}");
            assert_eq!(plan_stop(&Stop { settled: true, ..stop }), StopStep::Settled, "{case}");
        }
    }
}
