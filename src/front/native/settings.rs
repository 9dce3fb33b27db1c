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
use crate::front::borrowed::{Environment, borrow, refuse_secrets};
use crate::front::manifest::Secrets;
use crate::front::quantity::Size;
use crate::front::wire::{Kinds, Wire};
use crate::model::ServerName;
use crate::store::Location;

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
    kinds: Kinds,
    /// How another process finds the secrets: the words that name the manifest.
    source: Vec<OsString>,
}

/// What WAL verbs take for their buffers when nothing is said.
const MEMORY: Size = Size(96 << 20);

/// What verbs that read or write whole backups, or much WAL, take for theirs.
pub(super) const AMPLE: Size = Size(256 << 20);

/// Where the spool is when nothing is said and the package made it.
const SPOOL: &str = "/var/spool/barkeep";

impl Settings {
    /// Fills what the words left open from the file, then from the environment that the tools of each
    /// service share, then with defaults; refuses what cannot be meant.
    pub(crate) fn resolve(shared: Shared, file: &File, environment: Environment<'_>) -> Result<Self> {
        let secrets = nearest(file.secrets.clone(), &shared);
        let mut archive = shared.archive.over(file.archive.clone());
        let mut kinds = Kinds {
            s3: shared.s3.over(file.sections.s3.clone()),
            azure: shared.azure.over(file.sections.azure.clone()),
            gcs: shared.gcs.over(file.sections.gcs.clone()),
            emulator: None,
            secrets,
        };
        let environment: Environment<'_> = &|name| file.secrets.variable(name, environment);
        let store = demand(archive.store.clone(), "store", "URL", "s3://bucket/path")?;
        let location: Location = store.parse()?;
        check_endpoints(&kinds)?;
        require_own(&kinds, &location)?;
        let max_attempts = borrow(&mut kinds, &location, environment)?;
        let server: ServerName = demand(archive.server.clone(), "server", "NAME", "main")?;
        check_s3(&kinds.s3)?;
        make_absolute(&mut kinds)?;
        let spool = archive.spool.take().unwrap_or_else(default_spool);
        let spool = std::path::absolute(&spool).context(|| "find the spool")?;
        archive.spool = Some(spool.clone());
        let memory = archive.memory.unwrap_or(MEMORY);
        let wire = Wire::new(location, server, kinds.clone(), Some(&spool), exclusive(&kinds.s3));
        let (now, source) = (Timestamp::now(), file.words.clone());
        Ok(Self { wire, spool, memory: memory.0, max_attempts, now, archive, kinds, source })
    }

    /// What the verbs of the catalogue need of them.
    pub(crate) fn access(&self) -> Access {
        Access { spool: Some(self.spool.clone()), max_attempts: self.max_attempts, now: self.now }
    }

    /// What the shared groups came to, by section.
    pub(super) fn shown(&self) -> Result<[(&'static str, serde_json::Value); 4]> {
        let spell = |value: serde_json::Result<serde_json::Value>| {
            value.map_err(|e| Error::usage(format!("a setting cannot be told as text: {e}")))
        };
        Ok([
            ("", spell(serde_json::to_value(&self.archive))?),
            ("s3", spell(serde_json::to_value(&self.kinds.s3))?),
            ("azure", spell(serde_json::to_value(&self.kinds.azure))?),
            ("gcs", spell(serde_json::to_value(&self.kinds.gcs))?),
        ])
    }

    /// What all buffers together may hold, for a verb with a default of its own.
    pub(crate) fn memory_or(&self, default: Size) -> u64 {
        self.archive.memory.unwrap_or(default).0
    }

    /// The same settings as words, for a process of ours that must not depend on this one's directory
    /// or on a file that may change meanwhile. There is no secret among them, as there is none among
    /// ours; those of a manifest are found anew by whoever reads the words.
    pub(crate) fn words(&self) -> Result<Vec<OsString>> {
        let mut words = self.source.clone();
        if words.is_empty() {
            words.push("--config=/dev/null".into());
        }
        words.extend(flags("", &self.archive)?);
        words.extend(flags("", &self.kinds.s3)?);
        words.extend(flags("azure-", &self.kinds.azure)?);
        words.extend(flags("gcs-", &self.kinds.gcs)?);
        Ok(words)
    }
}

/// The secrets of a manifest, without those that somebody has said something nearer about.
fn nearest(mut secrets: Secrets, shared: &Shared) -> Secrets {
    if shared.s3.profile.is_some() {
        secrets.s3 = None;
    }
    if shared.azure.credential.is_some() {
        secrets.azure = None;
    }
    if shared.gcs.credentials_file.is_some() {
        secrets.google = None;
    }
    let bundles = [&shared.s3.ca_bundle, &shared.azure.ca_bundle, &shared.gcs.ca_bundle];
    if bundles.iter().any(|bundle| bundle.is_some()) {
        secrets.authorities = None;
    }
    secrets
}

/// A group of settings as flags that begin with `prefix`.
pub(super) fn flags(prefix: &str, group: &impl Serialize) -> Result<Vec<OsString>> {
    let spelled = serde_json::to_value(group)
        .map_err(|e| Error::usage(format!("a setting cannot be passed on as text: {e}")))?;
    let set = spelled.as_object().into_iter().flatten();
    Ok(set
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("--{prefix}{key}={text}").into(),
            None => format!("--{prefix}{key}={value}").into(),
        })
        .collect())
}

/// A setting nobody can do without.
pub(super) fn demand<T>(value: Option<T>, key: &str, what: &str, example: &str) -> Result<T> {
    value.ok_or_else(|| {
        let variable = key.to_uppercase();
        Error::usage(format!("no {key} is given")).hint(format!(
            "give --{key} {what}, set BARKEEP_{variable}, or write `{key} = \"{example}\"` into {} \
             (or the file that --config names)",
            super::file::DEFAULT
        ))
    })
}

/// The shared settings that were given, as words for a call at another time and place: paths are absolute,
/// and there is no secret among them.
pub(super) fn given(shared: &Shared) -> Result<Vec<OsString>> {
    let mut archive = shared.archive.clone();
    if let Some(spool) = &mut archive.spool {
        *spool = std::path::absolute(&*spool).context(|| "find the spool")?;
    }
    let mut kinds = Kinds {
        s3: shared.s3.clone(),
        azure: shared.azure.clone(),
        gcs: shared.gcs.clone(),
        emulator: None,
        secrets: Secrets::default(),
    };
    check_endpoints(&kinds)?;
    make_absolute(&mut kinds)?;
    let mut words = flags("", &archive)?;
    words.extend(flags("", &kinds.s3)?);
    words.extend(flags("azure-", &kinds.azure)?);
    words.extend(flags("gcs-", &kinds.gcs)?);
    Ok(words)
}

fn check_endpoints(Kinds { s3, azure, gcs, .. }: &Kinds) -> Result<()> {
    refuse_secrets("--endpoint-url", s3.endpoint_url.as_deref())?;
    refuse_secrets("--azure-endpoint-url", azure.endpoint_url.as_deref())?;
    refuse_secrets("--gcs-endpoint-url", gcs.endpoint_url.as_deref())
}

/// Refuses S3's endpoint and authorities for a store of another service, which has flags of its own for the
/// same: whoever gives them relies on them. The rest of S3's settings has no counterpart and may stay in the
/// file.
fn require_own(Kinds { s3, .. }: &Kinds, location: &Location) -> Result<()> {
    let section = match location {
        Location::Azure { .. } => "azure",
        Location::Gcs { .. } => "gcs",
        Location::S3 { .. } | Location::File { .. } => return Ok(()),
    };
    let given = [("endpoint-url", s3.endpoint_url.is_some()), ("ca-bundle", s3.ca_bundle.is_some())];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((key, _)) => Err(Error::usage(format!("--{key} is for S3, and the store is {location}"))
            .hint(format!("give --{section}-{key}, or `{key}` in the section [{section}] of the file"))),
        None => Ok(()),
    }
}

/// Paths as another process finds them from another directory.
fn make_absolute(Kinds { s3, azure, gcs, .. }: &mut Kinds) -> Result<()> {
    let bundles = [&mut s3.ca_bundle, &mut azure.ca_bundle, &mut gcs.ca_bundle];
    let files = bundles.into_iter().map(|path| (path, "find the CA bundle"));
    for (path, what) in files.chain([(&mut gcs.credentials_file, "find the file of credentials")]) {
        if let Some(path) = path {
            *path = std::path::absolute(&*path).context(|| what)?;
        }
    }
    Ok(())
}

/// Refuses what contradicts itself.
fn check_s3(s3: &S3Args) -> Result<()> {
    if s3.sse_kms_key_id.is_some() && s3.sse != Some(Sse::Kms) {
        return Err(Error::usage("--sse-kms-key-id needs --sse aws:kms")
            .hint("give both in the same place: as flags, as variables, or in the file"));
    }
    match &s3.sse_customer_key {
        Some(_) if s3.sse.is_some() => {
            Err(Error::usage("--sse and --sse-customer-key exclude each other")
                .hint("leave one of the two out"))
        }
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
    use crate::archive::OpenArchive as _;
    use crate::front::native::args::{AddressingStyle, AzureArgs, AzureSignIn, GcsArgs};

    fn archive() -> ArchiveArgs {
        ArchiveArgs {
            store: Some("s3://bucket/path".into()),
            server: Some("main".parse().unwrap()),
            spool: Some("spool".into()),
            memory: None,
        }
    }

    fn resolve(archive: ArchiveArgs, s3: S3Args, environment: &[(&str, &str)]) -> Result<Settings> {
        resolve_all(Shared { archive, s3, ..Shared::default() }, environment)
    }

    fn resolve_all(shared: Shared, environment: &[(&str, &str)]) -> Result<Settings> {
        let look =
            |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
        Settings::resolve(shared, &File::default(), &look)
    }

    fn at(store: &str) -> Shared {
        Shared { archive: ArchiveArgs { store: Some(store.into()), ..archive() }, ..Shared::default() }
    }

    const CONTAINER: &str = "https://acc.blob.core.windows.net/cont";

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
        assert_eq!(settings.kinds.s3.endpoint_url.as_deref(), Some("https://s3"));
        assert_eq!(settings.max_attempts, Some(3));
        assert_eq!(settings.kinds.s3.ca_bundle.as_deref(), Some(Path::new("/ca.pem")));
        let own = S3Args { endpoint_url: Some("https://own".into()), ..S3Args::default() };
        let settings = resolve(archive(), own, &environment).unwrap();
        assert_eq!(settings.kinds.s3.endpoint_url.as_deref(), Some("https://own"));
        assert!(resolve(archive(), S3Args::default(), &[("AWS_MAX_ATTEMPTS", "many")]).is_err());
    }

    #[test]
    fn what_azures_tools_share_is_read_for_a_container_only() {
        let environment = [("REQUESTS_CA_BUNDLE", "/ca.pem"), ("STORAGE_EMULATOR_HOST", "localhost:4443")];
        let kinds = resolve_all(at(CONTAINER), &environment).unwrap().kinds;
        assert_eq!(kinds.azure.ca_bundle.as_deref(), Some(Path::new("/ca.pem")));
        assert_eq!((kinds.gcs.ca_bundle, kinds.s3.ca_bundle, kinds.emulator), (None, None, None));
    }

    #[test]
    fn the_endpoint_of_a_connection_string_is_part_of_a_containers_address() {
        let string = "AccountName=acc;AccountKey=aHVudGVyMg==;BlobEndpoint=http://127.0.0.1:10000/acc";
        let environment = [("AZURE_STORAGE_CONNECTION_STRING", string)];
        let endpoint = |shared: Shared| {
            let settings = resolve_all(shared, &environment).unwrap();
            let words = settings.words().unwrap();
            assert!(words.iter().all(|word| !word.to_str().unwrap().contains("aHVudGVyMg")), "{words:?}");
            (settings.kinds.azure.endpoint_url, settings.wire.address().to_string())
        };
        let (there, address) = endpoint(at(CONTAINER));
        assert_eq!(there.as_deref(), Some("http://127.0.0.1:10000/acc"));
        assert!(address.contains("http://127.0.0.1:10000/acc/cont"), "{address}");
        let mut own = at(CONTAINER);
        own.azure.endpoint_url = Some("https://own.example".into());
        assert_eq!(endpoint(own).0.as_deref(), Some("https://own.example"));
        let mut signed_in = at(CONTAINER);
        signed_in.azure.credential = Some(AzureSignIn::Default);
        assert_eq!(endpoint(signed_in).0, None);
        let secret =
            [("AZURE_STORAGE_CONNECTION_STRING", "SharedAccessSignature=s;BlobEndpoint=http://h?hunter2")];
        let e = resolve_all(at(CONTAINER), &secret).unwrap_err();
        assert!(!format!("{e:?}").contains("hunter2"), "{e:?}");
    }

    #[test]
    fn what_googles_tools_share_is_read_for_a_bucket_only() {
        let environment = [
            ("REQUESTS_CA_BUNDLE", "/ca.pem"),
            ("STORAGE_EMULATOR_HOST", "localhost:4443"),
            ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "apis.example"),
        ];
        let kinds = resolve_all(at("gs://b"), &environment).unwrap().kinds;
        assert_eq!(kinds.gcs.ca_bundle.as_deref(), Some(Path::new("/ca.pem")));
        assert_eq!(kinds.gcs.universe_domain.as_deref(), Some("apis.example"));
        assert_eq!(kinds.emulator.as_deref(), Some("http://localhost:4443"));
        assert_eq!((kinds.gcs.endpoint_url, kinds.azure.ca_bundle), (None, None));
        let mut own = at("gs://b");
        own.gcs.universe_domain = Some("own.example".into());
        let kinds = resolve_all(own, &environment).unwrap().kinds;
        assert_eq!(kinds.gcs.universe_domain.as_deref(), Some("own.example"));
        for secret in ["http://u:hunter2@h", "http://h?hunter2"] {
            let e = resolve_all(at("gs://b"), &[("STORAGE_EMULATOR_HOST", secret)]).unwrap_err();
            assert!(!format!("{e:?}").contains("hunter2"), "{e:?}");
        }
    }

    #[test]
    fn s3s_endpoint_and_authorities_are_refused_for_another_service_which_has_its_own() {
        let endpoint = S3Args { endpoint_url: Some("http://h".into()), ..S3Args::default() };
        let bundle = S3Args { ca_bundle: Some("/ca.pem".into()), ..S3Args::default() };
        for (store, s3, flag) in [
            (CONTAINER, &endpoint, "--azure-endpoint-url"),
            (CONTAINER, &bundle, "--azure-ca-bundle"),
            ("gs://b", &endpoint, "--gcs-endpoint-url"),
            ("gs://b", &bundle, "--gcs-ca-bundle"),
        ] {
            let e = resolve_all(Shared { s3: s3.clone(), ..at(store) }, &[]).unwrap_err();
            assert_eq!(e.kind(), crate::error::ErrorKind::Usage);
            assert!(e.hint_text().unwrap().contains(flag), "{e:?}");
            assert!(resolve_all(Shared { s3: s3.clone(), ..at("file:///a") }, &[]).is_ok());
        }
        let other = S3Args { region: Some("eu-1".into()), ..S3Args::default() };
        assert!(
            resolve_all(Shared { s3: other, ..at("gs://b") }, &[("AWS_ENDPOINT_URL", "http://h")]).is_ok()
        );
    }

    #[test]
    fn the_words_of_azure_and_google_have_no_secret_and_no_emulator_in_them() {
        let hidden = "hunter2";
        let environment = [
            ("AZURE_STORAGE_CONNECTION_STRING", hidden),
            ("AZURE_STORAGE_SAS_TOKEN", hidden),
            ("AZURE_STORAGE_KEY", hidden),
            ("AZURE_CLIENT_SECRET", hidden),
            ("STORAGE_EMULATOR_HOST", "localhost:4443"),
        ];
        let azure = AzureArgs {
            endpoint_url: Some("https://private.example".into()),
            credential: Some(AzureSignIn::ManagedIdentity),
            client_id: Some("id".into()),
            ca_bundle: Some("/ca.pem".into()),
            encryption_scope: Some("wal".into()),
        };
        let gcs = GcsArgs {
            credentials_file: Some("/key.json".into()),
            universe_domain: Some("apis.example".into()),
            ca_bundle: Some("/ca.pem".into()),
            kms_key: Some("projects/p".into()),
            endpoint_url: None,
        };
        for store in [CONTAINER, "gs://b"] {
            let shared = Shared { azure: azure.clone(), gcs: gcs.clone(), ..at(store) };
            let words = resolve_all(shared, &environment).unwrap().words().unwrap();
            let mut words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
            words.retain(|word| !word.starts_with("--spool="));
            words.sort_unstable();
            let store = format!("--store={store}");
            let whole = [
                "--azure-ca-bundle=/ca.pem",
                "--azure-client-id=id",
                "--azure-credential=managed-identity",
                "--azure-encryption-scope=wal",
                "--azure-endpoint-url=https://private.example",
                "--config=/dev/null",
                "--gcs-ca-bundle=/ca.pem",
                "--gcs-credentials-file=/key.json",
                "--gcs-kms-key=projects/p",
                "--gcs-universe-domain=apis.example",
                "--server=main",
                &store,
            ];
            assert_eq!(words, whole);
        }
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
        for endpoint in ["https://acc:hunter2@h", "https://h/acc?sv=1&sig=hunter2"] {
            let azure = AzureArgs { endpoint_url: Some(endpoint.into()), ..AzureArgs::default() };
            let gcs = GcsArgs { endpoint_url: Some(endpoint.into()), ..GcsArgs::default() };
            for shared in [Shared { azure, ..at(CONTAINER) }, Shared { gcs, ..at("gs://b") }] {
                let e = resolve_all(shared, &[]).unwrap_err();
                assert!(!format!("{e:?}").contains("hunter2"), "{e:?}");
            }
        }
    }
}
