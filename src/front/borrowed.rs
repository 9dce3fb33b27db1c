//! What is borrowed from the tools of each service: their environment and their own files.

use std::ffi::OsString;
use std::path::PathBuf;

use super::native::args::{AzureArgs, GcsArgs, S3Args};
use super::wire::Kinds;
use crate::error::{Error, Result};
use crate::store::{Location, connection_string_endpoint, profile_settings};

/// Looks a variable up; an argument, so that tests have an environment of their own.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// What the tools of the store's service read from the environment and from their own files and the
/// libraries do not, or what the store's identity depends on. Gives how many attempts a request has, when
/// AWS's tools have been told. A directory needs none of it, and reading files costs time in every call.
pub(crate) fn borrow(
    kinds: &mut Kinds,
    location: &Location,
    environment: Environment<'_>,
) -> Result<Option<u32>> {
    let first = |names: &[&str]| names.iter().find_map(|name| environment(name).filter(|v| !v.is_empty()));
    let attempts = attempts(environment)?;
    match location {
        Location::File { .. } => Ok(attempts),
        Location::S3 { .. } => Ok(attempts.or(borrow_from_aws(&mut kinds.s3, &first)?)),
        Location::Azure { .. } => {
            borrow_from_azure(&mut kinds.azure, &first)?;
            Ok(attempts)
        }
        Location::Gcs { .. } => {
            kinds.emulator = borrow_from_google(&mut kinds.gcs, &first)?;
            Ok(attempts)
        }
    }
}

/// The first of some variables that is set to something.
type First<'a> = &'a dyn Fn(&[&str]) -> Option<OsString>;

/// Gives how many attempts a request has, when the profile says so.
fn borrow_from_aws(s3: &mut S3Args, first: First<'_>) -> Result<Option<u32>> {
    let profile = profile_settings(s3.profile.as_deref())?;
    let endpoint =
        || text(first, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]).filter(|_| !profile.ignores_endpoints);
    s3.endpoint_url = s3.endpoint_url.take().or_else(endpoint).or(profile.endpoint);
    refuse_secrets("the endpoint", s3.endpoint_url.as_deref())?;
    let region = || text(first, &["AWS_REGION", "AWS_DEFAULT_REGION"]);
    s3.region = s3.region.take().or_else(region).or(profile.region);
    let bundle = || first(&["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"]).map(PathBuf::from);
    s3.ca_bundle = s3.ca_bundle.take().or_else(bundle).or(profile.ca_bundle);
    Ok(profile.max_attempts)
}

/// A connection string counts unless somebody says how to sign in, and then its endpoint does, too. The rest
/// of it stays where it is.
fn borrow_from_azure(azure: &mut AzureArgs, first: First<'_>) -> Result<()> {
    let bundle = || first(&["REQUESTS_CA_BUNDLE"]).map(PathBuf::from);
    azure.ca_bundle = azure.ca_bundle.take().or_else(bundle);
    let string = text(first, &["AZURE_STORAGE_CONNECTION_STRING"]).filter(|_| azure.credential.is_none());
    let endpoint = string.and_then(|string| connection_string_endpoint(&string));
    refuse_secrets("the endpoint in AZURE_STORAGE_CONNECTION_STRING", endpoint.as_deref())?;
    azure.endpoint_url = azure.endpoint_url.take().or(endpoint);
    Ok(())
}

/// Gives the emulator, which is no word: whoever inherits the environment finds it there, and that it is
/// one.
fn borrow_from_google(gcs: &mut GcsArgs, first: First<'_>) -> Result<Option<String>> {
    let bundle = || first(&["REQUESTS_CA_BUNDLE"]).map(PathBuf::from);
    gcs.ca_bundle = gcs.ca_bundle.take().or_else(bundle);
    let universe = || text(first, &["GOOGLE_CLOUD_UNIVERSE_DOMAIN"]);
    gcs.universe_domain = gcs.universe_domain.take().or_else(universe);
    let emulator = text(first, &["STORAGE_EMULATOR_HOST"]);
    refuse_secrets("STORAGE_EMULATOR_HOST", emulator.as_deref())?;
    // Google's own tools take it with and without a scheme.
    Ok(emulator.map(|host| if host.contains("://") { host } else { format!("http://{host}") }))
}

fn text(first: First<'_>, names: &[&str]) -> Option<String> {
    first(names).map(|value| value.to_string_lossy().into_owned())
}

fn attempts(environment: Environment<'_>) -> Result<Option<u32>> {
    let Some(text) = environment("AWS_MAX_ATTEMPTS").filter(|v| !v.is_empty()) else { return Ok(None) };
    let number = text.to_str().and_then(|t| t.trim().parse().ok()).filter(|n| *n > 0);
    number.map(Some).ok_or_else(|| {
        Error::usage(format!("AWS_MAX_ATTEMPTS is `{}`, not a number from 1 up", text.display()))
    })
}

/// Refuses an endpoint with a password, which would end up in logs and the list of processes. It may have
/// slashes in it, and an endpoint has no use for an `@` anywhere; what follows a `?` may be a signature. The
/// message does not repeat it.
pub(crate) fn refuse_secrets(what: &str, endpoint: Option<&str>) -> Result<()> {
    if endpoint.is_some_and(|url| url.contains('@')) {
        return Err(Error::usage(format!("{what} has a user or password in it"))
            .hint("credentials come from the environment or the service's own files, never from a URL"));
    }
    if endpoint.is_some_and(|url| url.contains(['?', '#'])) {
        return Err(Error::usage(format!("{what} has a query or a fragment in it")).hint(
            "leave out the ? or # and what follows; a signature belongs into AZURE_STORAGE_SAS_TOKEN",
        ));
    }
    Ok(())
}
