//! What the app-server's methods hold that is kept nowhere.
//!
//! SOURCE: app-server 0.169.0, every request, notification and server request of its schema; the decision on each is in
//! `tests/fixtures/app-server-methods.txt`.

use crate::event::json::Json;

/// What of a message is left out.
pub(super) struct Rule {
    /// Of a request's or a notification's `params`.
    pub(super) params: Part,
    /// Of the answer's `result` and `error`.
    pub(super) result: Part,
}

/// What of a part of a message is left out.
pub(super) enum Part {
    /// Nothing.
    Open,
    /// All of it; the kind to put there.
    Whole(&'static str),
    /// Members of a name, at whatever depth, and the kind to put there.
    Members(&'static [(&'static str, &'static str)]),
    /// The answers to these questions.
    Named(Vec<String>),
}

impl Part {
    /// The kind to put in the place of a member's value; `name` as it stands in JSON.
    pub(super) fn kind_of(&self, name: &str) -> Option<&'static str> {
        match self {
            Self::Members(members) => {
                members.iter().find(|(member, _)| reads(name, member)).map(|(_, kind)| *kind)
            }
            Self::Named(names) => names.iter().any(|one| reads(name, one)).then_some("answer"),
            Self::Open | Self::Whole(_) => None,
        }
    }
}

/// Whether the inside of a JSON string reads `other`.
fn reads(inside: &str, other: &str) -> bool {
    if !inside.contains('\\') {
        return inside == other;
    }
    let mut quoted = String::from("\"");
    quoted.push_str(inside);
    quoted.push('"');
    Json::parse(&quoted).ok().and_then(Json::str).is_some_and(|text| text.is(other))
}

impl Rule {
    /// Nothing is left out by name.
    pub(super) const OPEN: Self = Self { params: Part::Open, result: Part::Open };
}

/// Families of which everything is left out, methods of newer versions too.
const WHOLE: [&str; 7] = [
    "account/",
    "accountSession/",
    "attestation/",
    "userVerification/",
    "remoteControl/pairing/",
    // Of the versions before 0.169.0: loginApiKey, loginChatGpt, loginChatGptComplete.
    "loginApiKey",
    "loginChatGpt",
];

/// The rule of a method.
pub(super) fn rule_of(method: &str) -> Rule {
    use Part::{Members, Open, Whole};
    if WHOLE.iter().any(|family| method.starts_with(family)) {
        return Rule { params: Whole("account"), result: Whole("account") };
    }
    let (params, result) = match method {
        "getAuthStatus" | "authStatusChange" => (Whole("account"), Whole("account")),
        // Values of the configuration are keys and headers as well as colours.
        "config/value/write" | "config/batchWrite" => (Whole("config"), Whole("config")),
        "config/read" | "configRequirements/read" | "getUserSavedConfig" => (Open, Whole("config")),
        "modelProvider/config/write" | "environment/add" => (Whole("config"), Open),
        "thread/start" | "thread/resume" | "thread/fork" => (Members(&[("config", "config")]), Open),
        // An address with the login's state in it.
        "mcpServer/oauth/login" => (Open, Whole("oauth")),
        "mcpServer/elicitation/request" => (Members(&[("challenge", "verification")]), Open),
        "command/exec"
        | "process/spawn"
        | "thread/inject_items"
        | "rawResponseItem/completed"
        | "execOneOffCommand" => (Members(&[("env", "env")]), Open),
        // Base64: no shape is seen inside.
        "command/exec/write" | "process/writeStdin" => (Members(&[("deltaBase64", "stdin")]), Open),
        "command/exec/outputDelta" | "process/outputDelta" => (Members(&[("deltaBase64", "output")]), Open),
        "fs/writeFile" => (Members(&[("dataBase64", "file")]), Open),
        "fs/readFile" => (Open, Members(&[("dataBase64", "file")])),
        // A session description holds the password of its connection.
        "thread/realtime/start" => (Members(&[("transport", "sdp")]), Open),
        "thread/realtime/sdp" => (Members(&[("sdp", "sdp")]), Open),
        _ => (Open, Open),
    };
    Rule { params, result }
}
