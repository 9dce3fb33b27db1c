//! What the profile files say beyond credentials.

use std::path::PathBuf;

use aws_config::profile::{self, ProfileSet};
use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};
use futures_util::FutureExt;

use super::errors;
use crate::error::{Error, Result};

/// How deep profiles may refer to each other while looking for a helper. The SDK refuses loops.
const DEEPEST: usize = 8;

/// What the effective profile says about the way to the service: the profile given, else that of
/// `AWS_PROFILE`, else `default`. All of it comes after what is given by an option or a variable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileSettings {
    /// The service's URL, from the profile's section for S3, else from the profile.
    pub endpoint: Option<String>,
    /// The region, for telling AWS's partitions apart.
    pub region: Option<String>,
    /// The certificate authorities to trust.
    pub ca_bundle: Option<PathBuf>,
    /// At most so many attempts.
    pub max_attempts: Option<u32>,
    /// Whether endpoints of variables are to be ignored (`AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`, or the
    /// profile); one of the profile then is already left out.
    pub ignores_endpoints: bool,
}

/// What the effective profile says about the way to the service. Reads the profile files, at most,
/// and is cheap enough for every command. A profile that was asked for and does not exist, or a value
/// that makes no sense, is kind `Usage`. So is a retry mode that AWS's tools do not know; those they
/// do know (`legacy`, `standard`, `adaptive`) have no effect, since patience is the caller's.
pub fn profile_settings(profile: Option<&str>) -> Result<ProfileSettings> {
    Profile::load(profile)?.settings()
}

/// Where the profile files are and everything in them, secrets too: only to see whether two processes
/// have the same. `None` when that cannot be told.
pub(super) fn files() -> Option<String> {
    let (fs, env, files) = (Fs::real(), Env::real(), EnvConfigFiles::default());
    // Not asynchronous, as when the profile is loaded.
    let read = source::load(&env, &fs, &files).now_or_never()?;
    read.ok().map(|source| format!("{source:?}"))
}

/// The effective profile, among all that the files have.
pub(super) struct Profile {
    name: String,
    /// Where its name comes from, unless nobody said it.
    named_by: Option<&'static str>,
    all: ProfileSet,
}

impl Profile {
    /// Reads the files.
    pub(super) fn load(option: Option<&str>) -> Result<Self> {
        let (name, named_by) = match (option, variable("AWS_PROFILE")) {
            (Some(name), _) => (name.to_owned(), Some("option")),
            (None, Some(name)) => (name, Some("AWS_PROFILE")),
            (None, None) => ("default".to_owned(), None),
        };
        let (fs, env, files) = (Fs::real(), Env::real(), EnvConfigFiles::default());
        // Files are read without waiting for anything; the function is only called asynchronous.
        let read = profile::load(&fs, &env, &files, Some(name.clone().into())).now_or_never();
        let all = read.ok_or_else(|| Error::bug("the profile files were not read at once"))?;
        let all = all.map_err(|e| Error::usage(format!("profile files: {}", errors::reasons(&e))))?;
        let profile = Self { name, named_by, all };
        if profile.is_named() && profile.all.get_profile(&profile.name).is_none() {
            let undefined = Error::usage(format!("{} is not defined in the profile files", profile.title()));
            return Err(
                undefined.hint("correct its name, or AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE")
            );
        }
        Ok(profile)
    }

    /// Its name, also if it does not exist.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether somebody asked for it, rather than it being the default.
    pub(super) fn is_named(&self) -> bool {
        self.named_by.is_some()
    }

    /// How messages call it.
    pub(super) fn title(&self) -> String {
        match self.named_by {
            Some("AWS_PROFILE") => format!("profile {:?} (AWS_PROFILE)", self.name),
            _ => format!("profile {:?}", self.name),
        }
    }

    /// Whether its credentials come from a helper program, perhaps those of a profile it refers to.
    pub(super) fn runs_helper(&self) -> bool {
        let next = |name: &&str| self.all.get_profile(name)?.get("source_profile");
        let names = std::iter::successors(Some(self.name.as_str()), next).take(DEEPEST);
        names.filter_map(|name| self.all.get_profile(name)).any(|p| p.get("credential_process").is_some())
    }

    /// See [`profile_settings`].
    pub(super) fn settings(&self) -> Result<ProfileSettings> {
        let retry_mode = variable("AWS_RETRY_MODE").or_else(|| self.get("retry_mode"));
        if let Some(mode) = retry_mode {
            check_retry_mode(&mode)?;
        }
        let ignores_endpoints = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .or_else(|| self.get("ignore_configured_endpoint_urls"))
            .is_some_and(|word| word.eq_ignore_ascii_case("true"));
        let endpoint = self.get("endpoint_url").filter(|_| !ignores_endpoints);
        if let Some(endpoint) = &endpoint {
            super::endpoint::check_endpoint(endpoint)?;
        }
        Ok(ProfileSettings {
            endpoint,
            region: self.get("region"),
            ca_bundle: self.get("ca_bundle").map(PathBuf::from),
            max_attempts: self.get("max_attempts").map(|word| attempts(&word)).transpose()?,
            ignores_endpoints,
        })
    }

    /// A setting, the service's own before that of all services.
    fn get(&self, key: &str) -> Option<String> {
        let nothing = Env::from_slice(&[]);
        let value = EnvConfigValue::new().profile(key).service_id("S3");
        let (value, _) = value.load(&nothing, Some(&self.all))?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

/// A variable that says something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn check_retry_mode(mode: &str) -> Result<()> {
    match mode.to_ascii_lowercase().as_str() {
        "legacy" | "standard" | "adaptive" => Ok(()),
        _ => Err(Error::usage(format!("retry mode {mode:?} is none of legacy, standard, adaptive"))
            .hint("correct AWS_RETRY_MODE, or retry_mode in the profile; all of them mean the same here")),
    }
}

fn attempts(word: &str) -> Result<u32> {
    let number = word.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| {
        Error::usage(format!("max_attempts of the profile is {word:?}, not a number from 1 up"))
    })
}
