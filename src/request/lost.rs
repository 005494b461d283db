//! Decisions that do not reach Codex: what the end of the command that carries one does to its request.

use super::RequestState;
use crate::command::answer::CommandCode;
use crate::command::row::CommandState;

/// What a runtime refuses a decision with whose request waits no more, as far as it knows: it is no request to decide anew, and
/// its own end is on its way.
const NOT_PENDING: &str = "E_REQUEST_NOT_PENDING";

/// The state that a request of this status goes back to, where the command that carries its decision comes to `end`; none where it
/// stays. Of an `unknown` command Codex may have the decision.
pub fn after(status: &str, end: CommandState, code: Option<&CommandCode>) -> Option<RequestState> {
    let is_lost = matches!(end, CommandState::Refused | CommandState::Expired | CommandState::Cancelled);
    let waits = !matches!(code, Some(CommandCode::Reported(code)) if code == NOT_PENDING);
    let goes_back = is_lost && waits && status == "answering";
    goes_back.then_some(RequestState::Pending)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::error::Code;
    use CommandState::{Accepted, Cancelled, Delivered, Expired, Leased, Queued, Refused, Unknown};

    #[test]
    fn a_decision_that_is_lost_makes_its_request_wait_again() {
        for end in [Queued, Leased, Delivered, Unknown, Accepted, Refused, Expired, Cancelled] {
            let is_lost = matches!(end, Refused | Expired | Cancelled);
            let want = is_lost.then_some(RequestState::Pending);
            for code in [
                None,
                Some(CommandCode::Ours(Code::ECommandAbandoned)),
                Some(CommandCode::Reported("E_COMMAND_NOT_ALLOWED".to_owned())),
            ] {
                assert_eq!(after("answering", end, code.as_ref()), want, "{end:?} {code:?}");
                for other in ["pending", "answered", "expired"] {
                    assert_eq!(after(other, end, code.as_ref()), None, "{other} {end:?}");
                }
            }
            let gone = CommandCode::Reported("E_REQUEST_NOT_PENDING".to_owned());
            assert_eq!(after("answering", end, Some(&gone)), None, "{end:?}");
        }
    }
}
