//! What one line of the app-server is, read only as far as is needed to say so.
//!
//! A turn's event names its thread and its turn before it says anything long, and ends with the time at which it was
//! sent; such a line is known from its two ends. Whoever takes the payload apart finds what is wrong in between. Every
//! other line is read to its end and proven to be JSON.

use serde::Serialize;
use tsify::Tsify;

use super::json::{Json, NotJson, RawStr, Scan};
use crate::pack::{decimal, push_number, units_of_bytes};

/// What a line is.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LineClass {
    /// The answer to a request: an id, and no method.
    Response,
    /// A message of the whole process.
    Global {
        /// The method, as it came.
        method: String,
        /// Whether it wants an answer.
        request: bool,
    },
    /// A message of a thread.
    Event {
        /// The method, as it came.
        kind: String,
        /// The thread that it names.
        thread_id: String,
        /// The turn that it names.
        #[tsify(optional)]
        turn_id: Option<String>,
        /// Whether it wants an answer.
        request: bool,
        /// Whether it shows the turn to be one of the process that sent it.
        opens_turn: bool,
        /// Whether it is the turn's end.
        ends_turn: bool,
        /// Milliseconds since 1970 by the sender's clock.
        #[tsify(optional)]
        emitted_at_ms: Option<f64>,
        /// First UTF-16 unit of the line that is not the message's own. Without the units from here to `cut_end` the
        /// line is the message verbatim, without `emittedAtMs`.
        cut_start: usize,
        /// The UTF-16 unit behind the last one to leave out; equal to `cut_start` where there is nothing to.
        cut_end: usize,
    },
    /// No message.
    Error {
        /// What is wrong.
        code: LineFault,
        /// What is wrong, for people.
        message: String,
    },
}

/// Why a line is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
pub enum LineFault {
    /// It is not JSON, or nested deeper than the reader goes.
    #[serde(rename = "E_BRIDGE_LINE_NOT_JSON")]
    NotJson,
    /// It is JSON without a method and without an id.
    #[serde(rename = "E_BRIDGE_LINE_NOT_A_MESSAGE")]
    NotAMessage,
}

/// Says what a line is. It holds one JSON value and no line end.
pub fn classify_line(line: &str) -> LineClass {
    match read_envelope(line) {
        Ok(envelope) => envelope.into_class(line),
        Err(fault) => LineClass::Error { code: LineFault::NotJson, message: not_json(fault) },
    }
}

fn not_json(fault: NotJson) -> String {
    let mut message = "line is not JSON from byte ".to_owned();
    push_number(&mut message, fault.at as u64);
    message.push_str(" on");
    message
}

fn not_a_message() -> LineClass {
    let message = "line is no object with a method or an id".to_owned();
    LineClass::Error { code: LineFault::NotAMessage, message }
}

/// What the two ends of a line say.
#[derive(Default)]
struct Envelope<'a> {
    method: Option<Json<'a>>,
    has_id: bool,
    ids: Ids<'a>,
    emitted_at: Option<Emitted>,
}

#[derive(Default)]
struct Ids<'a> {
    thread: Option<RawStr<'a>>,
    /// `params.thread.id` of thread/started; `params.conversationId` of the legacy approvals.
    other_thread: Option<RawStr<'a>>,
    turn: Option<RawStr<'a>>,
    /// `params.turn.id`.
    other_turn: Option<RawStr<'a>>,
}

/// The member `emittedAtMs`: bytes of the line to leave out, comma included, and its value.
#[derive(Clone, Copy)]
struct Emitted {
    cut_start: usize,
    cut_end: usize,
    /// None where it is no safe integer: then it is no time.
    at_ms: Option<u64>,
}

impl Ids<'_> {
    fn are_known(&self) -> bool {
        self.thread.is_some() && (self.turn.is_some() || self.other_turn.is_some())
    }
}

impl Envelope<'_> {
    fn into_class(self, line: &str) -> LineClass {
        let request = self.has_id;
        if self.method.is_none() && request {
            return LineClass::Response;
        }
        let Some(method) = self.method.and_then(Json::str).map(RawStr::to_whole) else {
            return not_a_message();
        };
        let Some(thread) = self.ids.thread.or(self.ids.other_thread) else {
            return LineClass::Global { method, request };
        };
        let turn = self.ids.turn.or(self.ids.other_turn);
        let emitted = self.emitted_at.unwrap_or(Emitted { cut_start: 0, cut_end: 0, at_ms: None });
        LineClass::Event {
            opens_turn: turn.is_some() && (method == "turn/started" || method.starts_with("item/")),
            ends_turn: turn.is_some() && method == "turn/completed",
            kind: method,
            thread_id: thread.to_whole(),
            turn_id: turn.map(RawStr::to_whole),
            request,
            emitted_at_ms: emitted.at_ms.map(|ms| ms as f64),
            cut_start: units_of_bytes(line, emitted.cut_start),
            cut_end: units_of_bytes(line, emitted.cut_end),
        }
    }
}

/// Reads the envelope, and proves that what it reads is JSON.
fn read_envelope(line: &str) -> Result<Envelope<'_>, NotJson> {
    let mut envelope = Envelope::default();
    let emitted_last = emitted_last(line);
    let is_closed = trim_end(line).ends_with('}');
    let mut scan = Scan::begin(line);
    if scan.peek() != Some(b'{') {
        return Json::parse(line).map(|_| envelope);
    }
    scan.at += 1;
    let (mut first, mut comma) = (true, 0);
    while scan.next_member(b'}', first)? {
        let start = if first { scan.at } else { comma };
        let key = scan.key()?;
        let mut value = None;
        if key.is("params") {
            let until = if envelope.method.is_some() { emitted_last } else { None };
            if read_params(&mut scan, &mut envelope.ids, until.is_some())? {
                envelope.emitted_at = until;
                return Ok(envelope);
            }
        } else {
            let answers = key.is("result") || key.is("error");
            if answers && is_closed && envelope.has_id && envelope.method.is_none() {
                return Ok(envelope);
            }
            value = Some(scan.value(1)?);
        }
        let behind = scan.at;
        scan.space();
        comma = scan.at;
        if key.is("method") {
            envelope.method = value;
        } else if key.is("id") {
            envelope.has_id = true;
        } else if key.is("emittedAtMs") {
            // The comma goes with it: the one before it, else the one behind it.
            let cut_end = if first && scan.peek() == Some(b',') { comma + 1 } else { behind };
            envelope.emitted_at =
                Some(Emitted { cut_start: start, cut_end, at_ms: value.and_then(Json::safe_integer) });
        }
        first = false;
    }
    scan.end()?;
    Ok(envelope)
}

/// `emittedAtMs` where it is the last member of the line's object and stands behind an object, as the app-server writes
/// every notification: then nothing but `params` is between its two ends.
///
/// The quotes around the name cannot be those of another string: the line's last brace would be inside one.
fn emitted_last(line: &str) -> Option<Emitted> {
    const NAME: &str = "},\"emittedAtMs\":";
    let text = trim_end(line).strip_suffix('}')?;
    let count = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (before, digits) = text.split_at_checked(text.len() - count)?;
    let params = before.strip_suffix(NAME)?;
    // The brace is the end of params.
    let cut_start = params.len() + 1;
    (count > 0).then_some(Emitted { cut_start, cut_end: text.len(), at_ms: decimal(digits) })
}

/// Without the white space of JSON at its end. SOURCE: `trim_end` knows all of Unicode's, in tables.
fn trim_end(line: &str) -> &str {
    let count = line.bytes().rev().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
    line.get(..line.len() - count).unwrap_or(line)
}

/// Reads the ids out of the value of `params`; answers whether they were `enough` to stop before its end.
fn read_params<'a>(scan: &mut Scan<'a>, ids: &mut Ids<'a>, enough: bool) -> Result<bool, NotJson> {
    if scan.peek() != Some(b'{') {
        scan.value(1)?;
        return Ok(false);
    }
    scan.at += 1;
    let mut first = true;
    while scan.next_member(b'}', first)? {
        first = false;
        let key = scan.key()?;
        if key.is("turn") {
            ids.other_turn = inner_id(*scan);
            if enough && ids.are_known() {
                return Ok(true);
            }
        }
        let value = scan.value(2)?;
        if key.is("threadId") {
            ids.thread = id(value);
        } else if key.is("turnId") {
            ids.turn = id(value);
        } else if key.is("conversationId") {
            ids.other_thread = id(value).or(ids.other_thread);
        } else if key.is("thread") {
            ids.other_thread = value.get("id").and_then(id).or(ids.other_thread);
        }
        if enough && ids.are_known() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The id that this is: a string that is not empty.
fn id(value: Json<'_>) -> Option<RawStr<'_>> {
    value.str().filter(|text| !text.is(""))
}

/// The `id` of the object that starts here, read no further than it.
fn inner_id(mut scan: Scan<'_>) -> Option<RawStr<'_>> {
    scan.mark(b'{').ok()?;
    let mut first = true;
    while scan.next_member(b'}', first).ok()? {
        first = false;
        let key = scan.key().ok()?;
        let value = scan.value(3).ok()?;
        if key.is("id") {
            return id(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::json::Kind;

    fn event(kind: &str, thread_id: &str, turn_id: Option<&str>) -> LineClass {
        LineClass::Event {
            kind: kind.to_owned(),
            thread_id: thread_id.to_owned(),
            turn_id: turn_id.map(str::to_owned),
            request: false,
            opens_turn: turn_id.is_some() && (kind.starts_with("item/") || kind == "turn/started"),
            ends_turn: turn_id.is_some() && kind == "turn/completed",
            emitted_at_ms: None,
            cut_start: 0,
            cut_end: 0,
        }
    }

    fn requested(kind: &str, thread_id: &str, turn_id: Option<&str>) -> LineClass {
        let mut class = event(kind, thread_id, turn_id);
        if let LineClass::Event { request, .. } = &mut class {
            *request = true;
        }
        class
    }

    fn global(method: &str, request: bool) -> LineClass {
        LineClass::Global { method: method.to_owned(), request }
    }

    fn fault_code(line: &str) -> Option<LineFault> {
        match classify_line(line) {
            LineClass::Error { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The line without what an event's cut says to leave out, by UTF-16 units as JavaScript does it.
    fn payload_of(line: &str) -> (String, Option<f64>) {
        let LineClass::Event { cut_start, cut_end, emitted_at_ms, .. } = classify_line(line) else {
            return (String::new(), None);
        };
        let mut units: Vec<u16> = line.encode_utf16().collect();
        units.drain(cut_start..cut_end);
        (String::from_utf16(&units).unwrap(), emitted_at_ms)
    }

    #[test]
    fn says_what_a_line_is() {
        for (line, expected) in [
            (r#"{"id":1,"result":{"method":"x","threadId":"t"}}"#, LineClass::Response),
            (r#"{"error":{"code":-32600,"message":"no"},"id":7}"#, LineClass::Response),
            (r#"{"id":"a","error":null}"#, LineClass::Response),
            (r#" { "id" : null , "error" : {} } "#, LineClass::Response),
            (r#"{"method":"initialized"}"#, global("initialized", false)),
            (r#"{"method":"x","params":{"threadId":null,"turnId":5}}"#, global("x", false)),
            (r#"{"method":"x","params":null}"#, global("x", false)),
            (r#"{"method":"x","params":["threadId","t"]}"#, global("x", false)),
            (r#"{"method":"x","params":{"a":{"threadId":"t"}}}"#, global("x", false)),
            (r#"{"method":"x","params":{"threadId":""}}"#, global("x", false)),
            (r#"{"method":"x","threadId":"t","params":{}}"#, global("x", false)),
            (r#"{"method":"x","id":0,"params":{}}"#, global("x", true)),
            (r#"{"method":"x\ud83d","params":{}}"#, global("x\u{fffd}", false)),
            (r#"{"method":"x","params":{"threadId":"t"}}"#, event("x", "t", None)),
            (
                r#"{"method":"thread/started","params":{"thread":{"turns":[{"id":"u"}],"id":"t"}}}"#,
                event("thread/started", "t", None),
            ),
            (
                r#"{"method":"turn/started","params":{"threadId":"t","turn":{"items":[{"id":"i"}],"id":"u"}}}"#,
                event("turn/started", "t", Some("u")),
            ),
            (
                r#"{"method":"turn/completed","params":{"turn":{"id":"u"},"threadId":"t"}}"#,
                event("turn/completed", "t", Some("u")),
            ),
            (
                r#"{"method":"turn/completed","params":{"threadId":"t","turn":null}}"#,
                event("turn/completed", "t", None),
            ),
            (
                r#"{"method":"turn/diff/updated","params":{"threadId":"t","turnId":"u","diff":""}}"#,
                event("turn/diff/updated", "t", Some("u")),
            ),
            (
                r#"{"method":"item/completed","params":{"item":{"turnId":"no"},"threadId":"t","turnId":"u"}}"#,
                event("item/completed", "t", Some("u")),
            ),
            (
                r#"{"method":"item/new","params":{"threadId":"t","turnId":null}}"#,
                event("item/new", "t", None),
            ),
            (r#"{"method":"x","params":{"threadId":"t","threadId":"s"}}"#, event("x", "s", None)),
            (
                r#"{"params":{"turnId":"u","threadId":"t"},"method":"item/x"}"#,
                event("item/x", "t", Some("u")),
            ),
            (r#"{"m\u0065thod":"x","params":{"thread\u0049d":"\u0074\"é"}}"#, event("x", "t\"é", None)),
            (
                r#"{"method":"applyPatchApproval","id":3,"params":{"conversationId":"t","callId":"c"}}"#,
                requested("applyPatchApproval", "t", None),
            ),
            (
                r#"{"method":"item/tool/call","params":{"threadId":"t","turnId":"u"},"id":"0"}"#,
                requested("item/tool/call", "t", Some("u")),
            ),
        ] {
            assert_eq!(classify_line(line), expected, "{line}");
        }
    }

    #[test]
    fn tells_what_is_no_message() {
        for line in [
            "",
            "not json",
            "{",
            "{}x",
            "}",
            "[",
            "\"",
            "é",
            "{\"é",
            "\u{feff}{}",
            r#"{"id":1,"result":{"a":"#,
            r#"{"method""#,
            r#"{"method":"#,
            r#"{"method":-}"#,
            r#"{"method":"x",}"#,
            r#"{,"method":"x"}"#,
            r#"{"method":"x" "id":1}"#,
            r#"{"method":"x"}{"method":"y"}"#,
            r#"{"method":"x","params":[}]}"#,
            r#"{"method":"x","params":{"a":nope}}"#,
            r#"{"method":"x","params":{"a":"\"#,
            r#"{"method":"x","params":{"threadId":"t" "a"}}"#,
            r#"{"method":"item/x","params":{"threadId":"t","turnId":"u","delta":"half"#,
        ] {
            assert_eq!(fault_code(line), Some(LineFault::NotJson), "{line}");
        }
        for line in [
            "{}",
            "[]",
            "1",
            "null",
            "\"x\"",
            r#"{"params":{"threadId":"t"}}"#,
            r#"{"method":1}"#,
            r#"{"method":null,"id":1}"#,
            r#"{"emittedAtMs":1}"#,
        ] {
            assert_eq!(fault_code(line), Some(LineFault::NotAMessage), "{line}");
        }
    }

    #[test]
    fn a_line_nested_without_end_overflows_nothing() {
        let deep = format!("{{\"method\":\"x\",\"params\":{}", "[".repeat(200_000));
        assert_eq!(fault_code(&deep), Some(LineFault::NotJson));
    }

    #[test]
    fn leaves_out_the_time_wherever_it_stands() {
        let rest = r#"{"method":"item/x","params":{"threadId":"t😀","turnId":"é","d":"\"emittedAtMs\":1}"}}"#;
        for line in [
            r#"{"method":"item/x","params":{"threadId":"t😀","turnId":"é","d":"\"emittedAtMs\":1}"},"emittedAtMs":12}"#,
            r#"{"emittedAtMs":12,"method":"item/x","params":{"threadId":"t😀","turnId":"é","d":"\"emittedAtMs\":1}"}}"#,
            r#"{"method":"item/x","emittedAtMs":12,"params":{"threadId":"t😀","turnId":"é","d":"\"emittedAtMs\":1}"}}"#,
        ] {
            assert_eq!(payload_of(line), (rest.to_owned(), Some(12.0)), "{line}");
        }
        let spaced = r#"{ "method":"x", "params":{"threadId":"t"} , "emittedAtMs" : 12 } "#;
        let spaced_rest = r#"{ "method":"x", "params":{"threadId":"t"}  } "#;
        assert_eq!(payload_of(spaced), (spaced_rest.to_owned(), Some(12.0)));
        for odd in ["null", "-1", "1.5", "9007199254740992", "\"12\""] {
            let line = format!(r#"{{"method":"x","params":{{"threadId":"t"}},"emittedAtMs":{odd}}}"#);
            assert_eq!(
                payload_of(&line),
                (r#"{"method":"x","params":{"threadId":"t"}}"#.to_owned(), None),
                "{line}"
            );
        }
        assert_eq!(payload_of(rest), (rest.to_owned(), None));
    }

    #[test]
    fn an_id_behind_params_makes_a_request_of_a_line_that_ends_with_a_time() {
        let line =
            r#"{"method":"item/tool/call","params":{"threadId":"t","turnId":"u"},"id":0,"emittedAtMs":1}"#;
        assert!(matches!(classify_line(line), LineClass::Event { request: true, .. }));
    }

    #[test]
    fn a_long_line_whose_ends_say_enough_is_not_read() {
        // What is no JSON in between shows that it was not read.
        let unread = "!".repeat(1_000);
        let line = format!(
            r#"{{"method":"turn/completed","params":{{"threadId":"t","turn":{{"id":"u",{unread}}}}},"emittedAtMs":5}}"#
        );
        assert!(matches!(
            classify_line(&line),
            LineClass::Event { ends_turn: true, emitted_at_ms: Some(5.0), .. }
        ));
        assert_eq!(classify_line(r#"{"id":1,"result":!!!}"#), LineClass::Response);
    }

    #[test]
    fn agrees_with_a_whole_reading_of_every_recorded_line() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/transcripts");
        let mut lines = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for record in text.lines() {
                let entry = Json::parse(record).unwrap();
                let message = entry.get("msg").unwrap();
                if entry.get("dir").and_then(Json::str).unwrap().is("in") && message.kind() == Kind::Object {
                    let line = message.text();
                    assert_eq!(classify_line(line), naive_class(line), "{line}");
                    lines += 1;
                }
            }
        }
        assert!(lines > 4_000, "{lines} lines");
    }

    /// The same answer, from the whole line.
    fn naive_class(line: &str) -> LineClass {
        let json = Json::parse(line).unwrap();
        let text = |value: Option<Json<'_>>| value.and_then(Json::str).map(|text| text.to_whole());
        let Some(method) = text(json.get("method")) else { return LineClass::Response };
        let params = json.get("params").unwrap();
        let inner = |name| text(params.get(name).and_then(|object| object.get("id")));
        let turn = text(params.get("turnId")).or(inner("turn"));
        let is_request = json.get("id").is_some();
        let Some(thread) = text(params.get("threadId")).or(inner("thread")) else {
            return global(&method, is_request);
        };
        let mut class = event(&method, &thread, turn.as_deref());
        if let LineClass::Event { request, emitted_at_ms, cut_start, cut_end, .. } = &mut class {
            *request = is_request;
            if let Some(time) = json.get("emittedAtMs") {
                let units = |bytes: usize| line[..bytes].encode_utf16().count();
                *emitted_at_ms = time.safe_integer().map(|ms| ms as f64);
                *cut_start = units(line[..time.span_in(line).start].rfind(',').unwrap());
                *cut_end = units(time.span_in(line).end);
            }
        }
        class
    }
}
