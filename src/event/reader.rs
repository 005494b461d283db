//! Reads the payloads of a batch, one after the other.
//!
//! Deltas of an item come in a row, and each differs from the one before in its text alone. What stands around the text is
//! compared instead of read: a payload that has it byte for byte is JSON as soon as its text is a string, and means the
//! same. SOURCE: measured, two thirds of what a delta of text costs.

use super::json::Scan;
use super::methods::{self, Effect};
use super::payload::{Envelope, Meaning, Payload, grown, read_with_delta};

/// Reads payloads, and remembers the last delta among them.
#[derive(Debug, Default)]
pub struct Reader<'a> {
    last: Option<LastDelta<'a>>,
}

/// A delta without its text.
#[derive(Debug)]
struct LastDelta<'a> {
    envelope: Envelope<'a>,
    /// The payload up to its text, the quote before it included.
    head: &'a str,
    /// The payload behind its text and the quote behind that.
    tail: &'a str,
    item_id: String,
}

impl<'a> Reader<'a> {
    /// What [`read_payload`](super::payload::read_payload) answers.
    ///
    /// # Errors
    /// As it has them.
    pub fn read(
        &mut self,
        envelope: Envelope<'a>,
        payload_json: &'a str,
    ) -> Result<Payload<'a>, &'static str> {
        let again = self.last.as_ref().and_then(|last| last.again(envelope, payload_json));
        if let Some(payload) = again {
            return Ok(payload);
        }
        let (payload, delta) = read_with_delta(envelope, payload_json)?;
        if let (Meaning::ItemGrew { item_id, .. }, Some(delta)) = (&payload.meaning, delta) {
            let text = delta.span_in(payload_json);
            let head = payload_json.get(..text.start + 1).unwrap_or_default();
            let tail = payload_json.get(text.end..).unwrap_or_default();
            self.last = Some(LastDelta { envelope, head, tail, item_id: item_id.clone() });
        }
        Ok(payload)
    }
}

impl<'a> LastDelta<'a> {
    /// The payload, where it is this one with another text.
    fn again(&self, envelope: Envelope<'a>, payload_json: &'a str) -> Option<Payload<'a>> {
        if envelope != self.envelope || !payload_json.starts_with(self.head) {
            return None;
        }
        let mut scan = Scan { text: payload_json, at: self.head.len() - 1 };
        let delta = scan.value(2).ok()?.str()?;
        if payload_json.get(scan.at..) != Some(self.tail) {
            return None;
        }
        let method = methods::find(envelope.kind)?;
        let Effect::GrowsItem(growing, onto) = method.effect else { return None };
        Some(Payload { meaning: grown(self.item_id.clone(), delta, growing, onto), keeping: method.keeping })
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::event::payload::read_payload;
    use proptest::prelude::*;

    const KIND: &str = "item/agentMessage/delta";

    fn envelope(kind: &'static str, turn_id: &'static str) -> Envelope<'static> {
        Envelope { kind, local_thread_id: Some("T"), thread_id: "T", turn_id: Some(turn_id) }
    }

    fn delta(members: &str) -> String {
        format!(r#"{{"method":"{KIND}","params":{{{members}}}}}"#)
    }

    /// Each payload means what it means alone, whatever stands before it; answers how many were known by the one before.
    fn read_in_turn(payloads: &[(Envelope<'static>, String)]) -> usize {
        let mut reader = Reader::default();
        let mut known = 0;
        for (envelope, payload) in payloads {
            let again = reader.last.as_ref().and_then(|last| last.again(*envelope, payload));
            known += usize::from(again.is_some());
            assert_eq!(reader.read(*envelope, payload), read_payload(*envelope, payload), "{payload}");
        }
        known
    }

    #[test]
    fn a_delta_that_differs_in_its_text_alone_is_known_by_the_one_before() {
        let texts = ["a", "", r"\ud83d", r#"\"\\"#, "é", r"line\n", "delta"];
        let row = texts.map(|text| {
            let members =
                format!(r#""threadId":"T","turnId":"U","itemId":"i\"d","delta":"{text}","more":[{{}}]"#);
            (envelope(KIND, "U"), delta(&members))
        });
        assert_eq!(read_in_turn(&row), texts.len() - 1);
    }

    #[test]
    fn one_that_differs_in_anything_else_is_read() {
        let first = r#""threadId":"T","turnId":"U","itemId":"m","delta":"a""#;
        for other in [
            r#""threadId":"T","turnId":"U","itemId":"n","delta":"a""#,
            r#""threadId":"X","turnId":"U","itemId":"m","delta":"a""#,
            r#""threadId":"T","turnId":"U","itemId":"m","delta":"a","delta":"b""#,
            r#""threadId":"T","turnId":"U","itemId":"m","delta":"a","itemId":"n""#,
            r#""threadId":"T","turnId":"U","itemId":"m","delta":"a" "#,
            r#""threadId":"T","turnId":"U","itemId":"m","delta":5"#,
            r#""threadId":"T","turnId":"U","itemId":"m","delta":"a"#,
            r#""threadId":"T","turnId":"U","itemId":"m","delta":"\x""#,
        ] {
            let pair = [(envelope(KIND, "U"), delta(first)), (envelope(KIND, "U"), delta(other))];
            assert_eq!(read_in_turn(&pair), 0, "{other}");
        }
        let turns = [(envelope(KIND, "U"), delta(first)), (envelope(KIND, "V"), delta(first))];
        assert_eq!(read_in_turn(&turns), 0);
        let kinds = [(envelope(KIND, "U"), delta(first)), (envelope("item/plan/delta", "U"), delta(first))];
        assert_eq!(read_in_turn(&kinds), 0);
    }

    proptest! {
        #[test]
        fn what_stands_before_a_payload_does_not_change_what_it_means(
            pieces in prop::collection::vec(
                prop::collection::vec(
                    prop::sample::select(vec![
                        r#""delta":"a""#, r#""delta":"\ud83d""#, r#""delta":"""#, r#""delta":"x\"}}""#, r#""itemId":"m""#,
                        r#""itemId":"n""#, r#""turnId":"U""#, r#""delta":{"delta":"a"}"#, r#""delta":"a"#, "}", " ",
                    ]),
                    0..5,
                ),
                2..8,
            ),
        ) {
            let payloads: Vec<_> =
                pieces.iter().map(|members| (envelope(KIND, "U"), delta(&members.join(",")))).collect();
            read_in_turn(&payloads);
        }
    }
}
