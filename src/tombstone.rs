//! Tombstones: what is left of a thread that was deleted, so that a late batch does not bring it back.
//!
//! A tombstone is a hash and a time. It names nobody: whose thread it was is in the hash.

use crate::error::Code;
use crate::hash;
use crate::limits::TOMBSTONE_TTL_MS;
use crate::pack::Unpacker;
use serde::Serialize;
use tsify::Tsify;

/// What was buried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Buried {
    /// A thread, by its id.
    #[default]
    Thread,
    /// An app's own name for a thread.
    External,
}

impl Buried {
    /// As the shell names it.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "thread" => Some(Self::Thread),
            "external" => Some(Self::External),
            _ => None,
        }
    }
}

/// The name of a tombstone: SHA-256, in hexadecimal, of what was buried, whose it was, and its id.
pub fn tombstone_of(what: Buried, tenant_id: &str, user_id: &str, id: &str) -> String {
    hash::of_texts(u8::from(what == Buried::External), &[tenant_id, user_id, id])
}

/// A thread that is to be made: whose it is, and its id.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewThread<'a> {
    /// The tenant.
    pub tenant_id: &'a str,
    /// The user.
    pub user_id: &'a str,
    /// The id.
    pub thread_id: &'a str,
}

impl<'a> NewThread<'a> {
    /// Reads one.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self { tenant_id: call.text(), user_id: call.text(), thread_id: call.text() }
    }

    /// The name of the tombstone that it has where it was deleted before.
    pub fn tombstone(self) -> String {
        tombstone_of(Buried::Thread, self.tenant_id, self.user_id, self.thread_id)
    }
}

/// Where a tombstone of a thread stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tombstone {
    /// Rows of the thread are still there.
    Deleting,
    /// All are gone; the tombstone goes then, in milliseconds.
    Until(f64),
}

/// What becomes of the wish to have a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum MakeAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
        /// Whether it can be made anew later.
        retryable: bool,
    },
    /// It is made; its tombstone goes.
    Make,
}

/// Whether a thread may be made that has a tombstone: not while it is being deleted, and behind its deletion only where its
/// maker says so.
pub fn plan_make(tombstone: Tombstone, recreate: bool, now_ms: f64) -> MakeAnswer {
    let rejected =
        |message, retryable| MakeAnswer::Rejected { code: Code::EThreadDeleted, message, retryable };
    match tombstone {
        Tombstone::Deleting => rejected("the thread is being deleted", recreate),
        Tombstone::Until(time) if time > now_ms && !recreate => rejected("the thread was deleted", false),
        Tombstone::Until(_) => MakeAnswer::Make,
    }
}

/// When a tombstone goes that is set at `now_ms`.
pub fn expires_at(now_ms: f64) -> f64 {
    now_ms + TOMBSTONE_TTL_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_and_external_ids_are_buried_and_nothing_else() {
        let read = |name| format!("{:?}", Buried::read(name));
        assert_eq!([read("thread"), read("external"), read("")], ["Some(Thread)", "Some(External)", "None"]);
    }

    #[test]
    fn a_name_is_the_hash_of_kind_owner_and_id() {
        let name = tombstone_of(Buried::Thread, "acme", "ann", "th_1");
        assert_eq!(name.len(), 64);
        assert!(name.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit)));
        assert_eq!(name, tombstone_of(Buried::Thread, "acme", "ann", "th_1"));
        for (what, tenant, user, id) in [
            (Buried::External, "acme", "ann", "th_1"),
            (Buried::Thread, "acm", "eann", "th_1"),
            (Buried::Thread, "acme", "an", "nth_1"),
            (Buried::Thread, "acme", "ann", "th_2"),
            (Buried::Thread, "acme", "ann", "th_1\0"),
        ] {
            assert_ne!(name, tombstone_of(what, tenant, user, id), "{tenant} {user} {id}");
        }
    }

    #[test]
    fn names_stay_as_they_are_stored() {
        let want = "c7c7f078da5454d25f12e520587904e89ea865d95d2348cbe3018b88c7d5a4a3";
        assert_eq!(tombstone_of(Buried::Thread, "acme", "änn", "th_1"), want);
    }

    #[test]
    fn a_thread_comes_back_only_behind_its_deletion_and_on_request() {
        let deleted =
            |message, retryable| MakeAnswer::Rejected { code: Code::EThreadDeleted, message, retryable };
        let until = Tombstone::Until(10.0);
        for (tombstone, recreate, now_ms, want) in [
            (Tombstone::Deleting, false, 5.0, deleted("the thread is being deleted", false)),
            (Tombstone::Deleting, true, 5.0, deleted("the thread is being deleted", true)),
            (until, false, 5.0, deleted("the thread was deleted", false)),
            (until, true, 5.0, MakeAnswer::Make),
            (until, false, 9.0, deleted("the thread was deleted", false)),
            (until, false, 10.0, MakeAnswer::Make),
        ] {
            assert_eq!(plan_make(tombstone, recreate, now_ms), want, "{tombstone:?} {recreate}");
        }
    }

    #[test]
    fn a_tombstone_stands_for_thirty_days() {
        assert_eq!(expires_at(5.0), 5.0 + 30.0 * 86_400_000.0);
    }
}
