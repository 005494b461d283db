//! The shapes of secrets: keys of known providers, JSON web tokens, private keys, and what follows a telling name.
//!
//! Read through JSON's escapes without decoding: every step yields one character that a shape can be made of.

use crate::device::TOKEN_PREFIX;

/// Bytes that the value of a telling member has at least.
pub(super) const MEMBER_BYTES_MIN: usize = 8;

/// A secret's bytes in the line.
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: &'static str,
}

const KEY: &str = "key";
const JWT: &str = "jwt";
const PEM: &str = "pem";
const BEARER: &str = "bearer";
const AUTHORIZATION: &str = "authorization";
const SECRET: &str = "secret";
const PASSWORD: &str = "password";

/// What a provider's keys begin with, and how many characters come behind it at least. A digit is among them: words are not
/// keys. SOURCE: the providers' documentation of their keys.
const KEYS: [(&str, usize); 42] = [
    ("sk-", 20),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("rk_live_", 16),
    ("whsec_", 16),
    ("sess-", 24),
    ("xai-", 20),
    ("gsk_", 20),
    ("pplx-", 20),
    ("hf_", 20),
    ("r8_", 20),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("GOCSPX-", 20),
    ("ya29.", 20),
    ("1//0", 30),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("gldt-", 20),
    ("npm_", 30),
    ("pypi-", 30),
    ("xoxb-", 16),
    ("xoxa-", 16),
    ("xoxp-", 16),
    ("xoxr-", 16),
    ("xoxs-", 16),
    ("xoxe-", 16),
    ("xapp-", 16),
    ("SG.", 30),
    ("dop_v1_", 32),
    ("shpat_", 24),
    ("lin_api_", 24),
    ("figd_", 24),
    ("ATATT3", 30),
    ("AGE-SECRET-KEY-1", 30),
    (TOKEN_PREFIX, 64),
];

/// Deploy keys of Convex: `prod:calm-otter-1|` and base64.
const DEPLOY_KEYS: [&str; 4] = ["prod:", "dev:", "preview:", "project:"];
const DEPLOY_KEY_MIN: usize = 20;

/// Names, small and without `_` and `-`, at whose end a value is a secret.
const NAMES: [&str; 19] = [
    "apikey",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "clientsecret",
    // Of AWS and of Azure.
    "accesskey",
    "accountkey",
    "secretkey",
    "sessiontoken",
    "authtoken",
    "bearertoken",
    "privatekey",
    "deploykey",
    "adminkey",
    "authcode",
    "password",
    "passwd",
    "passphrase",
    "secret",
];
const AUTHORIZATION_NAME: &str = "authorization";
const NAMED_MIN: usize = 16;
const JWT_PART_MIN: usize = 8;
/// What a terminal's control sequences begin with.
const ESCAPE: u8 = 0x1B;
const LABEL_MAX: usize = 40;
/// Characters within which a secret shows that it is one: what is looked at twice stays this short.
const LOOK_MAX: usize = 256;

/// What the value of a JSON member of this name is, whatever it looks like.
pub(super) fn member_kind(name: &str) -> Option<&'static str> {
    let mut tail = Name::default();
    name.bytes().for_each(|byte| tail.push(byte));
    // `userAuthorization` is a judgement, and no header.
    let is_header = tail.tail.starts_with(&[0; 3]) || tail.tail.starts_with(b"oxy");
    tail.kind().filter(|kind| *kind != AUTHORIZATION || is_header)
}

/// The newest characters of a name, as [`NAMES`] has them.
#[derive(Default)]
struct Name {
    tail: [u8; 16],
    /// Whether the name has ended: only what may stand before its colon came since.
    over: bool,
}

impl Name {
    fn push(&mut self, char: u8) {
        match char {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                if self.over {
                    *self = Self::default();
                }
                self.tail.rotate_left(1);
                if let Some(last) = self.tail.last_mut() {
                    *last = char.to_ascii_lowercase();
                }
            }
            b'_' | b'-' => {}
            b'"' | b'\'' | b'\\' | b' ' => self.over = true,
            _ => *self = Self::default(),
        }
    }

    fn kind(&self) -> Option<&'static str> {
        if self.tail.ends_with(AUTHORIZATION_NAME.as_bytes()) {
            return Some(AUTHORIZATION);
        }
        NAMES.iter().any(|name| self.tail.ends_with(name.as_bytes())).then_some(SECRET)
    }
}

fn is_word(char: u8) -> bool {
    char.is_ascii_alphanumeric() || char == b'_' || char == b'-'
}

fn is_value(char: u8) -> bool {
    is_word(char) || b".~+/=|:".contains(&char)
}

/// What a value without quotes may begin with beside that: passwords are made of it, code seldom is.
fn is_unquoted(char: u8) -> bool {
    is_value(char) || b"!#$%@^*".contains(&char)
}

/// Of a value in quotes, whichever: the other ones may be those around the text that it stands in.
fn is_quoted(char: u8) -> bool {
    char > b' ' && !b"\"'\\".contains(&char)
}

/// Looks for secrets between two bytes of a line.
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
    escaped: bool,
    /// Whether a word goes on here: no key begins inside one.
    in_word: bool,
    before: u8,
    /// Where the newest word began: a name, if a colon follows.
    word_at: usize,
    #[cfg(test)]
    steps: std::cell::Cell<u64>,
}

/// How many characters are read in all.
#[cfg(test)]
pub(super) fn count_steps(text: &str) -> u64 {
    let mut scan = Scan::new(text, 0, text.len(), true);
    while scan.next_secret().is_some() {}
    scan.steps.get()
}

/// A run of characters.
#[derive(Default)]
struct Run {
    end: usize,
    count: usize,
    digit: bool,
    capital: bool,
}

impl<'a> Scan<'a> {
    /// Looks through the bytes from `at` to `end`.
    pub(super) fn new(line: &'a str, at: usize, end: usize, escaped: bool) -> Self {
        Self {
            bytes: line.as_bytes(),
            at,
            end,
            escaped,
            in_word: false,
            before: 0,
            word_at: at,
            #[cfg(test)]
            steps: std::cell::Cell::new(0),
        }
    }

    /// The next secret.
    pub(super) fn next_secret(&mut self) -> Option<Found> {
        while let Some((char, next)) = self.char(self.at) {
            let found = self.secret_at(self.at, char, next);
            if let Some(found) = found {
                self.at = found.end;
                (self.in_word, self.before, self.word_at) = (true, 0, found.end);
                return Some(found);
            }
            if let Some(behind) = self.aside(self.at, char, next) {
                (self.at, self.in_word, self.before) = (behind, false, 0);
                continue;
            }
            // `\n` and its like inside of JSON that is inside of strings: backslashes and a letter, and no word.
            let is_escape = self.before == b'\\' && b"nrtbf".contains(&char);
            let in_word = is_word(char) && !is_escape;
            if matches!(char, b':' | b'=') || is_escape {
                self.word_at = next;
            } else if in_word && !self.in_word {
                self.word_at = self.at;
            }
            self.in_word = in_word;
            self.before = char;
            self.at = next;
            if in_word {
                self.skip_word();
            }
        }
        None
    }

    /// Passes over what of a word can be nothing but its inside: most of a text.
    fn skip_word(&mut self) {
        let rest = self.bytes.get(self.at..self.end).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if count > 0 {
            self.at += count;
            self.before = b'a';
        }
    }

    /// The character at a byte, and the byte behind it; 0xFF for whatever no shape is made of.
    fn char(&self, at: usize) -> Option<(u8, usize)> {
        #[cfg(test)]
        self.steps.set(self.steps.get() + 1);
        if at >= self.end {
            return None;
        }
        let byte = self.bytes.get(at).copied()?;
        if byte != b'\\' || !self.escaped {
            return Some((byte, at + 1));
        }
        Some(match self.bytes.get(at + 1).copied()? {
            b'n' => (b'\n', at + 2),
            b'r' => (b'\r', at + 2),
            b't' => (b'\t', at + 2),
            b'b' | b'f' => (b' ', at + 2),
            b'u' => {
                let digits = self.bytes.get(at + 2..at + 6)?;
                let digit = |digit: &u8| char::from(*digit).to_digit(16).unwrap_or(0);
                let unit = digits.iter().fold(0, |unit, byte| unit << 4 | digit(byte));
                (u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(0xFF), at + 6)
            }
            plain => (plain, at + 2),
        })
    }

    /// The byte behind `word`, if it stands here.
    fn word(&self, mut at: usize, word: &str, any_case: bool) -> Option<usize> {
        for wanted in word.bytes() {
            let (char, next) = self.char(at)?;
            if char != wanted && !(any_case && char.eq_ignore_ascii_case(&wanted)) {
                return None;
            }
            at = next;
        }
        Some(at)
    }

    /// The byte behind what is no part of a word though it is made of letters: a terminal's control sequence, `%20` of an address.
    fn aside(&self, at: usize, char: u8, next: usize) -> Option<usize> {
        match char {
            ESCAPE | b'\\' => self.control(at),
            b'%' => Some(self.run(next, 2, &|char| char.is_ascii_hexdigit()))
                .filter(|hex| hex.count == 2)
                .map(|hex| hex.end),
            _ => None,
        }
    }

    /// The byte behind a terminal's control sequence, a colour's for example; spelt out too, as JSON inside of a string and a shell have it.
    ///
    /// SOURCE: ECMA-48, 5.3 and 5.4.
    fn control(&self, at: usize) -> Option<usize> {
        let at = ["\u{1b}", "\\u001b", "\\x1b", "\\033", "\\e"]
            .iter()
            .find_map(|escape| self.word(at, escape, true))?;
        let at = self
            .word(at, "[", false)
            .map_or(at, |at| self.run(at, LOOK_MAX, &|char| (b'0'..=b'?').contains(&char)).end);
        let at = self.run(at, LABEL_MAX, &|char| (b' '..=b'/').contains(&char)).end;
        self.char(at).filter(|(char, _)| (b'0'..=b'~').contains(char)).map(|(_, next)| next)
    }

    /// The characters of a kind from here on, `most` of them at most. One copy of it for all kinds: it is what the module weighs.
    fn run(&self, at: usize, most: usize, holds: &dyn Fn(u8) -> bool) -> Run {
        let mut run = Run { end: at, ..Run::default() };
        while let Some((char, next)) = self.char(run.end).filter(|(char, _)| holds(*char)) {
            if run.count >= most {
                break;
            }
            run.end = next;
            run.count += 1;
            run.digit |= char.is_ascii_digit();
            run.capital |= char.is_ascii_uppercase();
        }
        run
    }

    fn secret_at(&self, at: usize, char: u8, next: usize) -> Option<Found> {
        if char == b'-' {
            return self.pem(at);
        }
        if matches!(char, b':' | b'=') {
            // `NAME= command`: nothing, for the command.
            let is_empty = char == b'=' && self.in_word && self.word(next, " ", false).is_some();
            let named =
                self.name_before(at).kind().filter(|_| !is_empty).and_then(|kind| self.named(next, kind));
            return named.or_else(|| self.password(next)).or_else(|| self.code(at));
        }
        if self.in_word || !char.is_ascii_alphanumeric() {
            return None;
        }
        self.key(at, char)
            .or_else(|| self.jwt(at))
            .or_else(|| self.bearer(at))
            .or_else(|| self.deploy_key(at))
    }

    /// The newest word, up to a byte.
    fn name_before(&self, end: usize) -> Name {
        let mut name = Name::default();
        let mut at = self.word_at;
        while let Some((char, next)) = self.char(at).filter(|_| at < end) {
            at = self.control(at).unwrap_or_else(|| {
                name.push(char);
                next
            });
        }
        name
    }

    fn key(&self, start: usize, first: u8) -> Option<Found> {
        let begins = |prefix: &str| prefix.as_bytes().first() == Some(&first);
        KEYS.iter().filter(|(prefix, _)| begins(prefix)).find_map(|(prefix, least)| {
            let at = self.word(start, prefix, false)?;
            let is_parted = prefix.ends_with('.');
            let holds = |char| is_word(char) || (is_parted && char == b'.');
            let run = self.run(at, LOOK_MAX, &holds);
            let is_key = run.count >= *least && run.digit;
            is_key.then(|| Found { start, end: self.run(run.end, usize::MAX, &holds).end, kind: KEY })
        })
    }

    /// Three parts of base64url, the first an object.
    fn jwt(&self, start: usize) -> Option<Found> {
        let mut at = self.word(start, "eyJ", false)?;
        for _ in 0..2 {
            let part = self.run(at, usize::MAX, &is_word);
            if part.count < JWT_PART_MIN {
                return None;
            }
            at = self.word(part.end, ".", false)?;
        }
        // A signature, or the rest of an encrypted one.
        let rest = self.run(at, usize::MAX, &|char| is_word(char) || char == b'.');
        Some(Found { start, end: rest.end, kind: JWT })
    }

    fn bearer(&self, at: usize) -> Option<Found> {
        let at = self.word(at, "bearer", true)?;
        let space = self.run(at, usize::MAX, &|char| matches!(char, b' ' | b'\t'));
        let token = self.run(space.end, usize::MAX, &is_value);
        let is_token = space.count > 0 && token.count >= NAMED_MIN && token.digit;
        is_token.then_some(Found { start: space.end, end: token.end, kind: BEARER })
    }

    fn deploy_key(&self, start: usize) -> Option<Found> {
        DEPLOY_KEYS.iter().find_map(|prefix| {
            let at = self.word(start, prefix, false)?;
            let name = self.run(at, LOOK_MAX, &|char| is_word(char) || char == b':');
            let at = self.word(name.end, "|", false)?;
            let key = self.run(at, usize::MAX, &|char| is_word(char) || b"+/=".contains(&char));
            (key.count >= DEPLOY_KEY_MIN).then_some(Found { start, end: key.end, kind: KEY })
        })
    }

    /// From the first line of a private key to its last, or to the end where that is cut off.
    fn pem(&self, start: usize) -> Option<Found> {
        let label = self.word(start, "-----BEGIN ", false)?;
        let (mut at, mut count, mut is_private) = (label, 0, false);
        loop {
            let (char, next) = self.char(at)?;
            if char == b'-' {
                break;
            }
            count += 1;
            if count > LABEL_MAX {
                return None;
            }
            is_private |= self.word(at, "PRIVATE KEY", false).is_some();
            at = next;
        }
        let mut at = self.word(at, "-----", false).filter(|_| is_private)?;
        while let Some((char, next)) = self.char(at) {
            if char == b'-'
                && let Some(label) = self.word(at, "-----END ", false)
            {
                let label = self.run(label, LABEL_MAX, &|char| char != b'-' && char != b'\n');
                let dashes = self.run(label.end, usize::MAX, &|char| char == b'-');
                return Some(Found { start, end: dashes.end, kind: PEM });
            }
            at = next;
        }
        Some(Found { start, end: self.end, kind: PEM })
    }

    /// What stands behind a telling name and its colon.
    fn named(&self, at: usize, kind: &'static str) -> Option<Found> {
        let (start, quote) = self.value_at(at)?;
        let is_secret = |value: &Run| value.count >= NAMED_MIN && value.digit;
        let value = self.run(start, LOOK_MAX, &is_value);
        if is_secret(&value) || is_secret(&self.whole_value(start, quote)) {
            return Some(Found { start, end: self.value_end(start, quote), kind });
        }
        if kind != AUTHORIZATION || value.count == 0 {
            return None;
        }
        let scheme = value;
        let space = self.run(scheme.end, LOOK_MAX, &|char| char == b' ');
        let value = self.run(space.end, LOOK_MAX, &is_value);
        let is_basic = self.word(start, "basic", true) == Some(scheme.end);
        let is_pair = is_basic && value.count >= MEMBER_BYTES_MIN && (value.digit || value.capital);
        let is_found = space.count == 1 && (is_secret(&value) || is_pair);
        is_found.then(|| Found { start: space.end, end: self.value_end(space.end, quote), kind })
    }

    /// Where a value begins, behind blanks, quotes and colours, and the quote that it stands in; none where it is empty, or where a
    /// quote ends what the name is in: `grep "password:" file`.
    fn value_at(&self, mut at: usize) -> Option<(usize, Option<u8>)> {
        let mut quote = None;
        while let Some((char, next)) = self.char(at) {
            if let Some(behind) = self.control(at) {
                at = behind;
                continue;
            }
            match char {
                b'"' | b'\'' if quote == Some(char) => return None,
                b'"' | b'\'' => quote = Some(char),
                b' ' | b'\t' if quote.is_some() => return None,
                b' ' | b'\t' => {}
                b'\\' if matches!(self.char(next), Some((b'"' | b'\'' | b'\\', _))) => {}
                _ => break,
            }
            at = next;
        }
        Some((at, quote))
    }

    /// A value with what else passwords are made of: one in quotes up to its own, which has to be there. Not one that names another,
    /// or where it is.
    fn whole_value(&self, start: usize, quote: Option<u8>) -> Run {
        let value = match quote {
            Some(_) => self.run(start, LOOK_MAX, &is_quoted),
            None => self.run(start, LOOK_MAX, &is_unquoted),
        };
        let is_whole = quote.is_none_or(|quote| self.is_closed(value.end, quote));
        if is_whole && !self.is_reference(start, &value, quote) { value } else { Run::default() }
    }

    /// Whether a quote stands here, behind backslashes or not.
    fn is_closed(&self, at: usize, quote: u8) -> bool {
        let slashes = self.run(at, LABEL_MAX, &|char| char == b'\\');
        self.char(slashes.end).is_some_and(|(char, _)| char == quote)
    }

    /// Whether a value only names another: `$name`, `x-${…}`, `{{…}}`, `%NAME%`, `<…>`, and what code has without quotes.
    fn is_reference(&self, start: usize, value: &Run, quote: Option<u8>) -> bool {
        let mut at = start;
        while let Some((char, next)) = self.char(at).filter(|_| at < value.end) {
            let behind = self.char(next).map_or(0, |(char, _)| char);
            let is_first = at == start;
            let is_name = behind.is_ascii_alphabetic();
            let names = match char {
                b'$' if is_first => is_name || b"_{(".contains(&behind),
                b'$' => quote != Some(b'\'') && (behind.is_ascii_uppercase() || b"_{(".contains(&behind)),
                b'@' | b'#' if is_first && behind == b'{' => true,
                b'@' | b'*' | b'!' if is_first => quote.is_none(),
                b'%' if is_first => is_name,
                b'{' | b'<' => is_first,
                _ => false,
            };
            if names {
                return true;
            }
            at = next;
        }
        false
    }

    /// The byte behind a value that is a secret: no rest of it is left.
    fn value_end(&self, start: usize, quote: Option<u8>) -> usize {
        if let Some(quote) = quote {
            let value = self.run(start, usize::MAX, &is_quoted);
            if self.is_closed(value.end, quote) {
                return value.end;
            }
        }
        let mut at = start;
        while let Some((char, next)) = self.char(at) {
            let is_end = char <= b' ' || char == 0x7F || b"\"'`\\,;()<>[]{}".contains(&char);
            if is_end || (char == b'&' && self.is_parameter(next)) {
                break;
            }
            at = next;
        }
        at
    }

    /// Whether a name and its `=` stand here, as behind an address's `&`.
    fn is_parameter(&self, at: usize) -> bool {
        let name = self.run(at, LABEL_MAX, &is_word);
        name.count > 0 && self.word(name.end, "=", false).is_some()
    }

    /// The password of `://user:password@host`.
    fn password(&self, at: usize) -> Option<Found> {
        let user = self.word(at, "//", false).filter(|user| self.word(*user, "[", false).is_none())?;
        let holds = |char: u8| char > b' ' && !b"/\"'\\<>`".contains(&char) && char < 0x7F;
        let user = self.run(user, usize::MAX, &|char| holds(char) && !b":@?#".contains(&char));
        let start = self.word(user.end, ":", false)?;
        // The last `@`, for one may stand in the password, but none of an address's parameters.
        let (mut at, mut end) = (start, start);
        let (mut is_query, mut is_parameter) = (false, false);
        while let Some((char, next)) = self.char(at).filter(|(char, _)| holds(*char)) {
            is_query |= matches!(char, b'?' | b'#');
            is_parameter |= is_query && char == b'=';
            if char == b'@' && !is_parameter {
                end = at;
            }
            at = next;
        }
        let port = self.run(start, LABEL_MAX, &|char| char.is_ascii_digit());
        let is_port = port.count > 0 && matches!(self.char(port.end), Some((b'?' | b'#', _)));
        (end > start && !is_port).then_some(Found { start, end, kind: PASSWORD })
    }

    /// The code of `?code=` or `&code=`: what a login is finished with.
    fn code(&self, at: usize) -> Option<Found> {
        let before = self.bytes.get(at.checked_sub(5)?..at)?;
        let is_parameter = matches!(before, b"?code" | b"&code");
        let start = self.word(at, "=", false).filter(|_| is_parameter)?;
        let value = self.run(start, usize::MAX, &|char| is_value(char) || char == b'%');
        (value.count >= NAMED_MIN && value.digit).then_some(Found { start, end: value.end, kind: "oauth" })
    }
}
