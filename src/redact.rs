//! Secrets out of a line of the app-server's protocol, or of its stderr, before the line is kept anywhere.
//!
//! First by name: what a method's params and results are known to hold ([`method`]). Then by shape: keys, tokens and
//! headers wherever they stand ([`pattern`]). The shapes are best effort: a secret of another shape, one in base64, or one
//! that several deltas share, is not seen.
//!
//! A line that is JSON stays JSON; a line without secrets stays as it is. The cost is linear in the line.

mod method;
mod pattern;

use crate::event::json::{Json, Kind, RawStr};
use method::{Part, Rule, rule_of};

/// A line without its secrets; none where it has none.
///
/// `request` is the message that the line answers, as much as is known of it: its method, and of a question its params. An
/// answer to what is not known is left out as a whole.
pub fn redact_message(line: &str, request: Option<&str>) -> Option<String> {
    let mut redactor = Redactor { line, written: String::new(), copied: 0 };
    match Json::parse(line) {
        Ok(message) => redactor.message(message, request),
        Err(_) => redactor.text(0, line.len(), false),
    }
    redactor.finish()
}

/// Copies a line, ranges of it replaced.
struct Redactor<'a> {
    line: &'a str,
    written: String,
    copied: usize,
}

impl<'a> Redactor<'a> {
    /// Replaces the bytes from `start` to `end` by `[redacted:kind]`, between quotes where a value goes.
    fn replace(&mut self, start: usize, end: usize, kind: &str, quote: &str) {
        self.written.push_str(self.line.get(self.copied..start).unwrap_or_default());
        for piece in [quote, "[redacted:", kind, "]", quote] {
            self.written.push_str(piece);
        }
        self.copied = end;
    }

    fn finish(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.written.push_str(self.line.get(self.copied..).unwrap_or_default());
        (self.written != self.line).then_some(self.written)
    }

    fn message(&mut self, message: Json<'a>, request: Option<&str>) {
        let (mut method, mut has_id) = (None, false);
        for (key, value) in message.entries() {
            if key.is("method") {
                method = value.str().map(RawStr::to_whole);
            }
            has_id |= key.is("id");
        }
        let rule = match &method {
            Some(method) => rule_of(method),
            None if has_id => answer_rule(request),
            None => Rule::OPEN,
        };
        for (key, value) in message.entries() {
            let part = match key.plain() {
                Some("params") => &rule.params,
                Some("result" | "error") => &rule.result,
                _ if key.is("params") => &rule.params,
                _ if key.is("result") || key.is("error") => &rule.result,
                _ => &Part::Open,
            };
            let bytes = value.span_in(self.line);
            if let Part::Whole(kind) = part {
                self.value(bytes.start, bytes.end, kind);
            } else {
                let mut walk = Walk { at: bytes.start, part };
                self.walk(&mut walk, None);
            }
        }
        if message.kind() != Kind::Object {
            let mut walk = Walk { at: message.span_in(self.line).start, part: &Part::Open };
            self.walk(&mut walk, None);
        }
    }

    /// Replaces a value, unless it says nothing.
    fn value(&mut self, start: usize, end: usize, kind: &str) {
        if !matches!(self.line.get(start..end), Some("null" | "{}" | "[]" | "\"\"" | "true" | "false")) {
            self.replace(start, end, kind, "\"");
        }
    }

    /// Passes over one value of a text that was proven to be JSON, so not nested deeper than the reader goes; `name` is the
    /// name of the member that it is.
    fn walk(&mut self, walk: &mut Walk<'_>, name: Option<&str>) {
        match self.byte(walk.at) {
            Some(b'{') => self.members(walk),
            Some(b'[') => {
                walk.at += 1;
                while self.next(walk, b']') {
                    self.walk(walk, None);
                }
            }
            Some(b'"') => {
                let (start, end) = self.string(walk);
                match name.and_then(pattern::member_kind) {
                    Some(kind) if end - start >= pattern::MEMBER_BYTES_MIN => {
                        self.replace(start, end, kind, "")
                    }
                    _ => self.text(start, end, true),
                }
            }
            _ => {
                while self.byte(walk.at).is_some_and(|byte| !b",:]} \n\r\t".contains(&byte)) {
                    walk.at += 1;
                }
            }
        }
    }

    fn members(&mut self, walk: &mut Walk<'_>) {
        walk.at += 1;
        while self.next(walk, b'}') {
            let (start, end) = self.string(walk);
            let name = self.line.get(start..end).unwrap_or_default();
            self.text(start, end, true);
            while self.byte(walk.at).is_some_and(|byte| b": \n\r\t".contains(&byte)) {
                walk.at += 1;
            }
            match walk.part.kind_of(name) {
                Some(kind) => {
                    let start = walk.at;
                    // What lies inside is passed over, and not looked at.
                    self.pass(walk);
                    self.value(start, walk.at, kind);
                }
                None => self.walk(walk, Some(name)),
            }
        }
    }

    /// Passes over one value.
    fn pass(&self, walk: &mut Walk<'_>) {
        let mut depth = 0_usize;
        loop {
            match self.byte(walk.at) {
                Some(b'"') => {
                    self.string(walk);
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    walk.at += 1;
                }
                Some(b'}' | b']') => {
                    depth = depth.saturating_sub(1);
                    walk.at += 1;
                }
                Some(b',' | b':' | b' ' | b'\n' | b'\r' | b'\t') => walk.at += 1,
                Some(_) => {
                    while self.byte(walk.at).is_some_and(|byte| !b",:]} \n\r\t".contains(&byte)) {
                        walk.at += 1;
                    }
                }
                None => return,
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Steps to the next member of an array or object, or behind its end.
    fn next(&self, walk: &mut Walk<'_>, close: u8) -> bool {
        while self.byte(walk.at).is_some_and(|byte| b", \n\r\t".contains(&byte)) {
            walk.at += 1;
        }
        let is_member = self.byte(walk.at).is_some_and(|byte| byte != close);
        walk.at += usize::from(!is_member);
        is_member
    }

    /// The inside of the string that starts here.
    fn string(&self, walk: &mut Walk<'_>) -> (usize, usize) {
        let start = walk.at + 1;
        walk.at = start;
        while let Some(byte) = self.byte(walk.at).filter(|byte| *byte != b'"') {
            walk.at += if byte == b'\\' { 2 } else { 1 };
        }
        let end = walk.at;
        walk.at += 1;
        (start, end)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.line.as_bytes().get(at).copied()
    }

    /// Replaces what has a secret's shape between two bytes; `escaped` of the inside of a JSON string.
    fn text(&mut self, start: usize, end: usize, escaped: bool) {
        let mut scan = pattern::Scan::new(self.line, start, end, escaped);
        while let Some(found) = scan.next_secret() {
            self.replace(found.start, found.end, found.kind, "");
        }
    }
}

/// Where a walk stands, and what the part of the message that it walks through holds.
struct Walk<'a> {
    at: usize,
    part: &'a Part,
}

/// The rule of an answer, by what it answers.
fn answer_rule(request: Option<&str>) -> Rule {
    const UNKNOWN: Rule = Rule { params: Part::Open, result: Part::Whole("unknown") };
    let Some(request) = request.and_then(|request| Json::parse(request).ok()) else { return UNKNOWN };
    let Some(method) = request.string("method").map(RawStr::to_whole) else { return UNKNOWN };
    let result = match method.as_str() {
        "item/tool/requestUserInput" => question_part(request.get("params")),
        "mcpServer/elicitation/request" => {
            let mode = request.get("params").and_then(|params| params.string("mode"));
            let is_plain = mode.is_some_and(|mode| !mode.is("openai/userVerification"));
            if is_plain { Part::Open } else { Part::Whole("verification") }
        }
        method => return rule_of(method),
    };
    Rule { params: Part::Open, result }
}

/// The answers to secret questions; all of them where the questions are not known.
fn question_part(params: Option<Json<'_>>) -> Part {
    let Some(questions) = params.and_then(|params| params.get("questions")) else {
        return Part::Whole("answer");
    };
    let is_secret = |question: &Json<'_>| question.get("isSecret").and_then(Json::bool) != Some(false);
    let secret = questions.items().filter(is_secret);
    let names: Option<Vec<String>> =
        secret.map(|question| question.string("id").map(RawStr::to_whole)).collect();
    match names {
        Some(names) => Part::Named(names),
        None => Part::Whole("answer"),
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
