//! Two runtimes, one thread, and whatever order clients, machines, clocks and sweeps come in.

use super::answer::{CommandAnswer, CommandWrite, LeaseWrite, TurnFate};
use super::edit::{CommandCall, CommandPromoteCall, RunningTurn, plan_cancel, plan_promote};
use super::lease::{CommandLeaseCall, CommandSweepCall, plan_command_sweep, plan_lease};
use super::report::{CommandReportCall, ReportedTurn, plan_report};
use super::row::{CommandKind, CommandRow, CommandState, Lease, Runtime, Standing, Target, TargetTurn};
use super::send::{CommandSendCall, Named, Sent, plan_send};
use crate::error::Code;
use crate::ingest::call::ThreadRow;
use crate::presence::{BeatCall, BeatCommand, PresenceAnswer, PresenceRow, plan_beat};
use CommandState::{Accepted, Cancelled, Delivered, Expired, Leased, Queued, Refused, Unknown};
use proptest::prelude::*;

const RUNTIMES: [&str; 2] = ["r0", "r1"];
const TOKENS: [&str; 4] = ["0", "1", "2", "3"];

#[derive(Clone, Debug, PartialEq)]
struct Held {
    token: String,
    runtime: usize,
    generation: u64,
    expires_at: f64,
}

#[derive(Clone, Debug, PartialEq)]
struct Command {
    /// As it was sent: a promoted turn steers.
    sent_as: &'static str,
    kind: CommandKind,
    json: String,
    state: CommandState,
    order: u64,
    rank: u64,
    expires_at: Option<f64>,
    lapses: u64,
    lease: Option<Held>,
    client_turn_id: Option<String>,
    turn_id: Option<String>,
    target: Option<usize>,
    /// How often Codex was given it.
    given: u32,
}

#[derive(Clone, Debug, PartialEq)]
struct CodexTurn {
    id: String,
    over: bool,
}

#[derive(Clone, Debug)]
struct World {
    now: f64,
    commands: Vec<Command>,
    turns: Vec<CodexTurn>,
    running: Option<usize>,
    bound: usize,
    generations: [u64; 2],
    tokens: usize,
    /// Every token that was given out: command, runtime, token.
    issued: Vec<(usize, usize, String)>,
}

impl World {
    fn runtime(&self, at: usize) -> Runtime<'static> {
        Runtime { runtime_id: RUNTIMES[at], generation: self.generations[at], device_id: RUNTIMES[at] }
    }

    fn target(&self, at: Option<usize>) -> Target<'_> {
        let turn = at.and_then(|at| self.turns.get(at)).map(|turn| TargetTurn {
            turn_id: Some(&turn.id),
            status: if turn.over { "completed" } else { "inProgress" },
            source: turn.over.then_some("codex"),
        });
        Target { turn, request: None }
    }

    fn row(&self, at: usize) -> CommandRow<'_> {
        let command = &self.commands[at];
        CommandRow {
            kind: command.kind,
            state: command.state,
            order: command.order,
            rank: command.rank,
            expires_at_ms: command.expires_at,
            lapses: command.lapses,
            lease: command.lease.as_ref().map(|lease| Lease {
                token: &lease.token,
                runtime_id: RUNTIMES[lease.runtime],
                generation: lease.generation,
                expires_at_ms: lease.expires_at,
            }),
            client_turn_id: command.client_turn_id.as_deref(),
            shown: command.client_turn_id.as_ref().map(|_| TargetTurn {
                turn_id: None,
                status: "queued",
                source: None,
            }),
            turn_id: command.turn_id.as_deref(),
            target: self.target(command.target),
        }
    }

    fn open(&self) -> Vec<usize> {
        let is_open = |at: &usize| matches!(self.commands[*at].state, Queued | Leased | Delivered);
        (0..self.commands.len()).filter(is_open).collect()
    }

    fn apply(&mut self, rows: &[usize], writes: Vec<CommandWrite>) {
        for write in writes {
            let command = &mut self.commands[rows[write.row]];
            command.state = write.state;
            command.lapses = write.lapses;
            command.turn_id = write.turn_id.or(command.turn_id.take());
            if write.lease == LeaseWrite::Clear {
                command.lease = None;
            }
            if matches!(write.turn, TurnFate::End { .. }) {
                assert!(matches!(write.state, Unknown | Refused | Expired | Cancelled));
            }
        }
    }

    fn call(&self, at: usize) -> CommandCall<'_> {
        CommandCall { now_ms: self.now, bound: Some(self.runtime(self.bound)), command: Some(self.row(at)) }
    }

    fn send(&mut self, kind: usize, id: usize) {
        let target = self.turns.len().checked_sub(1);
        let named_turn = target.map_or("none", |at| self.turns[at].id.as_str());
        let (kind, json) = match kind {
            0 | 1 => ("turn", format!(r#"{{"clientTurnId":"c{id}","input":[{{"text":"x"}}]}}"#)),
            2 => ("steer", format!(r#"{{"expectedTurnId":"{named_turn}","input":[{{"text":"x"}}]}}"#)),
            _ => ("interrupt", format!(r#"{{"turnId":"{named_turn}"}}"#)),
        };
        let before = self.commands.get(id).map(|command| (command.sent_as, command.json.clone()));
        let sent_before = before.as_ref().map(|(kind, json)| Sent {
            same_thread: true,
            kind,
            payload_json: json,
            ttl_ms: None,
        });
        let answer = plan_send(&CommandSendCall {
            now_ms: self.now,
            thread: Some(ThreadRow {
                local_thread_id: None,
                next_turn_order: 0,
                archived: false,
                name: None,
            }),
            command_id: "k",
            kind,
            payload_json: &json,
            ttl_ms: None,
            own: false,
            sent_before,
            open_count: self.open().len() as u64,
            next_order: self.commands.len() as u64,
            named: Some(Named { turn: self.target(target).turn, ..Named::default() }),
        });
        match (answer, before) {
            (CommandAnswer::Insert { command, .. }, None) => self.commands.push(Command {
                sent_as: kind,
                kind: CommandKind::read(kind).unwrap(),
                json,
                state: command.state,
                order: command.order,
                rank: 0,
                expires_at: command.expires_at,
                lapses: 0,
                lease: None,
                client_turn_id: command.client_turn_id,
                turn_id: None,
                target: if kind == "turn" { None } else { target },
                given: 0,
            }),
            (CommandAnswer::Keep, Some((_, first))) => assert_eq!(first, json),
            (CommandAnswer::Rejected { code: Code::ECommandIdReused, .. }, Some((_, first))) => {
                assert_ne!(first, json);
            }
            (CommandAnswer::Rejected { code, .. }, None) => {
                assert!(matches!(code, Code::EAuthTurnForbidden | Code::ECommandTargetGone), "{code:?}");
            }
            (answer, before) => panic!("{before:?} {answer:?}"),
        }
    }

    fn lease(&mut self, runtime: usize, limit: usize) {
        let rows = self.open();
        let call = CommandLeaseCall {
            now_ms: self.now,
            runtime: self.runtime(runtime),
            bound: Some(self.runtime(self.bound)),
            running: self.running.is_some(),
            beat: None,
            taken: None,
            limit: limit as f64,
            tokens: TOKENS.to_vec(),
            commands: rows.iter().map(|at| self.row(*at)).collect(),
        };
        let waiting_interrupt = call.commands.iter().any(|command| {
            command.kind == CommandKind::Interrupt
                && command.target.standing(command.kind) == Standing::Open
                && command.present(self.now, call.bound).state == Queued
        });
        let answer = plan_lease(&call);
        if runtime != self.bound {
            assert!(matches!(answer, CommandAnswer::Rejected { code: Code::ESyncSessionDeviceMismatch, .. }));
            return;
        }
        let CommandAnswer::Leased { writes, handed, .. } = answer else { panic!("{answer:?}") };
        let first = handed.first().map(|one| self.commands[rows[one.row]].kind);
        assert!(!waiting_interrupt || first == Some(CommandKind::Interrupt), "interrupts overtake");
        self.apply(&rows, writes);
        for one in handed {
            let generation = self.generations[runtime];
            let command = &mut self.commands[rows[one.row]];
            let live = command.lease.as_ref().is_some_and(|lease| {
                let superseded = lease.runtime == runtime && lease.generation < generation;
                command.state != Queued && lease.expires_at > self.now && !superseded
            });
            assert!(!live, "two leases of one command");
            assert!(command.kind != CommandKind::Turn || self.running.is_none(), "the next turn waits");
            let token = format!("{}-{}", self.tokens, TOKENS[one.token]);
            command.state = Leased;
            command.lapses = one.lapses;
            command.lease =
                Some(Held { token: token.clone(), runtime, generation, expires_at: one.expires_at });
            self.issued.push((rows[one.row], runtime, token));
        }
        self.tokens += 1;
    }

    /// A runtime reports by a token that it once got, in whatever order.
    fn report(&mut self, which: usize, state: usize) {
        let Some((at, runtime, token)) = self.issued.get(which % self.issued.len().max(1)).cloned() else {
            return;
        };
        let state = ["delivered", "accepted", "refused", "unknown", "delivered", "accepted"][state];
        let turn_id = format!("U{}", self.turns.len());
        let running = self.running.map(|at| self.turns[at].id.clone());
        let answered = if self.commands[at].kind == CommandKind::Turn {
            running.clone().unwrap_or(turn_id)
        } else {
            running.clone().unwrap_or_else(|| "U".to_owned())
        };
        let answer = plan_report(&CommandReportCall {
            now_ms: self.now,
            device_id: RUNTIMES[runtime],
            bound: Some(self.runtime(self.bound)),
            command: Some(self.row(at)),
            lease_token: &token,
            state,
            turn_id: Some(&answered),
            code: None,
            delivered_at_ms: None,
            turn: running.as_ref().map(|_| ReportedTurn {
                client_turn_id: None,
                started: true,
                created_at_ms: 0.0,
            }),
            code_before: None,
        });
        let CommandAnswer::Written { writes } = answer else { return };
        let newest = self.commands[at].lease.as_ref().is_some_and(|lease| lease.token == token);
        assert!(newest, "a report under an old token");
        if state == "delivered" {
            self.commands[at].given += 1;
        }
        if state == "accepted" && self.commands[at].kind == CommandKind::Turn && self.running.is_none() {
            self.running = Some(self.turns.len());
            self.turns.push(CodexTurn { id: answered, over: false });
        }
        self.apply(&[at], writes);
    }

    fn beat(&mut self, runtime: usize, old_generation: bool) {
        let rows = self.open();
        let mut who = self.runtime(runtime);
        who.generation -= u64::from(old_generation && who.generation > 1);
        let row = PresenceRow {
            device_id: RUNTIMES[runtime],
            generation: self.generations[runtime],
            away_at_ms: self.now + 1.0,
            away: false,
        };
        let commands = rows
            .iter()
            .map(|at| BeatCommand { bound: runtime == self.bound, lets_lapse: false, command: self.row(*at) })
            .collect();
        let answer = plan_beat(&BeatCall {
            now_ms: self.now,
            runtime: who,
            phase: "ready",
            login: None,
            threads: vec![],
            row: Some(row),
            held: 0,
            oldest: None,
            commands,
        });
        let PresenceAnswer::Beat { renewed, lease_expires_at, .. } = answer else { panic!("{answer:?}") };
        for at in renewed {
            let lease = self.commands[rows[at]].lease.as_mut().unwrap();
            assert_eq!((lease.runtime, lease.generation), (runtime, who.generation));
            assert!(lease.expires_at > self.now, "what has lapsed is not renewed");
            lease.expires_at = lease_expires_at;
        }
    }

    fn step(&mut self, (what, a, b): (usize, usize, usize)) {
        let one = |count: usize| a.checked_rem(count);
        match what {
            0 | 1 => {
                let id = if b == 0 { a % (self.commands.len() + 1) } else { self.commands.len() };
                self.send(a % 4, id);
            }
            2..=4 => self.lease(a % 2, b + 1),
            5..=9 => self.report(self.issued.len().saturating_sub(1 + a % 4), b),
            10 => self.beat(a % 2, b == 0),
            11 => {
                for at in self.open() {
                    let call = CommandSweepCall { now_ms: self.now, command: self.row(at) };
                    match plan_command_sweep(&call) {
                        CommandAnswer::Written { writes } => self.apply(&[at], writes),
                        other => assert!(matches!(other, CommandAnswer::Wait { .. }), "{other:?}"),
                    }
                }
            }
            12 => {
                let Some(at) = one(self.commands.len()) else { return };
                if let CommandAnswer::Written { writes } = plan_cancel(&self.call(at)) {
                    self.apply(&[at], writes);
                }
            }
            13 => {
                let Some(at) = one(self.commands.len()) else { return };
                let running = self.running.map(|at| self.turns[at].id.clone());
                let answer = plan_promote(&CommandPromoteCall {
                    command: self.call(at),
                    ranks: self.commands.iter().map(|command| command.rank).collect(),
                    expected_turn_id: running.as_deref().filter(|_| b % 2 == 0),
                    running: running.as_deref().map(|turn_id| RunningTurn { turn_id, client_turn_id: None }),
                });
                if let CommandAnswer::Promote { rank, steers } = answer {
                    let running = self.running;
                    let command = &mut self.commands[at];
                    command.rank = rank;
                    // As the shell does: what a promote finds queued is queued, its lapsed lease gone.
                    (command.state, command.lease) = (Queued, None);
                    if steers.is_some() {
                        (command.kind, command.target) = (CommandKind::Steer, running);
                    }
                }
            }
            14 => self.now += [1_000.0, 30_000.0, 61_000.0, 130_000.0, 700_000.0, 10.0][b],
            15 => self.bound = a % 2,
            16 => self.generations[a % 2] += 1,
            _ => {
                if let Some(at) = self.running.take() {
                    self.turns[at].over = true;
                }
            }
        }
    }
}

fn may_move(from: CommandState, to: CommandState) -> bool {
    match from {
        Accepted | Refused | Expired | Cancelled => false,
        Unknown => matches!(to, Accepted | Refused),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_comes_in_whichever_order(steps in prop::collection::vec((0_usize..18, 0_usize..64, 0_usize..6), 1..120)) {
        let mut world = World {
            now: 1_000_000.0,
            commands: vec![],
            turns: vec![],
            running: None,
            bound: 0,
            generations: [1, 1],
            tokens: 0,
            issued: vec![],
        };
        for step in steps {
            let before = world.clone();
            world.step(step);
            for (old, new) in before.commands.iter().zip(&world.commands) {
                prop_assert!(old.state == new.state || may_move(old.state, new.state), "{old:?} {new:?}");
                prop_assert!(new.given <= 1, "given to Codex twice: {new:?}");
                prop_assert!(new.lapses <= 3);
                prop_assert_eq!(new.lease.is_some(), matches!(new.state, Leased | Delivered | Unknown), "{:?}", new);
            }
            let in_flight = world.commands.iter().filter(|command| {
                let live = command.lease.as_ref().is_some_and(|lease| lease.expires_at > world.now);
                command.kind == CommandKind::Turn && command.state.is_in_flight() && live
            });
            prop_assert!(in_flight.count() <= 1, "two turns in flight");
        }
    }
}
