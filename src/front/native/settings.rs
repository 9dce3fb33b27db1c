//! From words to settings: what the shared groups mean once flags, environment and file are one.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::args::{ArchiveArgs, ExclusivePutTrust, Layer as _, S3Args, Shared, Sse};
use super::file::File;
use crate::archive::ExclusivePut;
use crate::command::Access;
use crate::error::{Context as _, Error, Result};
use crate::front::quantity::Size;
use crate::front::wire::Wire;
use crate::model::ServerName;
use crate::store::profile_settings;

/// Looks a variable up; an argument, so that tests have an environment of their own.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// What the verbs share.
#[derive(Debug)]
pub(crate) struct Settings {
    /// How to get at the archive.
    pub(crate) wire: Wire,
    /// The spool's directory, absolute.
    pub(crate) spool: PathBuf,
    /// What all buffers together may hold, in bytes.
    pub(crate) memory: u64,
    /// At most so many attempts per request, when AWS's own setting says so.
    pub(crate) max_attempts: Option<u32>,
    /// What time it was when the call began.
    pub(crate) now: Timestamp,
    archive: ArchiveArgs,
    s3: S3Args,
}

/// What WAL verbs take for their buffers when nothing is said.
const MEMORY: Size = Size(96 << 20);

/// Where the spool is when nothing is said and the package made it.
const SPOOL: &str = "/var/spool/barkeep";

impl Settings {
    /// Fills what the words left open from the file, then from the environment AWS's tools share,
    /// then with defaults; refuses what cannot be meant.
    pub(crate) fn resolve(shared: Shared, file: &File, environment: Environment<'_>) -> Result<Self> {
        let mut archive = shared.archive.over(file.archive.clone());
        let mut s3 = shared.s3.over(file.sections.s3.clone());
        let store = demand(archive.store.clone(), "store", "URL", "s3://bucket/path")?;
        let max_attempts = borrow_from_aws(&mut s3, &store, environment)?;
        let server: ServerName = demand(archive.server.clone(), "server", "NAME", "main")?;
        check_s3(&mut s3)?;
        let spool = archive.spool.take().unwrap_or_else(default_spool);
        let spool = std::path::absolute(&spool).context(|| "find the spool")?;
        archive.spool = Some(spool.clone());
        let memory = archive.memory.unwrap_or(MEMORY);
        let wire = Wire::new(&store, server, s3.clone(), exclusive(&s3))?;
        Ok(Self { wire, spool, memory: memory.0, max_attempts, now: Timestamp::now(), archive, s3 })
    }

    /// What the verbs of the catalogue need of them.
    pub(crate) fn access(&self) -> Access {
        Access { spool: self.spool.clone(), max_attempts: self.max_attempts, now: self.now }
    }

    /// What all buffers together may hold, for a verb with a default of its own.
    pub(crate) fn memory_or(&self, default: Size) -> u64 {
        self.archive.memory.unwrap_or(default).0
    }

    /// The same settings as words, for a process of ours that must not depend on this one's directory
    /// or on a file that may change meanwhile. There is no secret among them, as there is none among
    /// ours.
    pub(crate) fn words(&self) -> Result<Vec<OsString>> {
        let mut words = vec![OsString::from("--config=/dev/null")];
        words.extend(flags(&self.archive)?);
        words.extend(flags(&self.s3)?);
        Ok(words)
    }
}

/// A group of settings as flags.
fn flags(group: &impl Serialize) -> Result<Vec<OsString>> {
    let spelled = serde_json::to_value(group)
        .map_err(|e| Error::usage(format!("a setting cannot be passed on as text: {e}")))?;
    let set = spelled.as_object().into_iter().flatten();
    Ok(set
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("--{key}={text}").into(),
            None => format!("--{key}={value}").into(),
        })
        .collect())
}

/// A setting nobody can do without.
fn demand<T>(value: Option<T>, key: &str, what: &str, example: &str) -> Result<T> {
    value.ok_or_else(|| {
        let variable = key.to_uppercase();
        Error::usage(format!("no {key} is given")).hint(format!(
            "give --{key} {what}, set BARKEEP_{variable}, or write `{key} = \"{example}\"` into {} \
             (or the file that --config names)",
            super::file::DEFAULT
        ))
    })
}

/// What AWS's tools read from the environment and the profile files and its Rust library does not, or
/// what the store's identity depends on. Gives how many attempts a request has, when they say so.
fn borrow_from_aws(s3: &mut S3Args, store: &str, environment: Environment<'_>) -> Result<Option<u32>> {
    let first = |names: &[&str]| names.iter().find_map(|name| environment(name).filter(|v| !v.is_empty()));
    let text = |names: &[&str]| first(names).map(|value| value.to_string_lossy().into_owned());
    let attempts = attempts(environment)?;
    // A directory needs none of it, and reading files costs time in every call.
    if !store.starts_with("s3:") {
        return Ok(attempts);
    }
    let profile = profile_settings(s3.profile.as_deref())?;
    let endpoint =
        || text(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]).filter(|_| !profile.ignores_endpoints);
    s3.endpoint_url = s3.endpoint_url.take().or_else(endpoint).or(profile.endpoint);
    s3.region = s3.region.take().or_else(|| text(&["AWS_REGION", "AWS_DEFAULT_REGION"])).or(profile.region);
    let bundle = || first(&["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"]).map(PathBuf::from);
    s3.ca_bundle = s3.ca_bundle.take().or_else(bundle).or(profile.ca_bundle);
    Ok(attempts.or(profile.max_attempts))
}

fn attempts(environment: Environment<'_>) -> Result<Option<u32>> {
    let Some(text) = environment("AWS_MAX_ATTEMPTS").filter(|v| !v.is_empty()) else { return Ok(None) };
    let number = text.to_str().and_then(|t| t.trim().parse().ok()).filter(|n| *n > 0);
    number.map(Some).ok_or_else(|| {
        Error::usage(format!("AWS_MAX_ATTEMPTS is `{}`, not a number from 1 up", text.display()))
    })
}

fn check_s3(s3: &mut S3Args) -> Result<()> {
    // A password would end up in logs and the list of processes. It may have slashes in it, and an
    // endpoint has no use for an `@` anywhere. The message does not repeat it.
    if s3.endpoint_url.as_ref().is_some_and(|url| url.contains('@')) {
        return Err(Error::usage("--endpoint-url has a user or password in it")
            .hint("credentials come from the environment or AWS's files, never from a URL"));
    }
    if let Some(path) = &s3.ca_bundle {
        s3.ca_bundle = Some(std::path::absolute(path).context(|| "find the CA bundle")?);
    }
    if s3.sse_kms_key_id.is_some() && s3.sse != Some(Sse::Kms) {
        return Err(Error::usage("--sse-kms-key-id needs --sse aws:kms")
            .hint("give both in the same place: as flags, as variables, or in the file"));
    }
    match &s3.sse_customer_key {
        Some(_) if s3.sse.is_some() => Err(Error::usage("--sse and --sse-customer-key exclude each other")),
        // What stands there may be the key itself, so it is not repeated.
        Some(url) if !url.starts_with("file:///") => {
            Err(Error::usage("--sse-customer-key is not a file:///path")
                .hint("write the key's 32 bytes in base64 into a file that only the user can read"))
        }
        _ => Ok(()),
    }
}

fn exclusive(s3: &S3Args) -> Option<ExclusivePut> {
    match s3.exclusive_put? {
        ExclusivePutTrust::Auto => None,
        ExclusivePutTrust::Trusted => Some(ExclusivePut::Trusted),
        ExclusivePutTrust::AskFirst => Some(ExclusivePut::AskFirst),
    }
}

/// The packaged directory where it is ours; else one of our own, whose privacy the spool checks.
fn default_spool() -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    let packaged = Path::new(SPOOL);
    let ours = packaged.symlink_metadata().is_ok_and(|m| m.is_dir() && m.uid() == uid);
    if ours { packaged.to_owned() } else { std::env::temp_dir().join(format!("barkeep-{uid}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::native::args::AddressingStyle;

    fn archive() -> ArchiveArgs {
        ArchiveArgs {
            store: Some("s3://bucket/path".into()),
            server: Some("main".parse().unwrap()),
            spool: Some("spool".into()),
            memory: None,
        }
    }

    fn resolve(archive: ArchiveArgs, s3: S3Args, environment: &[(&str, &str)]) -> Result<Settings> {
        let look =
            |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        Settings::resolve(Shared { archive, s3, ..Shared::default() }, &File::default(), &look)
    }

    #[test]
    fn what_is_missing_can_be_given_in_three_ways() {
        let e = resolve(ArchiveArgs { store: None, ..archive() }, S3Args::default(), &[]).unwrap_err();
        let hint = e.hint_text().unwrap();
        for way in ["--store", "BARKEEP_STORE", "/etc/barkeep/barkeep.toml"] {
            assert!(hint.contains(way), "{hint}");
        }
        let e = resolve(ArchiveArgs { server: None, ..archive() }, S3Args::default(), &[]).unwrap_err();
        assert!(e.hint_text().unwrap().contains("BARKEEP_SERVER"));
    }

    #[test]
    fn no_secret_is_taken_from_a_url_or_repeated() {
        let hidden = "hunter2";
        let bad = [
            (format!("s3://user:{hidden}@bucket"), S3Args::default()),
            (format!("s3://AKIA:wJalr/{hidden}@bucket/p"), S3Args::default()),
            (
                "s3://b".into(),
                S3Args { endpoint_url: Some(format!("https://u:a/{hidden}@h")), ..S3Args::default() },
            ),
            ("s3://b".into(), S3Args { sse_customer_key: Some(hidden.into()), ..S3Args::default() }),
        ];
        for (store, s3) in bad {
            let e = resolve(ArchiveArgs { store: Some(store), ..archive() }, s3, &[]).unwrap_err();
            assert!(!format!("{e:?}").contains(hidden), "{e:?}");
        }
    }

    #[test]
    fn encryption_settings_that_contradict_each_other_are_refused() {
        let kms = S3Args { sse_kms_key_id: Some("k".into()), ..S3Args::default() };
        assert!(resolve(archive(), kms.clone(), &[]).is_err());
        assert!(resolve(archive(), S3Args { sse: Some(Sse::Kms), ..kms }, &[]).is_ok());
        let both = S3Args {
            sse: Some(Sse::Aes256),
            sse_customer_key: Some("file:///k".into()),
            ..S3Args::default()
        };
        assert!(resolve(archive(), both, &[]).is_err());
    }

    #[test]
    fn what_awss_tools_read_from_the_environment_is_read_here_when_its_library_does_not() {
        let environment = [
            ("AWS_ENDPOINT_URL", "https://all"),
            ("AWS_ENDPOINT_URL_S3", "https://s3"),
            ("AWS_CA_BUNDLE", ""),
            ("REQUESTS_CA_BUNDLE", "/ca.pem"),
            ("AWS_MAX_ATTEMPTS", "3"),
        ];
        let settings = resolve(archive(), S3Args::default(), &environment).unwrap();
        assert_eq!(settings.s3.endpoint_url.as_deref(), Some("https://s3"));
        assert_eq!(settings.max_attempts, Some(3));
        assert_eq!(settings.s3.ca_bundle.as_deref(), Some(Path::new("/ca.pem")));
        let own = S3Args { endpoint_url: Some("https://own".into()), ..S3Args::default() };
        let settings = resolve(archive(), own, &environment).unwrap();
        assert_eq!(settings.s3.endpoint_url.as_deref(), Some("https://own"));
        assert!(resolve(archive(), S3Args::default(), &[("AWS_MAX_ATTEMPTS", "many")]).is_err());
    }

    #[test]
    fn settings_survive_being_passed_on_as_words() {
        let s3 = S3Args {
            region: Some("eu-1".into()),
            addressing_style: Some(AddressingStyle::Path),
            ..S3Args::default()
        };
        let words = resolve(archive(), s3, &[]).unwrap().words().unwrap();
        let has = |word: &str| words.iter().any(|w| w == word);
        assert!(has("--server=main") && has("--region=eu-1") && has("--addressing-style=path"), "{words:?}");
        let spool = format!("--spool={}", std::path::absolute("spool").unwrap().display());
        assert!(has(&spool), "{words:?}");
    }

    #[test]
    fn the_words_of_another_process_have_no_secret_in_them() {
        let hidden = "hunter2";
        let environment = ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "PGPASSWORD"]
            .map(|name| (name, hidden));
        let s3 = S3Args {
            endpoint_url: Some("https://minio.example".into()),
            region: Some("eu-1".into()),
            addressing_style: Some(AddressingStyle::Path),
            ca_bundle: Some("/ca.pem".into()),
            sse_customer_key: Some("file:///key".into()),
            ..S3Args::default()
        };
        let words = resolve(archive(), s3, &environment).unwrap().words().unwrap();
        let mut words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
        words.retain(|word| !word.starts_with("--spool="));
        words.sort_unstable();
        let whole = [
            "--addressing-style=path",
            "--ca-bundle=/ca.pem",
            "--config=/dev/null",
            "--endpoint-url=https://minio.example",
            "--region=eu-1",
            "--server=main",
            "--sse-customer-key=file:///key",
            "--store=s3://bucket/path",
        ];
        assert_eq!(words, whole);
    }

    #[test]
    fn what_could_be_a_secret_never_gets_as_far_as_words() {
        for (store, endpoint, key) in [
            ("s3://AKIA:a/b@bucket", "https://h", "file:///k"),
            ("s3://b", "https://AKIA:a/b@h", "file:///k"),
            ("s3://b", "https://h", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
        ] {
            let s3 = S3Args {
                endpoint_url: Some(endpoint.into()),
                sse_customer_key: Some(key.into()),
                ..S3Args::default()
            };
            assert!(resolve(ArchiveArgs { store: Some(store.into()), ..archive() }, s3, &[]).is_err());
        }
    }
}
