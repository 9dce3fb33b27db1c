//! `~/.pgpass`: passwords by host, port, database and user.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tracing::warn;

/// Whose password is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Login<'a> {
    /// The host as it was given, or `localhost` for the default sockets.
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// The text of the file. As with libpq a file that is missing, cannot be read or can be read by others
/// is left aside, the latter two with a warning; the connection may do without a password.
pub(super) fn read(path: &Path) -> Option<String> {
    let meta = match fs_err::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == ErrorKind::NotFound => return None,
        Err(e) => {
            warn!("the password file is left aside: {e}");
            return None;
        }
    };
    if !meta.is_file() {
        warn!("the password file {} is left aside: it is no plain file", path.display());
        return None;
    }
    if meta.mode() & 0o077 != 0 {
        let mode = meta.mode() & 0o777;
        warn!("the password file {} is left aside: its mode is {mode:04o}, and must be 0600", path.display());
        return None;
    }
    fs_err::read_to_string(path).inspect_err(|e| warn!("the password file is left aside: {e}")).ok()
}

/// The password of the first line that fits: `host:port:database:user:password`, where `*` is anything
/// and a backslash takes the meaning from `:` and `\`.
pub(super) fn find(text: &str, login: Login<'_>) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let port = login.port.to_string();
        let wanted = [login.host, &port, login.dbname, login.user];
        let mut rest = line;
        for wanted in wanted {
            let (field, after) = field(rest);
            let fits = rest.starts_with("*:") || field == wanted;
            rest = after.filter(|_| fits)?;
        }
        let (password, _) = field(rest);
        (!password.is_empty()).then_some(password)
    })
}

/// The field at the beginning of a line, and what follows its colon, if it has one.
fn field(line: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => field.push(chars.next().map_or('\\', |(_, c)| c)),
            ':' => return (field, Some(&line[at + 1..])),
            c => field.push(c),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn password(text: &str) -> Option<String> {
        find(text, Login { host: "db.example", port: 5432, dbname: "post:gres", user: "bob" })
    }

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        for (text, expected) in [
            ("", None),
            ("db.example:5432:post\\:gres:bob:secret", Some("secret")),
            ("*:*:*:*:any", Some("any")),
            ("*:*:*:bob:a\\:b\\\\c", Some("a:b\\c")),
            ("*:*:*:bob:a:b", Some("a")),
            ("# *:*:*:*:no\n*:*:*:*:yes", Some("yes")),
            ("other:*:*:*:no\n*:5433:*:*:no\n*:*:*:alice:no\n*:*:*:bob:yes\n*:*:*:*:late", Some("yes")),
            ("\\*:*:*:*:no", None),
            ("*:*:*:bob:", None),
            ("*:*:*:bob", None),
            ("db.example", None),
        ] {
            assert_eq!(password(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_left_aside() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("pgpass");
        assert_eq!(read(&path), None);
        fs_err::write(&path, "x").unwrap();
        for (mode, read_it) in [(0o644, false), (0o640, false), (0o600, true), (0o400, true)] {
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).is_some(), read_it, "{mode:o}");
        }
        assert_eq!(read(scratch.path()), None);
    }
}
