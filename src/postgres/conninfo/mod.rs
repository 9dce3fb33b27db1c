//! Where a server is and how it is reached, as libpq understands it.
//!
//! Words, then the service file, then the PG… variables, then defaults; what was said nearer wins. The
//! environment, the home directory and the user are arguments, and the files of passwords and services
//! are the only things that are read here. A password is in no text, [`std::fmt::Debug`] included.

mod endpoint;
mod keywords;
mod passfile;
mod service;
mod syntax;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

pub(super) use self::endpoint::{Endpoint, Place};
use self::endpoint::{endpoints, find_passwords};
use super::tls::TlsSettings;
use crate::error::{Context as _, Error, Result};

/// What was said on the command line or in the configuration.
#[derive(Debug, Clone, Default)]
pub struct ConnectionWords {
    /// A connection string of either form.
    pub dsn: Option<String>,
    /// The host, the directory of its socket, or several of them with commas between.
    pub host: Option<String>,
    /// The port, or one for each host.
    pub port: Option<String>,
    /// The role.
    pub user: Option<String>,
    /// The database, or a whole connection string, which then wins over the other words as it does with
    /// PostgreSQL's own tools.
    pub dbname: Option<String>,
}

/// What surrounds the words.
pub struct Surroundings<'a> {
    /// Looks a variable up.
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The user's name.
    pub user: Option<String>,
}

/// How to reach a server: everything is known, nothing was tried.
#[derive(Debug, Clone)]
pub struct Conninfo {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) user: String,
    pub(super) dbname: String,
    pub(super) application_name: String,
    pub(super) options: Option<String>,
    pub(super) connect_timeout: Duration,
    pub(super) keepalive: Option<Keepalive>,
    pub(super) tcp_user_timeout: Option<Duration>,
    pub(super) channel_binding: ChannelBinding,
    pub(super) target: TargetSession,
    pub(super) tls: TlsSettings,
    /// How often a session that waits shows that it is alive, if it does.
    pub(super) heartbeat: Option<Duration>,
}

/// When the kernel looks whether the other side of a connection is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keepalive {
    pub(super) idle: Duration,
    pub(super) interval: Duration,
    pub(super) count: u32,
}

/// Whether a password's exchange is tied to the TLS session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChannelBinding {
    Disable,
    Prefer,
    Require,
}

/// Which server will do, where several are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetSession {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// How long one endpoint may take when nobody says so; libpq would wait without end.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// As libpq has it: name look-ups take a second.
const LEAST_TIMEOUT: Duration = Duration::from_secs(2);
/// A dead peer is noticed within a minute: the system's default is more than two hours.
const KEEPALIVE: Keepalive =
    Keepalive { idle: Duration::from_secs(30), interval: Duration::from_secs(10), count: 3 };

/// How often a session that waits shows that it is alive when nobody says so: no router forgets it then.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// Keywords and their values, each once.
type Settings = BTreeMap<String, String>;

impl Conninfo {
    /// What the words mean here. Kind `Usage` for what cannot be understood or honoured.
    pub fn resolve(words: &ConnectionWords, around: &Surroundings<'_>) -> Result<Self> {
        let settings = gather(words, around)?;
        let get = |name: &str| settings.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let user = get("user").map(str::to_owned).or_else(|| around.user.clone()).ok_or_else(|| {
            Error::usage("no role is given and the user has no name").hint("give --user or set PGUSER")
        })?;
        // libpq would take a database with the role's name, which few clusters have.
        let dbname = get("dbname").unwrap_or("postgres").to_owned();
        refuse_kerberos(get("gssencmode"))?;
        let mut endpoints = endpoints(get("host"), get("hostaddr"), get("port"))?;
        find_passwords(&mut endpoints, &settings, around, &dbname, &user);
        let name = get("application_name").or(get("fallback_application_name")).unwrap_or("barkeep");
        Ok(Self {
            endpoints,
            user,
            dbname,
            application_name: name.to_owned(),
            options: get("options").map(str::to_owned),
            connect_timeout: connect_timeout(number(&settings, "connect_timeout")?),
            keepalive: keepalive(&settings)?,
            tcp_user_timeout: number(&settings, "tcp_user_timeout")?
                .and_then(|ms| u64::try_from(ms).ok())
                .filter(|ms| *ms > 0)
                .map(Duration::from_millis),
            channel_binding: word(&settings, "channel_binding", &CHANNEL_BINDINGS)?,
            target: word(&settings, "target_session_attrs", &TARGETS)?,
            tls: TlsSettings::read(&get, around.home.as_deref())?,
            heartbeat: Some(HEARTBEAT),
        })
    }

    /// The same with a session that shows so often that it is alive while it waits, or never.
    #[must_use]
    pub fn beating(self, heartbeat: Option<Duration>) -> Self {
        Self { heartbeat, ..self }
    }

    /// Where it goes, for people: `postgres at /tmp:5432, db.example:5433`.
    pub fn describe(&self) -> String {
        let places: Vec<_> = self.endpoints.iter().map(ToString::to_string).collect();
        format!("{} at {}", self.user, places.join(", "))
    }
}

/// All layers over one another, nearest last.
fn gather(words: &ConnectionWords, around: &Surroundings<'_>) -> Result<Settings> {
    let mut said = Settings::new();
    let mut lay = |pairs: syntax::Pairs| -> Result<()> {
        for (keyword, value) in pairs {
            keywords::admit(&keyword)?;
            said.insert(keyword, value);
        }
        Ok(())
    };
    if let Some(dsn) = &words.dsn {
        lay(syntax::parse(dsn)?)?;
    }
    let (dbname, conninfo) = match &words.dbname {
        Some(text) if syntax::is_conninfo(text) => (None, Some(text)),
        dbname => (dbname.clone(), None),
    };
    let flags = [("host", &words.host), ("port", &words.port), ("user", &words.user), ("dbname", &dbname)];
    lay(flags.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v.clone()?))).collect())?;
    if let Some(conninfo) = conninfo {
        lay(syntax::parse(conninfo)?)?;
    }

    let environment: Settings = keywords::from_environment(around.environment)?.into_iter().collect();
    let named = |keyword: &str| said.get(keyword).or(environment.get(keyword)).cloned();
    if let Some(service) = named("service") {
        for (keyword, value) in of_service(&service, named("servicefile"), around)? {
            keywords::admit(&keyword).context(|| format!("read the service `{service}`"))?;
            said.entry(keyword).or_insert(value);
        }
    }
    for (keyword, value) in environment {
        said.entry(keyword).or_insert(value);
    }
    Ok(said)
}

/// What the service files say: the user's, then the system's.
fn of_service(service: &str, named: Option<String>, around: &Surroundings<'_>) -> Result<Settings> {
    let own = named.map(PathBuf::from).or_else(|| Some(around.home.as_ref()?.join(".pg_service.conf")));
    let system = (around.environment)("PGSYSCONFDIR").map(|dir| Path::new(&dir).join("pg_service.conf"));
    let system = system.unwrap_or_else(|| "/etc/postgresql-common/pg_service.conf".into());
    let files: Vec<_> = own.into_iter().chain([system]).collect();
    for file in files.iter().filter(|file| file.exists()) {
        let found = fs_err::read_to_string(file)
            .map_err(Error::from)
            .and_then(|text| service::find(&text, service))
            .context(|| format!("read {}", file.display()))?;
        if let Some(pairs) = found {
            return Ok(pairs.into_iter().collect());
        }
    }
    let places: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    Err(Error::usage(format!("the service `{service}` is in none of {}", places.join(", "))))
}

fn refuse_kerberos(gssencmode: Option<&str>) -> Result<()> {
    match gssencmode {
        None | Some("disable" | "prefer") => Ok(()),
        Some("require") => Err(Error::usage("gssencmode=require is refused: Kerberos is not spoken")),
        Some(other) => Err(Error::usage(format!("`{other}` is no gssencmode (disable, prefer, require)"))),
    }
}

/// libpq takes 0 and less for "without end"; here that is our own bound.
fn connect_timeout(seconds: Option<i64>) -> Duration {
    match seconds.and_then(|s| u64::try_from(s).ok()).filter(|s| *s > 0) {
        Some(seconds) => Duration::from_secs(seconds).max(LEAST_TIMEOUT),
        None => CONNECT_TIMEOUT,
    }
}

fn keepalive(settings: &Settings) -> Result<Option<Keepalive>> {
    if number(settings, "keepalives")? == Some(0) {
        return Ok(None);
    }
    let seconds = |name: &str, default: Duration| -> Result<Duration> {
        let given = number(settings, name)?.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
        Ok(given.map_or(default, Duration::from_secs))
    };
    let count = number(settings, "keepalives_count")?.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    Ok(Some(Keepalive {
        idle: seconds("keepalives_idle", KEEPALIVE.idle)?,
        interval: seconds("keepalives_interval", KEEPALIVE.interval)?,
        count: count.unwrap_or(KEEPALIVE.count),
    }))
}

fn number(settings: &Settings, name: &str) -> Result<Option<i64>> {
    let Some(text) = settings.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let number = i32::from_str(text.trim()).map(i64::from);
    number.map(Some).map_err(|_| Error::usage(format!("the value of `{name}` is not a whole number")))
}

const CHANNEL_BINDINGS: [(&str, ChannelBinding); 3] = [
    ("prefer", ChannelBinding::Prefer),
    ("disable", ChannelBinding::Disable),
    ("require", ChannelBinding::Require),
];

const TARGETS: [(&str, TargetSession); 6] = [
    ("any", TargetSession::Any),
    ("read-write", TargetSession::ReadWrite),
    ("read-only", TargetSession::ReadOnly),
    ("primary", TargetSession::Primary),
    ("standby", TargetSession::Standby),
    ("prefer-standby", TargetSession::PreferStandby),
];

/// A setting that is one of a few words, the first of which is the default.
pub(super) fn one_of<T: Copy>(name: &str, text: Option<&str>, words: &[(&str, T)]) -> Result<T> {
    let text = text.unwrap_or(words[0].0);
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        Error::usage(format!("the value of `{name}` is none of {}", words.join(", ")))
    })
}

fn word<T: Copy>(settings: &Settings, name: &str, words: &[(&str, T)]) -> Result<T> {
    one_of(name, settings.get(name).map(String::as_str).filter(|t| !t.is_empty()), words)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    struct Bed {
        home: tempfile::TempDir,
        environment: Vec<(&'static str, String)>,
    }

    impl Bed {
        fn new(environment: &[(&'static str, &str)]) -> Self {
            let environment = environment.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
            Self { home: tempfile::tempdir().unwrap(), environment }
        }

        fn file(&self, name: &str, text: &str) -> &Self {
            let path = self.home.path().join(name);
            fs_err::write(&path, text).unwrap();
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            self
        }

        fn resolve(&self, words: &ConnectionWords) -> Result<Conninfo> {
            let environment =
                |name: &str| self.environment.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into());
            Conninfo::resolve(
                words,
                &Surroundings {
                    environment: &environment,
                    home: Some(self.home.path().to_owned()),
                    user: Some("me".into()),
                },
            )
        }
    }

    fn dsn(text: &str) -> ConnectionWords {
        ConnectionWords { dsn: Some(text.to_owned()), ..ConnectionWords::default() }
    }

    fn places_of(conninfo: &Conninfo) -> Vec<String> {
        conninfo.endpoints.iter().map(ToString::to_string).collect()
    }

    fn passwords_of(conninfo: &Conninfo) -> Vec<Option<&str>> {
        conninfo.endpoints.iter().map(|e| e.password.as_ref().map(|p| p.0.as_str())).collect()
    }

    #[test]
    fn without_a_word_it_is_the_local_server_and_the_users_role() {
        let found = Bed::new(&[]).resolve(&ConnectionWords::default()).unwrap();
        assert_eq!(places_of(&found), ["/var/run/postgresql:5432", "/tmp:5432"]);
        assert_eq!((found.user.as_str(), found.dbname.as_str()), ("me", "postgres"));
        assert_eq!(found.connect_timeout, CONNECT_TIMEOUT);
        assert_eq!(found.application_name, "barkeep");
        assert_eq!(found.keepalive, Some(KEEPALIVE));
    }

    #[test]
    fn words_win_over_the_service_the_service_over_variables_and_these_over_defaults() {
        let bed = Bed::new(&[
            ("PGSERVICE", "s"),
            ("PGHOST", "env"),
            ("PGPORT", "1"),
            ("PGUSER", "env"),
            ("PGDATABASE", "env"),
        ]);
        bed.file(".pg_service.conf", "[s]\nhost=service\nport=2\nuser=service\n");
        let words = ConnectionWords { user: Some("flag".into()), ..dsn("user=dsn port=3") };
        let found = bed.resolve(&words).unwrap();
        assert_eq!(places_of(&found), ["service:3"]);
        assert_eq!((found.user.as_str(), found.dbname.as_str()), ("flag", "env"));
    }

    #[test]
    fn a_database_name_that_is_a_connection_string_wins_over_the_other_words() {
        for text in ["host=inner user=inner", "postgresql://inner@inner"] {
            let words = ConnectionWords {
                host: Some("outer".into()),
                port: Some("7".into()),
                dbname: Some(text.into()),
                ..ConnectionWords::default()
            };
            let found = Bed::new(&[]).resolve(&words).unwrap();
            assert_eq!(places_of(&found), ["inner:7"]);
            assert_eq!((found.user.as_str(), found.dbname.as_str()), ("inner", "postgres"));
        }
    }

    #[test]
    fn hosts_addresses_and_ports_belong_together() {
        for (text, expected) in [
            ("host=a,b port=1,2", vec!["a:1", "b:2"]),
            ("host=a,b port=1", vec!["a:1", "b:1"]),
            ("host=a,/run port=1,", vec!["a:1", "/run:5432"]),
            ("host=,b", vec!["/var/run/postgresql:5432", "/tmp:5432", "b:5432"]),
            ("hostaddr=127.0.0.1", vec!["127.0.0.1:5432"]),
            ("host=n hostaddr=::1", vec!["n:5432"]),
        ] {
            assert_eq!(places_of(&Bed::new(&[]).resolve(&dsn(text)).unwrap()), expected, "{text}");
        }
        for bad in [
            "host=a,b port=1,2,3",
            "host=a hostaddr=1.1.1.1,2.2.2.2",
            "port=0",
            "port=x",
            "hostaddr=x",
            "host=@x",
        ] {
            assert!(Bed::new(&[]).resolve(&dsn(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords_come_from_the_words_or_for_each_place_from_the_file() {
        let bed = Bed::new(&[]);
        bed.file(
            ".pgpass",
            "a:*:*:*:for a\nlocalhost:*:*:*:for local\n/run:*:*:*:for run\n10.0.0.1:*:*:*:x\n",
        );
        let found = bed.resolve(&dsn("host=a,b,,/run")).unwrap();
        let local = Some("for local");
        assert_eq!(passwords_of(&found), [Some("for a"), None, local, local, Some("for run")]);
        let found = bed.resolve(&dsn("hostaddr=10.0.0.1")).unwrap();
        assert_eq!(passwords_of(&found), [Some("x")]);
        let found = bed.resolve(&dsn("host=a password=given")).unwrap();
        assert_eq!(passwords_of(&found), [Some("given")]);
        let elsewhere = bed.file("other", "*:*:*:*:other").home.path().join("other");
        let found = bed.resolve(&dsn(&format!("host=a passfile={}", elsewhere.display()))).unwrap();
        assert_eq!(passwords_of(&found), [Some("other")]);
    }

    #[test]
    fn a_password_is_in_no_text() {
        let found = Bed::new(&[("PGPASSWORD", "s3cret")]).resolve(&dsn("host=a")).unwrap();
        assert_eq!(passwords_of(&found), [Some("s3cret")]);
        assert!(!format!("{found:?} {}", found.describe()).contains("s3cret"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (text, name) in [
            ("hots=a", "`hots`"),
            ("target_session_attrs=writable", "target_session_attrs"),
            ("connect_timeout=soon", "connect_timeout"),
            ("gssencmode=require", "gssencmode"),
            ("sslmode=maybe", "sslmode"),
            ("service=none", "`none`"),
            ("requirepeer=postgres", "requirepeer"),
        ] {
            let e = Bed::new(&[]).resolve(&dsn(text)).unwrap_err().to_string();
            assert!(e.contains(name), "{text}: {e}");
        }
    }

    #[test]
    fn times_are_bounded_whatever_is_said() {
        let of = |text: &str| Bed::new(&[]).resolve(&dsn(text)).unwrap();
        assert_eq!(of("connect_timeout=0").connect_timeout, CONNECT_TIMEOUT);
        assert_eq!(of("connect_timeout=-1").connect_timeout, CONNECT_TIMEOUT);
        assert_eq!(of("connect_timeout=1").connect_timeout, LEAST_TIMEOUT);
        assert_eq!(of("connect_timeout=9").connect_timeout, Duration::from_secs(9));
        assert_eq!(of("keepalives=0").keepalive, None);
        let set = of("keepalives_idle=5 keepalives_interval=0 keepalives_count=7").keepalive.unwrap();
        assert_eq!((set.idle.as_secs(), set.interval, set.count), (5, KEEPALIVE.interval, 7));
        assert_eq!(of("tcp_user_timeout=1500").tcp_user_timeout, Some(Duration::from_millis(1500)));
    }
}
