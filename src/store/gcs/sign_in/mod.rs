//! How the service gets to know who asks.
//!
//! What is looked at, and in which order, is Google's default chain (AIP-4110): a file that somebody
//! named, the one that gcloud left, the metadata server. Deciding reads the environment and files, and
//! asks nobody; tokens are fetched when the first request needs one.

mod endpoint;
mod external;
mod file;
mod impersonation;
mod issuer;
mod metadata;
mod service_account;
mod user;

use std::ffi::OsString;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use endpoint::{Endpoint, GOOGLE, Said};
use external::External;
use file::Fields;
use impersonation::Impersonation;
use metadata::Metadata;
use service_account::ServiceAccount;
use user::User;

use super::GcsOptions;
use crate::error::{Error, Result};
use crate::store::Patience;
use crate::store::http::Http;
use crate::store::tokens::{SignIn, Tokens};

/// What objects need.
const STORAGE: &str = "https://www.googleapis.com/auth/devstorage.read_write";

/// What acting as somebody else needs.
const EVERYTHING: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where the machine says who made it; Google's begin with its name.
const MAKER: &str = "/sys/class/dmi/id/product_name";

/// Where requests go, and what makes them ours.
#[derive(Debug)]
pub(super) struct Access {
    /// The service, without a slash at its end: `https://storage.googleapis.com`.
    pub(super) service: String,
    /// Whether it is an emulator, which knows the JSON interface only.
    pub(super) is_emulator: bool,
    /// Where `Authorization: Bearer` comes from; `None` when nobody signs in.
    pub(super) tokens: Option<Tokens>,
    /// The project that the credentials belong to, when they say so.
    pub(super) project: Option<String>,
    /// Who pays for the requests, sent as `x-goog-user-project`, when the credentials say so.
    pub(super) quota_project: Option<String>,
    /// Who signs in, for messages: an account's address, never a secret.
    pub(super) who: String,
}

/// Signs in as the options, the environment and Google's own files say (spec/barman-cloud.md 7.4).
#[expect(clippy::unused_async, reason = "signing in may have to ask, and its callers are asynchronous")]
pub(super) async fn sign_in(
    options: &GcsOptions,
    http: &Http,
    tokens: Option<&Path>,
    patience: &Patience,
) -> Result<Access> {
    decide(options, &Surroundings { http, variable: &|name| std::env::var_os(name) }, tokens, patience)
}

/// What is around: the environment, and the way to the network.
struct Surroundings<'a> {
    http: &'a Http,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Surroundings<'_> {
    /// A variable that says something.
    fn text(&self, name: &str) -> Option<String> {
        let value = (self.variable)(name)?.into_string().ok()?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// A variable that names a file.
    fn path(&self, name: &str) -> Option<PathBuf> {
        (self.variable)(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }
}

/// Where credentials are, by what was said.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In a file that somebody named, and how: it has to be there.
    Named(PathBuf, &'static str),
    /// In gcloud's own file, where there is one; else with the metadata server.
    Usual(Option<PathBuf>),
}

/// The order of Google's default chain.
fn place(options: &GcsOptions, around: &Surroundings<'_>) -> Place {
    if let Some(path) = &options.credentials_file {
        return Place::Named(path.clone(), "the credentials file");
    }
    if let Some(path) = around.path("GOOGLE_APPLICATION_CREDENTIALS") {
        return Place::Named(path, "GOOGLE_APPLICATION_CREDENTIALS");
    }
    let folder = around.path("CLOUDSDK_CONFIG");
    let folder = folder.or_else(|| Some(around.path("HOME")?.join(".config/gcloud")));
    Place::Usual(folder.map(|folder| folder.join("application_default_credentials.json")))
}

/// The file of credentials, when there is one.
fn credentials(place: &Place) -> Result<Option<Fields>> {
    match place {
        Place::Named(path, by) => {
            let read = Fields::read(path)
                .map_err(|e| Error::usage(format!("{by} cannot be read: {e}")).hint(format!("correct {by}")));
            read?.map(Some)
        }
        Place::Usual(None) => Ok(None),
        Place::Usual(Some(path)) => match Fields::read(path) {
            Ok(fields) => fields.map(Some),
            // Whoever runs as another user keeps that one's home, and was never meant to use what is there.
            Err(e) if matches!(e.kind(), IoErrorKind::NotFound | IoErrorKind::PermissionDenied) => Ok(None),
            Err(e) => Err(Error::usage(format!("gcloud's credentials cannot be read: {e}"))),
        },
    }
}

fn decide(
    options: &GcsOptions,
    around: &Surroundings<'_>,
    tokens: Option<&Path>,
    patience: &Patience,
) -> Result<Access> {
    let emulator = around.text("STORAGE_EMULATOR_HOST");
    let asked = options.universe_domain.clone().filter(|universe| !universe.is_empty());
    let asked = asked.or_else(|| around.text("GOOGLE_CLOUD_UNIVERSE_DOMAIN"));
    let said = Said {
        option: options.endpoint.as_deref(),
        emulator: emulator.as_deref(),
        anonymous: options.anonymous,
        universe: asked.as_deref().unwrap_or(GOOGLE),
    };
    let endpoint = Endpoint::choose(said)?;
    let payer = around.text("GOOGLE_CLOUD_QUOTA_PROJECT");
    if options.anonymous || endpoint.is_emulator {
        let Endpoint { service, is_emulator } = endpoint;
        let (tokens, project, who) = (None, None, "nobody".into());
        return Ok(Access { service, is_emulator, tokens, project, quota_project: payer, who });
    }
    let fields = match &options.credentials {
        Some(given) => Some(Fields::parse(given.text().as_bytes(), "the text of credentials".to_owned())?),
        None => credentials(&place(options, around))?,
    };
    let own = fields.as_ref().map(|fields| fields.maybe("universe_domain")).transpose()?.flatten();
    let universe = agree_on_universe(asked.as_deref(), own)?;
    let Endpoint { service, is_emulator } = Endpoint::choose(Said { universe, ..said })?;
    Endpoint { service: service.clone(), is_emulator }.check_secrecy()?;
    let way = match &fields {
        Some(fields) => Way::from(fields, around, STORAGE)?,
        None => Way::of_the_machine(around),
    };
    let own_payer = fields.as_ref().map(|fields| fields.maybe("quota_project_id")).transpose()?.flatten();
    let project = fields.as_ref().map(|fields| fields.maybe("project_id")).transpose()?.flatten();
    let directory = tokens.filter(|_| way.is_kept).map(Path::to_owned);
    Ok(Access {
        service,
        is_emulator,
        tokens: Some(Tokens::new(way.source, directory, patience)),
        project: project.map(str::to_owned),
        quota_project: payer.or_else(|| own_payer.map(str::to_owned)),
        who: way.who,
    })
}

/// The universe that was asked for, which must be that of the credentials where they say one.
fn agree_on_universe<'a>(asked: Option<&'a str>, own: Option<&'a str>) -> Result<&'a str> {
    match (asked, own) {
        (Some(asked), Some(own)) if asked != own => {
            let told = format!("universe {asked:?} was asked for, but the credentials are of {own:?}");
            Err(Error::usage(told).hint("correct the universe, or give credentials of it"))
        }
        _ => Ok(asked.or(own).unwrap_or(GOOGLE)),
    }
}

/// A way to sign in.
struct Way {
    source: Arc<dyn SignIn>,
    /// Who signs in, for messages.
    who: String,
    /// Whether its tokens are worth keeping: not those that are signed here.
    is_kept: bool,
}

impl Way {
    /// The way that a file of credentials describes, for this scope.
    fn from(fields: &Fields, around: &Surroundings<'_>, scope: &'static str) -> Result<Self> {
        let kept = |source: Arc<dyn SignIn>, who: &str| Self { source, who: who.to_owned(), is_kept: true };
        match fields.text("type")? {
            "service_account" => {
                let account = ServiceAccount::from(fields, scope)?;
                let who = format!("service account {}", account.email());
                Ok(Self { source: Arc::new(account), who, is_kept: false })
            }
            "authorized_user" => {
                Ok(kept(Arc::new(User::from(fields, around.http)?), "gcloud's application default user"))
            }
            "external_account_authorized_user" => {
                Ok(kept(Arc::new(User::external(fields, around.http)?), "a user of a workforce pool"))
            }
            "external_account" if fields.maybe("service_account_impersonation_url")?.is_some() => {
                let source = Arc::new(External::from(fields, around, EVERYTHING)?);
                Self::acting(fields, source, around, scope)
            }
            "external_account" => {
                let external = External::from(fields, around, scope)?;
                Ok(kept(Arc::new(external), "a workload of another identity provider"))
            }
            "impersonated_service_account" => {
                let source = fields.inside("source_credentials")?;
                let source = source.ok_or_else(|| fields.error("has no source_credentials"))?;
                if source.text("type")? == "impersonated_service_account" {
                    return Err(source.error("act as somebody else again").hint("list them as delegates"));
                }
                let source = Self::from(&source, around, EVERYTHING)?.source;
                Self::acting(fields, source, around, scope)
            }
            _ => Err(fields.error("is of no type that is known").hint(
                "known are service_account, authorized_user, external_account, \
                 external_account_authorized_user, impersonated_service_account",
            )),
        }
    }

    /// Acting as a service account.
    fn acting(
        fields: &Fields,
        source: Arc<dyn SignIn>,
        around: &Surroundings<'_>,
        scope: &'static str,
    ) -> Result<Self> {
        let acting = Impersonation::from(fields, source, around.http, scope)?;
        let who = format!("service account {}", acting.email());
        Ok(Self { source: Arc::new(acting), who, is_kept: true })
    }

    /// The account of the machine or the pod.
    fn of_the_machine(around: &Surroundings<'_>) -> Self {
        let is_googles = fs_err::read_to_string(MAKER).is_ok_and(|maker| maker.starts_with("Google"));
        let metadata = Metadata::new(around.http, around.text("GCE_METADATA_HOST"), is_googles, STORAGE);
        Self { source: Arc::new(metadata), who: "the metadata server's account".to_owned(), is_kept: true }
    }
}
