//! What an app may set per call, and what it means where it is not set or makes no sense.

use crate::limits;
use crate::pack::Unpacker;

/// The six `runtime` options. An option never costs a turn its end: a number that is not finite is the default, any
/// other is brought into its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Whether deltas of agent text, plans and outputs are kept for replay.
    pub save_stream_deltas: bool,
    /// Whether reasoning is kept at all.
    pub save_reasoning_deltas: bool,
    /// Whether raw reasoning is kept too.
    pub expose_raw_reasoning_deltas: bool,
    /// Deltas that a reader gets of one stream.
    pub deltas_per_stream_max: usize,
    /// Deltas that a reader gets in one answer.
    pub deltas_per_request_max: usize,
    /// Milliseconds that a finished stream stays listed.
    pub finished_stream_delete_delay_ms: f64,
}

impl Options {
    /// Reads the options as `runtime` has them.
    pub fn unpack(call: &mut Unpacker<'_>) -> Self {
        Self {
            save_stream_deltas: flag(call, false),
            save_reasoning_deltas: flag(call, true),
            expose_raw_reasoning_deltas: flag(call, false),
            deltas_per_stream_max: number(call, limits::STREAM_READ_DEFAULT, 1.0, limits::STREAM_READ_MAX)
                as usize,
            deltas_per_request_max: number(call, limits::REQUEST_READ_DEFAULT, 1.0, limits::REQUEST_READ_MAX)
                as usize,
            finished_stream_delete_delay_ms: number(
                call,
                limits::STREAM_DELETE_DELAY_DEFAULT_MS,
                0.0,
                limits::STREAM_DELETE_DELAY_MAX_MS,
            ),
        }
    }

    /// Whether raw reasoning is kept.
    pub fn keeps_raw_reasoning(&self) -> bool {
        self.save_reasoning_deltas && self.expose_raw_reasoning_deltas
    }
}

impl Options {
    /// Reads the options of a reader: as `runtime` has them, and whether one stream is read alone. That one gets what the
    /// whole answer may hold.
    pub fn unpack_reader(call: &mut Unpacker<'_>) -> Self {
        let options = Self::unpack(call);
        let alone = call.flag();
        let deltas_per_stream_max =
            if alone { options.deltas_per_request_max } else { options.deltas_per_stream_max };
        Self { deltas_per_stream_max, ..options }
    }
}

fn flag(call: &mut Unpacker<'_>, default: bool) -> bool {
    call.optional_number().map_or(default, |flag| flag != 0.0)
}

/// SOURCE: `clamp` checks its bounds, and with them comes all that prints a float.
fn number(call: &mut Unpacker<'_>, default: f64, low: f64, high: f64) -> f64 {
    let given = call.optional_number().filter(|number| number.is_finite());
    given.map_or(default, |number| number.max(low).min(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(numbers: &[f64]) -> Options {
        Options::unpack(&mut Unpacker::new("", numbers))
    }

    #[test]
    fn what_is_not_set_is_the_default() {
        let options = unpack(&[f64::NAN; 6]);
        assert_eq!(
            options,
            Options {
                save_stream_deltas: false,
                save_reasoning_deltas: true,
                expose_raw_reasoning_deltas: false,
                deltas_per_stream_max: 100,
                deltas_per_request_max: 1_000,
                finished_stream_delete_delay_ms: 300_000.0,
            }
        );
    }

    #[test]
    fn what_is_said_counts_against_the_default() {
        let flags = |said: f64| {
            let mut numbers = [f64::NAN; 6];
            numbers[..3].fill(said);
            let options = unpack(&numbers);
            [options.save_stream_deltas, options.save_reasoning_deltas, options.expose_raw_reasoning_deltas]
        };
        assert_eq!((flags(1.0), flags(0.0)), ([true; 3], [false; 3]));
    }

    #[test]
    fn a_stream_that_is_read_alone_gets_the_whole_answer() {
        let read = |alone| {
            let numbers = [f64::NAN, f64::NAN, f64::NAN, 7.0, 2_000.0, f64::NAN, alone];
            Options::unpack_reader(&mut Unpacker::new("", &numbers)).deltas_per_stream_max
        };
        assert_eq!((read(0.0), read(1.0)), (7, 2_000));
    }

    #[test]
    fn numbers_are_clamped_and_what_is_not_finite_is_the_default() {
        let options = unpack(&[1.0, 0.0, 1.0, 0.0, 1e9, -5.0]);
        assert_eq!((options.deltas_per_stream_max, options.deltas_per_request_max), (1, 4_000));
        assert_eq!(options.finished_stream_delete_delay_ms, 0.0);
        let options = unpack(&[1.0, 0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY]);
        assert_eq!((options.deltas_per_stream_max, options.deltas_per_request_max), (100, 1_000));
        assert_eq!(options.finished_stream_delete_delay_ms, 300_000.0);
    }
}
