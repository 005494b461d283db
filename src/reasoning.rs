//! Reasoning, as readers get it: the parts of an item's summary, and what was thought in full where that is asked for.
//!
//! An item that has ended tells its parts apart in its payload. One that has not has a text alone, in which its parts are
//! joined: it is one segment, the text so far, under the name that the first part gets at the item's end.

use crate::event::json::{Items, Json, RawStr};
use crate::limits::REASONING_PARTS_MAX;
use crate::pack::{Misfit, Unpacker};
use serde::Serialize;
use tsify::Tsify;

/// A reasoning item, as it was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasoningCall<'a> {
    /// Whether its own end is known, so that its payload holds its summary.
    pub ended: bool,
    /// Whether what was thought in full is asked for.
    pub include_raw: bool,
    /// The item as it is stored; none where that was not read.
    pub payload_json: Option<&'a str>,
}

/// What a segment is a piece of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum ReasoningChannel {
    /// The summary.
    Summary,
    /// What was thought in full.
    Raw,
}

/// What a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum SegmentType {
    /// Words.
    TextDelta,
    /// The next part of the summary begins.
    SectionBreak,
}

/// A piece of an item's reasoning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// What it is a piece of.
    pub channel: ReasoningChannel,
    /// What it is.
    pub segment_type: SegmentType,
    /// The place of its part; none where the parts are not told apart.
    pub part: Option<u64>,
    /// Its words; none where they are the item's text so far.
    pub text: Option<String>,
}

/// The answer: an item's segments, in the order in which it was thought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct ReasoningAnswer {
    /// The segments.
    pub segments: Vec<Segment>,
}

impl<'a> ReasoningCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self { ended: call.flag(), include_raw: call.flag(), payload_json: call.optional_text() };
        call.end(read)
    }
}

/// Decides what a reader gets of an item.
pub fn read_reasoning(call: &ReasoningCall<'_>) -> ReasoningAnswer {
    use ReasoningChannel::{Raw, Summary};
    let item = call.payload_json.and_then(|payload| Json::parse(payload).ok());
    let mut segments = Vec::new();
    let words = |channel, part, text| Segment { channel, segment_type: SegmentType::TextDelta, part, text };
    match item.filter(|_| call.ended) {
        None => segments.push(words(Summary, None, None)),
        Some(item) => {
            for (place, text) in parts(item.list("summary")) {
                if !segments.is_empty() {
                    segments.push(Segment {
                        channel: Summary,
                        segment_type: SegmentType::SectionBreak,
                        part: Some(place),
                        text: Some(String::new()),
                    });
                }
                segments.push(words(Summary, Some(place), Some(text)));
            }
        }
    }
    if let Some(item) = item.filter(|_| call.include_raw) {
        let thought = parts(item.list("content")).into_iter();
        segments.extend(thought.map(|(place, text)| words(Raw, Some(place), Some(text))));
    }
    ReasoningAnswer { segments }
}

/// The texts of a list that are not empty, each with its place; behind [`REASONING_PARTS_MAX`] they are one with the last.
fn parts(list: Items<'_>) -> Vec<(u64, String)> {
    let mut parts: Vec<(u64, String)> = Vec::new();
    for (place, part) in (0..).zip(list) {
        let words = part.str().map(RawStr::to_whole).filter(|words| !words.is_empty());
        let Some(words) = words else { continue };
        let is_full = parts.len() >= REASONING_PARTS_MAX;
        match parts.last_mut().filter(|_| is_full) {
            None => parts.push((place, words)),
            Some((_, last)) => {
                last.push_str("\n\n");
                last.push_str(&words);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment in one line: channel, type, place, text.
    fn brief(ended: bool, include_raw: bool, payload_json: Option<&str>) -> Vec<String> {
        let call = ReasoningCall { ended, include_raw, payload_json };
        let segments = read_reasoning(&call).segments;
        segments
            .iter()
            .map(|Segment { channel, segment_type, part, text }| {
                let place = part.map_or("-".to_owned(), |part| part.to_string());
                let text = text.as_deref().unwrap_or("<so far>");
                format!("{channel:?} {segment_type:?} {place} {text}")
            })
            .collect()
    }

    const ITEM: &str =
        r#"{"type":"reasoning","id":"r","summary":["**a**\n\nb","c"],"content":["raw","more"]}"#;

    #[test]
    fn an_item_that_has_ended_is_its_parts_with_a_break_between_them() {
        let summary = ["Summary TextDelta 0 **a**\n\nb", "Summary SectionBreak 1 ", "Summary TextDelta 1 c"];
        assert_eq!(brief(true, false, Some(ITEM)), summary);
        let raw = ["Raw TextDelta 0 raw", "Raw TextDelta 1 more"];
        assert_eq!(brief(true, true, Some(ITEM)), [summary.as_slice(), &raw].concat());
    }

    #[test]
    fn one_that_has_not_is_its_text_so_far_and_what_its_payload_knows_of_raw_thought() {
        assert_eq!(brief(false, false, Some(ITEM)), ["Summary TextDelta - <so far>"]);
        let with_raw = ["Summary TextDelta - <so far>", "Raw TextDelta 0 raw", "Raw TextDelta 1 more"];
        assert_eq!(brief(false, true, Some(ITEM)), with_raw);
    }

    #[test]
    fn of_which_no_payload_was_read_or_none_that_is_json_the_text_is_shown() {
        for payload in [None, Some("{"), Some("")] {
            for ended in [false, true] {
                assert_eq!(brief(ended, true, payload), ["Summary TextDelta - <so far>"], "{payload:?}");
            }
        }
    }

    #[test]
    fn what_has_no_words_is_no_part_and_parts_keep_their_places() {
        let item = r#"{"summary":["",5,"a",null,"b",""],"content":["","x",{}]}"#;
        let want = [
            "Summary TextDelta 2 a",
            "Summary SectionBreak 4 ",
            "Summary TextDelta 4 b",
            "Raw TextDelta 1 x",
        ];
        assert_eq!(brief(true, true, Some(item)), want);
        for item in ["{}", "[]", "null", r#"{"summary":"a","content":{}}"#, r#"{"summary":[],"content":[]}"#]
        {
            assert!(brief(true, true, Some(item)).is_empty(), "{item}");
        }
    }

    #[test]
    fn halves_of_characters_are_replaced() {
        let item = r#"{"summary":["a\ud83d\ude00","\ud83d"],"content":["\udc00b"]}"#;
        let want = [
            "Summary TextDelta 0 a😀",
            "Summary SectionBreak 1 ",
            "Summary TextDelta 1 \u{fffd}",
            "Raw TextDelta 0 \u{fffd}b",
        ];
        assert_eq!(brief(true, true, Some(item)), want);
    }

    #[test]
    fn more_parts_than_one_answer_holds_are_one_with_the_last() {
        let item = |count: usize| {
            let list = vec![r#""p""#; count].join(",");
            format!(r#"{{"summary":[{list}],"content":[{list}]}}"#)
        };
        let of = |count: usize| {
            let segments = brief(true, true, Some(&item(count)));
            let summary = segments.iter().filter(|segment| segment.starts_with("Summary TextDelta")).count();
            let raw = segments.iter().filter(|segment| segment.starts_with("Raw")).count();
            (segments.len(), summary, raw, segments.last().cloned().unwrap())
        };
        let max = REASONING_PARTS_MAX;
        let last = max - 1;
        assert_eq!(of(max), (3 * max - 1, max, max, format!("Raw TextDelta {last} p")));
        assert_eq!(of(max + 2), (3 * max - 1, max, max, format!("Raw TextDelta {last} p\n\np\n\np")));
    }

    #[test]
    fn a_call_is_read_as_it_is_packed() {
        let whole = ReasoningCall { ended: true, include_raw: false, payload_json: Some("{}") };
        assert_eq!(ReasoningCall::unpack(Unpacker::new("{}", &[1.0, 0.0, 2.0])), Ok(whole));
        let none = ReasoningCall { ended: false, include_raw: true, payload_json: None };
        assert_eq!(ReasoningCall::unpack(Unpacker::new("", &[0.0, 1.0, -1.0])), Ok(none));
        let left_over = ReasoningCall::unpack(Unpacker::new("{}", &[0.0, 1.0, -1.0]));
        assert_eq!(left_over, Err(Misfit));
    }
}
