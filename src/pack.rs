//! Reads a packed call: all texts in one UTF-8 buffer, every number, flag and text length in one list.
//!
//! `js-wrapper/core/boundary.ts` writes it, field by field in the order in which the `unpack` functions read. A text's
//! length is counted in UTF-16 units, as JavaScript has it, so that no text can hold the separator of another.
//!
//! A call that was packed otherwise is found out at its end ([`Unpacker::end`]): until there every field reads as
//! something, so that no field needs a way out of its own.

use crate::limits::SAFE_INTEGER_MAX;

/// The call was not packed as it is read: the two sides of the boundary differ, which is a bug of this software.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

/// Reads the fields of a packed call, in order.
pub struct Unpacker<'a> {
    texts: &'a str,
    /// Whether all texts are: then a unit is a byte.
    ascii: bool,
    numbers: std::slice::Iter<'a, f64>,
    misfit: bool,
}

impl<'a> Unpacker<'a> {
    /// Begins to read.
    pub fn new(texts: &'a str, numbers: &'a [f64]) -> Self {
        Self { texts, ascii: texts.is_ascii(), numbers: numbers.iter(), misfit: false }
    }

    /// The next number.
    pub fn number(&mut self) -> f64 {
        let next = self.numbers.next().copied();
        self.expect(next)
    }

    /// The next number, NaN meaning none.
    pub fn optional_number(&mut self) -> Option<f64> {
        Some(self.number()).filter(|number| !number.is_nan())
    }

    /// The next number, which this software wrote itself: an integer of 0 or more.
    pub fn integer(&mut self) -> u64 {
        let number = self.number();
        self.expect(safe_integer(number))
    }

    /// The next integer, NaN meaning none.
    pub fn optional_integer(&mut self) -> Option<u64> {
        let number = self.optional_number()?;
        Some(self.expect(safe_integer(number)))
    }

    /// The next flag.
    pub fn flag(&mut self) -> bool {
        self.number() != 0.0
    }

    /// The next text.
    pub fn text(&mut self) -> &'a str {
        let text = self.optional_text();
        self.expect(text)
    }

    /// The next text, a length of -1 meaning none.
    pub fn optional_text(&mut self) -> Option<&'a str> {
        let units = self.number();
        if units < 0.0 {
            return None;
        }
        let units = units as usize;
        let bytes = if self.ascii { Some(units) } else { bytes_of_units(self.texts, units) };
        let split = bytes.and_then(|bytes| self.texts.split_at_checked(bytes));
        let (text, rest) = self.expect(split);
        self.texts = rest;
        Some(text)
    }

    /// The next text, which this software wrote itself: a name that `read` knows.
    pub fn named<T: Default>(&mut self, read: fn(&str) -> Option<T>) -> T {
        let name = read(self.text());
        self.expect(name)
    }

    /// The next name, if there is one.
    pub fn optional_named<T: Default>(&mut self, read: fn(&str) -> Option<T>) -> Option<T> {
        let name = read(self.optional_text()?);
        Some(self.expect(name))
    }

    /// The next list: its length, then its members as `read` reads them.
    pub fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut left = self.integer();
        let mut list = Vec::new();
        // Each member takes a number at least: a length that is none ends with the numbers.
        while left > 0 && !self.misfit {
            list.push(read(self));
            left -= 1;
        }
        list
    }

    /// The next optional record: a flag, then the record.
    pub fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(read(self)) } else { None }
    }

    /// Ends the reading of a call: `read` is what it says.
    ///
    /// # Errors
    /// [`Misfit`] where a field was not there or was of another kind, or something is left over.
    pub fn end<T>(self, read: T) -> Result<T, Misfit> {
        let whole = !self.misfit && self.texts.is_empty() && self.numbers.as_slice().is_empty();
        if whole { Ok(read) } else { Err(Misfit) }
    }

    fn expect<T: Default>(&mut self, field: Option<T>) -> T {
        self.misfit |= field.is_none();
        field.unwrap_or_default()
    }
}

/// The integer that a JavaScript number is, if it is a safe one of 0 or more.
pub fn safe_integer(number: f64) -> Option<u64> {
    let fits = number >= 0.0 && number <= SAFE_INTEGER_MAX as f64 && number.trunc() == number;
    fits.then_some(number as u64)
}

/// The safe integer that decimal digits spell. SOURCE: `parse` brings its errors' texts along.
pub fn decimal(digits: &str) -> Option<u64> {
    let mut value = 0_u64;
    for byte in digits.bytes() {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value =
            value.checked_mul(10)?.checked_add(u64::from(digit)).filter(|sum| *sum <= SAFE_INTEGER_MAX)?;
    }
    (!digits.is_empty()).then_some(value)
}

/// Appends a number in decimal. SOURCE: `format!` pulls in code of several KB.
pub fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// How many bytes of `text` its first `units` UTF-16 units take.
fn bytes_of_units(text: &str, units: usize) -> Option<usize> {
    let head = text.as_bytes().get(..units)?;
    if head.is_ascii() {
        return Some(units);
    }
    let mut left = units;
    for (at, char) in text.char_indices() {
        if left == 0 {
            return Some(at);
        }
        left = left.checked_sub(char.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}

/// How many UTF-16 units the first `bytes` bytes of `text` take.
pub fn units_of_bytes(text: &str, bytes: usize) -> usize {
    let head = text.get(..bytes).unwrap_or(text);
    if head.is_ascii() { head.len() } else { head.chars().map(char::len_utf16).sum() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_texts_by_their_length_in_utf16_units() {
        let texts = "aé😀\0b";
        let mut unpacker = Unpacker::new(texts, &[1.0, 4.0, -1.0, 1.0, 0.0]);
        assert_eq!(unpacker.text(), "a");
        assert_eq!(unpacker.text(), "é😀\0");
        assert_eq!(unpacker.optional_text(), None);
        assert_eq!(unpacker.text(), "b");
        assert_eq!(unpacker.text(), "");
        assert_eq!(unpacker.end(()), Ok(()));
    }

    #[test]
    fn a_call_that_was_packed_otherwise_is_a_misfit() {
        fn read<'a, T>(
            texts: &'a str,
            numbers: &'a [f64],
            read: impl Fn(&mut Unpacker<'a>) -> T,
        ) -> Result<T, Misfit> {
            let mut call = Unpacker::new(texts, numbers);
            let value = read(&mut call);
            call.end(value)
        }
        assert_eq!(read("é", &[2.0], Unpacker::text), Err(Misfit), "too long");
        assert_eq!(read("😀", &[1.0], Unpacker::text), Err(Misfit), "half a pair");
        assert_eq!(read("", &[-1.0], Unpacker::text), Err(Misfit), "none");
        assert_eq!(read("", &[], Unpacker::number), Err(Misfit));
        assert_eq!(read("", &[0.5], Unpacker::integer), Err(Misfit));
        assert_eq!(read("", &[0.5], Unpacker::optional_integer), Err(Misfit));
        assert_eq!(read("", &[f64::NAN], Unpacker::optional_integer), Ok(None));
        assert_eq!(
            read("", &[1e15], |call| call.list(Unpacker::flag).len()),
            Err(Misfit),
            "a list without end"
        );
        fn known(name: &str) -> Option<u8> {
            (name == "x").then_some(1)
        }
        assert_eq!(read("x", &[1.0], |call| call.named(known)), Ok(1));
        assert_eq!(read("y", &[1.0], |call| call.named(known)), Err(Misfit), "a name that nobody knows");
        assert_eq!(read("", &[-1.0], |call| call.optional_named(known)), Ok(None));
        assert_eq!(read("y", &[1.0], |call| call.optional_named(known)), Err(Misfit));
        assert_eq!(read("x", &[], |_| ()), Err(Misfit));
        assert_eq!(read("", &[1.0], |_| ()), Err(Misfit));
    }

    #[test]
    fn safe_integers_are_what_javascript_calls_so() {
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.5, 9_007_199_254_740_992.0] {
            assert_eq!(safe_integer(bad), None, "{bad}");
        }
        assert_eq!(safe_integer(0.0), Some(0));
        assert_eq!(safe_integer(9_007_199_254_740_991.0), Some(9_007_199_254_740_991));
    }

    #[test]
    fn decimals_are_read_and_written() {
        for (digits, value) in
            [("0", Some(0)), ("9007199254740991", Some(SAFE_INTEGER_MAX)), ("007", Some(7))]
        {
            assert_eq!(decimal(digits), value, "{digits}");
        }
        for bad in ["", "-1", "1e3", "9007199254740992", "99999999999999999999999", "1 ", "1:"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
        let mut text = String::new();
        push_number(&mut text, 10_203);
        assert_eq!(text, "10203");
    }
}
