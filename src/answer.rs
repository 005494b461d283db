//! An answer as a tree, of which `serde-wasm-bindgen` makes JavaScript's values.
//!
//! SOURCE: measured, 2.5 KB (gzip) of the ingest module: serialized straight, the code that makes values is there anew
//! for every type and field that is answered, and every field that may be absent is asked twice.

use serde::ser::{self, Impossible, Serialize, SerializeSeq, SerializeStruct, SerializeTuple, Serializer};
use std::fmt;

/// A value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// What is not there; a record leaves it out.
    Nothing,
    /// A flag.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A name that this crate gives.
    Name(&'static str),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A record: the names and values of its fields.
    Record(Vec<(&'static str, Value)>),
}

/// The tree of an answer.
pub fn to_value(answer: &impl Serialize) -> Value {
    let Ok(value) = answer.serialize(Tree);
    value
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Nothing => serializer.serialize_unit(),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::Name(name) => serializer.serialize_unit_variant("", 0, name),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(value)?;
                }
                list.end()
            }
            Value::Record(fields) => {
                let mut record = serializer.serialize_struct("", fields.len())?;
                for (name, value) in fields {
                    record.serialize_field(name, value)?;
                }
                record.end()
            }
        }
    }
}

struct Tree;

/// Nothing goes wrong in a tree.
enum Never {}

/// The members of a list.
struct List(Vec<Value>);

/// The fields of a record.
struct Record(Vec<(&'static str, Value)>);

impl Record {
    #[inline(never)]
    fn add(&mut self, name: &'static str, value: Value) {
        if !matches!(value, Value::Nothing) {
            self.0.push((name, value));
        }
    }
}

impl SerializeSeq for List {
    type Ok = Value;
    type Error = Never;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Never> {
        self.0.push(value.serialize(Tree)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Never> {
        Ok(Value::List(self.0))
    }
}

impl SerializeTuple for List {
    type Ok = Value;
    type Error = Never;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Never> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Value, Never> {
        SerializeSeq::end(self)
    }
}

impl SerializeStruct for Record {
    type Ok = Value;
    type Error = Never;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Never> {
        let value = value.serialize(Tree)?;
        self.add(name, value);
        Ok(())
    }

    fn end(self) -> Result<Value, Never> {
        Ok(Value::Record(self.0))
    }
}

/// Answers hold flags, numbers of 0 or more, texts, lists, arrays, structs and names of unit variants. What they do not hold is a
/// bug of this crate: it ends the instance, as a panic does.
macro_rules! no_answer {
    ($($name:ident($($kind:ty),*) -> $ok:ty;)*) => {
        $(fn $name(self, $(_: $kind),*) -> Result<$ok, Never> { std::process::abort() })*
    };
}

macro_rules! numbers {
    ($($name:ident($kind:ty);)*) => {
        $(fn $name(self, value: $kind) -> Result<Value, Never> { Ok(Value::Number(value as f64)) })*
    };
}

impl Serializer for Tree {
    type Ok = Value;
    type Error = Never;
    type SerializeSeq = List;
    type SerializeStruct = Record;
    type SerializeTuple = List;
    type SerializeTupleStruct = Impossible<Value, Never>;
    type SerializeTupleVariant = Impossible<Value, Never>;
    type SerializeMap = Impossible<Value, Never>;
    type SerializeStructVariant = Impossible<Value, Never>;

    numbers! {
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f64(f64);
    }

    fn serialize_bool(self, value: bool) -> Result<Value, Never> {
        Ok(Value::Flag(value))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Never> {
        Ok(Value::Text(value.to_owned()))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<Value, Never> {
        Ok(Value::Name(name))
    }

    fn serialize_none(self) -> Result<Value, Never> {
        Ok(Value::Nothing)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Value, Never> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Never> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Never> {
        Ok(List(Vec::new()))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Record, Never> {
        Ok(Record(Vec::new()))
    }

    no_answer! {
        serialize_i8(i8) -> Value;
        serialize_i16(i16) -> Value;
        serialize_i32(i32) -> Value;
        serialize_i64(i64) -> Value;
        serialize_f32(f32) -> Value;
        serialize_char(char) -> Value;
        serialize_bytes(&[u8]) -> Value;
        serialize_unit() -> Value;
        serialize_unit_struct(&'static str) -> Value;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, _: &T) -> Result<Value, Never> {
        std::process::abort()
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Value, Never> {
        std::process::abort()
    }
}

impl fmt::Debug for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl ser::Error for Never {
    fn custom<T: fmt::Display>(_: T) -> Self {
        std::process::abort()
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::to_value;
    use serde::Serialize;

    #[derive(Serialize)]
    struct Sample {
        text: &'static str,
        numbers: Vec<f64>,
        array: [u64; 2],
        none: Vec<u16>,
        flag: bool,
        kind: Kind,
        left_out: Option<u32>,
        given: Option<u64>,
    }

    #[derive(Serialize)]
    #[serde(tag = "type", rename_all = "camelCase")]
    enum Kind {
        Bare,
        Wrapped(Inner),
        Fields { a: u8, b: Option<bool> },
    }

    #[derive(Serialize)]
    struct Inner {}

    #[test]
    fn a_tree_holds_what_its_type_says_and_leaves_out_what_is_not_there() {
        let sample = |kind| Sample {
            text: "é",
            numbers: vec![0.0, 12.5, 9_007_199_254_740_991.0],
            array: [1, 2],
            none: vec![],
            flag: true,
            kind,
            left_out: None,
            given: Some(7),
        };
        let json = |kind| serde_json::to_string(&to_value(&sample(kind))).unwrap();
        assert_eq!(
            json(Kind::Fields { a: 1, b: None }),
            r#"{"text":"é","numbers":[0.0,12.5,9007199254740991.0],"array":[1.0,2.0],"none":[],"flag":true,"kind":{"type":"fields","a":1.0},"given":7.0}"#
        );
        assert!(json(Kind::Bare).contains(r#""kind":{"type":"bare"}"#));
        assert!(json(Kind::Wrapped(Inner {})).contains(r#""kind":{"type":"wrapped"}"#));
    }
}
