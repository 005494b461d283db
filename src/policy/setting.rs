//! Sandboxes and approval policies of the app-server, in the order of what they let pass.

use super::{Path, direct_path_of};
use crate::event::json::{Json, Kind, RawStr};

/// A setting that has an order: partly, for not every two of its values can be compared.
pub(super) trait Setting {
    /// Whether everything that this lets pass, `ceiling` lets pass too. `roots` are the folders that the machine allows.
    fn is_at_most(&self, ceiling: &Self, roots: &[Path]) -> bool;
}

/// readOnly < workspaceWrite < externalSandbox < dangerFullAccess, each with or without the network. An external sandbox
/// is none of Codex's: inside it everything can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sandbox<'a> {
    level: u8,
    network: bool,
    writable: Vec<Path>,
    tmpdir: bool,
    slash_tmp: bool,
    /// The value as the app-server takes it with a turn.
    pub(super) json: &'a str,
}

const READ_ONLY: u8 = 0;
const WORKSPACE_WRITE: u8 = 1;
const EXTERNAL: u8 = 2;
const FULL_ACCESS: u8 = 3;

impl<'a> Sandbox<'a> {
    /// Reads a mode's name or a policy; none where a value or a member of it is not known.
    pub(super) fn read(value: Json<'a>) -> Option<Self> {
        let plain = |level, json| Self {
            level,
            network: level == FULL_ACCESS,
            writable: Vec::new(),
            tmpdir: level == WORKSPACE_WRITE,
            slash_tmp: level == WORKSPACE_WRITE,
            json,
        };
        if let Some(mode) = value.str() {
            return Some(match mode.plain()? {
                "read-only" => plain(READ_ONLY, r#"{"type":"readOnly","networkAccess":false}"#),
                "workspace-write" => plain(
                    WORKSPACE_WRITE,
                    r#"{"type":"workspaceWrite","writableRoots":[],"networkAccess":false,"excludeTmpdirEnvVar":false,"excludeSlashTmp":false}"#,
                ),
                "danger-full-access" => plain(FULL_ACCESS, r#"{"type":"dangerFullAccess"}"#),
                _ => return None,
            });
        }
        let level = match value.string("type")?.plain()? {
            "readOnly" => READ_ONLY,
            "workspaceWrite" => WORKSPACE_WRITE,
            "externalSandbox" => EXTERNAL,
            "dangerFullAccess" => FULL_ACCESS,
            _ => return None,
        };
        let mut read = plain(level, value.text());
        for (key, value) in value.entries() {
            match key.plain()? {
                "type" => {}
                "networkAccess" if level == EXTERNAL => {
                    read.network = match value.str()?.plain()? {
                        "enabled" => true,
                        "restricted" => false,
                        _ => return None,
                    }
                }
                "networkAccess" if level < EXTERNAL => read.network = value.bool()?,
                "writableRoots" if level == WORKSPACE_WRITE && value.kind() == Kind::Array => {
                    for root in value.items() {
                        read.writable.push(direct_path_of(root)?);
                    }
                }
                "excludeTmpdirEnvVar" if level == WORKSPACE_WRITE => read.tmpdir = !value.bool()?,
                "excludeSlashTmp" if level == WORKSPACE_WRITE => read.slash_tmp = !value.bool()?,
                _ => return None,
            }
        }
        Some(read)
    }
}

impl Sandbox<'_> {
    /// Whether Codex may write `path` in it, or what it lies in; `files` has the folders for temporary files. Where there is
    /// no sandbox, no place is safe: that is not asked.
    pub(super) fn writes(&self, roots: &[Path], files: Json<'_>, path: &Path) -> bool {
        let holds =
            |key: &str| files.get(key).and_then(direct_path_of).is_some_and(|folder| folder.holds(path));
        self.level == WORKSPACE_WRITE
            && (path.is_below(roots)
                || path.is_below(&self.writable)
                || (self.tmpdir && holds("tmpdir"))
                || (self.slash_tmp && holds("slashTmp")))
    }
}

impl Setting for Sandbox<'_> {
    fn is_at_most(&self, ceiling: &Self, roots: &[Path]) -> bool {
        let writes = |path: &Path| path.is_open_below(&ceiling.writable) || path.is_open_below(roots);
        self.level <= ceiling.level
            && (ceiling.network || !self.network)
            && (ceiling.level != self.level
                || (self.writable.iter().all(writes)
                    && (ceiling.tmpdir || !self.tmpdir)
                    && (ceiling.slash_tmp || !self.slash_tmp)))
    }
}

/// untrusted < granular < on-request < never: the fewer questions, the higher. `granular` asks as `on-request` does, and
/// what of it is off is declined without a question: less passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Approval<'a> {
    level: u8,
    /// What is asked for and not declined, of a granular one.
    asks: [bool; 5],
    /// The value as the app-server takes it with a turn.
    pub(super) json: &'a str,
}

const GRANULAR: u8 = 1;
const ASKED_FOR: [&str; 5] =
    ["sandbox_approval", "rules", "skill_approval", "request_permissions", "mcp_elicitations"];

impl<'a> Approval<'a> {
    /// Reads a policy; none where a value or a member of it is not known.
    pub(super) fn read(value: Json<'a>) -> Option<Self> {
        let json = value.text();
        if let Some(name) = value.str() {
            let level = match name.plain()? {
                "untrusted" => 0,
                "on-request" => 2,
                "never" => 3,
                _ => return None,
            };
            return Some(Self { level, asks: [false; 5], json });
        }
        let mut entries = value.entries();
        let (key, granular) = entries.next()?;
        if !key.is("granular") || entries.next().is_some() || granular.kind() != Kind::Object {
            return None;
        }
        let mut asks = [false; 5];
        for (key, value) in granular.entries() {
            let at = ASKED_FOR.iter().position(|name| RawStr::is(key, name))?;
            *asks.get_mut(at)? = value.bool()?;
        }
        Some(Self { level: GRANULAR, asks, json })
    }
}

impl Setting for Approval<'_> {
    fn is_at_most(&self, ceiling: &Self, _: &[Path]) -> bool {
        let is_part = || self.asks.iter().zip(&ceiling.asks).all(|(own, most)| *most || !own);
        self.level < ceiling.level || (self.level == ceiling.level && is_part())
    }
}
