use super::answer::{CommandAnswer, CommandCode, CommandWrite, LeaseWrite, TurnFate};
use super::edit::{
    CommandCall, CommandEditCall, CommandPromoteCall, RunningTurn, plan_cancel, plan_edit, plan_promote,
};
use super::lease::{CommandLeaseCall, CommandSweepCall, LastBeat, TakenTurn, plan_command_sweep, plan_lease};
use super::report::{CommandReportCall, ReportedTurn, plan_report};
use super::row::{CommandKind, CommandRow, CommandState, Lease, Runtime, Target, TargetRequest, TargetTurn};
use super::send::{
    CommandSendCall, DecisionSendCall, InterruptSendCall, Named, Sent, plan_decision_send,
    plan_interrupt_send, plan_send,
};
use crate::error::Code;
use crate::ingest::call::ThreadRow;
use crate::ingest::write::{Source, TurnStatus};
use crate::limits::{ID_BYTES_MAX, INPUT_SUMMARY_UNITS_MAX, TURN_SILENT_MS};
use crate::pack::Unpacker;
use crate::request::client::{KnownRequest, RequestAnswer};
use crate::request::{Origin, Request, RequestState};
use crate::testing::name;
use CommandKind::{Answer, Decide, Interrupt, Steer, Turn};
use CommandState::{Accepted, Cancelled, Delivered, Expired, Leased, Queued, Refused, Unknown};

const NOW: f64 = 1_000_000.0;
const BOUND: Runtime<'static> = Runtime { runtime_id: "r", generation: 2, device_id: "d" };
const THREAD: ThreadRow<'static> =
    ThreadRow { local_thread_id: None, next_turn_order: 7, archived: false, name: None };
const RUNNING: TargetTurn<'static> = TargetTurn { turn_id: Some("U"), status: "inProgress", source: None };
/// A queued turn, of which Codex does not know.
const WAITING: TargetTurn<'static> = TargetTurn { turn_id: None, status: "queued", source: None };
const PENDING: TargetRequest<'static> = TargetRequest { status: "pending", payload: None, carried: false };
const SECRET: &str = r#"{"params":{"questions":[{"isSecret":true}]}}"#;
const TURN_JSON: &str = r#"{"clientTurnId":"c","input":[{"type":"text","text":"hi"}]}"#;
const STATES: [CommandState; 8] = [Queued, Leased, Delivered, Unknown, Accepted, Refused, Expired, Cancelled];

fn lease(generation: u64, expires_at_ms: f64) -> Option<Lease<'static>> {
    Some(Lease { token: "t", runtime_id: "r", generation, expires_at_ms })
}

/// A turn's command in this state, its lease live.
fn row(state: CommandState) -> CommandRow<'static> {
    let has_lease = matches!(state, Leased | Delivered | Unknown);
    CommandRow {
        kind: Turn,
        state,
        order: 0,
        rank: 0,
        expires_at_ms: Some(NOW + 1.0),
        lapses: 0,
        lease: if has_lease { lease(2, NOW + 1.0) } else { None },
        client_turn_id: Some("c"),
        shown: Some(WAITING),
        turn_id: (state == Accepted).then_some("U"),
        target: Target::default(),
    }
}

fn of_kind(kind: CommandKind, state: CommandState) -> CommandRow<'static> {
    let turn = matches!(kind, Steer | Interrupt).then_some(RUNNING);
    let request = matches!(kind, Decide | Answer).then_some(PENDING);
    let (client_turn_id, shown) = if kind == Turn { (Some("c"), Some(WAITING)) } else { (None, None) };
    CommandRow { kind, client_turn_id, shown, target: Target { turn, request }, ..row(state) }
}

fn lapsed(state: CommandState) -> CommandRow<'static> {
    CommandRow { lease: lease(2, NOW), ..row(state) }
}

fn write(row: usize, state: CommandState) -> CommandWrite {
    let lease =
        if matches!(state, Leased | Delivered | Unknown) { LeaseWrite::Keep } else { LeaseWrite::Clear };
    CommandWrite {
        row,
        state,
        due_at: matches!(state, Queued | Leased | Delivered).then_some(NOW + 1.0),
        code: None,
        turn_id: None,
        lapses: 0,
        lease,
        turn: TurnFate::Keep,
        request: None,
    }
}

fn failed(error: CommandCode) -> TurnFate {
    TurnFate::End { status: TurnStatus::Failed, source: Source::Sweep, error }
}

fn withdrawn() -> TurnFate {
    let error = CommandCode::Reported("interrupted".into());
    TurnFate::End { status: TurnStatus::Interrupted, source: Source::Client, error }
}

fn ended(row: usize, state: CommandState, code: Code) -> CommandWrite {
    let code = CommandCode::Ours(code);
    let turn = match code {
        CommandCode::Ours(Code::ECommandCancelled) => withdrawn(),
        _ => failed(code.clone()),
    };
    CommandWrite { code: Some(code), turn, ..write(row, state) }
}

fn written(write: CommandWrite) -> CommandAnswer {
    CommandAnswer::Written { writes: vec![write] }
}

fn code(answer: &CommandAnswer) -> Option<Code> {
    match answer {
        CommandAnswer::Rejected { code, .. } => Some(*code),
        _ => None,
    }
}

fn send(kind: &'static str, payload_json: &'static str) -> CommandSendCall<'static> {
    CommandSendCall {
        now_ms: NOW,
        thread: Some(THREAD),
        command_id: "k",
        kind,
        payload_json,
        ttl_ms: None,
        own: false,
        sent_before: None,
        open_count: 0,
        next_order: 4,
        named: Some(Named { turn: Some(RUNNING), request: Some(PENDING), ..Named::default() }),
    }
}

const KINDS: [(&str, &str); 5] = [
    ("turn", TURN_JSON),
    ("steer", r#"{"expectedTurnId":"U","input":[{"type":"text","text":"hi"}]}"#),
    ("interrupt", r#"{"turnId":"U"}"#),
    ("decide", r#"{"requestId":0,"runtimeId":"r","generation":1,"appGeneration":3,"decision":"accept"}"#),
    ("answer", r#"{"requestId":"0","answer":{"q":{"answers":["a"]}}}"#),
];

fn expires(call: &CommandSendCall<'_>) -> Option<f64> {
    match plan_send(call) {
        CommandAnswer::Insert { command, .. } => command.expires_at.map(|at| at - NOW),
        other => panic!("{other:?}"),
    }
}

// ---- send

#[test]
fn a_sent_command_is_queued_and_says_what_it_names() {
    let inserted = |kind, json| match plan_send(&send(kind, json)) {
        CommandAnswer::Insert { command, turn, writes, .. } => {
            assert_eq!((command.state, command.order, writes.len()), (Queued, 4, 0), "{kind}");
            (command, turn)
        }
        other => panic!("{other:?}"),
    };
    let (command, turn) = inserted(KINDS[0].0, KINDS[0].1);
    assert_eq!(command.client_turn_id.as_deref(), Some("c"));
    let turn = turn.unwrap();
    assert_eq!((turn.turn_order, turn.input_summary.as_str()), (7, "hi"));
    assert_eq!(turn.silent_at, NOW + TURN_SILENT_MS);
    for (kind, json) in &KINDS[1..3] {
        let (command, turn) = inserted(kind, json);
        assert_eq!((command.target_turn_id.as_deref(), turn), (Some("U"), None), "{kind}");
    }
    let request = inserted(KINDS[3].0, KINDS[3].1).0.request.unwrap();
    assert_eq!((request.request_id.as_str(), request.is_number), ("0", true));
    assert_eq!(
        (request.runtime_id.as_deref(), request.generation, request.app_generation),
        (Some("r"), Some(1), Some(3))
    );
    let request = inserted(KINDS[4].0, KINDS[4].1).0.request.unwrap();
    assert_eq!((request.request_id.as_str(), request.is_number), ("0", false), "0 and \"0\" are two");
}

#[test]
fn what_a_command_names_is_asked_for_first() {
    for (kind, json) in KINDS {
        let CommandAnswer::Needs { needs } = plan_send(&CommandSendCall { named: None, ..send(kind, json) })
        else {
            panic!("{kind}");
        };
        assert_eq!(needs.client_turn_id.is_some(), kind == "turn");
        assert_eq!(needs.turn_id.is_some(), kind == "steer" || kind == "interrupt");
        assert_eq!(needs.request.is_some(), kind == "decide" || kind == "answer");
    }
}

#[test]
fn a_queued_turn_that_exists_is_adopted() {
    for (client_turn, makes, takes) in [
        (None, true, false),
        (Some(WAITING), false, true),
        // Of what Codex knows the client's id is not changed.
        (Some(RUNNING), false, false),
        (Some(TargetTurn { status: "failed", ..WAITING }), false, false),
    ] {
        let named = Some(Named { client_turn, ..Named::default() });
        let answer = plan_send(&CommandSendCall { named, ..send("turn", TURN_JSON) });
        let CommandAnswer::Insert { turn, adopts, .. } = answer else { panic!("{answer:?}") };
        assert_eq!((turn.is_some(), adopts), (makes, takes), "{client_turn:?}");
    }
}

#[test]
fn an_id_makes_a_command_idempotent() {
    let sent = Sent { same_thread: true, kind: "turn", payload_json: TURN_JSON, ttl_ms: Some(5.0) };
    let again = |sent_before, ttl_ms| {
        let call = send("turn", TURN_JSON);
        // Not even a full mailbox or an archived thread answers a repeat otherwise.
        let thread = Some(ThreadRow { archived: true, ..THREAD });
        plan_send(&CommandSendCall {
            sent_before: Some(sent_before),
            ttl_ms,
            thread,
            open_count: 100,
            ..call
        })
    };
    assert_eq!(again(sent, Some(5.0)), CommandAnswer::Keep);
    for other in [
        Sent { same_thread: false, ..sent },
        Sent { kind: "steer", ..sent },
        Sent { payload_json: "{}", ..sent },
        Sent { ttl_ms: None, ..sent },
    ] {
        assert_eq!(code(&again(other, Some(5.0))), Some(Code::ECommandIdReused), "{other:?}");
    }
}

#[test]
fn what_is_no_command_is_refused() {
    let rejected = |call: CommandSendCall<'static>| code(&plan_send(&call));
    for (kind, json) in [
        ("shell", "{}"),
        ("turn", "{"),
        ("turn", "[]"),
        ("turn", "{}"),
        ("turn", r#"{"input":[]}"#),
        ("turn", r#"{"input":["x"]}"#),
        ("turn", r#"{"input":[{}],"clientTurnId":5}"#),
        ("turn", r#"{"input":[{}],"clientTurnId":""}"#),
        ("steer", r#"{"input":[{}]}"#),
        ("interrupt", "{}"),
        ("decide", r#"{"requestId":0}"#),
        ("decide", r#"{"requestId":0,"decision":null}"#),
        ("decide", r#"{"decision":"accept"}"#),
        ("decide", r#"{"requestId":-1,"decision":"accept"}"#),
        ("answer", r#"{"requestId":0,"answer":"x"}"#),
    ] {
        assert_eq!(rejected(send(kind, json)), Some(Code::ECommandInvalid), "{kind} {json}");
    }
    let fits = crate::testing::keep("i".repeat(1_024));
    assert_eq!(rejected(CommandSendCall { command_id: fits, ..send("turn", TURN_JSON) }), None);
    let long = crate::testing::keep("i".repeat(1_025));
    for command_id in ["", long] {
        assert_eq!(
            rejected(CommandSendCall { command_id, ..send("turn", TURN_JSON) }),
            Some(Code::ECommandInvalid)
        );
    }
    let none = CommandSendCall { thread: None, ..send("turn", TURN_JSON) };
    assert_eq!(rejected(none), Some(Code::EAuthThreadForbidden));
}

#[test]
fn a_payload_holds_64_kib() {
    let of = |bytes: usize| {
        let frame = r#"{"input":[{"text":""}]}"#.len();
        let json = format!(r#"{{"input":[{{"text":"{}"}}]}}"#, "x".repeat(bytes - frame));
        assert_eq!(json.len(), bytes);
        code(&plan_send(&send("turn", crate::testing::keep(json))))
    };
    assert_eq!(of(65_536), None);
    assert_eq!(of(65_537), Some(Code::ECommandTooLarge));
}

#[test]
fn a_user_has_100_open() {
    let with = |open_count| code(&plan_send(&CommandSendCall { open_count, ..send("turn", TURN_JSON) }));
    assert_eq!(with(99), None);
    assert_eq!(with(100), Some(Code::EQuota));
}

#[test]
fn a_full_mailbox_takes_every_interrupt_and_what_the_component_sends_itself() {
    for (kind, json) in KINDS {
        for own in [false, true] {
            let call = CommandSendCall { open_count: 200, own, ..send(kind, json) };
            let want = if own || kind == "interrupt" { None } else { Some(Code::EQuota) };
            assert_eq!(code(&plan_send(&call)), want, "{kind}, own: {own}");
            // Named and unnamed alike, and before a second reading of rows.
            assert_eq!(
                code(&plan_send(&CommandSendCall { named: None, ..call })),
                want,
                "{kind}, own: {own}"
            );
        }
    }
    let own = CommandSendCall { open_count: 200, own: true, ..send("interrupt", KINDS[2].1) };
    let answer = plan_interrupt_send(&InterruptSendCall { bound: true, send: own });
    assert!(matches!(answer, CommandAnswer::Insert { .. }), "{answer:?}");
}

#[test]
fn an_archived_thread_takes_none_but_an_approvals() {
    for (kind, json) in KINDS {
        let archived =
            CommandSendCall { thread: Some(ThreadRow { archived: true, ..THREAD }), ..send(kind, json) };
        assert_eq!(code(&plan_send(&archived)), Some(Code::EThreadArchived), "{kind}");
        assert_eq!(code(&plan_send(&CommandSendCall { own: true, ..archived })), None, "{kind}");
    }
}

#[test]
fn time_is_by_kind_and_a_sender_can_only_shorten_it() {
    let waiting = r#"{"waitForMachine":true,"input":[{}]}"#;
    let cases = [
        ("turn", TURN_JSON, Some(600_000.0)),
        ("turn", waiting, Some(86_400_000.0)),
        ("steer", KINDS[1].1, Some(600_000.0)),
        ("interrupt", KINDS[2].1, Some(120_000.0)),
        ("decide", KINDS[3].1, None),
        ("answer", KINDS[4].1, None),
    ];
    for (kind, json, most) in cases {
        let of = |ttl_ms| expires(&CommandSendCall { ttl_ms, ..send(kind, json) });
        assert_eq!(of(None), most, "{kind}");
        assert_eq!(of(Some(f64::NAN)), most, "{kind}");
        assert_eq!(of(Some(f64::INFINITY)), most, "{kind}");
        assert_eq!(of(Some(5.0)), Some(5.0), "{kind}");
        assert_eq!(of(Some(-5.0)), Some(0.0), "{kind}");
        assert_eq!(of(Some(1e12)), most.or(Some(1e12)), "{kind}");
    }
}

#[test]
fn what_names_something_that_is_over_is_not_sent() {
    let turn = |status, source| TargetTurn { turn_id: Some("U"), status, source };
    let of = |at: usize, turn, request| {
        let (kind, json) = KINDS[at];
        code(&plan_send(&CommandSendCall {
            named: Some(Named { turn, request, ..Named::default() }),
            ..send(kind, json)
        }))
    };
    let gone = Some(Code::ECommandTargetGone);
    for (status, source, steer, interrupt) in [
        ("queued", None, None, None),
        ("inProgress", None, None, None),
        ("completed", Some("codex"), gone, gone),
        ("failed", Some("local"), gone, gone),
        // A client's stop, or a day's silence, is no word of Codex: it may still run.
        ("interrupted", Some("client"), gone, None),
        ("interrupted", Some("sweep"), gone, None),
    ] {
        assert_eq!(of(1, Some(turn(status, source)), None), steer, "steer {status}");
        assert_eq!(of(2, Some(turn(status, source)), None), interrupt, "interrupt {status}");
    }
    for at in [1, 2] {
        assert_eq!(of(at, None, None), Some(Code::EAuthTurnForbidden));
    }
    for at in [3, 4] {
        assert_eq!(of(at, None, None), gone);
        for (status, want) in [("pending", None), ("answering", None), ("answered", gone), ("expired", gone)]
        {
            assert_eq!(
                of(at, None, Some(TargetRequest { status, payload: None, carried: false })),
                want,
                "{status}"
            );
        }
    }
}

/// What is decided by sending `payload_json`, of an approval that offers `accept` and `cancel`.
fn decided(payload_json: &'static str, state: RequestState, decision: Option<&'static str>) -> String {
    const ASKS: &str = r#"{"params":{"availableDecisions":["accept","cancel"]}}"#;
    const METHOD: &str = "item/commandExecution/requestApproval";
    let request = Request::known(0, "0", METHOD, "U", Origin::default(), state, None);
    let asked = Some(KnownRequest { request, decision, payload: Some(ASKS) });
    let named = Some(Named { request: Some(PENDING), method: Some(METHOD), ..Named::default() });
    let send = CommandSendCall { named, ..send("decide", payload_json) };
    let answer = plan_decision_send(&DecisionSendCall { send, asked });
    match answer.command {
        CommandAnswer::Rejected { code, .. } => name(&code),
        CommandAnswer::Insert { command, .. } => match answer.decided {
            Some(RequestAnswer::Decide { row, decision, response, shown }) => {
                format!("{row} {decision} {response} {}.. {:?}", &shown[..4], command.state)
            }
            Some(RequestAnswer::Keep) => "keep".into(),
            Some(RequestAnswer::Again { row }) => format!("again {row}"),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_decision_is_decided_with_its_sending() {
    use RequestState::{Answering, Pending};
    const SHOWN: &str = r#"{"requestId":0,"decision":"accept","shownSha256":"055B99d1119c4bff0278ae672a58adf2ee27240f74baccc930e06cb3a2d2d562"}"#;
    let decline = r#"{"requestId":0,"decision":"cancel"}"#;
    let cancelled = r#"0 "cancel" {"decision":"cancel"} 055b.. Queued"#;
    assert_eq!(decided(decline, Pending, None), cancelled);
    assert_eq!(decided(SHOWN, Pending, None), r#"0 "accept" {"decision":"accept"} 055b.. Queued"#);
    assert_eq!(decided(decline, Answering, Some("\"cancel\"")), "again 0");
    assert_eq!(decided(decline, Answering, Some("\"accept\"")), "E_APPROVAL_NOT_PENDING");
    // Who does not decline says what was shown: a text, of just this payload.
    for shown in ["", r#","shownSha256":null"#, r#","shownSha256":7"#, r#","shownSha256":"00""#] {
        let json = format!(r#"{{"requestId":0,"decision":"accept"{shown}}}"#);
        assert_eq!(decided(json.leak(), Pending, None), "E_APPROVAL_CHANGED", "{shown}");
    }
    for other in ["\"acceptForSession\"", "1", "{}"] {
        let json = format!(r#"{{"requestId":0,"decision":{other},"shownSha256":null}}"#);
        assert_eq!(decided(json.leak(), Pending, None), "E_APPROVAL_NOT_OFFERED", "{other}");
    }
    // Of the word that occurs twice the last one counts, as on the machine.
    let twice = r#"{"requestId":0,"decision":"accept","decision":"cancel"}"#;
    assert_eq!(decided(twice, Pending, None), cancelled);
}

const QUESTION: &str = "item/tool/requestUserInput";

#[test]
fn a_secret_is_not_answered_from_afar() {
    let of = |at: usize, method, payload| {
        let request = Some(TargetRequest { payload: Some(payload), ..PENDING });
        let named = Some(Named { request, method: Some(method), ..Named::default() });
        code(&plan_send(&CommandSendCall { named, ..send(KINDS[at].0, KINDS[at].1) }))
    };
    let refused = Some(Code::ECommandNotAllowed);
    assert_eq!((of(3, QUESTION, SECRET), of(4, QUESTION, SECRET)), (None, refused));
    assert_eq!(of(4, QUESTION, "no JSON"), refused, "what cannot be read may ask for one");
    assert_eq!(of(4, QUESTION, r#"{"params":{"questions":[]}}"#), None);
    for other in ["item/tool/call", "mcpServer/elicitation/request", "thing/brandNew"] {
        assert_eq!(of(4, other, r#"{"params":{"tool":"t"}}"#), None, "{other} asks no question");
    }
}

#[test]
fn an_approval_is_decided_and_not_answered() {
    let of = |at: usize, method| {
        let named = Some(Named { request: Some(PENDING), method, ..Named::default() });
        code(&plan_send(&CommandSendCall { named, ..send(KINDS[at].0, KINDS[at].1) }))
    };
    let approval = Some("item/commandExecution/requestApproval");
    assert_eq!((of(3, approval), of(4, approval)), (None, Some(Code::ECommandNotAllowed)));
    for other in [None, Some("item/tool/call")] {
        assert_eq!((of(3, other), of(4, other)), (None, None));
    }
}

#[test]
fn an_interrupt_takes_a_queued_turn_out_of_the_queue() {
    let call = |carrier| {
        let named = Some(Named { turn: Some(WAITING), carrier, ..Named::default() });
        CommandSendCall { named, ..send("interrupt", r#"{"turnId":"c"}"#) }
    };
    let taken = ended(0, Cancelled, Code::ECommandCancelled);
    assert_eq!(taken.turn, withdrawn());
    let CommandAnswer::Insert { command, writes, .. } = plan_send(&call(Some(row(Queued)))) else { panic!() };
    assert_eq!((command.state, writes), (Accepted, vec![taken.clone()]));
    for carrier in [Some(row(Leased)), Some(row(Delivered)), None] {
        let CommandAnswer::Insert { command, writes, .. } = plan_send(&call(carrier)) else { panic!() };
        assert_eq!((command.state, writes), (Queued, vec![]), "it waits for Codex's id");
    }
    for bound in [true, false] {
        let queued = InterruptSendCall { bound, send: call(Some(row(Queued))) };
        assert_eq!(plan_interrupt_send(&queued), written(taken.clone()), "bound: {bound}");
    }
}

#[test]
fn turns_interrupt_sends_where_a_runtime_is_bound_and_only_marks_without_one() {
    let call = |bound, turn| {
        let named = Some(Named { turn: Some(turn), ..Named::default() });
        plan_interrupt_send(&InterruptSendCall {
            bound,
            send: CommandSendCall { named, own: true, ..send("interrupt", r#"{"turnId":"U"}"#) },
        })
    };
    assert!(matches!(call(true, RUNNING), CommandAnswer::Insert { .. }));
    assert_eq!(call(false, RUNNING), CommandAnswer::Keep);
    let done = TargetTurn { status: "completed", source: Some("codex"), ..RUNNING };
    assert_eq!(call(true, done), CommandAnswer::Keep, "on a terminal turn it changes nothing");
    let bare = InterruptSendCall {
        bound: true,
        send: CommandSendCall { named: None, ..send("interrupt", r#"{"turnId":"U"}"#) },
    };
    assert!(matches!(plan_interrupt_send(&bare), CommandAnswer::Needs { .. }));
}

#[test]
fn what_another_function_sends_is_sent_once_as_long_as_it_is_open() {
    for (kind, at) in [(Interrupt, 2), (Decide, 3)] {
        let keeps = |own, same| {
            let named = Named { turn: Some(RUNNING), request: Some(PENDING), same, ..Named::default() };
            let call = CommandSendCall { named: Some(named), own, ..send(KINDS[at].0, KINDS[at].1) };
            let answer = plan_send(&call);
            let inserted = matches!(answer, CommandAnswer::Insert { .. });
            assert!(inserted || answer == CommandAnswer::Keep, "{answer:?}");
            !inserted
        };
        for state in STATES {
            let same = Some(of_kind(kind, state));
            assert_eq!(keeps(true, same), matches!(state, Queued | Leased | Delivered), "{state:?}");
            assert!(!keeps(false, same), "a client's own command is made");
        }
        assert!(!keeps(true, None));
        let late = CommandRow { expires_at_ms: Some(NOW), ..of_kind(kind, Queued) };
        assert!(!keeps(true, Some(late)), "its time is over, whether or not the sweep was there");
        let silent = CommandRow { lease: lease(2, NOW), ..of_kind(kind, Delivered) };
        assert!(!keeps(true, Some(silent)), "it is unknown by now");
    }
}

#[test]
fn a_decision_whose_command_ends_before_codex_has_it_is_lost() {
    let carried = |status, carried| {
        let request = Some(TargetRequest { status, carried, payload: None });
        CommandRow { target: Target { turn: None, request }, ..of_kind(Decide, Leased) }
    };
    let refused = |command: CommandRow<'static>, code| {
        let call = CommandReportCall { code: Some(code), ..report(command, "refused") };
        let CommandAnswer::Written { writes } = plan_report(&call) else { panic!() };
        writes[0].request
    };
    let pending = Some(RequestState::Pending);
    assert_eq!(refused(carried("answering", true), "E_COMMAND_NOT_ALLOWED"), pending);
    assert_eq!(refused(carried("answering", true), "E_REQUEST_NOT_PENDING"), None);
    assert_eq!(refused(carried("answering", false), "E_COMMAND_NOT_ALLOWED"), None, "another one carries it");
    assert_eq!(refused(carried("answered", true), "E_COMMAND_NOT_ALLOWED"), None);
    let swept = |command: CommandRow<'static>| {
        let call = CommandSweepCall { now_ms: NOW, command };
        let CommandAnswer::Written { writes } = plan_command_sweep(&call) else { panic!() };
        writes.first().map(|write| (write.state, write.request))
    };
    let late =
        CommandRow { state: Queued, lease: None, expires_at_ms: Some(NOW), ..carried("answering", true) };
    assert_eq!(swept(late), Some((Expired, pending)));
    let abandoned = CommandRow { lease: lease(2, NOW), lapses: 3, ..carried("answering", true) };
    assert_eq!(swept(abandoned), Some((Refused, pending)));
    let silent = CommandRow { state: Delivered, lease: lease(2, NOW), ..carried("answering", true) };
    assert_eq!(swept(silent), Some((Unknown, None)), "Codex may have it");
}

// ---- by itself

#[test]
fn what_comes_to_its_end_by_itself() {
    let late = |command: CommandRow<'static>| CommandRow { expires_at_ms: Some(NOW), ..command };
    let target = |status, source| Target {
        turn: Some(TargetTurn { status, source, ..RUNNING }),
        request: Some(TargetRequest { status: "expired", payload: None, carried: false }),
    };
    let over = |kind| CommandRow { target: target("completed", Some("codex")), ..of_kind(kind, Queued) };
    let plain = |state, code| CommandWrite { turn: TurnFate::Keep, ..ended(0, state, code) };
    let requeued = |lapses| CommandWrite { lapses, ..write(0, Queued) };
    let none = None;
    let cases = [
        ("queued", row(Queued), none.clone()),
        ("queued, its time over", late(row(Queued)), Some(ended(0, Expired, Code::ECommandExpired))),
        ("queued without a time", CommandRow { expires_at_ms: None, ..row(Queued) }, none.clone()),
        ("leased", row(Leased), none.clone()),
        ("leased, its time over", late(row(Leased)), none.clone()),
        ("leased, lapsed", lapsed(Leased), Some(requeued(1))),
        ("lapsed twice before", CommandRow { lapses: 2, ..lapsed(Leased) }, Some(requeued(3))),
        (
            "lapsed three times before",
            CommandRow { lapses: 3, ..lapsed(Leased) },
            Some(CommandWrite { lapses: 3, ..ended(0, Refused, Code::ECommandAbandoned) }),
        ),
        (
            "leased, lapsed, its time over",
            late(lapsed(Leased)),
            Some(CommandWrite { lapses: 1, ..ended(0, Expired, Code::ECommandExpired) }),
        ),
        ("leased without a lease", CommandRow { lease: None, ..row(Leased) }, Some(requeued(1))),
        ("delivered", row(Delivered), none.clone()),
        ("delivered, its time over", late(row(Delivered)), none.clone()),
        ("delivered, lapsed", lapsed(Delivered), Some(ended(0, Unknown, Code::ECommandUnknown))),
        ("unknown, long ago", late(lapsed(Unknown)), none.clone()),
        ("accepted, long ago", late(lapsed(Accepted)), none.clone()),
        ("refused, long ago", late(lapsed(Refused)), none.clone()),
        ("expired, long ago", late(lapsed(Expired)), none.clone()),
        ("cancelled, long ago", late(lapsed(Cancelled)), none.clone()),
        ("a turn names none", over(Turn), none.clone()),
        ("a steer dies with its turn", over(Steer), Some(plain(Refused, Code::ECommandTargetGone))),
        ("an interrupt dies with its turn", over(Interrupt), Some(plain(Expired, Code::ECommandTargetGone))),
        ("a decision dies with its request", over(Decide), Some(plain(Expired, Code::ECommandTargetGone))),
        ("an answer dies with its request", over(Answer), Some(plain(Expired, Code::ECommandTargetGone))),
        (
            "an interrupt outlives the client's own mark",
            CommandRow { target: target("interrupted", Some("client")), ..of_kind(Interrupt, Queued) },
            none,
        ),
    ];
    for (case, command, want) in cases {
        let swept = plan_command_sweep(&CommandSweepCall { now_ms: NOW, command });
        let writes: Vec<_> = want.into_iter().collect();
        let again = CommandAnswer::Wait { due_at: NOW + 600_000.0 };
        let moved = CommandAnswer::Written { writes: writes.clone() };
        assert_eq!(swept, if writes.is_empty() { again } else { moved }, "sweep: {case}");
        let CommandAnswer::Leased { writes: leased, handed, .. } = plan_lease(&lease_call(vec![command]))
        else {
            panic!("{case}");
        };
        let kept: Vec<_> =
            writes.into_iter().filter(|write| write.state != Queued || handed.is_empty()).collect();
        assert_eq!(leased, kept, "lease: {case}");
    }
}

// ---- lease

fn lease_call(commands: Vec<CommandRow<'static>>) -> CommandLeaseCall<'static> {
    CommandLeaseCall {
        now_ms: NOW,
        runtime: BOUND,
        bound: Some(BOUND),
        running: false,
        beat: None,
        taken: None,
        limit: 10.0,
        tokens: vec!["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"],
        commands,
    }
}

/// The rows that are handed out, in order.
fn handed(call: &CommandLeaseCall<'_>) -> Vec<usize> {
    match plan_lease(call) {
        CommandAnswer::Leased { handed, .. } => handed.iter().map(|one| one.row).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_the_bound_runtime_leases() {
    let of = |bound| code(&plan_lease(&CommandLeaseCall { bound, ..lease_call(vec![row(Queued)]) }));
    for bound in [
        None,
        Some(Runtime { runtime_id: "other", ..BOUND }),
        Some(Runtime { generation: 3, ..BOUND }),
        Some(Runtime { device_id: "other", ..BOUND }),
    ] {
        assert_eq!(of(bound), Some(Code::ESyncSessionDeviceMismatch), "{bound:?}");
    }
    let unnamed = Runtime { runtime_id: "", generation: 0, ..BOUND };
    assert_eq!(of(Some(Runtime { device_id: "other", ..unnamed })), Some(Code::ESyncSessionDeviceMismatch));
    let long = crate::testing::keep("r".repeat(1_025));
    for nobody in ["", long] {
        let runtime = Runtime { runtime_id: nobody, ..BOUND };
        let call = CommandLeaseCall { bound: Some(unnamed), runtime, ..lease_call(vec![]) };
        assert_eq!(code(&plan_lease(&call)), Some(Code::ESyncSessionDeviceMismatch));
    }
}

#[test]
fn who_leases_writes_the_thread_from_then_on() {
    let binds = |bound| match plan_lease(&CommandLeaseCall { bound: Some(bound), ..lease_call(vec![]) }) {
        CommandAnswer::Leased { binds, .. } => binds,
        other => panic!("{other:?}"),
    };
    assert!(!binds(BOUND));
    assert!(binds(Runtime { generation: 1, ..BOUND }), "a newer start");
    assert!(binds(Runtime { runtime_id: "", generation: 0, ..BOUND }), "a session that named no runtime");
    // What the older start held goes back into the queue, and out again.
    let held = CommandRow { lease: lease(1, NOW + 1.0), ..row(Leased) };
    let older = Some(Runtime { generation: 1, ..BOUND });
    assert_eq!(handed(&CommandLeaseCall { bound: older, ..lease_call(vec![held]) }), [0]);
}

#[test]
fn a_lease_says_what_to_do_with_which_token_until_when() {
    let call = lease_call(vec![of_kind(Interrupt, Queued), CommandRow { order: 1, ..lapsed(Leased) }]);
    let CommandAnswer::Leased { writes, handed, .. } = plan_lease(&call) else { panic!() };
    assert_eq!(writes, vec![CommandWrite { lapses: 1, ..write(1, Queued) }], "it waits for the interrupt");
    assert_eq!(handed.len(), 1);
    assert_eq!((handed[0].row, handed[0].token, handed[0].expires_at), (0, 0, NOW + 60_000.0));
    assert_eq!((handed[0].turn_id.as_deref(), handed[0].lapses), (Some("U"), 0));
    let CommandAnswer::Leased { writes, handed, .. } = plan_lease(&lease_call(vec![lapsed(Leased)])) else {
        panic!()
    };
    assert_eq!(
        (writes.len(), handed[0].lapses, handed[0].turn_id.clone()),
        (0, 1, None),
        "handed out again at once"
    );
}

#[test]
fn every_state_of_another_turn_and_what_then_goes() {
    // An open turn of the thread in each state, then a turn, a steer and an interrupt that are queued.
    let rest = [of_kind(Turn, Queued), of_kind(Steer, Queued), of_kind(Interrupt, Queued)];
    let with = |first: CommandRow<'static>, keep: &[usize]| {
        let mut commands = vec![first];
        commands.extend(keep.iter().zip(1..).map(|(at, order)| CommandRow { order, ..rest[*at] }));
        handed(&lease_call(commands))
    };
    for (state, turn, steer, interrupt) in [
        (Queued, vec![0], vec![0], vec![1]),
        (Leased, vec![], vec![], vec![1]),
        (Delivered, vec![], vec![], vec![1]),
        (Unknown, vec![1], vec![1], vec![1]),
        (Accepted, vec![1], vec![1], vec![1]),
        (Refused, vec![1], vec![1], vec![1]),
        (Expired, vec![1], vec![1], vec![1]),
        (Cancelled, vec![1], vec![1], vec![1]),
    ] {
        assert_eq!(with(row(state), &[0]), turn, "turn after {state:?}");
        assert_eq!(with(row(state), &[1]), steer, "steer after {state:?}");
        assert_eq!(with(row(state), &[2]), interrupt, "interrupt after {state:?}");
    }
}

#[test]
fn interrupts_come_first_then_the_promoted_then_the_order_of_sending() {
    let at = |order, rank, kind| CommandRow { order, rank, ..of_kind(kind, Queued) };
    let commands =
        vec![at(3, 0, Decide), at(1, 0, Answer), at(5, 0, Steer), at(4, 2, Decide), at(6, 3, Answer)];
    assert_eq!(handed(&lease_call(commands.clone())), [4, 3, 1, 0, 2]);
    let mut stopped = commands.clone();
    stopped.push(at(9, 0, Interrupt));
    stopped.push(at(8, 0, Interrupt));
    assert_eq!(handed(&lease_call(stopped.clone())), [6, 5, 4, 3, 1, 0, 2]);
    for (limit, count) in [(2.0, 2), (0.0, 1), (f64::NAN, 1), (1e9, 7)] {
        assert_eq!(
            handed(&CommandLeaseCall { limit, ..lease_call(stopped.clone()) }).len(),
            count,
            "{limit}"
        );
    }
    let few = CommandLeaseCall { tokens: vec!["t"], ..lease_call(stopped) };
    assert_eq!(handed(&few), [6], "no lease without a token");
}

#[test]
fn a_turn_is_the_last_of_a_lease_and_waits_for_the_one_that_runs() {
    let at = |order, kind| CommandRow { order, ..of_kind(kind, Queued) };
    let commands = vec![at(0, Decide), at(1, Turn), at(2, Decide), at(3, Turn)];
    assert_eq!(handed(&lease_call(commands.clone())), [0, 1]);
    let running = CommandLeaseCall { running: true, ..lease_call(commands.clone()) };
    assert_eq!(handed(&running), [0, 2], "what is not a turn overtakes those that wait");
    let mut stopping = commands;
    stopping.push(CommandRow { order: 4, ..of_kind(Interrupt, Delivered) });
    assert_eq!(handed(&lease_call(stopping)), [0, 2], "an interrupt must not meet the next turn");
}

#[test]
fn a_turn_waits_for_the_one_that_codex_took_until_that_is_over_or_would_have_been_heard_of() {
    let queue = vec![of_kind(Turn, Queued), CommandRow { order: 1, ..of_kind(Steer, Queued) }];
    for (case, at_ms, over, want) in [
        ("taken", NOW, false, &[1][..]),
        ("for a minute", NOW - 59_999.0, false, &[1]),
        ("a minute ago", NOW - 60_000.0, false, &[0]),
        ("over", NOW, true, &[0]),
    ] {
        let taken = Some(TakenTurn { at_ms, over });
        assert_eq!(handed(&CommandLeaseCall { taken, ..lease_call(queue.clone()) }), want, "{case}");
    }
}

#[test]
fn a_turn_waits_for_the_one_of_the_last_beat() {
    let told = LastBeat { away: false, generation: 2, turn_over: Some(false) };
    for (case, beat, goes) in [
        ("it runs", Some(told), false),
        ("the rows know of its end", Some(LastBeat { turn_over: Some(true), ..told }), true),
        ("it names no turn", Some(LastBeat { turn_over: None, ..told }), true),
        ("no beat came for long", Some(LastBeat { away: true, ..told }), true),
        ("of an earlier start", Some(LastBeat { generation: 1, ..told }), true),
        ("it never beat", None, true),
    ] {
        let call = CommandLeaseCall { beat, ..lease_call(vec![row(Queued)]) };
        assert_eq!(handed(&call).len(), usize::from(goes), "{case}");
    }
}

#[test]
fn what_names_a_turn_that_codex_does_not_know_yet_waits() {
    let waiting = WAITING;
    for kind in [Steer, Interrupt] {
        let command =
            CommandRow { target: Target { turn: Some(waiting), request: None }, ..of_kind(kind, Queued) };
        assert_eq!(handed(&lease_call(vec![command])), Vec::<usize>::new(), "{kind:?}");
    }
}

#[test]
fn a_new_start_of_the_runtime_settles_what_the_old_one_held() {
    let old = |state, lapses| CommandRow { lease: lease(1, NOW + 9.0), lapses, ..row(state) };
    let CommandAnswer::Leased { writes, .. } = plan_lease(&lease_call(vec![old(Delivered, 0)])) else {
        panic!()
    };
    assert_eq!(writes, vec![ended(0, Unknown, Code::ECommandUnknown)]);
    let CommandAnswer::Leased { handed, .. } = plan_lease(&lease_call(vec![old(Leased, 0)])) else {
        panic!()
    };
    assert_eq!(handed[0].lapses, 1);
    let theirs = Some(Lease { runtime_id: "other", ..lease(1, NOW + 9.0).unwrap() });
    let other = CommandRow { lease: theirs, ..row(Delivered) };
    assert_eq!(
        plan_lease(&lease_call(vec![other])),
        CommandAnswer::Leased { writes: vec![], handed: vec![], binds: false }
    );
}

// ---- edit, promote, cancel

fn call(command: Option<CommandRow<'static>>) -> CommandCall<'static> {
    CommandCall { now_ms: NOW, bound: Some(BOUND), command }
}

fn edit(command: CommandRow<'static>, payload_json: &'static str) -> CommandEditCall<'static> {
    CommandEditCall { command: call(Some(command)), before_json: TURN_JSON, payload_json }
}

fn promote(command: CommandRow<'static>) -> CommandPromoteCall<'static> {
    CommandPromoteCall {
        command: call(Some(command)),
        ranks: vec![1, 2, 0],
        expected_turn_id: None,
        running: Some(RunningTurn { turn_id: "U", client_turn_id: Some("c") }),
    }
}

const EDITED: &str = r#"{"clientTurnId":"c","input":[{"text":"new"},{"text":"words"}]}"#;

#[test]
fn a_command_is_edited_promoted_and_cancelled_while_it_is_queued() {
    let late = Some(Code::ECommandTooLate);
    for state in STATES {
        let command = row(state);
        let want = if state == Queued { None } else { late };
        assert_eq!(code(&plan_edit(&edit(command, EDITED))), want, "edit {state:?}");
        assert_eq!(code(&plan_promote(&promote(command))), want, "promote {state:?}");
        let want = if state == Cancelled { None } else { want };
        assert_eq!(code(&plan_cancel(&call(Some(command)))), want, "cancel {state:?}");
    }
    assert_eq!(
        plan_edit(&edit(row(Queued), EDITED)),
        CommandAnswer::Edit { input_summary: "new\nwords".into() }
    );
    assert_eq!(plan_promote(&promote(row(Queued))), CommandAnswer::Promote { rank: 3, steers: None });
    assert_eq!(plan_cancel(&call(Some(row(Queued)))), written(ended(0, Cancelled, Code::ECommandCancelled)));
    assert_eq!(plan_cancel(&call(Some(row(Cancelled)))), CommandAnswer::Keep);
    assert_eq!(code(&plan_cancel(&call(None))), Some(Code::ECommandNotFound));
    // A lapsed lease is none: its holder is told so when it reports.
    assert_eq!(
        plan_cancel(&call(Some(lapsed(Leased)))),
        written(ended(0, Cancelled, Code::ECommandCancelled))
    );
    assert_eq!(code(&plan_cancel(&call(Some(lapsed(Delivered))))), late);
    let over = CommandRow { expires_at_ms: Some(NOW), ..row(Queued) };
    assert_eq!(code(&plan_cancel(&call(Some(over)))), late);
}

#[test]
fn an_edit_changes_words_and_not_what_is_named() {
    for bad in ["{", r#"{"clientTurnId":"other","input":[{}]}"#, r#"{"input":[{}]}"#] {
        assert_eq!(code(&plan_edit(&edit(row(Queued), bad))), Some(Code::ECommandInvalid), "{bad}");
    }
    for kind in [Interrupt, Decide, Answer] {
        let answer = plan_edit(&edit(of_kind(kind, Queued), "{}"));
        assert_eq!(code(&answer), Some(Code::ECommandInvalid), "{kind:?}");
    }
    let large = crate::testing::keep(format!(
        r#"{{"clientTurnId":"c","input":[{{"text":"{}"}}]}}"#,
        "x".repeat(65_536)
    ));
    assert_eq!(code(&plan_edit(&edit(row(Queued), large))), Some(Code::ECommandTooLarge));
    let promoted =
        CommandRow { kind: Steer, target: Target { turn: Some(RUNNING), request: None }, ..row(Queued) };
    assert!(matches!(plan_edit(&edit(promoted, EDITED)), CommandAnswer::Edit { .. }));
}

#[test]
fn a_queued_turn_can_become_a_steer_of_the_turn_that_runs() {
    let steer = |expected_turn_id, command| {
        plan_promote(&CommandPromoteCall { expected_turn_id, ..promote(command) })
    };
    assert_eq!(steer(Some("U"), row(Queued)), CommandAnswer::Promote { rank: 3, steers: Some("U".into()) });
    assert_eq!(steer(Some("c"), row(Queued)), CommandAnswer::Promote { rank: 3, steers: Some("c".into()) });
    assert_eq!(code(&steer(Some("V"), row(Queued))), Some(Code::ECommandTargetGone));
    let alone = CommandPromoteCall { ranks: vec![], running: None, ..promote(row(Queued)) };
    assert_eq!(plan_promote(&alone), CommandAnswer::Promote { rank: 1, steers: None });
    let nothing_runs = CommandPromoteCall { expected_turn_id: Some("U"), ..alone };
    assert_eq!(code(&plan_promote(&nothing_runs)), Some(Code::ECommandTargetGone));
    assert_eq!(code(&steer(Some("U"), of_kind(Decide, Queued))), Some(Code::ECommandInvalid));
}

// ---- report

fn report(command: CommandRow<'static>, state: &'static str) -> CommandReportCall<'static> {
    CommandReportCall {
        now_ms: NOW,
        device_id: "d",
        bound: Some(BOUND),
        command: Some(command),
        lease_token: "t",
        state,
        turn_id: Some("U"),
        code: None,
        delivered_at_ms: None,
        turn: None,
        code_before: None,
    }
}

fn take(silent_at: Option<f64>) -> TurnFate {
    TurnFate::Take { turn_id: "U".into(), silent_at }
}

#[test]
fn a_report_leads_on_and_never_back() {
    let taken = CommandWrite { turn_id: Some("U".into()), turn: take(None), ..write(0, Accepted) };
    let refusal = CommandCode::Reported("E_COMMAND_REFUSED".into());
    let refused = CommandWrite { code: Some(refusal.clone()), turn: failed(refusal), ..write(0, Refused) };
    let to = |state| match state {
        Delivered => written(write(0, Delivered)),
        Accepted => written(taken.clone()),
        Refused => written(refused.clone()),
        Expired => written(ended(0, Expired, Code::ECommandExpired)),
        Unknown => written(ended(0, Unknown, Code::ECommandUnknown)),
        _ => panic!(),
    };
    let inputs = [
        ("delivered", Delivered),
        ("accepted", Accepted),
        ("refused", Refused),
        ("expired", Expired),
        ("unknown", Unknown),
    ];
    // Which inputs lead on, and which are the same again; all others lost their lease.
    let table: [(&str, CommandRow<'static>, &[CommandState], &[CommandState]); 11] = [
        ("queued", row(Queued), &[], &[]),
        ("leased", row(Leased), &[Delivered, Accepted, Refused, Expired, Unknown], &[]),
        ("leased, lapsed", lapsed(Leased), &[], &[]),
        ("leased by an earlier start", CommandRow { lease: lease(1, NOW + 9.0), ..row(Leased) }, &[], &[]),
        ("delivered", row(Delivered), &[Accepted, Refused, Expired, Unknown], &[Delivered]),
        ("delivered, lapsed", lapsed(Delivered), &[Accepted, Refused], &[]),
        ("unknown", row(Unknown), &[Accepted, Refused], &[Unknown]),
        ("accepted", row(Accepted), &[], &[Accepted]),
        ("refused", row(Refused), &[], &[Refused]),
        ("expired", row(Expired), &[], &[Expired]),
        ("cancelled", row(Cancelled), &[], &[]),
    ];
    for (case, command, forwards, repeats) in table {
        for (name, state) in inputs {
            let call = CommandReportCall { code_before: Some("E_COMMAND_REFUSED"), ..report(command, name) };
            let answer = plan_report(&call);
            if forwards.contains(&state) {
                assert_eq!(answer, to(state), "{case}, {name}");
            } else if repeats.contains(&state) {
                assert_eq!(answer, CommandAnswer::Keep, "{case}, {name}");
            } else {
                assert_eq!(code(&answer), Some(Code::ECommandLeaseLost), "{case}, {name}: {answer:?}");
            }
            let old = plan_report(&CommandReportCall { lease_token: "old", ..call });
            if command.lease.is_some() {
                assert_eq!(code(&old), Some(Code::ECommandLeaseLost), "old token: {case}, {name}");
            }
        }
    }
}

#[test]
fn another_word_on_an_ended_command_is_late() {
    let accepted = CommandReportCall { turn_id: Some("V"), ..report(row(Accepted), "accepted") };
    assert_eq!(code(&plan_report(&accepted)), Some(Code::ECommandLeaseLost));
    let refused = CommandReportCall {
        code: Some("E_OTHER"),
        code_before: Some("E_ONE"),
        ..report(row(Refused), "refused")
    };
    assert_eq!(code(&plan_report(&refused)), Some(Code::ECommandLeaseLost));
}

#[test]
fn only_the_bound_runtime_reports() {
    let of = |bound, device_id| {
        code(&plan_report(&CommandReportCall { bound, device_id, ..report(row(Leased), "delivered") }))
    };
    assert_eq!(of(Some(BOUND), "d"), None);
    let mismatch = Some(Code::ESyncSessionDeviceMismatch);
    assert_eq!(of(None, "d"), mismatch);
    assert_eq!(of(Some(BOUND), "other"), mismatch);
    assert_eq!(of(Some(Runtime { runtime_id: "other", ..BOUND }), "d"), mismatch);
    let unnamed = Some(Runtime { runtime_id: "", generation: 0, ..BOUND });
    assert_eq!((of(unnamed, "d"), of(unnamed, "other")), (None, mismatch));
    let missing = CommandReportCall { command: None, ..report(row(Leased), "delivered") };
    assert_eq!(code(&plan_report(&missing)), Some(Code::ECommandNotFound));
}

#[test]
fn what_is_no_report_is_refused() {
    for state in ["queued", "leased", "cancelled", "done", ""] {
        assert_eq!(code(&plan_report(&report(row(Leased), state))), Some(Code::ECommandInvalid), "{state}");
    }
    for turn_id in [None, Some("")] {
        let call = CommandReportCall { turn_id, ..report(row(Delivered), "accepted") };
        assert_eq!(code(&plan_report(&call)), Some(Code::ECommandInvalid));
    }
    let interrupt = CommandReportCall { turn_id: None, ..report(of_kind(Interrupt, Delivered), "accepted") };
    assert_eq!(plan_report(&interrupt), written(write(0, Accepted)));
}

#[test]
fn nothing_is_given_to_codex_after_its_time() {
    let late = CommandRow { expires_at_ms: Some(NOW), ..row(Leased) };
    assert_eq!(code(&plan_report(&report(late, "delivered"))), Some(Code::ECommandExpired));
    let delivered = CommandRow { expires_at_ms: Some(NOW), ..row(Delivered) };
    assert!(matches!(plan_report(&report(delivered, "accepted")), CommandAnswer::Written { .. }));
}

#[test]
fn what_becomes_of_the_queued_turn() {
    let fate = |command, state, delivered_at_ms, turn| match plan_report(&CommandReportCall {
        delivered_at_ms,
        turn,
        ..report(command, state)
    }) {
        CommandAnswer::Written { writes } => writes[0].turn.clone(),
        other => panic!("{other:?}"),
    };
    let join = || TurnFate::Join { turn_id: "U".into() };
    let steered = || TurnFate::Steered { turn_id: "U".into() };
    let turn = |client_turn_id, started, created_at_ms| {
        Some(ReportedTurn { client_turn_id, started, created_at_ms })
    };
    let delivered = row(Delivered);
    let promoted = CommandRow { kind: Steer, ..delivered };
    let plain = CommandRow { client_turn_id: None, shown: None, ..delivered };
    let as_shown =
        |status, source| CommandRow { shown: Some(TargetTurn { status, source, ..WAITING }), ..row(Unknown) };
    let at = Some(NOW - 5.0);
    for (case, command, state, at, turn, want) in [
        ("the id is new", delivered, "accepted", at, None, take(None)),
        ("taken before", delivered, "accepted", at, turn(Some("c"), true, NOW), take(None)),
        ("ingest was first", delivered, "accepted", at, turn(None, true, NOW), join()),
        ("made with the delivery", delivered, "accepted", at, turn(None, true, NOW - 5.0), join()),
        ("another command's turn", delivered, "accepted", at, turn(Some("x"), true, NOW), steered()),
        ("it ran before the delivery", delivered, "accepted", at, turn(None, true, NOW - 6.0), steered()),
        ("it ran before, undelivered", delivered, "accepted", None, turn(None, true, NOW - 1.0), steered()),
        ("it was there and had not begun", delivered, "accepted", at, turn(None, false, NOW - 6.0), join()),
        ("promoted to a steer", promoted, "accepted", at, turn(None, true, NOW), steered()),
        ("settled", row(Unknown), "accepted", at, None, take(None)),
        ("settled, and failed", as_shown("failed", Some("sweep")), "accepted", at, None, take(Some(NOW))),
        ("settled, ended by codex", as_shown("failed", Some("codex")), "accepted", at, None, take(None)),
        ("settled, silent", as_shown("interrupted", Some("sweep")), "accepted", at, None, take(None)),
        ("delivered", row(Leased), "delivered", at, None, TurnFate::Keep),
        ("no queued turn", plain, "accepted", at, None, TurnFate::Keep),
        ("no queued turn", plain, "refused", at, None, TurnFate::Keep),
    ] {
        assert_eq!(fate(command, state, at, turn), want, "{case}");
    }
}

#[test]
fn a_commands_end_is_its_turns_unless_another_word_came_before() {
    let refused = || failed(CommandCode::Reported("E_COMMAND_REFUSED".into()));
    for (status, source, ends) in [
        ("queued", None, true),
        ("queued", Some("client"), true),
        ("failed", Some("sweep"), true),
        ("interrupted", Some("sweep"), true),
        ("inProgress", None, false),
        ("completed", Some("codex"), false),
        ("interrupted", Some("client"), false),
        ("failed", Some("local"), false),
    ] {
        let shown = Some(TargetTurn { status, source, ..WAITING });
        let fate = |answer| match answer {
            CommandAnswer::Written { writes } => writes[0].turn.clone(),
            other => panic!("{other:?}"),
        };
        let reported = fate(plan_report(&report(CommandRow { shown, ..row(Delivered) }, "refused")));
        assert_eq!(reported, if ends { refused() } else { TurnFate::Keep }, "{status} {source:?}");
        let cancelled = fate(plan_cancel(&call(Some(CommandRow { shown, ..row(Queued) }))));
        assert_eq!(cancelled, if ends { withdrawn() } else { TurnFate::Keep }, "{status} {source:?}");
    }
}

#[test]
fn an_open_command_is_asked_for_when_its_lease_or_its_time_ends() {
    let due = |command: CommandRow<'_>, state| command.moved(0, state, None, NOW).due_at;
    let both = CommandRow { expires_at_ms: Some(NOW + 5.0), ..row(Leased) };
    let neither = CommandRow { expires_at_ms: None, lease: None, ..row(Leased) };
    for state in [Leased, Delivered] {
        assert_eq!((due(both, state), due(neither, state)), (Some(NOW + 1.0), Some(NOW + 600_000.0)));
    }
    assert_eq!((due(both, Queued), due(neither, Queued)), (Some(NOW + 5.0), Some(NOW + 600_000.0)));
    for state in [Unknown, Accepted, Refused, Expired, Cancelled] {
        assert_eq!((due(both, state), due(neither, state)), (None, None), "{state:?}");
    }
    let sent = |kind, json| match plan_send(&send(kind, json)) {
        CommandAnswer::Insert { command, .. } => (command.expires_at, command.due_at),
        other => panic!("{other:?}"),
    };
    assert_eq!(sent("turn", TURN_JSON), (Some(NOW + 600_000.0), Some(NOW + 600_000.0)));
    assert_eq!(sent(KINDS[3].0, KINDS[3].1), (None, Some(NOW + 600_000.0)), "a decision has its request's");
}

#[test]
fn a_code_of_the_bridge_is_kept_if_it_is_one() {
    let long = crate::testing::keep(format!("E_{}", "X".repeat(63)));
    for (given, want) in [
        (Some("E_COMMAND_NOT_ALLOWED"), "E_COMMAND_NOT_ALLOWED"),
        (Some("E_1"), "E_1"),
        (None, "E_COMMAND_REFUSED"),
        (Some("no"), "E_COMMAND_REFUSED"),
        (Some("E_x"), "E_COMMAND_REFUSED"),
        (Some(long), "E_COMMAND_REFUSED"),
    ] {
        let call = CommandReportCall { code: given, ..report(row(Delivered), "refused") };
        let CommandAnswer::Written { writes } = plan_report(&call) else { panic!() };
        assert_eq!(writes[0].code, Some(CommandCode::Reported(want.into())));
        assert_eq!(writes[0].turn, failed(CommandCode::Reported(want.into())));
    }
}

// ---- the boundary

#[test]
fn calls_are_read_in_the_order_in_which_they_are_packed() {
    let nan = f64::NAN;
    // kind, state, order, rank, time, lapses, lease, client's turn, that turn, turn, target
    let row_texts = "turnleasedtrcqueuedUinProgress";
    let row_numbers = [
        4.0,
        6.0,
        3.0,
        1.0,
        NOW + 1.0,
        2.0,
        1.0,
        1.0,
        1.0,
        2.0,
        NOW + 1.0,
        1.0,
        1.0,
        -1.0,
        6.0,
        -1.0,
        -1.0,
        1.0,
        1.0,
        10.0,
        -1.0,
        0.0,
    ];
    let sweep = [&[NOW][..], &row_numbers].concat();
    let call = CommandSweepCall::unpack(Unpacker::new(row_texts, &sweep)).unwrap();
    let want = CommandRow {
        order: 3,
        rank: 1,
        lapses: 2,
        target: Target { turn: Some(RUNNING), request: None },
        ..row(Leased)
    };
    assert_eq!(call.command, want);
    let lost = [NOW, 4.0, 4.0, 0.0, 0.0, nan, 0.0, 0.0, -1.0, 0.0, -1.0, 0.0, 0.0];
    assert!(CommandSweepCall::unpack(Unpacker::new("turnlost", &lost)).is_err(), "a state that is none");

    let cancel = CommandCall::unpack(Unpacker::new("rd", &[NOW, 1.0, 1.0, 2.0, 1.0, 0.0])).unwrap();
    assert_eq!((cancel.bound, cancel.command), (Some(BOUND), None));
    let edited = CommandEditCall::unpack(Unpacker::new("ab", &[NOW, 0.0, 0.0, 1.0, 1.0])).unwrap();
    assert_eq!((edited.before_json, edited.payload_json), ("a", "b"));
    let numbers = [NOW, 0.0, 0.0, 2.0, 5.0, 3.0, 1.0, 1.0, 1.0, 1.0];
    let promoted = CommandPromoteCall::unpack(Unpacker::new("UVc", &numbers)).unwrap();
    let running = RunningTurn { turn_id: "V", client_turn_id: Some("c") };
    assert_eq!((promoted.ranks, promoted.expected_turn_id), (vec![5, 3], Some("U")));
    assert_eq!(promoted.running, Some(running));
    let leased = CommandLeaseCall::unpack(Unpacker::new(
        "rdab",
        &[NOW, 1.0, 2.0, 1.0, 0.0, 1.0, 1.0, 0.0, 2.0, 1.0, 1.0, 1.0, 7.0, 1.0, 4.0, 2.0, 1.0, 1.0, 0.0],
    ))
    .unwrap();
    assert_eq!((leased.runtime, leased.bound, leased.running), (BOUND, None, true));
    assert_eq!(leased.beat, Some(LastBeat { away: false, generation: 2, turn_over: Some(true) }));
    assert_eq!(leased.taken, Some(TakenTurn { at_ms: 7.0, over: true }));
    assert_eq!((leased.limit, leased.tokens), (4.0, vec!["a", "b"]));
    let reported = [NOW, 1.0, 0.0, 0.0, 1.0, 7.0, 1.0, 3.0, 8.0, 1.0, 1.0, 1.0, 9.0, -1.0];
    let reported = CommandReportCall::unpack(Unpacker::new("dtrefusedUE_1c", &reported)).unwrap();
    assert_eq!((reported.device_id, reported.lease_token, reported.state), ("d", "t", "refused"));
    assert_eq!(
        (reported.turn_id, reported.code, reported.delivered_at_ms),
        (Some("U"), Some("E_1"), Some(8.0))
    );
    let turn = ReportedTurn { client_turn_id: Some("c"), started: true, created_at_ms: 9.0 };
    assert_eq!(reported.turn, Some(turn));

    let texts = ["kinterrupt{}turn{}UinProgressqueuedpending?m", row_texts].concat();
    let texts = texts.as_str();
    let numbers = [
        1.0, NOW, 1.0, -1.0, 7.0, 0.0, -1.0, 1.0, 9.0, 2.0, nan, 1.0, 1.0, 0.0, 4.0, 2.0, 5.0, 9.0, 4.0, 1.0,
        1.0, 1.0, 10.0, -1.0, 0.0, 1.0, -1.0, 6.0, -1.0, 1.0, 7.0, 1.0, 1.0, 1.0, 1.0,
    ];
    let numbers = [&numbers[..], &row_numbers].concat();
    let call = InterruptSendCall::unpack(Unpacker::new(texts, &numbers)).unwrap();
    assert!(call.bound && call.send.own);
    assert_eq!((call.send.command_id, call.send.kind, call.send.payload_json), ("k", "interrupt", "{}"));
    assert_eq!(
        call.send.sent_before,
        Some(Sent { same_thread: false, kind: "turn", payload_json: "{}", ttl_ms: Some(5.0) })
    );
    assert_eq!((call.send.open_count, call.send.next_order), (9, 4));
    let named = call.send.named.unwrap();
    assert_eq!((named.turn, named.client_turn), (Some(RUNNING), Some(WAITING)));
    assert_eq!(
        (named.request, named.method, named.same),
        (Some(TargetRequest { payload: Some("?"), carried: true, ..PENDING }), Some("m"), Some(want))
    );
    let asks = [1.0, 1.0, 1.0, 1.0, -1.0, -1.0, nan, nan, 9.0, -1.0, 0.0, 1.0, 1.0];
    let (asking_texts, asking) = ([texts, "0xUansweringdp"].concat(), [&numbers[1..], &asks].concat());
    let decides = DecisionSendCall::unpack(Unpacker::new(&asking_texts, &asking)).unwrap();
    let asked = decides.asked.unwrap();
    assert_eq!((decides.send.command_id, asked.request.id), ("k", "0"));
    assert_eq!(asked.request.state, RequestState::Answering);
    assert_eq!((asked.decision, asked.payload), (Some("d"), Some("p")));
    assert!(DecisionSendCall::unpack(Unpacker::new(&asking_texts, &asking[..asking.len() - 1])).is_err());
    assert!(CommandSendCall::unpack(Unpacker::new(texts, &numbers[1..])).is_ok());
    let all = [&[2.0][..], &numbers[1..], &numbers[1..]].concat();
    let both = [texts, texts].concat();
    let calls = CommandSendCall::unpack_all(Unpacker::new(&both, &all)).unwrap();
    assert_eq!((calls.len(), calls[1].command_id), (2, "k"));
    assert!(CommandSendCall::unpack_all(Unpacker::new(&both, &all[..all.len() - 1])).is_err());
}

#[test]
fn answers_are_plain_data() {
    let json = |answer: &CommandAnswer| serde_json::to_string(&crate::answer::to_value(answer)).unwrap();
    let report = plan_report(&report(row(Delivered), "refused"));
    assert_eq!(
        json(&report),
        r#"{"type":"written","writes":[{"row":0.0,"state":"refused","code":"E_COMMAND_REFUSED","lapses":0.0,"lease":"clear","turn":{"type":"end","status":"failed","source":"sweep","error":"E_COMMAND_REFUSED"}}]}"#
    );
    let swept = plan_command_sweep(&CommandSweepCall { now_ms: NOW, command: lapsed(Delivered) });
    assert!(json(&swept).contains(r#""state":"unknown","code":"E_COMMAND_UNKNOWN""#), "{}", json(&swept));
}

#[test]
fn a_payload_names_short_ids_and_its_words_are_cut() {
    let read = |kind, json: String| super::payload::CommandPayload::read(kind, &json);
    let text = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
    for (bytes, fits) in
        [(0, false), (1, true), (ID_BYTES_MAX, true), (ID_BYTES_MAX + 1, false), (4_000, false)]
    {
        let id = "i".repeat(bytes);
        let steer = format!(r#"{{"expectedTurnId":"{id}","input":[{}]}}"#, text("hi"));
        assert_eq!(read(Steer, steer).is_ok(), fits, "{bytes}");
    }
    let said = |texts: &[&str]| {
        let members: Vec<String> = texts.iter().copied().map(text).collect();
        read(Turn, format!(r#"{{"input":[{}]}}"#, members.join(","))).unwrap().input_summary
    };
    assert_eq!(said(&["a", "b", "c"]), "a\nb\nc");
    let long = "é".repeat(INPUT_SUMMARY_UNITS_MAX);
    assert_eq!(said(&[&long, "more"]), long);
    assert_eq!(said(&["more", &long]).encode_utf16().count(), INPUT_SUMMARY_UNITS_MAX);
}

#[test]
fn one_lease_hands_out_100_commands() {
    let commands = |limit| {
        let target = Target { turn: Some(RUNNING), request: None };
        let rows = (0..102).map(|order| CommandRow { kind: Interrupt, order, target, ..row(Queued) });
        handed(&CommandLeaseCall { limit, tokens: vec!["t"; 102], ..lease_call(rows.collect()) }).len()
    };
    assert_eq!([99.0, 100.0, 101.0, 1e9, f64::INFINITY].map(commands), [99, 100, 100, 100, 100]);
    assert_eq!([2.0, 1.0, 0.5, 0.0, -3.0, f64::NAN].map(commands), [2, 1, 1, 1, 1, 1]);
}

#[test]
fn states_and_kinds_are_read_as_they_are_written() {
    for state in STATES {
        assert_eq!(CommandState::read(&crate::testing::name(&state)), Some(state));
    }
    for kind in [Turn, Steer, Interrupt, Decide, Answer] {
        assert_eq!(CommandKind::read(&crate::testing::name(&kind)), Some(kind));
    }
    assert_eq!((CommandState::read("Queued"), CommandKind::read("")), (None, None));
}
