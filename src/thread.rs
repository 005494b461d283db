//! What a client does to a thread as a whole: archives it, takes it back, names it.

use crate::error::Code;
use crate::ingest::call::ThreadRow;
use crate::ingest::turns::note;
use serde::Serialize;
use tsify::Tsify;

/// The change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<'a> {
    /// It takes no new turn until it is taken back.
    #[default]
    Archive,
    /// `threads.unarchive`, `threads.resume`.
    Unarchive,
    /// Its name; empty: none.
    Rename(&'a str),
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ThreadAnswer {
    /// Nothing.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
    },
    /// Nothing: it is so already.
    Keep,
    /// Whether it is archived.
    Archive {
        /// The new state.
        archived: bool,
    },
    /// Its name.
    Rename {
        /// As it is kept; empty: none.
        name: String,
    },
}

/// Plans a change of a thread. What is so already is not written, so that nothing that reads it runs again.
pub fn plan_change(thread: Option<&ThreadRow<'_>>, change: Change<'_>) -> ThreadAnswer {
    let Some(thread) = thread else {
        let message = "the thread does not exist for this actor";
        return ThreadAnswer::Rejected { code: Code::EAuthThreadForbidden, message };
    };
    match change {
        Change::Archive if !thread.archived => ThreadAnswer::Archive { archived: true },
        Change::Unarchive if thread.archived => ThreadAnswer::Archive { archived: false },
        Change::Archive | Change::Unarchive => ThreadAnswer::Keep,
        Change::Rename(name) => {
            let name = note(name);
            if thread.name.unwrap_or_default() == name {
                ThreadAnswer::Keep
            } else {
                ThreadAnswer::Rename { name }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::NOTE_BYTES_MAX;

    const ACTIVE: ThreadRow<'static> =
        ThreadRow { local_thread_id: None, next_turn_order: 7, archived: false, name: Some("old") };
    const ARCHIVED: ThreadRow<'static> = ThreadRow { archived: true, ..ACTIVE };

    #[test]
    fn a_thread_is_archived_once_and_taken_back_once() {
        for (thread, change, want) in [
            (ACTIVE, Change::Archive, ThreadAnswer::Archive { archived: true }),
            (ARCHIVED, Change::Archive, ThreadAnswer::Keep),
            (ARCHIVED, Change::Unarchive, ThreadAnswer::Archive { archived: false }),
            (ACTIVE, Change::Unarchive, ThreadAnswer::Keep),
        ] {
            assert_eq!(plan_change(Some(&thread), change), want, "{change:?}");
        }
    }

    #[test]
    fn a_name_is_cut_and_an_empty_one_is_none() {
        let rename = |name| plan_change(Some(&ARCHIVED), Change::Rename(name));
        assert_eq!(rename("new"), ThreadAnswer::Rename { name: "new".into() });
        assert_eq!(rename("old"), ThreadAnswer::Keep);
        assert_eq!(rename(""), ThreadAnswer::Rename { name: String::new() });
        let unnamed = ThreadRow { name: None, ..ACTIVE };
        assert_eq!(plan_change(Some(&unnamed), Change::Rename("")), ThreadAnswer::Keep);
        let ThreadAnswer::Rename { name } = rename(&"é".repeat(NOTE_BYTES_MAX)) else { panic!() };
        assert_eq!(name.len(), NOTE_BYTES_MAX);
    }

    #[test]
    fn a_thread_that_is_not_there_is_not_changed() {
        for change in [Change::Archive, Change::Unarchive, Change::Rename("a")] {
            let answer = plan_change(None, change);
            assert!(matches!(answer, ThreadAnswer::Rejected { code: Code::EAuthThreadForbidden, .. }));
        }
    }
}
