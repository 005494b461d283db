//! Every state with everything that can happen to it, and each case of what goes wrong with approvals.

use super::*;
use RequestCause::{AutoResolved, CrowdedOut, ProcessGone, Reported, Resolved, TurnEnded};
use RequestState::{Answered, Answering, Expired, Pending};

const COMMAND: &str = "item/commandExecution/requestApproval";

fn request(number: u64) -> Request<'static> {
    named(crate::testing::keep(number.to_string()))
}

fn named(id: &'static str) -> Request<'static> {
    Request::asked(id, COMMAND, "U", Origin::default())
}

/// A request that says that it resolves itself.
fn question(state: RequestState) -> Request<'static> {
    let mut question = in_state(state, None);
    question.auto_resolution_ms = Some(60_000);
    question
}

fn of(runtime_id: &'static str, generation: u64, app_generation: Option<u64>) -> Origin<'static> {
    Origin { runtime_id: Some(runtime_id), generation: Some(generation), app_generation }
}

fn in_state(state: RequestState, cause: Option<RequestCause>) -> Request<'static> {
    Request { row: Some(0), state, cause, changed: false, ..request(0) }
}

const STATES: [(RequestState, Option<RequestCause>); 10] = [
    (Pending, None),
    (Answering, None),
    (Answered, Some(Resolved)),
    (Answered, Some(Reported)),
    (Expired, Some(Resolved)),
    (Expired, Some(AutoResolved)),
    (Expired, Some(TurnEnded)),
    (Expired, Some(ProcessGone)),
    (Expired, Some(CrowdedOut)),
    (Expired, Some(Reported)),
];

#[test]
fn every_state_takes_every_guess() {
    for (state, cause) in STATES {
        for guess in [Resolved, TurnEnded, ProcessGone, CrowdedOut] {
            let want = match (state, guess) {
                (Answering, Resolved) => (Answered, Some(Resolved)),
                (Pending | Answering, _) => (Expired, Some(guess)),
                _ => (state, cause),
            };
            let mut request = in_state(state, cause);
            request.guess(guess);
            assert_eq!((request.state, request.cause), want, "{state:?} {cause:?}, {guess:?}");
            assert_eq!(request.into_write().is_some(), want != (state, cause));
        }
    }
}

#[test]
fn every_state_takes_or_refuses_the_bridges_word() {
    for (state, cause) in STATES {
        let by_bridge = cause == Some(Reported);
        let want_answered =
            if state == Expired && by_bridge { None } else { Some((Answered, Some(Reported))) };
        let want_expired = match (state, by_bridge) {
            (Answered, true) => None,
            (Expired, _) => Some((Expired, cause)),
            _ => Some((Expired, Some(Reported))),
        };
        for (answered, want) in [(true, want_answered), (false, want_expired)] {
            let mut request = in_state(state, cause);
            let taken = request.report(answered).then_some((request.state, request.cause));
            assert_eq!(taken, want, "{state:?} {cause:?}, answered: {answered}");
        }
    }
}

#[test]
fn a_question_that_said_so_resolves_itself() {
    for (state, guess, want) in [
        (Pending, Resolved, (Expired, Some(AutoResolved))),
        (Answering, Resolved, (Answered, Some(Resolved))),
        (Pending, TurnEnded, (Expired, Some(TurnEnded))),
    ] {
        let mut question = question(state);
        question.guess(guess);
        assert_eq!((question.state, question.cause), want);
    }
}

#[test]
fn an_event_and_the_bridge_make_one_row_in_either_order() {
    let told = Request { origin: of("r", 2, Some(5)), ..request(0) };
    let seen =
        Request { origin: of("r", 2, None), event_id: Some("r.2:T:U:0:4"), event: Some(7), ..request(0) };
    for (first, second) in [(told, seen), (seen, told)] {
        for state in [Pending, Answering, Answered, Expired] {
            let mut requests = vec![Request { state, ..first }];
            assert!(!admit(&mut requests, second, false));
            assert_eq!(requests.len(), 1, "{state:?}");
            let one = &requests[0];
            assert_eq!((one.state, one.origin), (state, of("r", 2, Some(5))));
            assert_eq!((one.event_id, one.event), (Some("r.2:T:U:0:4"), Some(7)));
        }
    }
}

#[test]
fn a_redelivered_request_is_never_opened_again() {
    for (state, cause) in STATES {
        let known = Request { event_id: Some("e"), origin: of("r", 1, Some(1)), ..in_state(state, cause) };
        for again in [
            Request { event_id: Some("e"), event: Some(0), ..request(0) },
            Request { origin: of("r", 1, Some(1)), ..request(0) },
            request(0),
        ] {
            let mut requests = vec![known];
            assert!(!admit(&mut requests, again, false));
            assert_eq!(requests, std::slice::from_ref(&known));
        }
    }
}

#[test]
fn what_tells_two_requests_apart() {
    let known = Request { event_id: Some("e"), origin: of("r", 1, Some(1)), ..request(0) };
    let asked = |origin| Request { origin, ..request(0) };
    for other in [
        request(1),
        named("\"0\""),
        Request { method: "item/fileChange/requestApproval", ..request(0) },
        Request { turn_id: "V", ..request(0) },
        Request { event_id: Some("f"), ..request(0) },
        asked(of("s", 1, Some(1))),
        asked(of("r", 2, Some(1))),
        asked(of("r", 1, Some(2))),
    ] {
        let mut requests = vec![known];
        assert!(admit(&mut requests, other, false), "{other:?}");
        assert_eq!(requests.len(), 2);
    }
}

#[test]
fn request_id_0_again_after_a_restart_is_another_request_and_the_first_one_waits_in_vain() {
    let first = Request { event_id: Some("e"), ..request(0) };
    let cases = [
        (of("r", 1, None), of("r", 2, None)),
        (of("r", 1, Some(1)), of("r", 1, Some(2))),
        (of("r", 1, None), of("r", 1, None)),
        (Origin::default(), Origin::default()),
        (Origin { runtime_id: Some("r"), ..Origin::default() }, of("r", 1, None)),
    ];
    for (before, after) in cases {
        let mut requests = vec![Request { origin: before, ..first }];
        let again = Request { origin: after, event_id: Some("f"), turn_id: "V", ..request(0) };
        assert!(admit(&mut requests, again, false));
        let states: Vec<_> = requests.iter().map(|request| (request.state, request.cause)).collect();
        assert_eq!(states, [(Expired, Some(ProcessGone)), (Pending, None)], "{before:?} {after:?}");
    }
}

#[test]
fn a_newer_process_leaves_alone_what_is_not_known_to_be_older() {
    for (other, expires) in [
        (of("r", 1, Some(9)), true),
        (of("r", 2, Some(2)), true),
        (of("r", 2, Some(3)), false),
        (of("r", 2, None), false),
        (of("r", 3, None), false),
        (of("s", 1, None), false),
        (Origin { runtime_id: Some("r"), ..Origin::default() }, false),
        (Origin::default(), false),
    ] {
        let mut requests = vec![Request { origin: other, ..request(0) }];
        admit(&mut requests, Request { origin: of("r", 2, Some(3)), ..request(1) }, false);
        assert_eq!(requests[0].state == Expired, expires, "{other:?}");
    }
}

#[test]
fn what_an_older_process_asked_arrives_late_and_waits_for_nobody() {
    let mut requests = vec![Request { origin: of("r", 2, None), ..request(0) }];
    assert!(!admit(&mut requests, Request { origin: of("r", 1, None), ..request(0) }, false));
    let states: Vec<_> = requests.iter().map(|request| (request.state, request.cause)).collect();
    assert_eq!(states, [(Pending, None), (Expired, Some(ProcessGone))]);
}

#[test]
fn a_request_of_a_turn_that_ended_waits_for_nobody() {
    let mut requests = vec![];
    assert!(!admit(&mut requests, request(0), true));
    assert_eq!((requests[0].state, requests[0].cause), (Expired, Some(TurnEnded)));
    let mut requests = vec![request(0)];
    admit(&mut requests, request(0), true);
    assert_eq!((requests[0].state, requests[0].cause), (Expired, Some(TurnEnded)));
}

#[test]
fn the_oldest_open_request_goes_where_there_are_too_many() {
    let mut requests = vec![];
    for number in 0..OPEN_REQUESTS_MAX as u64 + 3 {
        assert!(admit(&mut requests, request(number), false));
    }
    let crowded = requests.iter().filter(|request| request.cause == Some(CrowdedOut)).count();
    assert_eq!(
        (crowded, requests.iter().filter(|request| request.is_open()).count()),
        (3, OPEN_REQUESTS_MAX)
    );
    assert!(requests[..3].iter().all(|request| request.state == Expired));
}

#[test]
fn states_are_read_as_they_are_written() {
    for (state, _) in STATES {
        assert_eq!(RequestState::read(&crate::testing::name(&state)), Some(state));
    }
    assert_eq!(RequestState::read("gone"), None);
}

#[test]
fn a_loaded_request_is_read_as_it_is_packed() {
    use crate::pack::Unpacker;
    fn read(texts: &'static str, cause: f64) -> Request<'static> {
        let numbers = vec![1.0, 1.0, 1.0, -1.0, 2.0, 3.0, f64::NAN, 8.0, cause, 1.0];
        Request::unpack(&mut Unpacker::new(texts, numbers.leak()))
    }
    let want = Request {
        origin: of("rt", 3, None),
        auto_resolution_ms: Some(0),
        changed: false,
        ..Request::asked("0", "m", "U", Origin::default())
    };
    let reported = Request { state: Answered, cause: Some(Reported), ..want };
    assert_eq!(read("0mUrtansweredreported", 8.0), reported);
    assert_eq!(read("0mUrtansweredresolved", 8.0), Request { cause: None, ..reported });
    assert_eq!(read("0mUrtanswered", -1.0), Request { cause: None, ..reported });
}
