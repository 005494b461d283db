//! The streams of a batch: which of its events are new, in cursor order.

use super::call::{Delta, EventPlace, HeadRow, IngestCall, StreamRow};
use super::envelope;
use super::write::{ChunkRange, Fault, HoleRow, Needs, OpenItemRow, StreamState, Write};
use crate::delta::order::{Order, Place, Range};
use crate::error::Code;
use crate::event::methods::{NEWEST_OF_TURN, Newest};
use crate::sorted::insert;

/// A stream, as a batch finds and leaves it.
#[derive(Clone, Debug)]
pub struct Stream<'a> {
    /// Its id.
    pub id: &'a str,
    /// The turn whose events it holds.
    pub turn_id: &'a str,
    /// Whether it is the turn's main stream, whose cursors order the turn's items.
    pub main: bool,
    /// Whether it is the turn's history import, which leaves items alone that another stream brought.
    pub import: bool,
    /// Its loaded head.
    pub head: Option<u32>,
    /// An event of it in the batch.
    pub event: u32,
    /// How far it was accepted.
    pub order: Order,
    /// Events accepted.
    pub event_count: u64,
    /// What reading all its chunks would have cost.
    pub weight: u64,
    /// Whether its turn has ended.
    pub closed: bool,
    /// Whether the sweep ended it.
    pub swept: bool,
    /// Whether its row is made, though its head exists.
    pub listed_again: bool,
    /// Whether its turn is known to have an item.
    pub has_items: bool,
    /// The turn's order, where the turn exists.
    pub turn_order: Option<u64>,
    /// Items that go on.
    pub open: Vec<OpenItemRow>,
    /// Cursors behind the newest of each kind, in their order.
    pub newest: [u64; NEWEST_OF_TURN],
    /// New events in cursor order: index and range.
    pub accepted: Vec<(u32, Range)>,
    /// The highest cursorEnd of the batch.
    pub ack: u64,
    /// The state of its row, where this batch makes it.
    pub made_as: StreamState,
    holes_before: Vec<Range>,
    open_before: Vec<OpenItemRow>,
    newest_before: [u64; NEWEST_OF_TURN],
    rest_before: (u64, u64, bool, bool, bool, Option<u64>),
}

const MAIN_SUFFIX: &str = ":0";
const IMPORT_SUFFIX: &str = ":import";

/// Puts each event in its place.
///
/// # Errors
/// `E_SYNC_STREAM_FORBIDDEN`, `E_SYNC_OUT_OF_ORDER`, `E_SYNC_BATCH_TOO_LARGE`.
pub fn arrange<'a>(
    call: &IngestCall<'a>,
    ranges: &[Range],
    needs: &mut Needs,
) -> Result<Vec<Stream<'a>>, Fault> {
    let mut streams: Vec<Stream<'a>> = Vec::new();
    let mut members: Vec<Vec<(Range, u32)>> = Vec::new();
    for ((delta, range), event) in call.deltas.iter().zip(ranges).zip(0_u32..) {
        let at = match streams.iter().rposition(|stream| stream.id == delta.stream_id) {
            Some(at) => at,
            None => {
                streams.push(Stream::begin(call, delta, event)?);
                members.push(Vec::new());
                envelope::check_stream_count(streams.len())?;
                streams.len() - 1
            }
        };
        if let (Some(stream), Some(members)) = (streams.get_mut(at), members.get_mut(at)) {
            if stream.turn_id != delta.turn_id {
                return Err(forbidden(event));
            }
            stream.ack = stream.ack.max(range.end);
            // Acknowledged, and nothing else.
            if call.is_deleted(stream.turn_id) {
                continue;
            }
            let behind = members.partition_point(|(before, _)| before <= range);
            insert(members, behind, (*range, event));
        }
    }
    for (stream, members) in streams.iter_mut().zip(&members) {
        stream.accept(call, members, needs)?;
    }
    Ok(streams)
}

fn forbidden(event: u32) -> Fault {
    Fault::new(Code::ESyncStreamForbidden, "the stream belongs to another thread or turn", Some(event))
}

fn out_of_order(event: u32) -> Fault {
    Fault::new(Code::ESyncOutOfOrder, "the event's range holds another event", Some(event))
}

impl<'a> Stream<'a> {
    fn begin(call: &IngestCall<'a>, delta: &Delta<'a>, event: u32) -> Result<Self, Fault> {
        let found = call.heads.iter().zip(0..).find(|(head, _)| head.stream_id == delta.stream_id);
        if found.is_some_and(|(head, _)| head.thread_id != call.thread_id) {
            return Err(forbidden(event));
        }
        let absent = HeadRow {
            stream_id: delta.stream_id,
            thread_id: call.thread_id,
            turn_id: delta.turn_id,
            turn_order: None,
            order: Order { latest: 0, holes: Vec::new() },
            event_count: 0,
            weight: 0,
            closed: false,
            // The sweep may have ended its turn before anything came of it.
            swept: true,
            has_items: false,
            open: Vec::new(),
            newest: [0; NEWEST_OF_TURN],
        };
        let head = found.map_or(&absent, |(head, _)| head);
        let open: Vec<OpenItemRow> = (head.open.iter())
            .map(|item| OpenItemRow {
                item_id: item.item_id.to_owned(),
                message_id: item.message_id.to_owned(),
                start_cursor: item.start_cursor,
                fold: item.fold,
            })
            .collect();
        Ok(Self {
            id: delta.stream_id,
            turn_id: head.turn_id,
            main: is_named(delta.stream_id, head.turn_id, MAIN_SUFFIX),
            import: is_named(delta.stream_id, head.turn_id, IMPORT_SUFFIX),
            head: found.map(|(_, row)| row),
            event,
            order: head.order.clone(),
            event_count: head.event_count,
            weight: head.weight,
            closed: head.closed,
            swept: head.swept,
            listed_again: false,
            has_items: head.has_items,
            turn_order: head.turn_order,
            open: open.clone(),
            newest: head.newest,
            accepted: Vec::new(),
            ack: 0,
            made_as: StreamState::Streaming,
            holes_before: head.order.holes.clone(),
            open_before: open,
            newest_before: head.newest,
            rest_before: (
                head.order.latest,
                head.event_count,
                head.closed,
                head.swept,
                head.has_items,
                head.turn_order,
            ),
        })
    }

    /// How far it was accepted before the batch.
    pub fn latest_before(&self) -> u64 {
        self.rest_before.0
    }

    fn accept(
        &mut self,
        call: &IngestCall<'a>,
        members: &[(Range, u32)],
        needs: &mut Needs,
    ) -> Result<(), Fault> {
        let before = self.order.clone();
        let id = |index: u32| call.deltas.get(index as usize).map(|delta| delta.event_id);
        let mut places = call.loaded.as_ref().map_or(&[][..], |loaded| &loaded.places);
        for (range, event) in members {
            if let Some((last, last_range)) = self.accepted.last()
                && last_range.overlaps(*range)
            {
                if last_range == range && id(*last) == id(*event) {
                    continue;
                }
                return Err(out_of_order(*event));
            }
            match before.place(*range) {
                Place::New | Place::Fill => {
                    self.order.accept(*range);
                    self.accepted.push((*event, *range));
                    self.event_count += 1;
                }
                Place::Straddles => return Err(out_of_order(*event)),
                Place::Accepted => match &call.loaded {
                    Some(_) if self.is_another(&mut places, *range, id(*event)) => {
                        return Err(out_of_order(*event));
                    }
                    Some(_) => {}
                    // One range for each run of redelivered events: what lies between two runs is nobody's business.
                    None => match needs.chunks.last_mut() {
                        Some(run) if run.event == self.event && range.start <= run.end => {
                            run.end = run.end.max(range.end);
                        }
                        _ => {
                            let Range { start, end } = *range;
                            needs.chunks.push(ChunkRange { event: self.event, start, end });
                        }
                    },
                },
            }
        }
        Ok(())
    }

    /// Whether another event was accepted where this one stands, as far as its chunk is kept; later it is taken on trust. Events
    /// and places come in their order: what lies before the event is passed for good.
    fn is_another(&self, places: &mut &[EventPlace<'_>], range: Range, id: Option<&str>) -> bool {
        while let [place, rest @ ..] = *places {
            if place.range.end > range.start && place.stream_id == self.id {
                return place.range.start < range.end && (place.range != range || Some(place.event_id) != id);
            }
            *places = rest;
        }
        false
    }

    /// Its turn, which had ended, goes on; `listed` are the turn's streams that are listed.
    pub fn go_on(&mut self, listed: &[(StreamRow<'_>, Option<StreamState>)]) {
        self.closed = false;
        self.made_as = StreamState::Streaming;
        self.listed_again = !listed.iter().any(|(row, _)| row.stream_id == self.id);
    }

    /// Whether a remembered hole lies below the end of the batch.
    pub fn has_hole(&self) -> bool {
        self.order.has_hole_below(self.ack)
    }

    /// Whether an item on it may be the first of a turn that has ended.
    pub fn may_open_its_turn(&self) -> bool {
        self.head.is_none() || self.closed && !self.has_items
    }

    /// The item that goes on at `cursor`, as an index of those that are open.
    pub fn open_item(&self, item_id: &str, cursor: u64) -> Option<usize> {
        self.open.iter().rposition(|item| item.item_id == item_id && item.start_cursor <= cursor)
    }

    /// Whether nothing of its kind came from behind `cursor`; remembers that this one did from there. Kinds that no turn
    /// keeps have no order on a stream.
    pub fn is_newest(&mut self, what: Newest, cursor: u64) -> bool {
        let Some(behind) = self.newest.get_mut(what as usize) else { return true };
        let newest = *behind <= cursor;
        if newest {
            *behind = cursor + 1;
        }
        newest
    }

    /// The write of the head, where it changed.
    pub fn head_write(&self) -> Option<Write> {
        let holes = self.order.holes != self.holes_before;
        let open = self.open != self.open_before;
        let (order, closed, swept) = (&self.order, self.closed, self.swept);
        let rest = (order.latest, self.event_count, closed, swept, self.has_items, self.turn_order);
        if !holes && !open && rest == self.rest_before {
            return None;
        }
        let hole_rows =
            || self.order.holes.iter().map(|hole| HoleRow { start: hole.start, end: hole.end }).collect();
        Some(Write::PutHead {
            row: self.head,
            event: self.event,
            latest: self.order.latest,
            event_count: self.event_count,
            weight: self.weight,
            holes: (holes || self.head.is_none()).then(hole_rows),
            open: (open || self.head.is_none()).then(|| self.open.clone()),
            newest: (self.newest != self.newest_before).then_some(self.newest),
            closed: self.closed,
            swept: self.swept,
            has_items: self.has_items,
            turn_order: self.turn_order,
        })
    }
}

/// Whether a stream's id ends with its turn's and `suffix`, whatever the thread is called before them. The bridge calls it as Codex
/// does, an import as Convex does, and Codex's name may be known later than the stream begins, or become another's.
fn is_named(stream_id: &str, turn_id: &str, suffix: &str) -> bool {
    stream_id.strip_suffix(suffix).is_some_and(|turn| turn.ends_with(turn_id))
}
