//! What events do to server requests: one asks, one says that a request waits no more, a turn's end ends what waits in it.

use super::call::IngestCall;
use super::lifecycle;
use super::messages::At;
use super::rows::Rows;
use crate::event::payload::Asked;
use crate::pack::decimal;
use crate::request::{Origin, Request, RequestCause, RequestId, admit, approval};

impl<'a> Rows<'a> {
    /// A server request. One of a turn that has ended waits for nobody.
    pub fn ask(&mut self, call: &IngestCall<'a>, at: At<'a>, asked: &Asked) {
        let Some(event) = call.event(at.event) else { return };
        let origin = self.origin(call, at, event.id);
        let mut request = Request::asked(asked.id.clone(), event.kind, at.turn_id, origin);
        request.item_id.clone_from(&asked.item_id);
        request.reason = asked.reason.as_deref().map(super::turns::note);
        request.auto_resolution_ms = asked.auto_resolution_ms;
        request.event_id = Some(event.id);
        request.event = Some(at.event);
        let turn = self.find_turn(at.turn_id).and_then(|turn| self.turns.get(turn));
        let stream = at.stream.and_then(|stream| self.streams.get(stream));
        let turn_ended =
            turn.map_or_else(|| stream.is_some_and(|stream| stream.closed), super::turns::Turn::is_terminal);
        let waits = admit(&mut self.requests, request, turn_ended);
        self.thread.touched |= waits && approval::kind(event.kind).is_some();
    }

    /// `serverRequest/resolved`: the newest open request of that id.
    pub fn resolve_request(&mut self, call: &IngestCall<'a>, at: At<'a>, id: &RequestId) {
        let Some(event) = call.event(at.event) else { return };
        let origin = self.origin(call, at, event.id);
        let mut open = self.requests.iter_mut().rev().filter(|request| request.is_open());
        if let Some(request) =
            open.find(|request| request.id == *id && request.origin.may_be(&origin))
        {
            request.guess(RequestCause::Resolved);
        }
    }

    /// A process begins a turn: what an older one of its runtime left waiting waits in vain.
    pub fn expire_older_requests(&mut self, call: &IngestCall<'a>, at: At<'a>) {
        let Some(event) = call.event(at.event) else { return };
        let origin = self.origin(call, at, event.id);
        for request in self.requests.iter_mut().filter(|request| origin.is_after(&request.origin)) {
            request.guess(RequestCause::ProcessGone);
        }
    }

    /// What waits in a turn that ended.
    pub fn end_requests(&mut self, turn_id: &str) {
        for request in self.requests.iter_mut().filter(|request| request.turn_id == turn_id) {
            request.guess(RequestCause::TurnEnded);
        }
    }

    /// The process that an event is of, as its id says: the bridge's ids name it, others do not.
    fn origin(&self, call: &IngestCall<'a>, at: At<'a>, event_id: &'a str) -> Origin<'a> {
        match at.stream.and_then(|stream| self.streams.get(stream)) {
            Some(stream) => of_stream(event_id, stream.id, at.cursor),
            None => Origin {
                runtime_id: lifecycle::numbered(event_id, call.thread_id).map(|(runtime_id, _)| runtime_id),
                ..Origin::default()
            },
        }
    }
}

/// The process of `${runtimeId}.${generation}:${streamId}:${cursorStart}`.
fn of_stream<'a>(event_id: &'a str, stream_id: &str, cursor: u64) -> Origin<'a> {
    let read = || {
        let count = event_id.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (before, digits) = event_id.split_at_checked(event_id.len() - count)?;
        decimal(digits).filter(|start| *start == cursor)?;
        let process = before.strip_suffix(':')?.strip_suffix(stream_id)?.strip_suffix(':')?;
        let (runtime_id, generation) = process.rsplit_once('.')?;
        Some(Origin {
            runtime_id: Some(runtime_id),
            generation: Some(decimal(generation)?),
            app_generation: None,
        })
    };
    read().unwrap_or_default()
}
