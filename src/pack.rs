//! Reads a packed call: all texts in one UTF-8 buffer, every number, flag and text length in one list.
//!
//! `js-wrapper/core/boundary.ts` writes it, field by field in the order in which the `unpack` functions read. A text's
//! length is counted in UTF-16 units, as JavaScript has it, so that no text can hold the separator of another.

/// The call was not packed as it is read: the two sides of the boundary differ, which is a bug of this software.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

/// Reads the fields of a packed call, in order.
pub struct Unpacker<'a> {
    texts: &'a str,
    numbers: std::slice::Iter<'a, f64>,
}

impl<'a> Unpacker<'a> {
    /// Begins to read.
    pub fn new(texts: &'a str, numbers: &'a [f64]) -> Self {
        Self { texts, numbers: numbers.iter() }
    }

    /// The next number.
    ///
    /// # Errors
    /// [`Misfit`] where there is none.
    pub fn number(&mut self) -> Result<f64, Misfit> {
        self.numbers.next().copied().ok_or(Misfit)
    }

    /// The next number, NaN meaning none.
    ///
    /// # Errors
    /// [`Misfit`] where there is none.
    pub fn optional_number(&mut self) -> Result<Option<f64>, Misfit> {
        self.number().map(|number| (!number.is_nan()).then_some(number))
    }

    /// The next number, which this software wrote itself: an integer of 0 or more.
    ///
    /// # Errors
    /// [`Misfit`] where it is none.
    pub fn integer(&mut self) -> Result<u64, Misfit> {
        safe_integer(self.number()?).ok_or(Misfit)
    }

    /// The next flag.
    ///
    /// # Errors
    /// [`Misfit`] where there is none.
    pub fn flag(&mut self) -> Result<bool, Misfit> {
        self.number().map(|number| number != 0.0)
    }

    /// The next text.
    ///
    /// # Errors
    /// [`Misfit`] where there is none.
    pub fn text(&mut self) -> Result<&'a str, Misfit> {
        self.optional_text()?.ok_or(Misfit)
    }

    /// The next text, a length of -1 meaning none.
    ///
    /// # Errors
    /// [`Misfit`] where the texts end before it.
    pub fn optional_text(&mut self) -> Result<Option<&'a str>, Misfit> {
        let units = self.number()?;
        if units < 0.0 {
            return Ok(None);
        }
        let bytes = bytes_of_units(self.texts, units as usize).ok_or(Misfit)?;
        let (text, rest) = self.texts.split_at_checked(bytes).ok_or(Misfit)?;
        self.texts = rest;
        Ok(Some(text))
    }

    /// The next list: its length, then its members as `read` reads them.
    ///
    /// # Errors
    /// [`Misfit`] where `read` says so.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Misfit>,
    ) -> Result<Vec<T>, Misfit> {
        let length = self.integer()?;
        (0..length).map(|_| read(self)).collect()
    }

    /// The next optional record: a flag, then the record.
    ///
    /// # Errors
    /// [`Misfit`] where `read` says so.
    pub fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Misfit>,
    ) -> Result<Option<T>, Misfit> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Misfit`] where something is left over.
    pub fn end(mut self) -> Result<(), Misfit> {
        if self.texts.is_empty() && self.numbers.next().is_none() { Ok(()) } else { Err(Misfit) }
    }
}

/// The integer that a JavaScript number is, if it is a safe one of 0 or more.
pub fn safe_integer(number: f64) -> Option<u64> {
    let fits = number >= 0.0 && number <= crate::limits::SAFE_INTEGER_MAX as f64 && number.trunc() == number;
    fits.then_some(number as u64)
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
        assert_eq!(unpacker.text(), Ok("a"));
        assert_eq!(unpacker.text(), Ok("é😀\0"));
        assert_eq!(unpacker.optional_text(), Ok(None));
        assert_eq!(unpacker.text(), Ok("b"));
        assert_eq!(unpacker.text(), Ok(""));
        assert_eq!(unpacker.end(), Ok(()));
    }

    #[test]
    fn a_call_that_was_packed_otherwise_is_a_misfit() {
        assert_eq!(Unpacker::new("é", &[2.0]).text(), Err(Misfit), "too long");
        assert_eq!(Unpacker::new("😀", &[1.0]).text(), Err(Misfit), "half a pair");
        assert_eq!(Unpacker::new("", &[]).number(), Err(Misfit));
        assert_eq!(Unpacker::new("", &[0.5]).integer(), Err(Misfit));
        assert_eq!(Unpacker::new("x", &[]).end(), Err(Misfit));
        assert_eq!(Unpacker::new("", &[1.0]).end(), Err(Misfit));
    }

    #[test]
    fn safe_integers_are_what_javascript_calls_so() {
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.5, 9_007_199_254_740_992.0] {
            assert_eq!(safe_integer(bad), None, "{bad}");
        }
        assert_eq!(safe_integer(0.0), Some(0));
        assert_eq!(safe_integer(9_007_199_254_740_991.0), Some(9_007_199_254_740_991));
    }
}
