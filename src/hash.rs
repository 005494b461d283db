//! SHA-256, in hexadecimal: what tombstones, tokens and what was shown are known by.

use sha2::{Digest, Sha256};

/// The hash of a text.
pub fn of_text(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// The hash of texts, and of what they are: one byte.
///
/// Each text goes in behind its length, so that no two of them are one when they are joined.
pub fn of_texts(what: u8, texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update([what]);
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hexadecimal(&hash.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
    bytes.iter().flat_map(digits).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_what_every_other_software_says_it_is() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_text("abc"), abc);
        // What they are, and each length as eight bytes, the lowest first.
        let joined = "\u{1}\u{2}\0\0\0\0\0\0\0ab\u{1}\0\0\0\0\0\0\0c";
        assert_eq!(of_texts(1, &["ab", "c"]), of_text(joined));
    }
}
