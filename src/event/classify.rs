//! What one line of the app-server is, read only as far as is needed to say so.
//!
//! A turn's event names its thread and its turn before it says anything long, and ends with the time at which it was
//! sent; such a line is known from its two ends. Whoever takes the payload apart finds what is wrong in between. Every
//! other line is read to its end and proven to be JSON.

use serde::Serialize;
use tsify::Tsify;

use super::item::push_number;
use super::json::{Json, NotJson};

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
        #[serde(skip_serializing_if = "Option::is_none")]
        #[tsify(optional)]
        turn_id: Option<String>,
        /// Whether it wants an answer.
        request: bool,
        /// Whether it shows the turn to be one of the process that sent it.
        opens_turn: bool,
        /// Whether it is the turn's end.
        ends_turn: bool,
        /// Milliseconds since 1970 by the sender's clock.
        #[serde(skip_serializing_if = "Option::is_none")]
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
        Some(Envelope { known_early: true, method: None, .. }) => LineClass::Response,
        Some(envelope) if envelope.known_early || Json::parse(line).is_ok() => envelope.into_class(line),
        _ => fault_of(line),
    }
}

fn fault_of(line: &str) -> LineClass {
    let (code, message) = match Json::parse(line) {
        Ok(_) => (LineFault::NotAMessage, "line is no object with a method or an id".to_owned()),
        Err(fault) => (LineFault::NotJson, not_json(fault)),
    };
    LineClass::Error { code, message }
}

fn not_json(fault: NotJson) -> String {
    let mut message = "line is not JSON from byte ".to_owned();
    push_number(&mut message, fault.at);
    message.push_str(" on");
    message
}

/// What the two ends of a line say.
#[derive(Default)]
struct Envelope<'a> {
    method: Option<Value<'a>>,
    has_id: bool,
    ids: Ids,
    emitted_at: Option<Emitted<'a>>,
    /// Whether the rest of the line was left unread.
    known_early: bool,
}

#[derive(Default)]
struct Ids {
    thread: Option<String>,
    /// `params.thread.id` of thread/started; `params.conversationId` of the legacy approvals.
    other_thread: Option<String>,
    turn: Option<String>,
    /// `params.turn.id`.
    other_turn: Option<String>,
}

/// The member `emittedAtMs`: bytes of the line to leave out, comma included, and its value.
struct Emitted<'a> {
    cut_start: usize,
    cut_end: usize,
    value: &'a str,
}

impl Ids {
    fn are_known(&self) -> bool {
        self.thread.is_some() && (self.turn.is_some() || self.other_turn.is_some())
    }
}

impl Envelope<'_> {
    fn into_class(self, line: &str) -> LineClass {
        let method = match self.method {
            Some(value) => value.text(),
            None if self.has_id => return LineClass::Response,
            None => None,
        };
        let Some(method) = method else { return fault_of(line) };
        let request = self.has_id;
        let Some(thread_id) = self.ids.thread.or(self.ids.other_thread) else {
            return LineClass::Global { method, request };
        };
        let turn_id = self.ids.turn.or(self.ids.other_turn);
        let (cut_start, cut_end, emitted_at_ms) = match self.emitted_at {
            Some(found) => (
                utf16_units(line, found.cut_start),
                utf16_units(line, found.cut_end),
                // A time that is no safe integer is no time.
                Json::parse(found.value).ok().and_then(Json::safe_integer).map(|ms| ms as f64),
            ),
            None => (0, 0, None),
        };
        LineClass::Event {
            opens_turn: turn_id.is_some() && (method == "turn/started" || method.starts_with("item/")),
            ends_turn: turn_id.is_some() && method == "turn/completed",
            kind: method,
            thread_id,
            turn_id,
            request,
            emitted_at_ms,
            cut_start,
            cut_end,
        }
    }
}

/// UTF-16 units of the first `bytes` of a text.
fn utf16_units(text: &str, bytes: usize) -> usize {
    let head = text.get(..bytes).unwrap_or(text);
    // Bytes that continue a character count nothing, the first of four counts two.
    let units = |byte: u8| usize::from(byte & 0xC0 != 0x80).saturating_add(usize::from(byte >= 0xF0));
    head.bytes().fold(0, |sum: usize, byte| sum.saturating_add(units(byte)))
}

/// Reads the envelope; none where the line's frame is not that of an object.
fn read_envelope(line: &str) -> Option<Envelope<'_>> {
    let mut envelope = Envelope::default();
    let emitted_last = emitted_last(line);
    let is_closed = line.trim_end().ends_with('}');
    let mut walk = Walk { text: line, at: 0 };
    let mut comma: Option<usize> = None;
    walk.open()?;
    while let Some((start, key)) = walk.key()? {
        if key.is("method") {
            envelope.method = Some(walk.value()?);
        } else if key.is("params") {
            let enough = |ids: &Ids| ids.are_known() && emitted_last.is_some();
            let enough_read = envelope.method.is_some();
            if walk.params(&mut envelope.ids, |ids| enough_read && enough(ids))? == Reading::Enough {
                envelope.known_early = true;
                envelope.emitted_at = emitted_last;
                return Some(envelope);
            }
        } else if key.is("emittedAtMs") {
            let value = walk.value()?;
            let behind = walk.at;
            let cut_end = if comma.is_none() && walk.comma().is_some() { walk.at } else { behind };
            let cut_start = comma.unwrap_or(start);
            envelope.emitted_at = Some(Emitted { cut_start, cut_end, value: value.raw });
        } else if key.is("id") {
            envelope.has_id = true;
            walk.value()?;
        } else if is_closed
            && envelope.has_id
            && envelope.method.is_none()
            && (key.is("result") || key.is("error"))
        {
            envelope.known_early = true;
            return Some(envelope);
        } else {
            walk.value()?;
        }
        comma = walk.comma();
    }
    Some(envelope)
}

/// `emittedAtMs` where it is the last member of the line's object and stands behind an object, as the app-server writes
/// every notification: then nothing but `params` is between its two ends.
///
/// The quotes around the name cannot be those of another string: the line's last brace would be inside one.
fn emitted_last(line: &str) -> Option<Emitted<'_>> {
    const NAME: &str = "},\"emittedAtMs\":";
    let text = line.trim_end().strip_suffix('}')?;
    let before = text.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let value = text.get(before.len()..).filter(|digits| !digits.is_empty())?;
    let params = before.strip_suffix(NAME)?;
    // The brace is the end of params.
    let cut_start = params.len().checked_add(1)?;
    Some(Emitted { cut_start, cut_end: text.len(), value })
}

#[derive(PartialEq)]
enum Reading {
    Enough,
    Whole,
}

/// One JSON value as it stands in the line.
#[derive(Clone, Copy)]
struct Value<'a> {
    raw: &'a str,
}

impl Value<'_> {
    /// The string that this is.
    fn text(self) -> Option<String> {
        Json::parse(self.raw).ok()?.str().map(|text| text.to_whole())
    }

    /// The id that this is: a string that is not empty.
    fn id(self) -> Option<String> {
        self.text().filter(|id| !id.is_empty())
    }

    /// Whether this is the string `name`, escapes counted as what they mean.
    fn is(self, name: &str) -> bool {
        let inside = self.raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or("");
        if inside.contains('\\') { self.text().is_some_and(|text| text == name) } else { inside == name }
    }
}

/// Steps through a text that may be no JSON: it finds where values end, and proves nothing about them.
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn step(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn space(&mut self) {
        let is_space = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\n' | b'\r');
        let spaces = self.rest().iter().take_while(is_space).count();
        self.step(spaces);
    }

    fn take(&mut self, mark: u8) -> Option<()> {
        (self.rest().first() == Some(&mark)).then(|| self.step(1))
    }

    fn open(&mut self) -> Option<()> {
        self.space();
        self.take(b'{')
    }

    /// Passes the comma behind a value; answers where it stands.
    fn comma(&mut self) -> Option<usize> {
        self.space();
        let at = self.at;
        self.take(b',').map(|()| at)
    }

    /// The next key of an object and where it starts, up to its value; an inner none at the object's end.
    fn key(&mut self) -> Option<Option<(usize, Value<'a>)>> {
        self.space();
        if self.take(b'}').is_some() {
            return Some(None);
        }
        let start = self.at;
        let key = self.string()?;
        self.space();
        self.take(b':')?;
        self.space();
        Some(Some((start, key)))
    }

    /// The string that starts here.
    fn string(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            let length = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            self.step(length);
            if self.take(b'"').is_some() {
                return Some(Value { raw: self.text.get(start..self.at)? });
            }
            self.step(2);
        }
    }

    /// The value that starts here, whatever it is.
    fn value(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            self.space();
            match *self.rest().first()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth = depth.saturating_add(1);
                    self.step(1);
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.step(1);
                }
                b',' | b':' if depth > 0 => self.step(1),
                _ => {
                    let is_scalar =
                        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'+' | b'-' | b'.');
                    let length = self.rest().iter().take_while(is_scalar).count();
                    self.step(length);
                    if length == 0 {
                        return None;
                    }
                }
            }
            if depth == 0 {
                return Some(Value { raw: self.text.get(start..self.at)? });
            }
        }
    }

    /// Reads the ids out of the value of `params`, and stops as soon as they are enough.
    fn params(&mut self, ids: &mut Ids, enough: impl Fn(&Ids) -> bool) -> Option<Reading> {
        if self.rest().first() != Some(&b'{') {
            self.value()?;
            return Some(Reading::Whole);
        }
        self.open()?;
        while let Some((_, key)) = self.key()? {
            if key.is("threadId") {
                ids.thread = self.value()?.id();
            } else if key.is("turnId") {
                ids.turn = self.value()?.id();
            } else if key.is("conversationId") {
                ids.other_thread = self.value()?.id().or(ids.other_thread.take());
            } else if key.is("thread") {
                ids.other_thread = self.inner_id().or(ids.other_thread.take());
                self.value()?;
            } else if key.is("turn") {
                ids.other_turn = self.inner_id();
                if enough(ids) {
                    return Some(Reading::Enough);
                }
                self.value()?;
            } else {
                self.value()?;
            }
            if enough(ids) {
                return Some(Reading::Enough);
            }
            self.comma();
        }
        Some(Reading::Whole)
    }

    /// The `id` of the object that starts here, read no further than it; the walk stays where it is.
    fn inner_id(&self) -> Option<String> {
        let mut inner = Walk { text: self.text, at: self.at };
        inner.open()?;
        while let Some((_, key)) = inner.key()? {
            let value = inner.value()?;
            if key.is("id") {
                return value.id();
            }
            inner.comma();
        }
        None
    }
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
                    let line = &record[message.start()..message.end()];
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
                *cut_start = units(line[..time.start()].rfind(',').unwrap());
                *cut_end = units(time.end());
            }
        }
        class
    }
}
