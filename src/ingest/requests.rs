//! What events do to server requests: one asks, one says that a request waits no more, a turn's end ends what waits in it.

use super::call::IngestCall;
use super::lifecycle;
use super::messages::At;
use super::rows::Rows;
use super::turns::Turn;
use crate::event::json::Json;
use crate::event::payload::Meaning;
use crate::request::{Origin, Request, RequestCause, admit, approval};

impl<'a> Rows<'a> {
    /// What an event of a process says of requests: it asks, `serverRequest/resolved`, or by beginning a turn shows that
    /// nobody waits for what an older process of its runtime asked.
    pub fn hear(&mut self, call: &IngestCall<'a>, at: At<'a>, meaning: &Meaning<'a>) {
        let Some((event_id, kind, _)) = call.event(at.event) else { return };
        let stream = self.stream(at);
        let origin = match stream {
            Some(stream) => of_stream(event_id, stream.id, at.cursor),
            None => lifecycle::numbered(event_id, call.local_thread_id())
                .map(|(_, runtime_id, _)| Origin { runtime_id: Some(runtime_id), ..Origin::default() }),
        };
        let origin = origin.unwrap_or_default();
        match meaning {
            Meaning::Asked(asked) => {
                let mut request = Request::asked(asked.id, kind, at.turn_id, origin);
                request.params = asked.params;
                let after = asked.params.and_then(|params| params.get("autoResolutionMs"));
                request.auto_resolution_ms = after.and_then(Json::safe_integer);
                request.event_id = Some(event_id);
                request.event = Some(at.event);
                let closed = stream.is_some_and(|stream| stream.closed);
                let ended = self.turn(at.turn_id).map_or(closed, Turn::is_terminal);
                let waits = admit(&mut self.requests, request, ended);
                self.thread.touched |= waits && approval::kind(kind).is_some();
            }
            Meaning::RequestResolved(id) => {
                // The newest one of that id that is open.
                let waits = |request: &&mut Request<'_>| {
                    request.is_open() && request.id == *id && request.origin.may_be(&origin)
                };
                if let Some(request) = self.requests.iter_mut().rev().find(waits) {
                    request.guess(RequestCause::Resolved);
                }
            }
            _ => {
                for request in &mut self.requests {
                    if origin.is_after(&request.origin) {
                        request.guess(RequestCause::ProcessGone);
                    }
                }
            }
        }
    }

    /// What waits in a turn that ended.
    pub fn end_requests(&mut self, turn_id: &str) {
        for request in &mut self.requests {
            if request.turn_id == turn_id {
                request.guess(RequestCause::TurnEnded);
            }
        }
    }
}

/// The process of `${runtimeId}.${generation}:${streamId}:${cursorStart}`.
pub fn of_stream<'a>(event_id: &'a str, stream_id: &str, cursor: u64) -> Option<Origin<'a>> {
    let (before, _) = lifecycle::trailing_number(event_id).filter(|(_, start)| *start == cursor)?;
    let process = before.strip_suffix(':')?.strip_suffix(stream_id)?.strip_suffix(':')?;
    let (before, generation) = lifecycle::trailing_number(process)?;
    let runtime_id = before.strip_suffix('.')?;
    Some(Origin { runtime_id: Some(runtime_id), generation: Some(generation), app_generation: None })
}
