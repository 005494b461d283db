//! The machine's policy: what of a command from afar passes, decided on the machine and before Codex.
//!
//! Fails closed: a policy, a setting, a payload's member or a value that is not known refuses the command, but for a stop,
//! which no broken policy prevents. A remote value may only lower what is in force; what is in force above the owner's
//! ceiling is lowered with the turn.
//!
//! SOURCE of the values: app-server 0.169.0, `SandboxPolicy`, `SandboxMode`, `AskForApproval`,
//! `CommandExecutionApprovalDecision`, `ReviewDecision`, `UserInput`. Nothing else of the app-server can be called: [`Method`] has no more.

mod path;
mod setting;

use crate::command::row::CommandKind;
use crate::error::Code;
use crate::event::json::{Json, Kind, RawStr};
use crate::limits::{APPROVAL_BYTES_MAX, POLICY_PER_MINUTE};
use crate::request::approval;
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
    },
    /// It may not.
    NotAllowed {
        /// `E_COMMAND_NOT_ALLOWED`; `E_APPROVAL_CHANGED` where it does not say what was shown, `E_APPROVAL_REDACTED` where that
        /// was not all.
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

/// What about a command is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// The policy or the machine's settings cannot be read: nothing is allowed but a stop.
    Policy,
    /// What Codex may write of files, the policy's own is one of: nothing is allowed but a stop.
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
    /// It lets something happen of which parts were redacted.
    Redacted,
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
    /// The request, whole, written as the command is.
    pub payload_json: &'a str,
    /// Whether parts of what it is about were redacted: who answers from afar has not seen them.
    pub is_redacted: bool,
}

type Refused = (Reason, &'static str);

/// Decides whether a command may be given to Codex.
pub fn decide_command(machine: Machine<'_>, kind: &str, payload_json: &str) -> PolicyAnswer {
    match decide(machine, kind, payload_json) {
        Ok(answer) => answer,
        Err((reason, message)) => {
            let code = match reason {
                Reason::Shown => Code::EApprovalChanged,
                Reason::Redacted => Code::EApprovalRedacted,
                _ => Code::ECommandNotAllowed,
            };
            PolicyAnswer::NotAllowed { code, reason, message }
        }
    }
}

fn decide(machine: Machine<'_>, kind: &str, payload_json: &str) -> Result<PolicyAnswer, Refused> {
    let kind = CommandKind::read(kind).ok_or(NO_SUCH_KIND)?;
    let is_stop = kind == CommandKind::Interrupt;
    let policy = match Policy::read(machine) {
        Ok(policy) if policy.kinds & bit(kind) == 0 => return Err(NO_SUCH_KIND),
        Ok(policy) if !is_stop && !policy.is_within(machine.recent) => return Err(TOO_MANY),
        // Whoever breaks a policy, Codex among them, does not make it unstoppable.
        Err(refused) if !is_stop => return Err(refused),
        policy => policy.ok(),
    };
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
    match (kind, policy) {
        (CommandKind::Interrupt, _) => Ok(plain(Method::TurnInterrupt)),
        (_, None) => Err(UNREADABLE),
        (CommandKind::Turn | CommandKind::Steer, Some(policy)) => policy.message(kind, payload),
        (CommandKind::Decide, Some(policy)) => policy.decision(payload, machine.asked),
        (CommandKind::Answer, Some(policy)) => policy.answer(payload, machine.asked),
    }
}

fn plain(method: Method) -> PolicyAnswer {
    let (cwd, sandbox_policy_json, approval_policy_json) = (None, None, None);
    PolicyAnswer::Allowed { method, cwd, sandbox_policy_json, approval_policy_json }
}

/// The policy file, completed by what the machine was started with.
struct Policy<'a> {
    /// Whether Codex may write its file.
    is_exposed: bool,
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
const EXPOSED: Refused = (Reason::Exposed, "Codex may write the machine's policy");
const NO_SUCH_KIND: Refused = (Reason::Kind, "the machine takes no command of this kind");
const TOO_MANY: Refused = (Reason::Rate, "the machine takes no more commands in this minute");
const NOT_THIS_WAY: Refused = (Reason::Request, "the request wants another kind");
const NO_DECISION: Refused = (Reason::Decision, "the machine takes no such decision from afar");
const NOT_SHOWN: Refused = (Reason::Shown, "it does not say what was shown");
const REDACTED: Refused = (Reason::Redacted, "parts of it were redacted: it is accepted at the machine");

/// Approvals in the protocol of before, which decline by a `denied`.
const OLD_APPROVALS: [&str; 2] = ["execCommandApproval", "applyPatchApproval"];
const ELICITATION: &str = "mcpServer/elicitation/request";
const TOOL_CALL: &str = "item/tool/call";
/// How the ids of Codex's questions whether a tool may be called begin. It reads the answer under such an id as a decision,
/// in what a form was filled in with too.
///
/// SOURCE: app-server 0.169.0, `mcp_tool_call.rs`, in the words of its options.
const TOOL_APPROVAL: &str = "mcp_tool_call_approval";
/// And of that whether the servers that a skill wants are written into Codex's configuration.
///
/// SOURCE: app-server 0.169.0 has the id; in which words it is answered was not seen, so that nothing but a no passes by default.
const INSTALLATION: &str = "skill_mcp_dependency_install";

impl<'a> Policy<'a> {
    fn read(machine: Machine<'a>) -> Result<Self, Refused> {
        let settings = Json::parse(machine.settings_json).map_err(|_| UNREADABLE)?;
        let file = Json::parse(machine.policy_json).map_err(|_| UNREADABLE)?;
        let policy = Self::complete(file, settings).ok_or(UNREADABLE)?;
        if policy.is_exposed { Err(EXPOSED) } else { Ok(policy) }
    }

    fn complete(file: Json<'a>, settings: Json<'a>) -> Option<Self> {
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
        let sandbox = Sandbox::read(file.get("sandbox").or_else(|| started.get("sandboxPolicy"))?)?;
        // By the start's own too: what a turn at the machine wrote into it would say that it may lie there.
        let mut is_exposed = false;
        if let Some(files) = settings.get("files") {
            for path in files.list("policy").filter_map(path_of) {
                is_exposed |= sandbox.writes(&roots, files, &path);
                is_exposed |= started_sandbox.writes(slice::from_ref(&own), files, &path);
            }
        }
        Some(Self {
            is_exposed,
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
        })
    }

    /// Whether one more passes after so many in the last minute.
    fn is_within(&self, recent: f64) -> bool {
        recent >= 0.0 && recent < self.per_minute as f64
    }

    fn message(&self, kind: CommandKind, payload: Json<'a>) -> Result<PolicyAnswer, Refused> {
        let is_turn = kind == CommandKind::Turn;
        let named = given(payload, "cwd").filter(|_| is_turn);
        const UNKNOWN: &str = "the thread's folder is not known: name one";
        const OUTSIDE: &str = "the folder is not there, or not allowed";
        let cwd = match named {
            Some(value) => path_of(value),
            None => Some(self.cwd.clone().ok_or((Reason::Cwd, UNKNOWN))?),
        };
        // Where a thread is, its machine decided.
        let holds = if named.is_some() { Path::is_open_below } else { Path::is_below };
        let cwd = cwd.filter(|cwd| holds(cwd, &self.roots)).ok_or((Reason::Cwd, OUTSIDE))?;
        self.check_input(payload)?;
        let wanted = |key: &str| given(payload, key).filter(|_| is_turn);
        let asked = wanted("sandboxPolicy").map(Sandbox::read);
        let sandbox = self.choose(asked.as_ref(), &self.running_sandbox, &self.sandbox, is_turn);
        let sandbox = sandbox.ok_or((Reason::Sandbox, "the sandbox is less than the machine wants"))?;
        let asked = wanted("approvalPolicy").map(Approval::read);
        let approval = self.choose(asked.as_ref(), &self.running_approval, &self.approval, is_turn);
        let message = "the approval policy asks less than the machine wants";
        let approval = approval.ok_or((Reason::ApprovalPolicy, message))?;
        Ok(PolicyAnswer::Allowed {
            method: if is_turn { Method::TurnStart } else { Method::TurnSteer },
            cwd: named.map(|_| cwd.into_text()),
            sandbox_policy_json: sandbox.map(|sandbox| sandbox.json.to_owned()),
            approval_policy_json: approval.map(|approval| approval.json.to_owned()),
        })
    }

    /// What to pass of a setting, nothing where what is in force stays; none where the command does not pass.
    fn choose<'b, S: Setting>(
        &self,
        wanted: Option<&'b Option<S>>,
        running: &'b Option<S>,
        ceiling: &'b S,
        can_set: bool,
    ) -> Option<Option<&'b S>> {
        let below =
            |setting: &'b Option<S>| setting.as_ref().filter(|low| low.is_at_most(ceiling, &self.roots));
        match wanted {
            Some(wanted) => below(wanted).map(Some),
            None if below(running).is_some() => Some(None),
            None => can_set.then_some(Some(ceiling)),
        }
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
                    member.get("path").and_then(direct_path_of).is_some_and(|path| path.is_below(&self.roots))
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
        let (takes, accepts) = self.takes(decision);
        let answer = answered(payload, asked, accepts)?;
        if takes && is_offered(asked, decision, accepts) { Ok(answer) } else { Err(NO_DECISION) }
    }

    /// Whether the machine takes such a decision, whatever it is of, and whether it lets something happen.
    fn takes(&self, decision: Json<'_>) -> (bool, bool) {
        let Decisions { accept, accept_for_session, amendments, decline, cancel } = self.accepts;
        if decision.kind() == Kind::Object {
            let mut names = decision.entries().map(|(key, _)| key.to_whole());
            let name = names.next().filter(|_| names.next().is_none());
            return match name.as_deref() {
                Some(
                    "acceptWithExecpolicyAmendment"
                    | "applyNetworkPolicyAmendment"
                    | "approved_execpolicy_amendment"
                    | "network_policy_amendment",
                ) => (amendments, true),
                Some("denied") => (decline, false),
                _ => (false, true),
            };
        }
        match decision.str().and_then(RawStr::plain) {
            Some("accept" | "approved") => (accept, true),
            Some("acceptForSession" | "approved_for_session") => (accept_for_session, true),
            Some("approved_mcp_policy_amendment") => (amendments, true),
            Some("decline") => (decline, false),
            Some("cancel" | "abort") => (cancel, false),
            _ => (false, true),
        }
    }

    fn answer(&self, payload: Json<'_>, asked: Option<Asked<'_>>) -> Result<PolicyAnswer, Refused> {
        let asked = asked.ok_or(NOT_THIS_WAY)?;
        let Asked { method, payload_json, .. } = asked;
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
                            let (takes, is_accepting) = self.takes(value);
                            accepts |= is_accepting;
                            let word = value.str().and_then(RawStr::plain);
                            takes && matches!(word, Some("accept" | "decline" | "cancel"))
                        }
                        Some("content") => self.takes_options(value, &mut accepts),
                        Some("_meta") => self.takes_meta(value),
                        _ => false,
                    };
                }
            }
            _ => return Err(NOT_THIS_WAY),
        }
        if passes { answered(payload, asked, accepts) } else { Err(NO_DECISION) }
    }

    /// Whether the machine takes what is answered under the ids of [`TOOL_APPROVAL`] and [`INSTALLATION`]: a word, a list of them, or such a list
    /// in `answers`.
    fn takes_options(&self, answers: Json<'_>, accepts: &mut bool) -> bool {
        for (key, value) in answers.entries() {
            let key = key.to_whole();
            if !(key.starts_with(TOOL_APPROVAL) || key.starts_with(INSTALLATION)) {
                continue;
            }
            let words = value.get("answers").unwrap_or(value);
            if words.kind() != Kind::Array && !self.takes_option(words, accepts) {
                return false;
            }
            for word in words.items() {
                if !self.takes_option(word, accepts) {
                    return false;
                }
            }
        }
        true
    }

    fn takes_option(&self, word: Json<'_>, accepts: &mut bool) -> bool {
        let (accepting, takes) = match word.str().and_then(RawStr::plain) {
            Some("Cancel") => (false, self.accepts.cancel || self.accepts.decline),
            Some("Allow") => (true, self.accepts.accept),
            Some("Allow for this session") => (true, self.accepts.accept_for_session),
            Some("Allow and don't ask me again" | "Install") => (true, self.accepts.amendments),
            Some("Continue anyway") => (false, self.accepts.decline),
            _ => (true, false),
        };
        *accepts |= accepting;
        takes
    }

    /// Whether the machine takes what is said beside an elicitation's answer: for how long a tool is allowed, and nothing else.
    fn takes_meta(&self, meta: Json<'_>) -> bool {
        for (key, value) in meta.entries() {
            let takes = match value.str().and_then(RawStr::plain) {
                Some("session") => self.accepts.accept_for_session,
                Some("always") => self.accepts.amendments,
                _ => false,
            };
            if !takes || !key.is("persist") {
                return false;
            }
        }
        meta.is_null() || meta.kind() == Kind::Object
    }
}

/// Whether a request offers a decision, written as the request writes it. One that is too large offers none that accepts.
fn is_offered(Asked { method, payload_json, .. }: Asked<'_>, decision: Json<'_>, accepts: bool) -> bool {
    let word = decision.str().and_then(RawStr::plain);
    // What every request takes need not be among what it offers.
    let is_plain = match word {
        Some(word) => word == "decline",
        None => OLD_APPROVALS.contains(&method) && !accepts,
    };
    if is_plain {
        return true;
    }
    if accepts && payload_json.len() > APPROVAL_BYTES_MAX {
        return false;
    }
    let offers = approval::params(payload_json).and_then(|params| params.get("availableDecisions"));
    if let Some(offers) = offers.filter(|offers| offers.kind() == Kind::Array) {
        return offers.items().any(|offer| offer.text() == decision.text());
    }
    // Of permissions whatever is no plain decline grants them. A rule has to be offered.
    word.is_some() && (accepts || approval::kind(method) != Some("permissions"))
}

/// The answer to a request; `accepts` where it lets something happen.
fn answered(payload: Json<'_>, asked: Asked<'_>, accepts: bool) -> Result<PolicyAnswer, Refused> {
    let is_shown = given(payload, "shownSha256").is_some();
    match accepts {
        true if asked.is_redacted => Err(REDACTED),
        true if !is_shown => Err(NOT_SHOWN),
        _ => Ok(plain(Method::Response)),
    }
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
