//! Writes an answer as JSON text, which JavaScript parses: one crossing for the whole of it.
//!
//! SOURCE: measured. Built value by value in JavaScript, an answer costs a call into the host for every text, and the
//! module the tables and messages that go with it.

use crate::pack::push_number;
use serde::ser::{self, Impossible, Serialize};
use std::fmt;

/// An answer held something that no answer holds: a map, bytes, a number that JSON does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritable;

/// The JSON text of an answer.
///
/// # Errors
/// [`Unwritable`], where the answer's type is none of this crate's.
pub fn to_json(answer: &impl Serialize) -> Result<String, Unwritable> {
    let mut json = Json { text: String::new() };
    answer.serialize(&mut json)?;
    Ok(json.text)
}

struct Json {
    text: String,
}

impl Json {
    #[inline(never)]
    fn string(&mut self, text: &str) {
        self.text.push('"');
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.text.push_str(text.get(from..at).unwrap_or_default());
            self.text.push_str(if byte < 0x10 { "\\u000" } else { "\\u00" });
            if byte >= 0x10 {
                self.text.push(hexadecimal(byte >> 4));
            }
            self.text.push(hexadecimal(byte & 0xF));
            from = at + 1;
        }
        self.text.push_str(text.get(from..).unwrap_or_default());
        self.text.push('"');
    }

    #[inline(never)]
    fn integer(&mut self, number: u64) {
        push_number(&mut self.text, number);
    }

    /// Opens a list or an object with `mark`, or parts a member from the one before it.
    fn next(&mut self, mark: &mut char) {
        self.text.push(*mark);
        *mark = ',';
    }

    fn close(&mut self, opening: char, mark: char, closing: char) {
        if mark == opening {
            self.text.push(opening);
        }
        self.text.push(closing);
    }
}

fn hexadecimal(digit: u8) -> char {
    char::from(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}

/// Members of a list or an object.
pub struct Members<'a> {
    json: &'a mut Json,
    mark: char,
}

impl ser::SerializeSeq for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.json.next(&mut self.mark);
        value.serialize(&mut *self.json)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.json.close('[', self.mark, ']');
        Ok(())
    }
}

impl ser::SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.key(key);
        value.serialize(&mut *self.json)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.json.close('{', self.mark, '}');
        Ok(())
    }
}

impl Members<'_> {
    #[inline(never)]
    fn key(&mut self, key: &str) {
        self.json.next(&mut self.mark);
        self.json.string(key);
        self.json.text.push(':');
    }
}

/// Answers hold flags, integers of 0 or more, milliseconds, texts, lists, structs and names of unit variants.
macro_rules! unwritable {
    ($($name:ident($($kind:ty),*);)*) => {
        $(fn $name(self, $(_: $kind),*) -> Result<Self::Ok, Unwritable> { Err(Unwritable) })*
    };
}

impl<'a> ser::Serializer for &'a mut Json {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeTuple = Impossible<(), Unwritable>;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeMap = Impossible<(), Unwritable>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.text.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        match crate::pack::safe_integer(value) {
            Some(integer) => self.integer(integer),
            None if value.is_finite() => self.text.push_str(&decimal_fraction(value)),
            None => return Err(Unwritable),
        }
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        self.string(value);
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Unwritable> {
        self.string(name);
        Ok(())
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Unwritable> {
        Ok(Members { json: self, mark: '[' })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Unwritable> {
        Ok(Members { json: self, mark: '{' })
    }

    unwritable! {
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_f32(f32);
        serialize_char(char);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(Unwritable)
    }

    fn collect_str<T: ?Sized + fmt::Display>(self, _: &T) -> Result<(), Unwritable> {
        Err(Unwritable)
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A number as JavaScript writes it. SOURCE: what prints a float is 18 KB.
#[cfg(target_arch = "wasm32")]
fn decimal_fraction(number: f64) -> String {
    crate::wasm::number_text(number)
}

#[cfg(not(target_arch = "wasm32"))]
fn decimal_fraction(number: f64) -> String {
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::json;
    use serde::Serialize;

    #[derive(Serialize)]
    struct Sample {
        text: &'static str,
        numbers: Vec<f64>,
        none: Vec<u16>,
        flag: bool,
        kind: Kind,
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<u32>,
        given: Option<u64>,
    }

    #[derive(Serialize)]
    #[serde(tag = "type", rename_all = "camelCase")]
    enum Kind {
        Bare,
        Wrapped(Inner),
        Fields { a: u8 },
    }

    #[derive(Serialize)]
    struct Inner {}

    fn sample(kind: Kind) -> Sample {
        let numbers = vec![0.0, 12.5, -1.0, 9_007_199_254_740_991.0];
        Sample {
            text: "a\"\\\n\u{1f}é😀\u{2028}",
            numbers,
            none: vec![],
            flag: true,
            kind,
            left_out: None,
            given: Some(7),
        }
    }

    #[test]
    fn an_answer_is_json_as_its_types_say() {
        let text = to_json(&sample(Kind::Fields { a: 1 })).unwrap();
        let want = r#"{"text":"a\u0022\u005c\u000a\u001fé😀\u{2028}","numbers":[0,12.5,-1,9007199254740991],"none":[],"flag":true,"kind":{"type":"fields","a":1},"given":7}"#;
        assert_eq!(text, want.replace("\\u{2028}", "\u{2028}"));
        let read = json::Json::parse(&text).unwrap();
        assert_eq!(read.string("text").unwrap().to_whole(), "a\"\\\n\u{1f}é😀\u{2028}");
        assert!(to_json(&sample(Kind::Bare)).unwrap().contains(r#""kind":{"type":"bare"}"#));
        assert!(to_json(&sample(Kind::Wrapped(Inner {}))).unwrap().contains(r#""kind":{"type":"wrapped"}"#));
        assert_eq!(to_json(&Inner {}).unwrap(), "{}");
    }

    #[test]
    fn what_no_answer_holds_is_an_error() {
        assert_eq!(to_json(&f64::NAN), Err(Unwritable));
        assert_eq!(to_json(&-1_i32), Err(Unwritable));
        assert_eq!(to_json(&None::<u8>), Err(Unwritable));
    }
}
