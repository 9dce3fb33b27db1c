//! A connection string as text: keywords and values, or a URI.
//!
//! The grammar is libpq's (PostgreSQL's documentation, "Connection Strings"). No message repeats the
//! string, because a password may stand anywhere in one that is misspelled.

use percent_encoding::percent_decode_str;

use crate::error::{Error, Result};

/// Keywords and their values, in the order of the text; later ones win.
pub(super) type Pairs = Vec<(String, String)>;

/// The beginnings of a URI.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Whether a database's name is a whole connection string, as libpq tells it.
pub(super) fn is_conninfo(dbname: &str) -> bool {
    dbname.contains('=') || SCHEMES.iter().any(|scheme| dbname.starts_with(scheme))
}

/// Reads either form.
pub(super) fn parse(text: &str) -> Result<Pairs> {
    match SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        Some(rest) => uri(rest),
        None => keywords(text),
    }
}

/// `keyword = value keyword = 'quoted value'`, with backslashes before what is meant literally.
fn keywords(text: &str) -> Result<Pairs> {
    let mut pairs = Pairs::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (keyword, after) = rest.split_at(end);
        let Some(value) = after.trim_start().strip_prefix('=').filter(|_| !keyword.is_empty()) else {
            return Err(refused("a keyword lacks its `=`"));
        };
        let (value, after) = self::value(value.trim_start())?;
        pairs.push((keyword.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// The value at the beginning of the text, and what follows it.
fn value(text: &str) -> Result<(String, &str)> {
    let (quoted, text) = text.strip_prefix('\'').map_or((false, text), |inner| (true, inner));
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if !quoted && c.is_ascii_whitespace() => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if quoted { Err(refused("a quoted value does not end")) } else { Ok((value, "")) }
}

/// `USER:PASSWORD@HOST:PORT,HOST:PORT/DBNAME?KEYWORD=VALUE&…`, every part of it optional.
fn uri(rest: &str) -> Result<Pairs> {
    let mut pairs = Pairs::new();
    let mut add = |keyword: &str, value: &str| -> Result<()> {
        if !value.is_empty() {
            pairs.push((keyword.to_owned(), decode(value)?));
        }
        Ok(())
    };
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, dbname) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    add("user", user)?;
    add("password", password)?;
    add("dbname", dbname)?;
    let (hosts, ports) = hosts_and_ports(hosts)?;
    add("host", &hosts)?;
    add("port", &ports)?;
    for parameter in parameters.split('&').filter(|p| !p.is_empty()) {
        let (keyword, value) =
            parameter.split_once('=').ok_or_else(|| refused("a parameter lacks its `=`"))?;
        let (keyword, value) = (decode(keyword)?, decode(value)?);
        // What drivers for Java write.
        let java = keyword == "ssl" && value == "true";
        pairs.push(if java { ("sslmode".to_owned(), "require".to_owned()) } else { (keyword, value) });
    }
    Ok(pairs)
}

/// The hosts and the ports of a URI as two lists, still encoded.
fn hosts_and_ports(text: &str) -> Result<(String, String)> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for entry in text.split(',') {
        let (host, port) = match entry.strip_prefix('[') {
            Some(inner) => {
                let (host, after) =
                    inner.split_once(']').ok_or_else(|| refused("an address lacks its `]`"))?;
                let port = after.strip_prefix(':').or(after.is_empty().then_some(""));
                (host, port.ok_or_else(|| refused("only a port can follow a `]`"))?)
            }
            None => entry.split_once(':').unwrap_or((entry, "")),
        };
        hosts.push(host);
        ports.push(port);
    }
    let list =
        |parts: &[&str]| if parts.iter().all(|p| p.is_empty()) { String::new() } else { parts.join(",") };
    Ok((list(&hosts), list(&ports)))
}

/// Undoes percent coding; a `%` that codes nothing is refused, and so is a zero byte.
fn decode(text: &str) -> Result<String> {
    let coded = text.split('%').skip(1);
    let sound = coded.into_iter().all(|rest| {
        rest.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit) && hex != b"00")
    });
    if !sound {
        return Err(refused("a `%` is not followed by the two digits of a byte"));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| refused("its percent-coded bytes are not UTF-8"))?.into_owned())
}

fn refused(why: &str) -> Error {
    Error::usage(format!("the connection string cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap()
    }

    fn is(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(pairs(text), expected, "{text}");
    }

    #[test]
    fn keywords_and_values_are_read_as_libpq_reads_them() {
        is("", &[]);
        is("host=a port=1", &[("host", "a"), ("port", "1")]);
        is("  host = a  port\t=\n'1' ", &[("host", "a"), ("port", "1")]);
        is(r"password='a b\'c\\d'", &[("password", r"a b'c\d")]);
        is(r"password=a\ b user=u", &[("password", "a b"), ("user", "u")]);
        is("host='' port=1", &[("host", ""), ("port", "1")]);
        for bad in ["host", "host port=1", "=a", "host='a", r"host='a\'"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn uris_are_read_as_libpq_reads_them() {
        is("postgresql://", &[]);
        is("postgres://localhost", &[("host", "localhost")]);
        is("postgresql:///mydb", &[("dbname", "mydb")]);
        is(
            "postgresql://us%40er:p%3Aw@h:5433/d%20b?connect_timeout=10&application_name=x%26y",
            &[
                ("user", "us@er"),
                ("password", "p:w"),
                ("dbname", "d b"),
                ("host", "h"),
                ("port", "5433"),
                ("connect_timeout", "10"),
                ("application_name", "x&y"),
            ],
        );
        is("postgresql://h1:1,h2:2/d", &[("dbname", "d"), ("host", "h1,h2"), ("port", "1,2")]);
        is("postgresql://h1,h2:2", &[("host", "h1,h2"), ("port", ",2")]);
        is("postgresql://[2001:db8::1]:5433", &[("host", "2001:db8::1"), ("port", "5433")]);
        is("postgresql://%2Fvar%2Frun/d", &[("dbname", "d"), ("host", "/var/run")]);
        is("postgresql:///d?host=/tmp&port=1", &[("dbname", "d"), ("host", "/tmp"), ("port", "1")]);
        is("postgresql://h?ssl=true", &[("host", "h"), ("sslmode", "require")]);
        for bad in [
            "postgresql://[::1",
            "postgresql://[::1]x",
            "postgresql://a%2",
            "postgresql://a%zz",
            "postgresql://h?x",
            "postgresql://a%00",
            "postgresql://a%ff",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_never_repeats_what_may_be_a_password() {
        for bad in ["password='secret", "postgresql://u:secret%zz@h", "secret"] {
            assert!(!parse(bad).unwrap_err().to_string().contains("secret"), "{bad}");
        }
    }
}
