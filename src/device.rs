//! Device tokens: the credential of a bridge, which its user issues while signed in.
//!
//! A token names its tenant, user and device by its row alone, which holds its hash. It is made of what its asker brings,
//! for what the server has of chance in a mutation is a seeded row of numbers, and of that as well, so that a poor asker
//! does not have a poor token.

use crate::error::Code;
use crate::hash;
use crate::limits::{
    DEVICE_ENTROPY_BYTES_MIN, DEVICE_TOKEN_TTL_DEFAULT_MS, DEVICE_TOKEN_TTL_MAX_MS, DEVICE_TOKEN_TTL_MIN_MS,
    DEVICE_TOKENS_MAX, ID_BYTES_MAX,
};
use crate::pack::{Misfit, Unpacker};
use serde::Serialize;
use tsify::Tsify;

/// What every token begins with, so that whoever finds one knows what it is.
pub const TOKEN_PREFIX: &str = "cdxd_";

/// What a hash is of, so that a token is not its own hash's ground.
const OF_A_TOKEN: u8 = 0;
const OF_ITS_HASH: u8 = 1;

/// A `devices.issueToken`.
#[derive(Clone, Debug)]
pub struct IssueCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The device that the token is for.
    pub device_id: &'a str,
    /// What its user calls it.
    pub label: Option<&'a str>,
    /// Milliseconds that it holds, where its asker says so.
    pub ttl_ms: Option<f64>,
    /// Chance that the asker brings.
    pub entropy: &'a str,
    /// Chance of the server.
    pub random: &'a str,
    /// Tokens of the user that hold.
    pub held: u64,
}

impl<'a> IssueCall<'a> {
    /// Reads a packed call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self {
            now_ms: call.number(),
            device_id: call.text(),
            label: call.optional_text(),
            ttl_ms: call.optional_number(),
            entropy: call.text(),
            random: call.text(),
            held: call.integer(),
        };
        call.end(read)
    }
}

/// The answer to a wish for a token.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum DeviceAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
    },
    /// The token is the asker's alone: its hash is kept.
    Issue {
        /// Told once.
        token: String,
        /// What is stored.
        hash: String,
        /// Until when it holds, in milliseconds.
        expires_at: f64,
    },
}

/// Plans a `devices.issueToken`.
pub fn plan_issue(call: &IssueCall<'_>) -> DeviceAnswer {
    let rejected = |code, message| DeviceAnswer::Rejected { code, message };
    if !is_id(call.device_id) {
        return rejected(Code::EDeviceInvalid, "a device's id is 1 to 1,024 bytes");
    }
    if !call.label.is_none_or(is_id) {
        return rejected(Code::EDeviceInvalid, "a device's label is 1 to 1,024 bytes");
    }
    if call.entropy.len() < DEVICE_ENTROPY_BYTES_MIN || call.entropy.len() > ID_BYTES_MAX {
        return rejected(Code::EDeviceInvalid, "entropy is 32 random bytes as text, in 43 to 1,024 bytes");
    }
    if call.held >= DEVICE_TOKENS_MAX {
        return rejected(Code::EQuota, "the user has as many device tokens as one may have");
    }
    let mut token = TOKEN_PREFIX.to_owned();
    token.push_str(&hash::of_texts(OF_A_TOKEN, &[call.random, call.entropy]));
    let hash = token_hash(&token);
    DeviceAnswer::Issue { token, hash, expires_at: call.now_ms + ttl(call.ttl_ms) }
}

/// What is stored of a token, and looked up by: SHA-256 in hexadecimal. A token has 256 bits of chance: no salt adds to that.
pub fn token_hash(token: &str) -> String {
    hash::of_texts(OF_ITS_HASH, &[token])
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_BYTES_MAX
}

fn ttl(wished: Option<f64>) -> f64 {
    let given = wished.filter(|ttl| ttl.is_finite());
    given.map_or(DEVICE_TOKEN_TTL_DEFAULT_MS, |ttl| {
        within(ttl, DEVICE_TOKEN_TTL_MIN_MS, DEVICE_TOKEN_TTL_MAX_MS)
    })
}

/// SOURCE: `clamp` checks its bounds, and with them comes all that prints a float.
fn within(number: f64, low: f64, high: f64) -> f64 {
    number.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTROPY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
    const DAY: f64 = 86_400_000.0;

    fn call() -> IssueCall<'static> {
        IssueCall {
            now_ms: 5.0,
            device_id: "laptop",
            label: None,
            ttl_ms: None,
            entropy: ENTROPY,
            random: "r",
            held: 0,
        }
    }

    fn token(call: &IssueCall<'_>) -> (String, String, f64) {
        match plan_issue(call) {
            DeviceAnswer::Issue { token, hash, expires_at } => (token, hash, expires_at),
            rejected @ DeviceAnswer::Rejected { .. } => panic!("{rejected:?}"),
        }
    }

    #[test]
    fn a_token_is_made_of_both_sides_chance_and_kept_as_a_hash() {
        let (first, hash, _) = token(&call());
        assert!(first.starts_with("cdxd_"));
        assert_eq!(first.len(), 5 + 64);
        assert_eq!(hash, token_hash(&first));
        assert_ne!(hash, first.trim_start_matches(TOKEN_PREFIX));
        let (again, ..) = token(&call());
        assert_eq!(first, again);
        let (other, ..) = token(&IssueCall { random: "s", ..call() });
        assert_ne!(first, other);
        let entropy = ENTROPY.replace('0', "_");
        let (other, ..) = token(&IssueCall { entropy: &entropy, ..call() });
        assert_ne!(first, other);
        // What is told apart is not what is joined.
        let entropy = [ENTROPY, "x"].concat();
        let (joined, ..) = token(&IssueCall { entropy: &entropy, ..call() });
        let (other, ..) = token(&IssueCall { random: "r0", entropy: &entropy[1..], ..call() });
        assert_ne!(joined, other);
    }

    #[test]
    fn hashes_stay_as_they_are_stored() {
        let (token, hash, _) = token(&call());
        assert_eq!(token, "cdxd_90fbc1f780b491194633b24f7c38c6d32dde490cec7c187c9032b887eb7f0fba");
        assert_eq!(hash, "09c7575bdb8052b1516da4d2736a9f0a75d1e8a8ea58de46a04e4137d9ce3f99");
        assert_ne!(token_hash("a"), token_hash("b"));
    }

    #[test]
    fn a_token_holds_for_its_time_within_bounds() {
        for (wished, want) in [
            (None, 90.0 * DAY),
            (Some(f64::INFINITY), 90.0 * DAY),
            (Some(f64::NEG_INFINITY), 90.0 * DAY),
            (Some(60_000.0), 60_000.0),
            (Some(59_999.0), 60_000.0),
            (Some(-1.0), 60_000.0),
            (Some(7.0 * DAY), 7.0 * DAY),
            (Some(365.0 * DAY), 365.0 * DAY),
            (Some(365.0 * DAY + 1.0), 365.0 * DAY),
        ] {
            let (.., expires_at) = token(&IssueCall { ttl_ms: wished, ..call() });
            assert_eq!(expires_at, 5.0 + want, "{wished:?}");
        }
    }

    #[test]
    fn what_is_none_or_too_much_gets_no_token() {
        let long = "x".repeat(1_025);
        let longest = "x".repeat(1_024);
        let invalid = Code::EDeviceInvalid;
        for (case, want) in [
            (IssueCall { device_id: "", ..call() }, Some(invalid)),
            (IssueCall { device_id: &longest, ..call() }, None),
            (IssueCall { device_id: &long, ..call() }, Some(invalid)),
            (IssueCall { label: Some(""), ..call() }, Some(invalid)),
            (IssueCall { label: Some("l"), ..call() }, None),
            (IssueCall { label: Some(&longest), ..call() }, None),
            (IssueCall { label: Some(&long), ..call() }, Some(invalid)),
            (IssueCall { entropy: "", ..call() }, Some(invalid)),
            (IssueCall { entropy: &ENTROPY[..42], ..call() }, Some(invalid)),
            (IssueCall { entropy: &longest, ..call() }, None),
            (IssueCall { entropy: &long, ..call() }, Some(invalid)),
            (IssueCall { held: 49, ..call() }, None),
            (IssueCall { held: 50, ..call() }, Some(Code::EQuota)),
            (IssueCall { held: 51, ..call() }, Some(Code::EQuota)),
        ] {
            let code = match plan_issue(&case) {
                DeviceAnswer::Rejected { code, .. } => Some(code),
                DeviceAnswer::Issue { .. } => None,
            };
            assert_eq!(code, want, "{case:?}");
        }
    }

    #[test]
    fn a_call_is_read_as_it_is_packed() {
        let texts = ["laptop", ENTROPY, "r"].concat();
        let numbers = [5.0, 6.0, -1.0, 60_000.0, 43.0, 1.0, 3.0];
        let read = IssueCall::unpack(Unpacker::new(&texts, &numbers)).unwrap();
        assert_eq!(
            (read.now_ms, read.device_id, read.label, read.ttl_ms),
            (5.0, "laptop", None, Some(60_000.0))
        );
        assert_eq!((read.entropy, read.random, read.held), (ENTROPY, "r", 3));
        let none = [5.0, 6.0, -1.0, f64::NAN, 43.0, 1.0, 3.0];
        assert_eq!(IssueCall::unpack(Unpacker::new(&texts, &none)).unwrap().ttl_ms, None);
        assert!(IssueCall::unpack(Unpacker::new(&texts, &numbers[1..])).is_err());
    }
}
