//! Absolute paths, compared by their components as they are written. No file system is asked: whoever gives them has
//! followed their links.

/// Folders that Codex's sandbox keeps from being written where they lie at the top of a folder that may be: what lies in them
/// decides what is run later, outside of it. As a turn's own folder nothing would keep them.
///
/// SOURCE: app-server 0.169.0, seen with `turn/start` and `command/exec`; `.agents` by its documentation.
const PROTECTED: [&str; 3] = [".git", ".codex", ".agents"];

/// An absolute path without `.`, `..` and doubled separators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// The drive (`C:`, nothing elsewhere), and a separator and a name for each component.
    text: String,
    separator: u8,
}

impl Path {
    /// Reads an absolute path; none where it is relative, of a network share, or holds what a system reads otherwise.
    pub(super) fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_windows = match bytes {
            // `//host/share` is a share on some systems.
            [b'/', b'/', ..] => return None,
            [b'/', ..] => false,
            [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic() => true,
            _ => return None,
        };
        let drive = if is_windows { 2 } else { 0 };
        let separator = if is_windows { b'\\' } else { b'/' };
        let mut path = Self { text: text.get(..drive)?.to_owned(), separator };
        let mut start = drive + 1;
        for (byte, at) in bytes.iter().copied().chain([separator]).zip(0..) {
            if byte == 0 {
                return None;
            }
            if at < start || !(byte == separator || byte == b'/') {
                continue;
            }
            match text.get(start..at)? {
                "" | "." => {}
                ".." => path.pop(drive),
                // Windows drops dots and spaces at a name's end, and a colon opens another stream of a file.
                part if is_windows && opens_another(part) => return None,
                part => {
                    path.text.push(char::from(separator));
                    path.text.push_str(part);
                }
            }
            start = at + 1;
        }
        Some(path)
    }

    /// Reads a path that is passed on as it is written: one without `..`, which a system may read otherwise, by its links.
    pub(super) fn read_direct(text: &str) -> Option<Self> {
        let mut dots = 0;
        for byte in text.bytes().chain([b'/']) {
            match byte {
                b'.' => dots += 1,
                b'/' | b'\\' if dots == 2 => return None,
                b'/' | b'\\' => dots = 0,
                // No `..` any more, however many follow.
                _ => dots = 3,
            }
        }
        Self::read(text)
    }

    fn pop(&mut self, drive: usize) {
        while self.text.len() > drive {
            if self.text.pop().map(u32::from) == Some(u32::from(self.separator)) {
                return;
            }
        }
    }

    /// Whether `other` is this folder or lies below it.
    pub(super) fn holds(&self, other: &Self) -> bool {
        let rest = other.text.as_bytes().strip_prefix(self.text.as_bytes());
        let is_below = |rest: &[u8]| rest.first().is_none_or(|byte| *byte == self.separator);
        self.separator == other.separator && rest.is_some_and(is_below)
    }

    /// Whether one of these folders holds it, and none of [`PROTECTED`] lies between.
    pub(super) fn is_open_below(&self, folders: &[Self]) -> bool {
        let is_open = |folder: &Self| {
            let rest = self.text.get(folder.text.len()..).unwrap_or_default();
            let mut names = rest.split(char::from(self.separator));
            names.all(|name| !PROTECTED.iter().any(|protected| name.eq_ignore_ascii_case(protected)))
        };
        folders.iter().any(|folder| folder.holds(self) && is_open(folder))
    }

    /// Whether one of these folders holds it.
    pub(super) fn is_below(&self, folders: &[Self]) -> bool {
        folders.iter().any(|folder| folder.holds(self))
    }

    /// The path, written out.
    pub(super) fn into_text(mut self) -> String {
        let is_root = self.text.len() == if self.separator == b'/' { 0 } else { 2 };
        if is_root {
            self.text.push(char::from(self.separator));
        }
        self.text
    }
}

fn opens_another(part: &str) -> bool {
    let bytes = part.as_bytes();
    matches!(bytes.last(), Some(b'.' | b' ')) || bytes.contains(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        Path::read(text).map(|path| path.into_text())
    }

    #[test]
    fn a_path_is_absolute_and_written_without_detours() {
        for (text, want) in [
            ("/", Some("/")),
            ("/a/b", Some("/a/b")),
            ("/a//b/./c/", Some("/a/b/c")),
            ("/a/b/../c", Some("/a/c")),
            ("/a/../../..", Some("/")),
            ("/a/...", Some("/a/...")),
            ("/a/..b", Some("/a/..b")),
            (r"/a\..\b", Some(r"/a\..\b")),
            ("/ä/😀", Some("/ä/😀")),
            (r"C:\a\..\b", Some(r"C:\b")),
            ("C:/a/b", Some(r"C:\a\b")),
            (r"c:\", Some(r"c:\")),
            ("", None),
            ("a/b", None),
            ("./a", None),
            ("../a", None),
            ("~/a", None),
            ("//host/share", None),
            (r"\\host\share", None),
            ("C:a", None),
            ("1:/a", None),
            ("/a\0b", None),
            (r"C:\a.\b", None),
            (r"C:\a \b", None),
            (r"C:\a:b", None),
            ("é:/a", None),
        ] {
            assert_eq!(normal(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn a_path_that_is_passed_on_takes_no_turn_back() {
        for (text, want) in [
            ("/a/b", true),
            ("/a/../b", false),
            ("/a/..", false),
            ("/a/.../..b/b..", true),
            (r"C:\a\..", false),
            ("a", false),
        ] {
            assert_eq!(Path::read_direct(text).is_some(), want, "{text}");
        }
    }

    #[test]
    fn what_a_sandbox_protects_is_open_only_to_whoever_names_it() {
        let is_open =
            |root: &str, path: &str| Path::read(path).unwrap().is_open_below(&[Path::read(root).unwrap()]);
        for (root, path, want) in [
            ("/a", "/a", true),
            ("/a", "/a/b", true),
            ("/a", "/a/.git", false),
            ("/a", "/a/b/.GIT/hooks", false),
            ("/a", "/a/.codex", false),
            ("/a", "/a/.agents/x", false),
            ("/a", "/a/.github", true),
            ("/a", "/a/x.git", true),
            ("/", "/.git", false),
            ("/a/.git", "/a/.git/hooks", true),
            ("/a/.codex", "/a/.codex", true),
            ("/a/.codex", "/a/.codex/b/.git", false),
            ("/a", "/b", false),
            (r"C:\a", r"C:\a\.Git\hooks", false),
            (r"C:\a", r"C:\a\b", true),
        ] {
            assert_eq!(is_open(root, path), want, "{root} {path}");
        }
    }

    #[test]
    fn a_folder_holds_what_lies_below_it_by_whole_names() {
        let holds = |root: &str, path: &str| Path::read(root).unwrap().holds(&Path::read(path).unwrap());
        for (root, path, want) in [
            ("/a/b", "/a/b", true),
            ("/a/b", "/a/b/c/d", true),
            ("/a/b/", "/a/b/../b/c", true),
            ("/", "/etc", true),
            ("/a/b", "/a/bc", false),
            ("/a/b", "/a", false),
            ("/a/b", "/a/b/../c", false),
            ("/a/b", "/A/b", false),
            ("/a", r"C:\a", false),
            (r"C:\a", r"C:\a\b", true),
            (r"C:\a", r"c:\a\b", false),
        ] {
            assert_eq!(holds(root, path), want, "{root} {path}");
        }
    }
}
