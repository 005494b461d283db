//! Presence: what a user's machines are doing now, as their runtimes tell it every 15 seconds.
//!
//! Queries read no clock: `away` is written by an expiry. Each beat moves it by moving the row's `awayAt`; the expiry that
//! comes too early runs again then, so that a beat touches no scheduled function.

use crate::command::row::{CommandRow, CommandState, Runtime};
use crate::error::Code;
use crate::limits::{
    CATCHING_UP_EVENTS, COMMAND_LEASE_MS, ID_BYTES_MAX, PRESENCE_AWAY_MS, PRESENCE_THREADS_MAX,
    PRESENCE_TTL_MS, RUNTIMES_MAX,
};
use crate::pack::{Misfit, Unpacker, safe_integer};
use serde::Serialize;
use tsify::Tsify;

/// A runtime's row, as it was loaded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PresenceRow<'a> {
    /// The device that beat last.
    pub device_id: &'a str,
    /// Its start of the bridge.
    pub generation: u64,
    /// The server's clock at which it is away, in milliseconds.
    pub away_at_ms: f64,
    /// Whether that was written.
    pub away: bool,
}

/// A thread, as a beat tells of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeatThread<'a> {
    /// The thread.
    pub thread_id: &'a str,
    /// The turn that runs.
    pub turn_id: Option<&'a str>,
    /// Requests that wait for an answer, as it was sent.
    pub pending_requests: f64,
    /// Events in the outbox, as it was sent.
    pub outbox_events: f64,
    /// The sender's clock at the oldest of them, in milliseconds: for display only.
    pub oldest_event_at_ms: Option<f64>,
}

/// A command of a thread that the runtime beats for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeatCommand<'a> {
    /// Whether the beating runtime writes its thread.
    pub bound: bool,
    /// Whether a lease in its thread is not renewed, so that it lapses: the runtime may not have it.
    pub lets_lapse: bool,
    /// The command.
    pub command: CommandRow<'a>,
}

/// A `presence.beat`.
#[derive(Clone, Debug)]
pub struct BeatCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// Who beats.
    pub runtime: Runtime<'a>,
    /// The name of the bridge's phase.
    pub phase: &'a str,
    /// The name of the state of the login, where it is known.
    pub login: Option<&'a str>,
    /// Its threads.
    pub threads: Vec<BeatThread<'a>>,
    /// The row of before.
    pub row: Option<PresenceRow<'a>>,
    /// How many rows the user has, where there was none before, and the one of them that beat longest ago.
    pub held: u64,
    /// See `held`.
    pub oldest: Option<PresenceRow<'a>>,
    /// Commands of its threads that are not at their end.
    pub commands: Vec<BeatCommand<'a>>,
}

impl<'a> BeatCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let (now_ms, runtime) = (call.number(), Runtime::unpack_given(&mut call));
        let read = Self {
            now_ms,
            runtime,
            phase: call.text(),
            login: call.optional_text(),
            threads: call.list(|call| BeatThread {
                thread_id: call.text(),
                turn_id: call.optional_text(),
                pending_requests: call.number(),
                outbox_events: call.number(),
                oldest_event_at_ms: call.optional_number(),
            }),
            row: call.optional(PresenceRow::unpack),
            held: call.integer(),
            oldest: call.optional(PresenceRow::unpack),
            commands: call.list(|call| BeatCommand {
                bound: call.optional(Runtime::unpack).is_some_and(|bound| bound.admits(runtime)),
                lets_lapse: call.flag(),
                command: CommandRow::unpack(call),
            }),
        };
        call.end(read)
    }
}

impl<'a> PresenceRow<'a> {
    fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self {
            device_id: call.text(),
            generation: call.integer(),
            away_at_ms: call.number(),
            away: call.flag(),
        }
    }

    fn is_away(&self, now_ms: f64) -> bool {
        self.away || self.away_at_ms <= now_ms
    }
}

/// What the bridge does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Nothing: it has not begun, or has ended.
    Idle,
    /// It starts Codex.
    Starting,
    /// Codex is there.
    Ready,
    /// A turn runs.
    Running,
    /// Codex died, and is started again.
    Reconnecting,
    /// It ends.
    Stopping,
    /// It gave up.
    Failed,
    /// Something that this version does not know.
    #[default]
    Unknown,
}

impl Phase {
    /// The phase of a name; one that a newer bridge has is unknown.
    pub fn read(name: &str) -> Self {
        match name {
            "idle" => Self::Idle,
            "starting" => Self::Starting,
            "ready" => Self::Ready,
            "running" => Self::Running,
            "reconnecting" => Self::Reconnecting,
            "stopping" => Self::Stopping,
            "failed" => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// Whether Codex is logged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Login {
    /// It is.
    In,
    /// It is not.
    Out,
    /// Nobody has said.
    #[default]
    Unknown,
}

impl Login {
    /// The state of a name.
    pub fn read(name: &str) -> Self {
        match name {
            "in" => Self::In,
            "out" => Self::Out,
            _ => Self::Unknown,
        }
    }
}

/// The answer to what presence asks.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PresenceAnswer {
    /// Nothing is written.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        message: &'static str,
    },
    /// A beat.
    Beat {
        /// What the runtime is told: the server's clock, in milliseconds.
        now: f64,
        /// And how many commands it can lease.
        commands_waiting: u64,
        /// The row; none where a newer start of the runtime has beaten.
        #[tsify(optional)]
        row: Option<PresenceWrite>,
        /// Whether the user's oldest row goes, to make room for this one.
        forget: bool,
        /// Whether an expiry has to be scheduled, for the row's `awayAt`: none is on its way.
        schedule: bool,
        /// Commands whose lease is renewed, by their index in the call.
        renewed: Vec<usize>,
        /// The server's clock at the end of their leases, in milliseconds.
        lease_expires_at: f64,
    },
    /// An expiry: the row is away.
    Away,
    /// An expiry: it runs again then.
    Again {
        /// The server's clock, in milliseconds.
        at: f64,
    },
    /// An expiry: nothing is to do, and none is scheduled.
    Done,
}

/// A runtime's row, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct PresenceWrite {
    /// The start of the bridge.
    pub generation: u64,
    /// What the bridge does.
    pub phase: Phase,
    /// Whether Codex is logged in.
    pub login: Login,
    /// The server's clock at which it is away, in milliseconds.
    pub away_at: f64,
    /// The server's clock at which it is forgotten, in milliseconds.
    pub expires_at: f64,
    /// Its threads.
    pub threads: Vec<PresenceThread>,
}

/// A thread of a runtime's row.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct PresenceThread {
    /// The thread.
    pub thread_id: String,
    /// The turn that runs.
    #[tsify(optional)]
    pub turn_id: Option<String>,
    /// Requests that wait for an answer.
    pub pending_requests: u64,
    /// Events that are yet to arrive.
    pub behind: u64,
    /// Whether what is seen is old: "catching up, N behind".
    pub catching_up: bool,
    /// The sender's clock at the oldest of them, in milliseconds: for display only.
    #[tsify(optional)]
    pub oldest_event_at: Option<f64>,
}

/// Plans a `presence.beat`.
///
/// An older start of the runtime is answered and changes nothing. A runtime of another device is refused while that one
/// beats: nobody speaks for another device.
pub fn plan_beat(call: &BeatCall<'_>) -> PresenceAnswer {
    let message = "a runtime has an id, a text of 1 to 1,024 bytes, and counts its starts";
    if !call.runtime.is_known() {
        return PresenceAnswer::Rejected { code: Code::ECommandInvalid, message };
    }
    let is_others =
        call.row.is_some_and(|row| row.device_id != call.runtime.device_id && !row.is_away(call.now_ms));
    if is_others {
        let message = "another device beats for this runtime";
        return PresenceAnswer::Rejected { code: Code::ESyncSessionDeviceMismatch, message };
    }
    let forget = call.row.is_none() && call.held >= RUNTIMES_MAX;
    if forget && call.oldest.is_some_and(|oldest| !oldest.is_away(call.now_ms)) {
        let message = "as many runtimes of the user beat as one may have";
        return PresenceAnswer::Rejected { code: Code::EQuota, message };
    }
    let is_superseded = call.row.is_some_and(|row| row.generation > call.runtime.generation);
    let mut commands_waiting = 0;
    let mut renewed = Vec::new();
    for (member, at) in call.commands.iter().zip(0..) {
        if !member.bound || is_superseded {
            continue;
        }
        match member.command.present(call.now_ms, Some(call.runtime)).state {
            CommandState::Queued => commands_waiting += 1,
            CommandState::Leased | CommandState::Delivered
                if !member.lets_lapse && call.holds(&member.command) =>
            {
                renewed.push(at);
            }
            _ => {}
        }
    }
    PresenceAnswer::Beat {
        now: call.now_ms,
        commands_waiting,
        forget,
        schedule: !is_superseded && call.row.is_none_or(|row| row.away),
        row: (!is_superseded).then(|| call.row()),
        renewed,
        lease_expires_at: call.now_ms + COMMAND_LEASE_MS,
    }
}

impl BeatCall<'_> {
    fn holds(&self, command: &CommandRow<'_>) -> bool {
        command.lease.is_some_and(|lease| {
            lease.runtime_id == self.runtime.runtime_id && lease.generation == self.runtime.generation
        })
    }

    fn row(&self) -> PresenceWrite {
        let fits = |id: &str| !id.is_empty() && id.len() <= ID_BYTES_MAX;
        let threads = self.threads.iter().filter(|thread| fits(thread.thread_id)).take(PRESENCE_THREADS_MAX);
        PresenceWrite {
            generation: self.runtime.generation,
            phase: Phase::read(self.phase),
            login: self.login.map(Login::read).unwrap_or_default(),
            away_at: self.now_ms + PRESENCE_AWAY_MS,
            expires_at: self.now_ms + PRESENCE_TTL_MS,
            threads: threads
                .map(|thread| {
                    let behind = safe_integer(thread.outbox_events).unwrap_or(0);
                    PresenceThread {
                        thread_id: thread.thread_id.to_owned(),
                        turn_id: thread.turn_id.filter(|id| fits(id)).map(str::to_owned),
                        pending_requests: safe_integer(thread.pending_requests).unwrap_or(0),
                        behind,
                        catching_up: behind > CATCHING_UP_EVENTS,
                        oldest_event_at: thread.oldest_event_at_ms.filter(|ms| ms.is_finite()),
                    }
                })
                .collect(),
        }
    }
}

/// Plans an expiry of a runtime's row.
pub fn plan_presence_expiry(row: Option<PresenceRow<'_>>, now_ms: f64) -> PresenceAnswer {
    match row {
        None | Some(PresenceRow { away: true, .. }) => PresenceAnswer::Done,
        Some(row) if row.away_at_ms > now_ms => PresenceAnswer::Again { at: row.away_at_ms },
        Some(_) => PresenceAnswer::Away,
    }
}

/// An expiry of a runtime's row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PresenceExpiryCall<'a> {
    /// The server's clock, in milliseconds.
    pub now_ms: f64,
    /// The row, where it still is.
    pub row: Option<PresenceRow<'a>>,
}

impl<'a> PresenceExpiryCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self { now_ms: call.number(), row: call.optional(PresenceRow::unpack) };
        call.end(read)
    }
}

/// A `presence.get`.
#[derive(Clone, Debug, PartialEq)]
pub struct PresenceViewCall<'a> {
    /// The place of the asked runtime among the rows, one beyond them where it has none; where the reader names none, none.
    pub asked: Option<u64>,
    /// The user's runtimes, the one that beat last first.
    pub runtimes: Vec<SeenRuntime<'a>>,
}

/// Which runtime a reader is shown, and how it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct PresenceSeen {
    /// Its row's index in the call; none where it never beat.
    #[tsify(optional)]
    pub row: Option<usize>,
    /// How it stands.
    pub view: PresenceView,
}

impl<'a> PresenceViewCall<'a> {
    /// Reads a call.
    ///
    /// # Errors
    /// [`Misfit`] where it was packed otherwise.
    pub fn unpack(mut call: Unpacker<'a>) -> Result<Self, Misfit> {
        let read = Self { asked: call.optional_integer(), runtimes: call.list(SeenRuntime::unpack) };
        call.end(read)
    }

    /// The asked runtime; where none is asked for, the one that has the thread, else one that beats, else the last that did.
    pub fn see(&self) -> PresenceSeen {
        let first = |fits: fn(&SeenRuntime<'_>) -> bool| self.runtimes.iter().position(fits);
        let row = match self.asked {
            Some(asked) => Some(asked as usize).filter(|at| *at < self.runtimes.len()),
            None => first(|one| !one.away && one.has_thread)
                .or_else(|| first(|one| !one.away))
                .or_else(|| first(|_| true)),
        };
        let others = self.runtimes.iter().zip(0..).filter(|(_, at)| Some(*at) != row);
        let others: Vec<_> = others.map(|(one, _)| *one).collect();
        let seen = row.and_then(|at| self.runtimes.get(at)).copied();
        PresenceSeen { row, view: view_presence(seen, &others) }
    }
}

/// A runtime's row, as a reader's query has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenRuntime<'a> {
    /// Whether it is away.
    pub away: bool,
    /// The name of its phase.
    pub phase: &'a str,
    /// The name of the state of its login.
    pub login: &'a str,
    /// Whether it has the thread.
    pub has_thread: bool,
}

impl<'a> SeenRuntime<'a> {
    /// Reads it.
    pub fn unpack(call: &mut Unpacker<'a>) -> Self {
        Self { away: call.flag(), phase: call.text(), login: call.text(), has_thread: call.flag() }
    }
}

/// How it stands, from the machine down to the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct PresenceView {
    /// The machine.
    pub machine: Machine,
    /// The bridge on it.
    pub bridge: Bridge,
    /// The Codex that the bridge has.
    pub codex: Codex,
    /// Codex's login.
    pub login: Login,
    /// The thread.
    pub thread: ThreadPlace,
}

/// How it stands with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Machine {
    /// It beats.
    Here,
    /// It beat once.
    Away,
    /// It never beat.
    Never,
}

/// How it stands with a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Bridge {
    /// It works.
    Up,
    /// It said that it ends.
    Stopped,
    /// It said that it gave up.
    Failed,
    /// Its machine is away, or it speaks of what this version does not know.
    Unknown,
}

/// How it stands with Codex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Codex {
    /// It answers.
    Up,
    /// It is being started.
    Starting,
    /// It does not run.
    Down,
    /// Its machine is away, or its bridge does not say.
    Unknown,
}

/// Where a thread is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum ThreadPlace {
    /// On this machine.
    Here,
    /// On another one of the user's.
    Elsewhere,
    /// On none that beats.
    Nowhere,
}

/// How it stands with a runtime and a thread; `others` are the user's other runtimes.
pub fn view_presence(runtime: Option<SeenRuntime<'_>>, others: &[SeenRuntime<'_>]) -> PresenceView {
    let present = runtime.filter(|runtime| !runtime.away);
    let phase = present.map_or(Phase::Unknown, |runtime| Phase::read(runtime.phase));
    let is_elsewhere = others.iter().any(|other| !other.away && other.has_thread);
    PresenceView {
        machine: match runtime {
            None => Machine::Never,
            Some(runtime) if runtime.away => Machine::Away,
            Some(_) => Machine::Here,
        },
        bridge: match phase {
            Phase::Starting | Phase::Ready | Phase::Running | Phase::Reconnecting => Bridge::Up,
            Phase::Idle | Phase::Stopping => Bridge::Stopped,
            Phase::Failed => Bridge::Failed,
            Phase::Unknown => Bridge::Unknown,
        },
        codex: match phase {
            Phase::Ready | Phase::Running => Codex::Up,
            Phase::Starting | Phase::Reconnecting => Codex::Starting,
            Phase::Idle | Phase::Stopping | Phase::Failed => Codex::Down,
            Phase::Unknown => Codex::Unknown,
        },
        login: present.map_or(Login::Unknown, |runtime| Login::read(runtime.login)),
        thread: match present {
            Some(runtime) if runtime.has_thread => ThreadPlace::Here,
            _ if is_elsewhere => ThreadPlace::Elsewhere,
            _ => ThreadPlace::Nowhere,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::row::{CommandKind, Lease, Target};

    const NOW: f64 = 1_000_000.0;
    const RUNTIME: Runtime<'static> = Runtime { runtime_id: "r", generation: 2, device_id: "d" };
    const ROW: PresenceRow<'static> =
        PresenceRow { device_id: "d", generation: 2, away_at_ms: NOW + 1.0, away: false };
    const THREAD: BeatThread<'static> = BeatThread {
        thread_id: "T",
        turn_id: Some("U"),
        pending_requests: 1.0,
        outbox_events: 101.0,
        oldest_event_at_ms: Some(5.0),
    };

    fn call(row: Option<PresenceRow<'static>>) -> BeatCall<'static> {
        let (threads, commands) = (vec![THREAD], vec![]);
        BeatCall {
            now_ms: NOW,
            runtime: RUNTIME,
            phase: "running",
            login: Some("in"),
            threads,
            row,
            held: 0,
            oldest: None,
            commands,
        }
    }

    fn command(state: CommandState, lease: Option<Lease<'static>>) -> BeatCommand<'static> {
        let command = CommandRow {
            kind: CommandKind::Turn,
            state,
            order: 0,
            rank: 0,
            expires_at_ms: Some(NOW + 1.0),
            lapses: 0,
            lease,
            client_turn_id: None,
            shown: None,
            turn_id: None,
            target: Target::default(),
        };
        BeatCommand { bound: true, lets_lapse: false, command }
    }

    fn lease(generation: u64, expires_at_ms: f64) -> Option<Lease<'static>> {
        Some(Lease { token: "t", runtime_id: "r", generation, expires_at_ms })
    }

    #[test]
    fn a_beat_writes_what_is_now_and_answers_the_clock() {
        let thread = PresenceThread {
            thread_id: "T".into(),
            turn_id: Some("U".into()),
            pending_requests: 1,
            behind: 101,
            catching_up: true,
            oldest_event_at: Some(5.0),
        };
        let row = PresenceWrite {
            generation: 2,
            phase: Phase::Running,
            login: Login::In,
            away_at: NOW + 60_000.0,
            expires_at: NOW + PRESENCE_TTL_MS,
            threads: vec![thread],
        };
        let want = PresenceAnswer::Beat {
            now: NOW,
            commands_waiting: 0,
            row: Some(row),
            forget: false,
            schedule: true,
            renewed: vec![],
            lease_expires_at: NOW + 60_000.0,
        };
        assert_eq!(plan_beat(&call(None)), want);
    }

    #[test]
    fn every_row_of_before_and_what_a_beat_does_to_it() {
        let away = PresenceRow { away: true, away_at_ms: NOW - 1.0, ..ROW };
        let late = PresenceRow { away_at_ms: NOW, ..ROW };
        let other = |row| PresenceRow { device_id: "other", ..row };
        let newer = |row| PresenceRow { generation: 3, ..row };
        // Written, scheduled; none where it is refused.
        for (case, row, want) in [
            ("none", None, Some((true, true))),
            ("here", Some(ROW), Some((true, false))),
            ("here, an older start", Some(PresenceRow { generation: 1, ..ROW }), Some((true, false))),
            ("here, a newer start", Some(newer(ROW)), Some((false, false))),
            ("late, its expiry on its way", Some(late), Some((true, false))),
            ("away", Some(away), Some((true, true))),
            ("away, a newer start", Some(newer(away)), Some((false, false))),
            ("another device, here", Some(other(ROW)), None),
            ("another device, here, a newer start", Some(newer(other(ROW))), None),
            ("another device, late", Some(other(late)), Some((true, false))),
            ("another device, away", Some(other(away)), Some((true, true))),
        ] {
            let got = match plan_beat(&call(row)) {
                PresenceAnswer::Beat { row, schedule, .. } => Some((row.is_some(), schedule)),
                PresenceAnswer::Rejected { code, .. } => {
                    assert_eq!(code, Code::ESyncSessionDeviceMismatch, "{case}");
                    None
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(got, want, "{case}");
        }
    }

    #[test]
    fn who_was_away_longest_makes_room_and_who_beats_does_not() {
        let away = PresenceRow { away: true, away_at_ms: NOW - 1.0, ..ROW };
        let late = PresenceRow { away_at_ms: NOW, ..ROW };
        let beat = |row, held, oldest| match plan_beat(&BeatCall { held, oldest, ..call(row) }) {
            PresenceAnswer::Beat { forget, row, .. } => Ok((forget, row.is_some())),
            PresenceAnswer::Rejected { code, .. } => Err(code),
            other => panic!("{other:?}"),
        };
        let most = RUNTIMES_MAX;
        assert_eq!(beat(None, most - 1, Some(away)), Ok((false, true)));
        for held in [most, most + 1] {
            assert_eq!(beat(None, held, Some(away)), Ok((true, true)));
            assert_eq!(beat(None, held, Some(late)), Ok((true, true)));
            assert_eq!(beat(None, held, Some(ROW)), Err(Code::EQuota));
            assert_eq!(beat(Some(ROW), held, Some(ROW)), Ok((false, true)), "it has its row");
        }
    }

    #[test]
    fn a_beat_renews_the_leases_of_its_own_start_and_counts_what_waits() {
        let rows = vec![
            command(CommandState::Queued, None),
            command(CommandState::Leased, lease(2, NOW + 1.0)),
            command(CommandState::Delivered, lease(2, NOW + 1.0)),
            command(CommandState::Leased, lease(2, NOW)),
            command(CommandState::Delivered, lease(2, NOW)),
            command(CommandState::Leased, lease(1, NOW + 1.0)),
            command(CommandState::Delivered, lease(1, NOW + 1.0)),
            command(
                CommandState::Leased,
                Some(Lease { runtime_id: "other", ..lease(2, NOW + 1.0).unwrap() }),
            ),
            command(CommandState::Leased, lease(3, NOW + 1.0)),
            command(CommandState::Unknown, lease(2, NOW + 1.0)),
            command(CommandState::Accepted, None),
            BeatCommand { bound: false, ..command(CommandState::Queued, None) },
            BeatCommand { bound: false, ..command(CommandState::Delivered, lease(2, NOW + 1.0)) },
            BeatCommand { lets_lapse: true, ..command(CommandState::Leased, lease(2, NOW + 1.0)) },
        ];
        let beat = |row| match plan_beat(&BeatCall { commands: rows.clone(), ..call(row) }) {
            PresenceAnswer::Beat { renewed, commands_waiting, .. } => (renewed, commands_waiting),
            other => panic!("{other:?}"),
        };
        // Waiting: the queued one, and both that lapsed before they were delivered.
        assert_eq!(beat(Some(ROW)), (vec![1, 2], 3));
        assert_eq!(
            beat(Some(PresenceRow { generation: 3, ..ROW })),
            (vec![], 0),
            "an older start holds nothing"
        );
    }

    #[test]
    fn catching_up_is_more_than_what_flows() {
        let with = |outbox_events| {
            let threads = vec![BeatThread { outbox_events, ..THREAD }];
            match plan_beat(&BeatCall { threads, ..call(None) }) {
                PresenceAnswer::Beat { row: Some(row), .. } => {
                    (row.threads[0].behind, row.threads[0].catching_up)
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(with(0.0), (0, false));
        assert_eq!(with(100.0), (100, false));
        assert_eq!(with(101.0), (101, true));
        assert_eq!(with(f64::NAN), (0, false));
        assert_eq!(with(-1.0), (0, false));
    }

    #[test]
    fn a_beat_is_bounded() {
        let long = crate::testing::keep("i".repeat(1_025));
        let mut threads =
            vec![BeatThread { thread_id: "", ..THREAD }, BeatThread { turn_id: Some(long), ..THREAD }];
        threads.extend([BeatThread { oldest_event_at_ms: Some(f64::INFINITY), ..THREAD }; 70]);
        let PresenceAnswer::Beat { row: Some(row), .. } = plan_beat(&BeatCall { threads, ..call(None) })
        else {
            panic!();
        };
        assert_eq!(row.threads.len(), 64);
        assert_eq!((row.threads[0].turn_id.as_deref(), row.threads[1].oldest_event_at), (None, None));
        for runtime_id in ["", long] {
            let beat = BeatCall { runtime: Runtime { runtime_id, ..RUNTIME }, ..call(None) };
            assert!(matches!(plan_beat(&beat), PresenceAnswer::Rejected { code: Code::ECommandInvalid, .. }));
        }
    }

    #[test]
    fn away_is_written_by_the_expiry_that_a_beat_moves() {
        let row = |away_at_ms, away| Some(PresenceRow { away_at_ms, away, ..ROW });
        assert_eq!(plan_presence_expiry(row(NOW + 1.0, false), NOW), PresenceAnswer::Again { at: NOW + 1.0 });
        assert_eq!(plan_presence_expiry(row(NOW, false), NOW), PresenceAnswer::Away);
        assert_eq!(plan_presence_expiry(row(NOW, true), NOW), PresenceAnswer::Done);
        assert_eq!(plan_presence_expiry(row(NOW + 1.0, true), NOW), PresenceAnswer::Done);
        assert_eq!(plan_presence_expiry(None, NOW), PresenceAnswer::Done);
    }

    #[test]
    fn four_states_and_not_one() {
        let seen = |away, phase, has_thread| Some(SeenRuntime { away, phase, login: "in", has_thread });
        let view =
            |machine, bridge, codex, login, thread| PresenceView { machine, bridge, codex, login, thread };
        use {Bridge as B, Codex as C, Login as L, Machine as M, ThreadPlace as T};
        for (phase, bridge, codex) in [
            ("idle", B::Stopped, C::Down),
            ("starting", B::Up, C::Starting),
            ("ready", B::Up, C::Up),
            ("running", B::Up, C::Up),
            ("reconnecting", B::Up, C::Starting),
            ("stopping", B::Stopped, C::Down),
            ("failed", B::Failed, C::Down),
            ("brand new", B::Unknown, C::Unknown),
        ] {
            let here = view(M::Here, bridge, codex, L::In, T::Here);
            assert_eq!(view_presence(seen(false, phase, true), &[]), here, "{phase}");
            let away = view(M::Away, B::Unknown, C::Unknown, L::Unknown, T::Nowhere);
            assert_eq!(
                view_presence(seen(true, phase, true), &[]),
                away,
                "{phase}: what is away says nothing"
            );
        }
        let never = view(M::Never, B::Unknown, C::Unknown, L::Unknown, T::Nowhere);
        assert_eq!(view_presence(None, &[]), never);
        let place = |own, other: Option<SeenRuntime<'static>>| {
            let others: Vec<_> = other.into_iter().collect();
            view_presence(own, &others).thread
        };
        assert_eq!(place(seen(false, "ready", false), None), T::Nowhere);
        assert_eq!(place(seen(false, "ready", false), seen(false, "ready", true)), T::Elsewhere);
        assert_eq!(place(seen(false, "ready", false), seen(true, "ready", true)), T::Nowhere);
        assert_eq!(place(seen(false, "ready", true), seen(false, "ready", true)), T::Here);
        assert_eq!(place(seen(true, "ready", true), seen(false, "ready", true)), T::Elsewhere);
        assert_eq!(Login::read("out"), L::Out);
        assert_eq!(Login::read("?"), L::Unknown);
    }

    #[test]
    fn a_reader_sees_the_runtime_that_it_asks_for_or_the_one_that_has_the_thread() {
        let one = |away, has_thread| SeenRuntime { away, phase: "ready", login: "in", has_thread };
        let see = |asked, runtimes: &[SeenRuntime<'static>]| {
            let seen = PresenceViewCall { asked, runtimes: runtimes.to_vec() }.see();
            (seen.row, seen.view.machine, seen.view.thread)
        };
        use {Machine as M, ThreadPlace as T};
        let (idle, busy, gone, lost) =
            (one(false, false), one(false, true), one(true, false), one(true, true));
        for (case, asked, runtimes, want) in [
            ("none", None, &[][..], (None, M::Never, T::Nowhere)),
            ("the one that has it", None, &[idle, lost, busy], (Some(2), M::Here, T::Here)),
            ("one that beats", None, &[lost, idle], (Some(1), M::Here, T::Nowhere)),
            ("the last that beat", None, &[gone, lost], (Some(0), M::Away, T::Nowhere)),
            ("the asked one", Some(0), &[idle, busy], (Some(0), M::Here, T::Elsewhere)),
            ("the asked one, away", Some(1), &[busy, lost], (Some(1), M::Away, T::Elsewhere)),
            ("one that never beat", Some(2), &[busy, lost], (None, M::Never, T::Elsewhere)),
        ] {
            assert_eq!(see(asked, runtimes), want, "{case}");
        }
    }

    #[test]
    fn calls_are_read_in_the_order_in_which_they_are_packed() {
        let numbers = [
            NOW,
            1.0,
            2.0,
            1.0,
            7.0,
            2.0,
            1.0,
            1.0,
            1.0,
            1.0,
            101.0,
            5.0,
            1.0,
            1.0,
            2.0,
            NOW + 1.0,
            0.0,
            7.0,
            1.0,
            1.0,
            2.0,
            NOW + 1.0,
            0.0,
            1.0,
            1.0,
            1.0,
            2.0,
            1.0,
            0.0,
            4.0,
            6.0,
            0.0,
            0.0,
            NOW + 1.0,
            0.0,
            0.0,
            -1.0,
            0.0,
            -1.0,
            0.0,
            0.0,
        ];
        let read = BeatCall::unpack(Unpacker::new("rdrunninginTUddrdturnqueued", &numbers)).unwrap();
        assert_eq!((read.runtime, read.phase, read.login), (RUNTIME, "running", Some("in")));
        assert_eq!((read.threads, read.row), (vec![THREAD], Some(ROW)));
        assert_eq!((read.held, read.oldest), (7, Some(ROW)));
        assert_eq!(read.commands, [command(CommandState::Queued, None)]);
        let nobody = [NOW, 1.0, 0.5, 1.0, 7.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let read = BeatCall::unpack(Unpacker::new("rdrunning", &nobody)).unwrap();
        assert!(matches!(plan_beat(&read), PresenceAnswer::Rejected { code: Code::ECommandInvalid, .. }));
        let expiry =
            PresenceExpiryCall::unpack(Unpacker::new("d", &[NOW, 1.0, 1.0, 2.0, NOW + 1.0, 0.0])).unwrap();
        assert_eq!(expiry, PresenceExpiryCall { now_ms: NOW, row: Some(ROW) });
        let get =
            PresenceViewCall::unpack(Unpacker::new("readyin", &[1.0, 1.0, 0.0, 5.0, 2.0, 1.0])).unwrap();
        assert_eq!((get.asked, get.runtimes.len()), (Some(1), 1));
        let seen = SeenRuntime::unpack(&mut Unpacker::new("readyin", &[1.0, 5.0, 2.0, 1.0]));
        assert_eq!(seen, SeenRuntime { away: true, phase: "ready", login: "in", has_thread: true });
    }
}
