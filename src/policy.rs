//! The machine's policy: what of a command from afar passes, decided on the machine and before Codex.
//!
//! Fails closed: a policy, a setting, a payload's member or a value that is not known refuses the command. A remote value
//! may only lower what is in force; what is in force above the owner's ceiling is lowered with the turn.
//!
//! SOURCE of the values: app-server 0.169.0, `SandboxPolicy`, `SandboxMode`, `AskForApproval`,
//! `CommandExecutionApprovalDecision`, `ReviewDecision`, `UserInput`. Nothing else of the app-server can be called: [`Method`] has no more.

mod path;
mod setting;

use crate::command::row::CommandKind;
use crate::error::Code;
use crate::event::json::{Json, Kind, RawStr};
use crate::limits::POLICY_PER_MINUTE;
use crate::request::approval::{self, Wish};
use core::slice;
use path::Path;
use serde::Serialize;
use setting::{Approval, Sandbox, Setting};
use tsify::Tsify;

/// Whether a command may be given to Codex.
#[derive(Clone, Debug, PartialEq, Serialize, Tsify)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PolicyAnswer {
    /// It may.
    Allowed {
        /// What the app-server is sent.
        method: Method,
        /// The folder to pass, without `.` and `..`, where the command names one.
        #[tsify(optional)]
        cwd: Option<String>,
        /// The `sandboxPolicy` to pass, as JSON; none where what is in force stays.
        #[tsify(optional)]
        sandbox_policy_json: Option<String>,
        /// The `approvalPolicy` to pass, as JSON; none where what is in force stays.
        #[tsify(optional)]
        approval_policy_json: Option<String>,
        /// What is lower with it than what is in force.
        lowered: Vec<Lowered>,
    },
    /// It may not.
    NotAllowed {
        /// `E_COMMAND_NOT_ALLOWED`; `E_APPROVAL_CHANGED` where it does not say what was shown.
        code: Code,
        /// What about it.
        reason: Reason,
        /// In words.
        message: &'static str,
    },
}

/// What the app-server is sent for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
pub enum Method {
    /// A new turn.
    #[serde(rename = "turn/start")]
    TurnStart,
    /// More input for the turn that runs.
    #[serde(rename = "turn/steer")]
    TurnSteer,
    /// The end of a turn.
    #[serde(rename = "turn/interrupt")]
    TurnInterrupt,
    /// The answer to a request of its own.
    #[serde(rename = "response")]
    Response,
}

/// A setting that a turn lowers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Lowered {
    /// The sandbox.
    Sandbox,
    /// When Codex asks.
    ApprovalPolicy,
}

/// What about a command is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// The policy or the machine's settings cannot be read: nothing is allowed.
    Policy,
    /// What Codex may write of files, the policy's own is one of: nothing is allowed.
    Exposed,
    /// The kind.
    Kind,
    /// Too many in a minute.
    Rate,
    /// The payload is none.
    Payload,
    /// A member of the payload that is not let through.
    Field,
    /// The folder.
    Cwd,
    /// A file or an address in the input.
    Input,
    /// The sandbox.
    Sandbox,
    /// When Codex asks.
    ApprovalPolicy,
    /// The request: it is not answered by a command of this kind.
    Request,
    /// The decision.
    Decision,
    /// It lets something happen, and does not say what was shown.
    Shown,
    /// A secret: it is answered at the machine.
    Secret,
}

/// What the machine's own side knows, beside its policy file.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// The policy file; `{}` is the default policy.
    pub policy_json: &'a str,
    /// `{started, thread?, files?}`, paths in it without links. `started` and `thread` are `{cwd, sandboxPolicy,
    /// approvalPolicy}`: what the machine's owner started Codex with, and what is in force in the thread; what of a thread is
    /// null is not known. `files` is `{policy, tmpdir, slashTmp}`: the places that decide which file the policy is, and the
    /// folders for temporary files.
    pub settings_json: &'a str,
    /// Commands of the same user in the last minute, without interrupts: a stop counts against no rate.
    pub recent: f64,
    /// The request that a decision or an answer is of.
    pub asked: Option<Asked<'a>>,
}

/// A request of the app-server that waits.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// The request, whole.
    pub payload_json: &'a str,
}

type Refused = (Reason, &'static str);

/// Decides whether a command may be given to Codex.
pub fn decide_command(machine: Machine<'_>, kind: &str, payload_json: &str) -> PolicyAnswer {
    match decide(machine, kind, payload_json) {
        Ok(answer) => answer,
        Err((reason, message)) => {
            let is_unseen = reason == Reason::Shown;
            let code = if is_unseen { Code::EApprovalChanged } else { Code::ECommandNotAllowed };
            PolicyAnswer::NotAllowed { code, reason, message }
        }
    }
}

fn decide(machine: Machine<'_>, kind: &str, payload_json: &str) -> Result<PolicyAnswer, Refused> {
    let policy = Policy::read(machine)?;
    let kind = CommandKind::read(kind).filter(|kind| policy.kinds & bit(*kind) != 0);
    let kind = kind.ok_or((Reason::Kind, "the machine takes no command of this kind"))?;
    let is_within = machine.recent >= 0.0 && machine.recent < policy.per_minute as f64;
    if !is_within && kind != CommandKind::Interrupt {
        return Err((Reason::Rate, "the machine takes no more commands in this minute"));
    }
    let payload = Json::parse(payload_json).ok().filter(|json| json.kind() == Kind::Object);
    let payload = payload.ok_or((Reason::Payload, "the payload is no object"))?;
    let known: &[&str] = match kind {
        // A turn that was promoted to a steer keeps its payload; what a steer cannot set is not sent.
        CommandKind::Turn | CommandKind::Steer => &[
            "input",
            "clientTurnId",
            "expectedTurnId",
            "waitForMachine",
            "model",
            "effort",
            "summary",
            "personality",
            "outputSchema",
            "cwd",
            "sandboxPolicy",
            "approvalPolicy",
        ],
        // `force`: a restart may cut the turns of other threads.
        CommandKind::Interrupt => &["turnId", "force"],
        CommandKind::Decide => {
            &["requestId", "runtimeId", "generation", "appGeneration", "shownSha256", "decision"]
        }
        CommandKind::Answer => {
            &["requestId", "runtimeId", "generation", "appGeneration", "shownSha256", "answer"]
        }
    };
    if !payload.entries().all(|(key, _)| known.iter().any(|name| key.is(name))) {
        return Err((Reason::Field, "the payload has a member that the machine does not pass on"));
    }
    match kind {
        CommandKind::Turn | CommandKind::Steer => policy.message(kind, payload),
        CommandKind::Interrupt => Ok(plain(Method::TurnInterrupt)),
        CommandKind::Decide => policy.decision(payload, machine.asked),
        CommandKind::Answer => policy.answer(payload, machine.asked),
    }
}

fn plain(method: Method) -> PolicyAnswer {
    let (cwd, sandbox_policy_json, approval_policy_json) = (None, None, None);
    PolicyAnswer::Allowed { method, cwd, sandbox_policy_json, approval_policy_json, lowered: Vec::new() }
}

/// What is passed of a setting.
struct Choice<'b, S> {
    /// None where what is in force stays.
    value: Option<&'b S>,
    /// Whether it is lower than what is in force.
    is_lower: bool,
}

/// The policy file, completed by what the machine was started with.
struct Policy<'a> {
    /// A bit for each.
    kinds: u8,
    roots: Vec<Path>,
    sandbox: Sandbox<'a>,
    approval: Approval<'a>,
    accepts: Decisions,
    per_minute: u64,
    /// What is in force in the thread; none where it cannot be read, and then counts as above every ceiling.
    cwd: Option<Path>,
    running_sandbox: Option<Sandbox<'a>>,
    running_approval: Option<Approval<'a>>,
}

#[derive(Clone, Copy, Default)]
struct Decisions {
    accept: bool,
    accept_for_session: bool,
    amendments: bool,
    decline: bool,
    cancel: bool,
}

impl Decisions {
    fn allow(&mut self, name: &str) -> Option<()> {
        match name {
            "accept" => self.accept = true,
            "acceptForSession" => self.accept_for_session = true,
            "amendments" => self.amendments = true,
            "decline" => self.decline = true,
            "cancel" => self.cancel = true,
            _ => return None,
        }
        Some(())
    }
}

const UNREADABLE: Refused = (Reason::Policy, "the machine's policy or its settings cannot be read");
const EXPOSED: Refused = (Reason::Exposed, "the machine's policy lies where Codex may write");
const NOT_THIS_WAY: Refused = (Reason::Request, "the request is not answered by a command of this kind");
const NO_DECISION: Refused = (Reason::Decision, "the machine takes no such decision from afar");
const NOT_SHOWN: Refused = (Reason::Shown, "what lets something happen has to say what was shown");

/// Approvals in the protocol of before, which decline by a `denied`.
const OLD_APPROVALS: [&str; 2] = ["execCommandApproval", "applyPatchApproval"];
const ELICITATION: &str = "mcpServer/elicitation/request";
const TOOL_CALL: &str = "item/tool/call";
/// How the ids of Codex's questions whether a tool may be called begin. It reads the answer under such an id as a decision,
/// in what a form was filled in with too.
///
/// SOURCE: app-server 0.169.0, `mcp_tool_call.rs`, in the words of its options.
const TOOL_APPROVAL: &str = "mcp_tool_call_approval";

impl<'a> Policy<'a> {
    fn read(machine: Machine<'a>) -> Result<Self, Refused> {
        let settings = Json::parse(machine.settings_json).map_err(|_| UNREADABLE)?;
        let file = Json::parse(machine.policy_json).map_err(|_| UNREADABLE)?;
        let (policy, is_exposed) = Self::complete(file, settings).ok_or(UNREADABLE)?;
        if is_exposed { Err(EXPOSED) } else { Ok(policy) }
    }

    /// The policy, and whether Codex may write its file.
    fn complete(file: Json<'a>, settings: Json<'a>) -> Option<(Self, bool)> {
        const KNOWN: [&str; 6] = ["kinds", "roots", "sandbox", "approvalPolicy", "decisions", "perMinute"];
        let knows = |key: RawStr<'_>| KNOWN.iter().any(|name| key.is(name));
        if file.kind() != Kind::Object || !file.entries().all(|(key, _)| knows(key)) {
            return None;
        }
        let started = settings.get("started")?;
        let thread = settings.get("thread").filter(|thread| !thread.is_null()).unwrap_or(started);
        let in_force = |key: &str| thread.get(key).or_else(|| started.get(key));
        let (mut kinds, mut roots) = (0, Vec::new());
        let mut accepts = Decisions::default();
        let mut add_kind = |name: RawStr<'a>| {
            kinds |= bit(CommandKind::read(name.plain()?)?);
            Some(())
        };
        if !each(file, "kinds", &mut add_kind)? {
            kinds = u8::MAX;
        }
        let mut add_root = |root: RawStr<'a>| {
            roots.push(Path::read(&root.to_whole())?);
            Some(())
        };
        let own = path_of(started.get("cwd")?)?;
        if !each(file, "roots", &mut add_root)? {
            roots.push(own.clone());
        }
        if !each(file, "decisions", &mut |name| accepts.allow(name.plain()?))? {
            accepts = Decisions { accept: true, decline: true, cancel: true, ..accepts };
        }
        let started_sandbox = Sandbox::read(started.get("sandboxPolicy")?)?;
        let sandbox = match file.get("sandbox") {
            Some(sandbox) => Sandbox::read(sandbox)?,
            None => started_sandbox.clone(),
        };
        // By the start's own too: what a turn at the machine wrote into it would say that it may lie there.
        let is_exposed = settings.get("files").is_some_and(|files| {
            let folder = |key: &str| files.get(key).and_then(path_of);
            let (tmpdir, slash_tmp) = (folder("tmpdir"), folder("slashTmp"));
            let writes = |sandbox: &Sandbox<'_>, roots: &[Path], path: &Path| {
                sandbox.writes(roots, tmpdir.as_ref(), slash_tmp.as_ref(), path)
            };
            let mut places = files.list("policy").filter_map(path_of);
            places.any(|path| {
                writes(&sandbox, &roots, &path) || writes(&started_sandbox, slice::from_ref(&own), &path)
            })
        });
        let policy = Self {
            kinds,
            roots,
            sandbox,
            approval: Approval::read(file.get("approvalPolicy").or_else(|| started.get("approvalPolicy"))?)?,
            accepts,
            per_minute: match file.get("perMinute") {
                Some(count) => count.safe_integer()?,
                None => POLICY_PER_MINUTE,
            },
            // Not that of the start: a thread is where it is.
            cwd: thread.get("cwd").and_then(path_of),
            running_sandbox: in_force("sandboxPolicy").and_then(Sandbox::read),
            running_approval: in_force("approvalPolicy").and_then(Approval::read),
        };
        Some((policy, is_exposed))
    }

    fn holds(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| root.holds(path))
    }

    fn message(&self, kind: CommandKind, payload: Json<'a>) -> Result<PolicyAnswer, Refused> {
        let is_turn = kind == CommandKind::Turn;
        let named = given(payload, "cwd").filter(|_| is_turn);
        const UNKNOWN: &str = "the machine does not know the thread's folder: the turn has to name one";
        const OUTSIDE: &str = "the folder is not there, or not below one that the machine allows";
        let cwd = match named {
            Some(value) => path_of(value),
            None => Some(self.cwd.clone().ok_or((Reason::Cwd, UNKNOWN))?),
        };
        let cwd = cwd.filter(|cwd| self.holds(cwd)).ok_or((Reason::Cwd, OUTSIDE))?;
        self.check_input(payload)?;
        let wanted = |key: &str| given(payload, key).filter(|_| is_turn);
        let asked = wanted("sandboxPolicy").map(Sandbox::read);
        let sandbox = self.choose(asked.as_ref(), &self.running_sandbox, &self.sandbox, is_turn);
        let sandbox = sandbox.ok_or((Reason::Sandbox, "the sandbox is less than the machine wants"))?;
        let asked = wanted("approvalPolicy").map(Approval::read);
        let approval = self.choose(asked.as_ref(), &self.running_approval, &self.approval, is_turn);
        let message = "the approval policy asks less than the machine wants";
        let approval = approval.ok_or((Reason::ApprovalPolicy, message))?;
        let mut lowered = Vec::new();
        if sandbox.is_lower {
            lowered.push(Lowered::Sandbox);
        }
        if approval.is_lower {
            lowered.push(Lowered::ApprovalPolicy);
        }
        Ok(PolicyAnswer::Allowed {
            method: if is_turn { Method::TurnStart } else { Method::TurnSteer },
            cwd: named.map(|_| cwd.into_text()),
            sandbox_policy_json: sandbox.value.map(|sandbox| sandbox.json.to_owned()),
            approval_policy_json: approval.value.map(|approval| approval.json.to_owned()),
            lowered,
        })
    }

    /// What to pass of a setting; none where the command does not pass.
    fn choose<'b, S: Setting>(
        &self,
        wanted: Option<&'b Option<S>>,
        running: &'b Option<S>,
        ceiling: &'b S,
        can_set: bool,
    ) -> Option<Choice<'b, S>> {
        let is_below =
            |low: &Option<S>, high: &S| low.as_ref().is_some_and(|low| low.is_at_most(high, &self.roots));
        let value = match wanted {
            Some(wanted) if !is_below(wanted, ceiling) => return None,
            Some(wanted) => wanted.as_ref()?,
            None if is_below(running, ceiling) => return Some(Choice { value: None, is_lower: false }),
            None if can_set => ceiling,
            None => return None,
        };
        Some(Choice { value: Some(value), is_lower: !is_below(running, value) })
    }

    /// Whatever the input names of the machine's files lies below an allowed folder; what it names of the web is the web's.
    fn check_input(&self, payload: Json<'_>) -> Result<(), Refused> {
        let refused = (Reason::Input, "the input names what the machine does not pass on");
        let mut count = 0;
        for member in payload.list("input") {
            count += 1;
            let passes = match member.string("type").and_then(RawStr::plain).unwrap_or_default() {
                "text" => member.string("text").is_some(),
                "image" | "audio" => {
                    let url = member.string("url").map(RawStr::to_whole).unwrap_or_default();
                    let is_web =
                        ["https://", "http://", "data:"].iter().any(|scheme| url.starts_with(scheme));
                    is_web || (member.get("url").is_none() && member.string("fileId").is_some())
                }
                "localImage" | "localAudio" | "skill" | "mention" => {
                    member.get("path").and_then(direct_path_of).is_some_and(|path| self.holds(&path))
                }
                _ => false,
            };
            if !passes {
                return Err(refused);
            }
        }
        if count == 0 { Err(refused) } else { Ok(()) }
    }

    /// A decision in the words of either protocol: those of `execCommandApproval` and `applyPatchApproval` mean the same.
    fn decision(&self, payload: Json<'_>, asked: Option<Asked<'_>>) -> Result<PolicyAnswer, Refused> {
        let asked = asked.filter(|asked| approval::kind(asked.method).is_some()).ok_or(NOT_THIS_WAY)?;
        let decision = payload.get("decision").ok_or(NO_DECISION)?;
        let answer = answered(payload, !approval::declines(decision.text()))?;
        if !self.takes(decision) {
            return Err(NO_DECISION);
        }
        let Asked { method, payload_json } = asked;
        // What every request takes need not be among what it offers. Of permissions all else grants them.
        let declines = match decision.str() {
            Some(word) => word.is("decline"),
            None => OLD_APPROVALS.contains(&method) && decision.get("denied").is_some(),
        };
        if !declines && approval::decision(method, payload_json, Wish::Exactly(decision.text())).is_err() {
            let message = "the request does not offer this decision, or is too large for it";
            return Err((Reason::Decision, message));
        }
        Ok(answer)
    }

    /// Whether the machine takes such a decision, whatever it is of.
    fn takes(&self, decision: Json<'_>) -> bool {
        match decision.kind() {
            Kind::String => match decision.str().and_then(RawStr::plain) {
                Some("approved") => self.accepts.accept,
                Some("approved_for_session") => self.accepts.accept_for_session,
                Some("approved_mcp_policy_amendment") => self.accepts.amendments,
                Some("abort") => self.accepts.cancel,
                Some("acceptForSession") => self.accepts.accept_for_session,
                _ => self.acts(decision),
            },
            Kind::Object => {
                let mut names = decision.entries().map(|(key, _)| key.to_whole());
                let name = names.next().filter(|_| names.next().is_none());
                match name.as_deref() {
                    Some(
                        "acceptWithExecpolicyAmendment"
                        | "applyNetworkPolicyAmendment"
                        | "approved_execpolicy_amendment"
                        | "network_policy_amendment",
                    ) => self.accepts.amendments,
                    Some("denied") => self.accepts.decline,
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Whether an elicitation may be answered so.
    fn acts(&self, action: Json<'_>) -> bool {
        match action.str().and_then(RawStr::plain) {
            Some("accept") => self.accepts.accept,
            Some("decline") => self.accepts.decline,
            Some("cancel") => self.accepts.cancel,
            _ => false,
        }
    }

    fn answer(&self, payload: Json<'_>, asked: Option<Asked<'_>>) -> Result<PolicyAnswer, Refused> {
        let Asked { method, payload_json } = asked.ok_or(NOT_THIS_WAY)?;
        if approval::asks_secret(method, Some(payload_json)) {
            return Err((Reason::Secret, "a secret is answered at the machine"));
        }
        let answer = payload.get("answer").filter(|answer| answer.kind() == Kind::Object);
        let answer = answer.ok_or((Reason::Payload, "the payload lacks an answer that is an object"))?;
        // Whether the answer lets something happen, as a decision does.
        let (mut passes, mut accepts) = (true, false);
        match method {
            TOOL_CALL => {}
            approval::QUESTION => {
                for (key, value) in answer.entries() {
                    passes &= key.is("answers") && self.takes_options(value, &mut accepts);
                }
            }
            ELICITATION => {
                passes = answer.get("action").is_some();
                for (key, value) in answer.entries() {
                    passes &= match key.plain() {
                        Some("action") => {
                            accepts |= value.str().is_some_and(|word| word.is("accept"));
                            self.acts(value)
                        }
                        Some("content") => self.takes_options(value, &mut accepts),
                        Some("_meta") => self.takes_meta(value),
                        _ => false,
                    };
                }
            }
            _ => return Err(NOT_THIS_WAY),
        }
        if passes { answered(payload, accepts) } else { Err(NO_DECISION) }
    }

    /// Whether the machine takes what is answered under the ids of [`TOOL_APPROVAL`]: a word, a list of them, or such a list
    /// in `answers`.
    fn takes_options(&self, answers: Json<'_>, accepts: &mut bool) -> bool {
        let mut takes = |word: Json<'_>| match word.str().and_then(RawStr::plain) {
            Some("Cancel") => self.accepts.cancel || self.accepts.decline,
            word => {
                *accepts = true;
                match word {
                    Some("Allow") => self.accepts.accept,
                    Some("Allow for this session") => self.accepts.accept_for_session,
                    Some("Allow and don't ask me again") => self.accepts.amendments,
                    _ => false,
                }
            }
        };
        let mut of_tools = answers.entries().filter(|(key, _)| key.to_whole().starts_with(TOOL_APPROVAL));
        of_tools.all(|(_, value)| {
            let words = value.get("answers").unwrap_or(value);
            if words.kind() == Kind::Array { words.items().all(&mut takes) } else { takes(words) }
        })
    }

    /// Whether the machine takes what is said beside an elicitation's answer: for how long a tool is allowed, and nothing else.
    fn takes_meta(&self, meta: Json<'_>) -> bool {
        let takes = |(key, value): (RawStr<'_>, Json<'_>)| {
            key.is("persist")
                && match value.str().and_then(RawStr::plain) {
                    Some("session") => self.accepts.accept_for_session,
                    Some("always") => self.accepts.amendments,
                    _ => false,
                }
        };
        meta.is_null() || (meta.kind() == Kind::Object && meta.entries().all(takes))
    }
}

/// The answer to a request; `accepts` where it lets something happen.
fn answered(payload: Json<'_>, accepts: bool) -> Result<PolicyAnswer, Refused> {
    let is_shown = given(payload, "shownSha256").is_some();
    if accepts && !is_shown { Err(NOT_SHOWN) } else { Ok(plain(Method::Response)) }
}

/// The value of a member that is there and not null.
fn given<'a>(json: Json<'a>, key: &str) -> Option<Json<'a>> {
    json.get(key).filter(|value| !value.is_null())
}

fn path_of(value: Json<'_>) -> Option<Path> {
    Path::read(&value.str()?.to_whole())
}

fn direct_path_of(value: Json<'_>) -> Option<Path> {
    Path::read_direct(&value.str()?.to_whole())
}

/// Reads each text of a member that is a list of texts; answers whether there is that member.
fn each<'a>(file: Json<'a>, key: &str, read: &mut dyn FnMut(RawStr<'a>) -> Option<()>) -> Option<bool> {
    let Some(list) = file.get(key) else { return Some(false) };
    if list.kind() != Kind::Array {
        return None;
    }
    for member in list.items() {
        read(member.str()?)?;
    }
    Some(true)
}

fn bit(kind: CommandKind) -> u8 {
    1 << kind as u8
}

#[cfg(test)]
mod tests;
