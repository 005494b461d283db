//! A borrowed JSON reader that keeps what serde_json would refuse or lose.
//!
//! Values are slices of the text that they stand in, so that a payload of a megabyte is never copied. Either one pass
//! proves that a text is JSON ([`Json::parse`]) and values are looked up after it, or a reader that knows what it looks for
//! takes its values while it proves them ([`Scan`]). An unpaired `\uD8xx` escape is no error: the halves at a string's two
//! ends are kept as numbers ([`Text`]), for the delta before or behind may hold the other half.
//!
//! SOURCE: `serde_json` adds about 60 KB to the module, and refuses unpaired escapes.

use crate::limits::JSON_DEPTH_MAX;
use crate::pack::decimal;

/// What was wrong with a text that is not JSON: the byte at which reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson {
    /// Bytes read before the fault.
    pub at: usize,
}

/// One JSON value: a slice of a text that was proven to be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

/// What kind of value a [`Json`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// The raw inside of a JSON string, quotes left out, escapes not yet read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawStr<'a> {
    inside: &'a str,
    escaped: bool,
}

/// A decoded string. UTF-8 cannot hold half a surrogate pair, so the halves at its ends stand beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// An unpaired low half before everything else (0xDC00 to 0xDFFF).
    pub leading_low: Option<u16>,
    /// The text; an unpaired half inside it is U+FFFD, as nothing can come between it and its neighbours.
    pub utf8: String,
    /// An unpaired high half behind everything else (0xD800 to 0xDBFF).
    pub trailing_high: Option<u16>,
}

impl Text {
    /// The text with halves at its ends replaced by U+FFFD: for texts that have no neighbour.
    pub fn into_whole(self) -> String {
        if self.leading_low.is_none() && self.trailing_high.is_none() {
            return self.utf8;
        }
        let mut whole = String::with_capacity(self.utf8.len() + 6);
        if self.leading_low.is_some() {
            whole.push(char::REPLACEMENT_CHARACTER);
        }
        whole.push_str(&self.utf8);
        if self.trailing_high.is_some() {
            whole.push(char::REPLACEMENT_CHARACTER);
        }
        whole
    }
}

impl<'a> Json<'a> {
    /// Proves that `text` is one JSON value and nothing behind it.
    ///
    /// # Errors
    /// [`NotJson`] where it is none, or is nested deeper than [`JSON_DEPTH_MAX`].
    pub fn parse(text: &'a str) -> Result<Self, NotJson> {
        let mut scan = Scan::begin(text);
        let value = scan.value(0)?;
        scan.end()?;
        Ok(value)
    }

    /// What kind of value this is.
    pub fn kind(self) -> Kind {
        match self.0.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// The value of `key`, the last one where it occurs twice (as `JSON.parse` has it); none where this is no object.
    pub fn get(self, key: &str) -> Option<Json<'a>> {
        let [found] = self.pick([key]);
        found
    }

    /// The values of `keys`, as [`get`](Self::get) has each, in one pass.
    pub fn pick<const COUNT: usize>(self, keys: [&str; COUNT]) -> [Option<Json<'a>>; COUNT] {
        let mut found = [None; COUNT];
        self.pick_into(&keys, &mut found);
        found
    }

    fn pick_into(self, keys: &[&str], found: &mut [Option<Json<'a>>]) {
        for (name, value) in self.entries() {
            for (key, found) in keys.iter().zip(&mut *found) {
                if name.is(key) {
                    *found = Some(value);
                }
            }
        }
    }

    /// The string that `key` has.
    pub fn string(self, key: &str) -> Option<RawStr<'a>> {
        self.get(key)?.str()
    }

    /// The members of the array that `key` has; nothing where it has none.
    pub fn list(self, key: &str) -> Items<'a> {
        self.get(key).map_or(Items { scan: None }, Json::items)
    }

    /// The keys and values of an object, in order; nothing where this is no object.
    pub fn entries(self) -> Entries<'a> {
        Entries { scan: self.inside(Kind::Object) }
    }

    /// The members of an array, in order; nothing where this is no array.
    pub fn items(self) -> Items<'a> {
        Items { scan: self.inside(Kind::Array) }
    }

    fn inside(self, kind: Kind) -> Option<Scan<'a>> {
        (self.kind() == kind).then_some(Scan { text: self.0, at: 1 })
    }

    /// The string that this is.
    pub fn str(self) -> Option<RawStr<'a>> {
        if self.kind() != Kind::String {
            return None;
        }
        let inside = self.0.get(1..self.0.len() - 1)?;
        Some(RawStr { inside, escaped: plain_bytes(inside) != inside.len() })
    }

    /// The boolean that this is.
    pub fn bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.0 == "true")
    }

    /// The number that this is.
    pub fn safe_integer(self) -> Option<u64> {
        if self.kind() != Kind::Number {
            return None;
        }
        decimal(self.0)
    }

    /// Whether this is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value as it stands.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// Its bytes in the text `whole` that it was read from.
    pub fn span_in(self, whole: &str) -> std::ops::Range<usize> {
        let start = (self.0.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        start..start.wrapping_add(self.0.len())
    }
}

impl<'a> RawStr<'a> {
    /// Whether the string reads `other`, escapes counted as what they mean.
    pub fn is(self, other: &str) -> bool {
        if self.escaped { self.to_whole() == other } else { self.inside == other }
    }

    /// The string as it stands, where no escape is in it.
    pub fn plain(self) -> Option<&'a str> {
        (!self.escaped).then_some(self.inside)
    }

    /// The string with its escapes read and unpaired halves replaced.
    pub fn to_whole(self) -> String {
        self.decode().into_whole()
    }

    /// The string with its escapes read, unpaired halves at its ends kept.
    pub fn decode(self) -> Text {
        let mut text = Text::default();
        if !self.escaped {
            text.utf8.push_str(self.inside);
            return text;
        }
        text.utf8.reserve(self.inside.len());
        let mut rest = self.inside;
        // A high half that waits for the escape right behind it.
        let mut high: Option<u16> = None;
        loop {
            // Inside a string the first mark is a backslash: quotes stand behind one.
            let (before, from_escape) = rest.split_at_checked(plain_bytes(rest)).unwrap_or((rest, ""));
            if !before.is_empty() {
                text.push_unpaired(high.take());
                text.utf8.push_str(before);
            }
            // An escape is ASCII: a backslash and its letter, and the four digits of a `u`.
            let Some(named) = from_escape.as_bytes().get(1).copied() else { break };
            rest = from_escape.get(2..).unwrap_or_default();
            let plain = match named {
                b'n' => '\n',
                b't' => '\t',
                b'r' => '\r',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'u' => {
                    let (digits, behind) = rest.split_at_checked(4).unwrap_or((rest, ""));
                    rest = behind;
                    high = text.push_unit(high, hexadecimal(digits));
                    continue;
                }
                other => char::from(other),
            };
            text.push_unpaired(high.take());
            text.utf8.push(plain);
        }
        text.trailing_high = high;
        text
    }
}

/// The character of a surrogate pair.
pub fn joined(high: u16, low: u16) -> char {
    let code = 0x10000 + ((u32::from(high) & 0x3FF) << 10) + (u32::from(low) & 0x3FF);
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn hexadecimal(digits: &str) -> u16 {
    let digit = |char: char| char.to_digit(16).unwrap_or(0) as u16;
    digits.chars().fold(0, |value, char| value << 4 | digit(char))
}

impl Text {
    fn push_unpaired(&mut self, half: Option<u16>) {
        if half.is_some() {
            self.utf8.push(char::REPLACEMENT_CHARACTER);
        }
    }

    /// Appends one UTF-16 unit; answers the high half that now waits for its pair.
    fn push_unit(&mut self, high: Option<u16>, unit: u16) -> Option<u16> {
        if let (Some(high), 0xDC00..=0xDFFF) = (high, unit) {
            self.utf8.push(joined(high, unit));
            return None;
        }
        self.push_unpaired(high);
        match unit {
            0xD800..=0xDBFF => return Some(unit),
            0xDC00..=0xDFFF if self.utf8.is_empty() && self.leading_low.is_none() => {
                self.leading_low = Some(unit);
            }
            _ => self.utf8.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
        None
    }
}

/// See [`Json::entries`].
pub struct Entries<'a> {
    scan: Option<Scan<'a>>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (RawStr<'a>, Json<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let scan = self.scan.as_mut()?;
        scan.space_and(b',');
        if scan.peek() != Some(b'"') {
            self.scan = None;
            return None;
        }
        Some((scan.key().ok()?, scan.value(0).ok()?))
    }
}

/// See [`Json::items`].
pub struct Items<'a> {
    scan: Option<Scan<'a>>,
}

impl<'a> Iterator for Items<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let scan = self.scan.as_mut()?;
        scan.space_and(b',');
        if matches!(scan.peek(), Some(b']') | None) {
            self.scan = None;
            return None;
        }
        scan.value(0).ok()
    }
}

/// Steps through a text that may be no JSON: what it answers is proven to be.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    /// Stands at the text's value.
    pub(super) fn begin(text: &'a str) -> Self {
        let mut scan = Self { text, at: 0 };
        scan.space();
        scan
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fault(&self) -> NotJson {
        NotJson { at: self.at }
    }

    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over `mark` where it stands here; answers whether it does.
    fn takes(&mut self, mark: u8) -> bool {
        let takes = self.peek() == Some(mark);
        self.at += usize::from(takes);
        takes
    }

    /// White space, one `mark` where it stands, and white space.
    fn space_and(&mut self, mark: u8) {
        self.space();
        if self.takes(mark) {
            self.space();
        }
    }

    /// Reads the value that starts here, so deep inside others.
    pub(super) fn value(&mut self, depth: usize) -> Result<Json<'a>, NotJson> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.string()?;
            }
            Some(b'{') => self.nested(depth, b'}', true)?,
            Some(b'[') => self.nested(depth, b']', false)?,
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            _ => self.number()?,
        }
        Ok(self.since(start))
    }

    fn nested(&mut self, depth: usize, close: u8, keyed: bool) -> Result<(), NotJson> {
        if depth >= JSON_DEPTH_MAX {
            return Err(self.fault());
        }
        self.at += 1;
        let mut first = true;
        while self.next_member(close, first)? {
            first = false;
            if keyed {
                self.key()?;
            }
            self.value(depth + 1)?;
        }
        Ok(())
    }

    /// Steps to the next member of an array or object, or behind its end.
    pub(super) fn next_member(&mut self, close: u8, first: bool) -> Result<bool, NotJson> {
        self.space();
        if self.takes(close) {
            return Ok(false);
        }
        if !first {
            self.mark(b',')?;
            self.space();
        }
        Ok(true)
    }

    /// Reads a key, and steps to its value.
    pub(super) fn key(&mut self) -> Result<RawStr<'a>, NotJson> {
        if self.peek() != Some(b'"') {
            return Err(self.fault());
        }
        let start = self.at + 1;
        let escaped = self.string()?;
        let key = RawStr { inside: self.text.get(start..self.at - 1).unwrap_or_default(), escaped };
        self.space();
        self.mark(b':')?;
        self.space();
        Ok(key)
    }

    /// Proves that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), NotJson> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.fault()) }
    }

    /// What was read from `start` on.
    fn since(&self, start: usize) -> Json<'a> {
        Json(self.text.get(start..self.at).unwrap_or_default())
    }

    pub(super) fn mark(&mut self, mark: u8) -> Result<(), NotJson> {
        if self.takes(mark) { Ok(()) } else { Err(self.fault()) }
    }

    fn word(&mut self, word: &str) -> Result<(), NotJson> {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if !found {
            return Err(self.fault());
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let first = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == first { Err(self.fault()) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), NotJson> {
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Reads a string from its opening quote on; answers whether an escape is in it.
    fn string(&mut self) -> Result<bool, NotJson> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain_bytes(self.text.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                                    return Err(self.fault());
                                }
                                self.at += 1;
                            }
                        }
                        _ => return Err(self.fault()),
                    }
                }
                _ => return Err(self.fault()),
            }
        }
        self.at += 1;
        Ok(escaped)
    }
}

/// How many bytes at the beginning of `text` stand in a string as they are: up to a quote, a backslash or a control
/// character.
fn plain_bytes(text: &str) -> usize {
    let (words, rest) = text.as_bytes().as_chunks();
    let mut count = 0;
    for word in words {
        let marks = marks(u64::from_le_bytes(*word));
        count += marks.trailing_zeros() as usize / 8;
        if marks != 0 {
            return count;
        }
    }
    count + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

/// The high bit of the lowest of eight bytes that is a quote, a backslash or a control character; perhaps of some above it.
///
/// Taking 1 from a byte borrows of the next one only where it is 0, so that what stands below the first hit is sure.
/// SOURCE: measured, a fifth of the instructions that a look at each byte takes.
fn marks(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let zero = |word: u64, less: u64| word.wrapping_sub(ONES * less) & !word;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    (zero(quote, 1) | zero(backslash, 1) | zero(word, 0x20)) & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_json_is_and_refuses_the_rest() {
        for good in [
            "{}",
            "[]",
            " 1 ",
            "-0",
            "1.5e-3",
            "\"\"",
            "null",
            "true",
            "[1,[2,{\"a\":null}]]",
            "{\"a\" : 1 , \"b\":[ ]}",
            r#""\ud83d""#,
            r#""\u0000""#,
        ] {
            assert!(Json::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            ".5",
            "+1",
            "nul",
            "tru",
            "\"\n\"",
            r#""\x""#,
            r#""\u12g4""#,
            "\"",
            "1 2",
            "{a:1}",
            "'a'",
            "[1 2]",
            "\u{feff}{}",
            "NaN",
        ] {
            assert!(Json::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_what_is_nested_too_deep_without_overflowing() {
        let deep = "[".repeat(100_000);
        assert!(Json::parse(&deep).is_err());
        let fits = format!("{}{}", "[".repeat(JSON_DEPTH_MAX), "]".repeat(JSON_DEPTH_MAX));
        assert!(Json::parse(&fits).is_ok());
    }

    #[test]
    fn finds_values_by_key() {
        let json = Json::parse(r#" {"a":{"b":[1,"x",{"c":true}]},"n":12,"a2":null} "#).unwrap();
        let list: Vec<_> = json.get("a").unwrap().get("b").unwrap().items().collect();
        assert_eq!(list.len(), 3);
        assert!(list[1].str().unwrap().is("x"));
        assert_eq!(list[2].get("c").unwrap().bool(), Some(true));
        assert_eq!(json.get("n").unwrap().safe_integer(), Some(12));
        assert!(json.get("a2").unwrap().is_null());
        assert!(json.get("missing").is_none());
        assert!(list[0].get("x").is_none());
    }

    #[test]
    fn a_key_that_stands_twice_is_the_last_one() {
        let json = Json::parse(r#"{"a":1,"a":2}"#).unwrap();
        assert_eq!(json.get("a").unwrap().safe_integer(), Some(2));
    }

    #[test]
    fn an_escaped_key_is_the_key_that_it_means() {
        let json = Json::parse(r#"{"\u0061":1}"#).unwrap();
        assert_eq!(json.get("a").unwrap().safe_integer(), Some(1));
    }

    #[test]
    fn decodes_escapes_and_keeps_halves_at_the_ends() {
        let decode = |text: &str| Json::parse(text).unwrap().str().unwrap().decode();
        assert_eq!(decode(r#""a\n\t\"\\\/\u00e9\ud83d\ude00z""#).utf8, "a\n\t\"\\/é😀z");
        let tail = decode(r#""ab\ud83d""#);
        assert_eq!((tail.utf8.as_str(), tail.trailing_high, tail.leading_low), ("ab", Some(0xD83D), None));
        let head = decode(r#""\ude00cd""#);
        assert_eq!((head.utf8.as_str(), head.trailing_high, head.leading_low), ("cd", None, Some(0xDE00)));
        assert_eq!(decode(r#""a\ud83db""#).utf8, "a\u{fffd}b");
        assert_eq!(decode(r#""a\ude00b""#).utf8, "a\u{fffd}b");
        assert_eq!(decode(r#""\ud83d\ud83d\ude00""#).utf8, "\u{fffd}😀");
        assert_eq!(decode(r#""\ud83d""#).into_whole(), "\u{fffd}");
    }

    #[test]
    fn spans_are_bytes_of_the_whole_text() {
        let text = r#" {"a":"é", "b": [1, {"d":2}] ,"c":3} "#;
        let json = Json::parse(text).unwrap();
        let b = json.get("b").unwrap();
        assert_eq!((b.text(), &text[b.span_in(text)]), (r#"[1, {"d":2}]"#, r#"[1, {"d":2}]"#));
        let d = b.items().nth(1).unwrap().get("d").unwrap();
        assert_eq!((d.span_in(text), d.text()), (26..27, "2"));
        assert_eq!(json.span_in(text), 1..text.len() - 1);
    }
}
