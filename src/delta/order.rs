//! The order of a stream: what is new, what is a repeat, what is a hole and what fills one.

use crate::limits::HOLES_MAX;
use crate::sorted::keep_newest;

/// A half-open range of cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// First cursor inside.
    pub start: u64,
    /// First cursor behind.
    pub end: u64,
}

impl Range {
    /// Whether the two share a cursor.
    pub fn overlaps(self, other: Range) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether `other` lies inside.
    pub fn covers(self, other: Range) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// How far a stream was accepted, and what was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The end of what was accepted.
    pub latest: u64,
    /// Ranges below `latest` that were not accepted, in order, apart from each other.
    pub holes: Vec<Range>,
}

/// Where a delta stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On new ground; above `latest` it leaves a hole.
    New,
    /// Inside a remembered hole.
    Fill,
    /// On ground where something was accepted.
    Accepted,
    /// On both: never right.
    Straddles,
}

impl Order {
    /// Where `range` stands.
    pub fn place(&self, range: Range) -> Place {
        if range.start >= self.latest {
            return Place::New;
        }
        if self.holes.iter().any(|hole| hole.covers(range)) {
            return Place::Fill;
        }
        if range.end > self.latest || self.holes.iter().any(|hole| hole.overlaps(range)) {
            return Place::Straddles;
        }
        Place::Accepted
    }

    /// Accepts `range`, whose place is [`Place::New`] or [`Place::Fill`].
    pub fn accept(&mut self, range: Range) {
        if range.start >= self.latest {
            if range.start > self.latest {
                self.holes.push(Range { start: self.latest, end: range.start });
                keep_newest(&mut self.holes, HOLES_MAX);
            }
            self.latest = range.end;
            return;
        }
        let mut left = Vec::with_capacity(self.holes.len() + 1);
        for hole in &self.holes {
            if !hole.covers(range) {
                left.push(*hole);
                continue;
            }
            if hole.start < range.start {
                left.push(Range { start: hole.start, end: range.start });
            }
            if range.end < hole.end {
                left.push(Range { start: range.end, end: hole.end });
            }
        }
        keep_newest(&mut left, HOLES_MAX);
        self.holes = left;
    }

    /// Whether a remembered hole lies below `end`.
    pub fn has_hole_below(&self, end: u64) -> bool {
        self.holes.first().is_some_and(|hole| hole.start < end)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(start: u64, end: u64) -> Range {
        Range { start, end }
    }

    #[test]
    fn a_delta_is_new_filling_accepted_or_straddling() {
        let order = Order { latest: 10, holes: vec![range(3, 6)] };
        let cases = [
            (range(10, 11), Place::New),
            (range(12, 15), Place::New),
            (range(3, 6), Place::Fill),
            (range(4, 5), Place::Fill),
            (range(0, 3), Place::Accepted),
            (range(6, 10), Place::Accepted),
            (range(9, 11), Place::Straddles),
            (range(2, 4), Place::Straddles),
            (range(0, 10), Place::Straddles),
            (range(5, 7), Place::Straddles),
        ];
        for (delta, want) in cases {
            assert_eq!(order.place(delta), want, "{delta:?}");
        }
    }

    #[test]
    fn the_oldest_hole_is_given_up_beyond_the_bound() {
        let mut order = Order { latest: 0, holes: vec![] };
        for n in 0..80 {
            order.accept(range(n * 2 + 1, n * 2 + 2));
        }
        assert_eq!(order.holes.len(), HOLES_MAX);
        assert_eq!(order.holes.first(), Some(&range(32, 33)));
        assert_eq!(order.place(range(0, 1)), Place::Accepted, "given up: accepted and empty");
    }

    proptest! {
        /// Against a bitmap that keeps everything.
        #[test]
        fn agrees_with_a_bitmap(deltas in prop::collection::vec((0_u64..60, 1_u64..6), 1..60)) {
            let mut order = Order { latest: 0, holes: vec![] };
            let mut taken = [false; 80];
            for (start, length) in deltas {
                let delta = range(start, start + length);
                let cells: Vec<bool> = (delta.start..delta.end).map(|at| taken[at as usize]).collect();
                let latest = taken.iter().rposition(|cell| *cell).map_or(0, |at| at as u64 + 1);
                let want = if cells.iter().all(|cell| *cell) {
                    Place::Accepted
                } else if cells.iter().any(|cell| *cell) {
                    Place::Straddles
                } else if delta.start >= latest {
                    Place::New
                } else {
                    Place::Fill
                };
                prop_assert_eq!(order.place(delta), want);
                if matches!(want, Place::New | Place::Fill) {
                    order.accept(delta);
                    (delta.start..delta.end).for_each(|at| taken[at as usize] = true);
                }
                let holes: u64 = order.holes.iter().map(|hole| hole.end - hole.start).sum();
                let empty = taken.iter().take(order.latest as usize).filter(|cell| !**cell).count() as u64;
                prop_assert_eq!(holes, empty);
            }
        }
    }
}
