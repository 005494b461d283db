//! Absolute paths, compared by their components as they are written. No file system is asked: what a link leads to is the
//! sandbox's to hold.

/// An absolute path without `.`, `..` and doubled separators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// `C:` on Windows.
    drive: Option<String>,
    parts: Vec<String>,
}

impl Path {
    /// Reads an absolute path; none where it is relative, of a network share, or holds what a system reads otherwise.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.contains('\0') {
            return None;
        }
        let (drive, rest) = match text.strip_prefix('/') {
            // `//host/share` is a share on some systems.
            Some(rest) if rest.starts_with('/') => return None,
            Some(rest) => (None, rest),
            None => {
                let (drive, rest) = text.split_at_checked(2)?;
                let is_drive = drive.bytes().next()?.is_ascii_alphabetic() && drive.ends_with(':');
                let rest = rest.strip_prefix(['/', '\\']).filter(|_| is_drive)?;
                (Some(drive.to_owned()), rest)
            }
        };
        let is_windows = drive.is_some();
        let mut parts: Vec<String> = Vec::new();
        for part in rest.split(|char| char == '/' || (is_windows && char == '\\')) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                // Windows drops dots and spaces at a name's end, and a colon opens another stream of a file.
                _ if is_windows && (part.ends_with(['.', ' ']) || part.contains(':')) => return None,
                _ => parts.push(part.to_owned()),
            }
        }
        Some(Self { drive, parts })
    }

    /// Reads a path that is passed on as it is written: one without `..`, which a system may read otherwise, by its links.
    pub(super) fn read_direct(text: &str) -> Option<Self> {
        let turns_back = text.split(['/', '\\']).any(|part| part == "..");
        if turns_back { None } else { Self::read(text) }
    }

    /// Whether `other` is this folder or lies below it.
    pub(super) fn holds(&self, other: &Self) -> bool {
        self.drive == other.drive && other.parts.starts_with(&self.parts)
    }

    /// The path, written out.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        let between = if self.drive.is_some() { '\\' } else { '/' };
        text.push_str(self.drive.as_deref().unwrap_or_default());
        for part in &self.parts {
            text.push(between);
            text.push_str(part);
        }
        if self.parts.is_empty() {
            text.push(between);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        Path::read(text).map(|path| path.to_text())
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
        for (text, want) in
            [("/a/b", true), ("/a/../b", false), ("/a/..", false), (r"C:\a\..", false), ("a", false)]
        {
            assert_eq!(Path::read_direct(text).is_some(), want, "{text}");
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
