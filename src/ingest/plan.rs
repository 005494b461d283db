//! The plan of a batch: checks, places, meanings, effects, writes.

use super::call::IngestCall;
use super::chunks::{Addition, Chunks, RunText};
use super::envelope;
use super::lifecycle;
use super::messages::{At, raw_of, stored_payload};
use super::quarantine;
use super::rows::Rows;
use super::streams::{self, Stream};
use super::turns::note;
use super::write::{
    Ack, Channel, Fault, FoldRange, IngestAnswer, ItemName, Needs, Plan, Source, StoredPayload, StreamState,
    TurnStatus, Write,
};
use crate::error::Code;
use crate::event::item::REASONING;
use crate::event::json::Json;
use crate::event::methods::{Keeping, Newest};
use crate::event::payload::{ANOTHER_THREAD, Asked, Envelope, Growth, Meaning, Payload};
use crate::event::reader::Reader;
use crate::limits::{FOLDS_MAX, NEEDS_RANGES_MAX};
use crate::options::Options;
use crate::session::{self, SessionWrite};
use crate::sorted::{add, insert};

/// Plans a batch. The same call gives the same answer.
pub fn plan_ingest(call: &IngestCall<'_>) -> IngestAnswer {
    match plan(call) {
        Ok(answer) => answer,
        Err(fault) => IngestAnswer::Rejected { fault },
    }
}

/// An event that was read: its payload, or what is wrong with it.
type Reading<'a> = Result<Payload<'a>, &'static str>;

fn plan(call: &IngestCall<'_>) -> Result<IngestAnswer, Fault> {
    let ranges = envelope::check(call)?;
    if call.strict && call.thread.is_none() {
        return Err(no_thread());
    }
    let session = call
        .session
        .admit(call.strict, call.now_ms)
        .map_err(|code| Fault::new(code, session::message(code), None))?;

    let mut needs = Needs::default();
    let streams = streams::arrange(call, &ranges, &mut needs)?;
    let lifecycle = lifecycle::arrange(call, &mut needs);
    let mut readings: Vec<Reading<'_>> = Vec::with_capacity(call.deltas.len() + call.lifecycle.len());
    let mut reader = Reader::default();
    for delta in &call.deltas {
        readings.push(read(&mut reader, call, delta.kind, Some(delta.turn_id), delta.payload_json));
    }
    for event in &call.lifecycle {
        readings.push(read(&mut reader, call, event.kind, event.turn_id, event.payload_json));
    }

    // Its sender knows the thread by a name that is not here: one that is made without it would hold nothing.
    if call.thread.is_none() && readings.iter().any(|reading| matches!(reading, Err(ANOTHER_THREAD))) {
        return Err(no_thread());
    }

    if call.loaded.is_none() {
        needs.quarantine = readings.iter().any(Result::is_err);
        ask(call, &streams, &lifecycle.applied, &readings, &mut needs);
        if needs.ranges() > NEEDS_RANGES_MAX {
            let message = "the batch names more rows than a call reads";
            return Err(Fault::new(Code::ESyncBatchTooLarge, message, None));
        }
        if !needs.is_empty() {
            return Ok(IngestAnswer::Needs { needs });
        }
    }
    Ok(IngestAnswer::Plan { plan: write(call, streams, lifecycle, &readings, session) })
}

fn no_thread() -> Fault {
    Fault::new(Code::EAuthThreadForbidden, "the thread does not exist for this actor", None)
}

/// Reads a payload. Where no reasoning is kept, its items and deltas mean nothing.
fn read<'a>(
    reader: &mut Reader<'a>,
    call: &IngestCall<'a>,
    kind: &'a str,
    turn_id: Option<&'a str>,
    payload_json: &'a str,
) -> Reading<'a> {
    let local_thread_id = call.thread.map_or(Some(call.thread_id), |thread| thread.local_thread_id);
    let envelope = Envelope { kind, local_thread_id, thread_id: call.thread_id, turn_id };
    let payload = reader.read(envelope, payload_json)?;
    let reasoning = match &payload.meaning {
        Meaning::ItemStarted(item) | Meaning::ItemCompleted(item) => item.item_type == REASONING,
        Meaning::ItemGrew { item_type, .. } => *item_type == REASONING,
        _ => false,
    };
    if reasoning && !call.options.save_reasoning_deltas {
        return Ok(Payload { meaning: Meaning::Nothing, keeping: Keeping::Never });
    }
    Ok(payload)
}

/// Asks for the rows that the payloads name and the heads do not know.
fn ask(
    call: &IngestCall<'_>,
    streams: &[Stream<'_>],
    applied: &[usize],
    readings: &[Reading<'_>],
    needs: &mut Needs,
) {
    let mut folds_left = FOLDS_MAX;
    for stream in streams {
        // Its state is its turn's, whatever its first events mean.
        if stream.head.is_none() {
            add(&mut needs.turns, stream.turn_id);
        }
        if stream.swept && !stream.accepted.is_empty() {
            add(&mut needs.turns, stream.turn_id);
            add(&mut needs.closing, stream.turn_id);
        }
        for open in stream.due_folds(readings).take(folds_left) {
            folds_left -= 1;
            name_item(needs, stream.turn_id, &open.item_id);
            let (event, end) = (stream.event, stream.latest_before());
            needs.folds.push(FoldRange { event, message_id: open.message_id.clone(), end });
        }
        for (event, range) in &stream.accepted {
            let Some(Ok(payload)) = readings.get(*event as usize) else { continue };
            let in_open_turn = stream.head.is_some() && !stream.closed && stream.has_items;
            match &payload.meaning {
                // What the batch itself begins or ends is asked for by that.
                Meaning::ItemGrew { item_id, .. }
                    if in_open_turn && stream.open_item(item_id, range.start).is_some() => {}
                meaning => ask_for(meaning, stream.turn_id, !stream.main, !in_open_turn, needs),
            }
            // A turn that ended as another's name is one again: its streams go on.
            if payload.meaning.item_id().is_some() && stream.may_open_its_turn() {
                add(&mut needs.closing, stream.turn_id);
            }
        }
    }
    for at in applied {
        if let (Some(Ok(payload)), Some(event)) =
            (readings.get(call.deltas.len() + at), call.lifecycle.get(*at))
        {
            ask_for(&payload.meaning, event.turn_id.unwrap_or_default(), true, true, needs);
        }
    }
}

fn ask_for(meaning: &Meaning<'_>, turn_id: &str, unordered: bool, turn_unknown: bool, needs: &mut Needs) {
    if let Meaning::Asked(Asked { id, .. }) | Meaning::RequestResolved(id) = meaning {
        add(&mut needs.request_ids, id);
    }
    needs.open_requests |=
        matches!(meaning, Meaning::Asked(_) | Meaning::TurnStarted | Meaning::TurnEnded { .. });
    match meaning {
        _ if turn_id.is_empty() => return,
        Meaning::Asked(_) if turn_unknown => add(&mut needs.turns, turn_id),
        Meaning::TurnStarted | Meaning::TurnWarned(_) => add(&mut needs.turns, turn_id),
        Meaning::TurnEnded { .. } => {
            add(&mut needs.turns, turn_id);
            add(&mut needs.closing, turn_id);
            needs.open_turns = true;
        }
        Meaning::Newest(what, _) => {
            needs.usage |= *what == Newest::Usage;
            if turn_unknown && what.is_of_turn() {
                add(&mut needs.turns, turn_id);
            }
        }
        _ => {}
    }
    let Some(item_id) = meaning.item_id() else { return };
    name_item(needs, turn_id, item_id);
    if turn_unknown {
        add(&mut needs.turns, turn_id);
    }
    if unordered {
        add(&mut needs.next_orders, turn_id);
    }
}

fn name_item(needs: &mut Needs, turn_id: &str, item_id: &str) {
    let by_name =
        |name: &ItemName| name.item_id.as_str().cmp(item_id).then_with(|| name.turn_id.as_str().cmp(turn_id));
    if let Err(at) = needs.items.binary_search_by(by_name) {
        insert(&mut needs.items, at, ItemName { turn_id: turn_id.to_owned(), item_id: item_id.to_owned() });
    }
}

fn write<'a>(
    call: &IngestCall<'a>,
    streams: Vec<Stream<'a>>,
    lifecycle: lifecycle::Lifecycle,
    readings: &[Reading<'a>],
    session: SessionWrite,
) -> Plan {
    let mut rows = Rows::new(call, streams);
    let mut chunk_writes = Vec::new();
    for stream in 0..rows.streams.len() {
        let accepted = rows.streams.get(stream).map(|stream| stream.accepted.clone()).unwrap_or_default();
        let swept = rows.streams.get(stream).filter(|stream| stream.swept && !stream.accepted.is_empty());
        if let Some(turn_id) = swept.map(|stream| stream.turn_id) {
            rows.revive_turn(turn_id);
        }
        let mut chunks = Chunks::default();
        for (event, range) in accepted {
            let Some(delta) = call.deltas.get(event as usize) else { continue };
            let mut addition = Addition::default();
            if let Some(Ok(payload)) = readings.get(event as usize) {
                let at = At {
                    event,
                    turn_id: delta.turn_id,
                    stream: Some(stream),
                    cursor: range.start,
                    at_ms: time(call, delta.created_at_ms),
                    payload_json: delta.payload_json,
                    expose_raw: call.options.expose_raw_reasoning_deltas,
                };
                addition.text = apply(&mut rows, call, at, &payload.meaning);
                addition.kept = kept(payload, at, &call.options);
                addition.item_id = payload.meaning.item_id();
            }
            chunks.add(delta, event, range, addition);
        }
        if let Some(stream) = rows.streams.get_mut(stream) {
            let (chunks, weight) = chunks.into_writes(call);
            let tails = call.loaded.iter().flat_map(|loaded| &loaded.folds);
            let folds = stream.grow(&chunks, weight, tails, &rows.messages);
            chunk_writes.extend(chunks);
            chunk_writes.extend(folds);
        }
    }
    for at in &lifecycle.applied {
        let index = call.deltas.len() + at;
        if let (Some(Ok(payload)), Some(event)) = (readings.get(index), call.lifecycle.get(*at)) {
            let at = At {
                event: u32::try_from(index).unwrap_or(u32::MAX),
                turn_id: event.turn_id.unwrap_or_default(),
                stream: None,
                cursor: 0,
                at_ms: time(call, event.created_at_ms),
                payload_json: event.payload_json,
                expose_raw: call.options.expose_raw_reasoning_deltas,
            };
            apply(&mut rows, call, at, &payload.meaning);
        }
    }
    close_late_streams(&mut rows);
    answer(call, rows, chunk_writes, lifecycle, readings, session)
}

/// The sender's clock, where it says a time.
fn time(call: &IngestCall<'_>, created_at_ms: f64) -> f64 {
    if created_at_ms.is_finite() { created_at_ms } else { call.now_ms }
}

/// A stream that begins after its turn's end is no live one.
fn close_late_streams(rows: &mut Rows<'_>) {
    for at in 0..rows.streams.len() {
        let turn_id = rows.streams.get(at).map(|stream| stream.turn_id).unwrap_or_default();
        let turn = rows.turn(turn_id);
        let Some(status) = turn.filter(|turn| turn.is_terminal()).map(|turn| turn.status) else { continue };
        if let Some(stream) = rows.streams.get_mut(at) {
            stream.closed = true;
            stream.made_as =
                if status == TurnStatus::Completed { StreamState::Finished } else { StreamState::Aborted };
        }
    }
}

fn answer(
    call: &IngestCall<'_>,
    rows: Rows<'_>,
    chunk_writes: Vec<Write>,
    lifecycle: lifecycle::Lifecycle,
    readings: &[Reading<'_>],
    session: SessionWrite,
) -> Plan {
    let accepted = rows.streams.iter().flat_map(|stream| &stream.accepted).map(|(event, _)| *event as usize);
    let applied = lifecycle.applied.iter().map(|at| call.deltas.len() + at);
    let mut fresh = vec![false; readings.len()];
    for event in accepted.chain(applied) {
        if let Some(fresh) = fresh.get_mut(event) {
            *fresh = true;
        }
    }
    let mut errors = Vec::new();
    let mut malformed = Vec::new();
    for ((reading, event), fresh) in readings.iter().zip(0..).zip(fresh) {
        if let Err(reason) = reading {
            errors.push(Fault::new(Code::ESyncMalformedEvent, reason, Some(event)));
            let (_, kind, payload_json) = call.event(event).unwrap_or_default();
            let is_kept = call.options.keeps_raw_reasoning()
                || !names_reasoning(kind) && !names_reasoning(payload_json);
            if fresh && is_kept {
                malformed.push((event, *reason));
            }
        }
    }
    for stream in rows.streams.iter().filter(|stream| stream.has_hole()) {
        let message = "events are missing below the batch";
        errors.push(Fault::new(Code::ESyncReplayGap, message, Some(stream.event)));
    }
    let acks =
        rows.streams.iter().map(|stream| Ack { event: stream.event, cursor_end: stream.ack }).collect();
    let mut writes = rows.into_writes();
    writes.extend(chunk_writes);
    writes.extend(lifecycle.writes);
    writes.extend(quarantine::writes(call, &malformed));
    Plan { session, writes, acks, partial: !errors.is_empty(), errors }
}

/// Whether a kind or payload names reasoning as a type or a method. What is malformed may hold any, whatever kind it says that
/// it is, and a turn may list its items: there the word alone tells that it may be raw.
#[inline(never)]
fn names_reasoning(text: &str) -> bool {
    text.as_bytes().windows(REASONING.len() + 2).any(|part| match part {
        [b'"' | b'/', word @ .., b'"' | b'/' | b'\\'] => word == REASONING.as_bytes(),
        _ => false,
    })
}

/// Applies one event; answers the text that goes into its stream's chunk.
fn apply<'r, 'a>(
    rows: &'r mut Rows<'a>,
    call: &IngestCall<'a>,
    at: At<'a>,
    meaning: &'r Meaning<'a>,
) -> Option<RunText<'r>> {
    match meaning {
        Meaning::ThreadNamed(name) => {
            rows.thread.name = Some(name.as_deref().map(note).unwrap_or_default());
            rows.thread.touched = true;
        }
        Meaning::ThreadArchived(archived) => {
            rows.thread.archived = Some(*archived);
            rows.thread.touched = true;
        }
        Meaning::Asked(_) | Meaning::RequestResolved(_) => rows.hear(call, at, meaning),
        Meaning::Newest(what, text) => rows.keep_newest(at, *what, text),
        _ if at.turn_id.is_empty() => {}
        Meaning::TurnStarted => {
            rows.begin_turn(at.turn_id, at.at_ms);
            rows.hear(call, at, meaning);
        }
        Meaning::TurnWarned(message) => rows.warn_turn(at, message),
        Meaning::TurnEnded { makes_turn: false, .. } if rows.turn(at.turn_id).is_none() => {}
        Meaning::TurnEnded { outcome, error, synthesized, .. } => {
            let source = if *synthesized { Source::Local } else { Source::Codex };
            let changed = rows.end_turn(at.turn_id, *outcome, source, error.clone(), at.at_ms);
            // What ended long ago says nothing of what runs.
            let imported = rows.stream(at).is_some_and(|stream| stream.import);
            if changed && source == Source::Codex && !imported {
                rows.end_run(at.turn_id, *outcome, at.at_ms);
            }
        }
        Meaning::ItemStarted(item) => rows.start_item(at, item),
        Meaning::ItemCompleted(item) => rows.complete_item(at, item),
        Meaning::ItemGrew { item_id, item_type, growth } => {
            let message_id = rows.grow_item(at, item_id, item_type)?;
            return match growth {
                Growth::Text(text) => Some((message_id, Channel::Text, text)),
                Growth::Output(text) if call.options.save_stream_deltas => {
                    Some((message_id, Channel::Output, text))
                }
                Growth::Output(_) | Growth::Unseen => None,
            };
        }
        Meaning::Nothing => {}
    }
    None
}

fn kept(payload: &Payload<'_>, at: At<'_>, options: &Options) -> Option<StoredPayload> {
    let keep = match payload.keeping {
        Keeping::Always => true,
        Keeping::StreamDeltas => options.save_stream_deltas,
        Keeping::Reasoning => options.save_reasoning_deltas,
        Keeping::RawReasoning => options.keeps_raw_reasoning(),
        Keeping::Never => false,
    };
    if !keep {
        return None;
    }
    let cut = match &payload.meaning {
        Meaning::ItemStarted(item) | Meaning::ItemCompleted(item) => raw_of(item, at),
        // Its items have events of their own.
        Meaning::TurnStarted | Meaning::TurnEnded { .. }
            if !options.keeps_raw_reasoning() && names_reasoning(at.payload_json) =>
        {
            let whole = Json::parse(at.payload_json).ok();
            whole.and_then(|json| json.get("params")?.get("turn")?.get("items")).map(|items| (items, "[]"))
        }
        _ => None,
    };
    Some(stored_payload(at, 0..at.payload_json.len(), cut))
}
