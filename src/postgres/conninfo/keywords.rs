//! Every keyword of a connection string, and the variable that stands in for it.

use std::ffi::OsString;

use crate::error::{Error, Result};

/// What becomes of a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It does what libpq does with it.
    Honoured,
    /// It makes no difference to us: what it speaks of we never do.
    Indifferent,
    /// Going on without it would be less than what was asked for; the text says why we cannot.
    Refused(&'static str),
}

/// One keyword.
struct Keyword {
    name: &'static str,
    variable: Option<&'static str>,
    use_: Use,
}

const fn honoured(name: &'static str, variable: &'static str) -> Keyword {
    Keyword { name, variable: Some(variable), use_: Use::Honoured }
}

const fn honoured_only_here(name: &'static str) -> Keyword {
    Keyword { name, variable: None, use_: Use::Honoured }
}

const fn indifferent(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword { name, variable, use_: Use::Indifferent }
}

const fn refused(name: &'static str, variable: Option<&'static str>, why: &'static str) -> Keyword {
    Keyword { name, variable, use_: Use::Refused(why) }
}

const KERBEROS: &str = "Kerberos is not spoken";
const OAUTH: &str = "OAuth is not spoken";

/// The keywords of PostgreSQL 18's documentation, "Parameter Key Words".
const KEYWORDS: [Keyword; 51] = [
    honoured("host", "PGHOST"),
    honoured("hostaddr", "PGHOSTADDR"),
    honoured("port", "PGPORT"),
    honoured("dbname", "PGDATABASE"),
    honoured("user", "PGUSER"),
    honoured("password", "PGPASSWORD"),
    honoured("passfile", "PGPASSFILE"),
    honoured("service", "PGSERVICE"),
    honoured("servicefile", "PGSERVICEFILE"),
    honoured("connect_timeout", "PGCONNECT_TIMEOUT"),
    honoured("application_name", "PGAPPNAME"),
    honoured("options", "PGOPTIONS"),
    honoured("target_session_attrs", "PGTARGETSESSIONATTRS"),
    honoured("channel_binding", "PGCHANNELBINDING"),
    honoured("sslmode", "PGSSLMODE"),
    honoured("sslnegotiation", "PGSSLNEGOTIATION"),
    honoured("sslrootcert", "PGSSLROOTCERT"),
    honoured("sslcert", "PGSSLCERT"),
    honoured("sslkey", "PGSSLKEY"),
    honoured("sslcrl", "PGSSLCRL"),
    honoured("sslcertmode", "PGSSLCERTMODE"),
    honoured("sslsni", "PGSSLSNI"),
    honoured("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    honoured("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    honoured_only_here("keepalives"),
    honoured_only_here("keepalives_idle"),
    honoured_only_here("keepalives_interval"),
    honoured_only_here("keepalives_count"),
    honoured_only_here("tcp_user_timeout"),
    honoured_only_here("fallback_application_name"),
    honoured("gssencmode", "PGGSSENCMODE"),
    // One session is opened, and the hosts are tried in the order given.
    indifferent("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    indifferent("client_encoding", Some("PGCLIENTENCODING")),
    indifferent("sslcompression", Some("PGSSLCOMPRESSION")),
    indifferent("krbsrvname", Some("PGKRBSRVNAME")),
    indifferent("gsslib", Some("PGGSSLIB")),
    indifferent("gssdelegation", Some("PGGSSDELEGATION")),
    indifferent("min_protocol_version", Some("PGMINPROTOCOLVERSION")),
    indifferent("max_protocol_version", Some("PGMAXPROTOCOLVERSION")),
    refused("requirepeer", Some("PGREQUIREPEER"), "who owns the socket is not looked at"),
    refused("require_auth", Some("PGREQUIREAUTH"), "the method of authentication is the server's choice"),
    refused("sslcrldir", Some("PGSSLCRLDIR"), "revocations are read from one file: sslcrl"),
    refused("sslpassword", None, "a client's key is read without a password"),
    refused("sslkeylogfile", None, "the keys of a session are never written down"),
    refused("replication", None, "a backup is taken over an ordinary session"),
    refused("scram_client_key", None, "SCRAM needs the password"),
    refused("scram_server_key", None, "SCRAM needs the password"),
    refused("requiressl", None, "say sslmode=require"),
    refused("krbrealm", None, KERBEROS),
    refused("oauth_issuer", None, OAUTH),
    refused("oauth_client_id", None, OAUTH),
];

/// Whether a keyword may be given: kind `Usage`, by name, for one that is unknown or beyond us.
pub(super) fn admit(name: &str) -> Result<()> {
    let Some(keyword) = KEYWORDS.iter().find(|k| k.name == name) else {
        // Half of a password that was not quoted ends up here as a keyword; it is short of plain letters.
        let plain = name.len() <= 32 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let name = if plain { format!("`{name}`") } else { "one of the keywords".to_owned() };
        return Err(Error::usage(format!("{name} is no keyword of a connection string"))
            .hint("put values with blanks into single quotes"));
    };
    match keyword.use_ {
        Use::Refused(why) => Err(Error::usage(format!("the connection keyword `{name}` is refused: {why}"))),
        Use::Honoured | Use::Indifferent => Ok(()),
    }
}

/// The variables and the keywords they stand in for. A variable of a refused keyword is refused too.
pub(super) fn from_environment(look: &dyn Fn(&str) -> Option<OsString>) -> Result<Vec<(String, String)>> {
    let set = KEYWORDS.iter().filter_map(|keyword| {
        let variable = keyword.variable?;
        let value = look(variable).filter(|value| !value.is_empty())?;
        Some((keyword, variable, value))
    });
    set.map(|(keyword, variable, value)| match keyword.use_ {
        Use::Refused(why) => Err(Error::usage(format!("{variable} is refused: {why}"))),
        // It may be a password, so it is not repeated.
        Use::Honoured | Use::Indifferent => match value.into_string() {
            Ok(value) => Ok((keyword.name.to_owned(), value)),
            Err(_) => Err(Error::usage(format!("{variable} is not UTF-8"))),
        },
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_listed_once_and_unknown_ones_are_refused_by_name() {
        let mut names: Vec<_> = KEYWORDS.iter().map(|k| k.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KEYWORDS.len());
        assert!(admit("host").is_ok() && admit("gsslib").is_ok());
        assert!(admit("hots").unwrap_err().to_string().contains("`hots`"));
        assert!(admit("requirepeer").unwrap_err().to_string().contains("requirepeer"));
        assert!(!admit("S3cret!").unwrap_err().to_string().contains("S3cret"));
    }

    #[test]
    fn an_empty_variable_counts_as_unset_and_a_refused_one_is_refused() {
        let look = |name: &str| match name {
            "PGHOST" => Some("h".into()),
            "PGUSER" => Some(OsString::new()),
            _ => None,
        };
        assert_eq!(from_environment(&look).unwrap(), [("host".to_owned(), "h".to_owned())]);
        let refused = |name: &str| (name == "PGREQUIREPEER").then(|| "postgres".into());
        assert!(from_environment(&refused).unwrap_err().to_string().contains("PGREQUIREPEER"));
    }
}
