//! What the configuration says, without the secrets that it refers to: those are wanted when the verb runs.

use std::path::{Path, PathBuf};

use super::kubernetes::{self, Pods};
use crate::error::{Context as _, Error, Result};
use crate::front::borrowed::Environment;
use crate::front::manifest::{
    self, Choice, Credentials, Documents, Problems, Reads, Scheduled, SecretRef, VariableValue, refuse,
};
use crate::front::native::args::{Layer as _, Shared, WhichArgs};
use crate::front::native::configured::plain;
use crate::front::native::file::{DEFAULT, File};
use crate::front::native::settings::{demand, flags};
use crate::model::ServerName;
use crate::store::Location;

/// The configuration.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) file: File,
    /// Where it is, absolute, when there is one.
    pub(super) path: Option<PathBuf>,
    /// What is in a manifest.
    pub(super) documents: Option<Documents>,
}

impl Source {
    pub(super) fn load(shared: &Shared, environment: Environment<'_>) -> Result<Self> {
        if let Some(from) = &shared.which.from {
            return Err(Error::usage(format!("--from {from} is for reading, and what is scheduled writes"))
                .hint("leave it out, or name another store with --object-store"));
        }
        let path = shared.config.as_deref().unwrap_or(Path::new(DEFAULT));
        let absolute = std::path::absolute(path).context(|| "find the configuration")?;
        match fs_err::read_to_string(path) {
            Ok(text) if manifest::is_one(path, &text) => {
                let substitute = |text: &str| manifest::envsubst(text, environment);
                let substitute: Option<manifest::yaml::Substitute<'_>> =
                    if shared.which.envsubst.unwrap_or(false) { Some(&substitute) } else { None };
                Self::of_manifest(absolute, &text, &shared.which, substitute)
                    .context(|| format!("read {}", path.display()))
            }
            _ => {
                let file = File::load(shared.config.as_deref(), &shared.which, "schedule", environment)?;
                let path = file.told.path.as_ref().map(|_| absolute);
                Ok(Self { file, path, documents: None })
            }
        }
    }

    pub(super) fn of_manifest(
        path: PathBuf,
        text: &str,
        which: &WhichArgs,
        substitute: Option<manifest::yaml::Substitute<'_>>,
    ) -> Result<Self> {
        let problems = Problems::default();
        let documents = manifest::read(text, substitute, &problems)?;
        let choice = Choice {
            store: which.object_store.clone(),
            cluster: which.cluster.clone(),
            from: None,
            reads: Reads::Own,
        };
        let effective = manifest::choose(&documents, &choice, &problems);
        refuse(&problems.into_all())?;
        let effective = effective?;
        let mut file = File::of_table(&effective.table("schedule"))?;
        file.told.effective = Some(effective);
        Ok(Self { file, path: Some(path), documents: Some(documents) })
    }

    pub(super) const fn is_manifest(&self) -> bool {
        self.documents.is_some()
    }

    pub(super) fn namespace(&self) -> Option<String> {
        self.file.told.effective.as_ref()?.namespace.clone()
    }

    /// Which archive: what would not run is not printed.
    pub(super) fn archive(&self, shared: &Shared) -> Result<String> {
        let archive = shared.archive.clone().over(self.file.archive.clone());
        let store: Location = demand(archive.store, "store", "URL", "s3://bucket/path")?.parse()?;
        let server: ServerName = demand(archive.server, "server", "NAME", "main")?;
        Ok(format!("{server} in {store}"))
    }

    /// The schedules of the cluster that is meant.
    pub(super) fn schedules(&self, which: &WhichArgs) -> Result<Vec<&Scheduled>> {
        let Some(documents) = &self.documents else { return Ok(Vec::new()) };
        let only = match documents.clusters.as_slice() {
            [one] => Some(one.name.to_string()),
            _ => None,
        };
        if let Some(cluster) = which.cluster.clone().or(only) {
            let (namespace, name) = match cluster.split_once('/') {
                Some((namespace, name)) => (Some(namespace), name),
                None => (None, cluster.as_str()),
            };
            let is_its = |one: &&Scheduled| {
                let other = one.name.namespace.as_deref();
                one.cluster.value == name && namespace.zip(other).is_none_or(|(one, other)| one == other)
            };
            return Ok(documents.schedules.iter().filter(is_its).collect());
        }
        let mut clusters: Vec<&str> =
            documents.schedules.iter().map(|one| one.cluster.value.as_str()).collect();
        clusters.sort_unstable();
        clusters.dedup();
        if clusters.len() > 1 {
            return Err(Error::usage(format!(
                "there are ScheduledBackups of several clusters: {}",
                clusters.join(", ")
            ))
            .hint("say which with --cluster, and have its Cluster in the file"));
        }
        Ok(documents.schedules.iter().collect())
    }

    /// The words that name the configuration to a call at another time and place.
    pub(super) fn words(path: &Path, which: &WhichArgs, in_pod: bool) -> Result<Vec<String>> {
        let path = if in_pod { kubernetes::configuration(path) } else { utf8(path)? };
        let secret_dir = which.secret_dir.as_deref().filter(|_| !in_pod);
        let secret_dir = secret_dir.map(std::path::absolute).transpose().context(|| "find the secrets")?;
        let mut words = vec![format!("--config={path}")];
        for word in flags("", &WhichArgs { secret_dir, ..which.clone() })? {
            words.push(utf8(Path::new(&word))?);
        }
        Ok(words)
    }

    /// What a manifest says about a verb, as variables for a pod that has no configuration.
    pub(super) fn variables(&self, verb: &str, in_map: bool) -> Vec<(String, String)> {
        let Some(effective) = self.file.told.effective.as_ref().filter(|_| !in_map) else {
            return Vec::new();
        };
        let name = |section: &str, key: &str| {
            let section = if section.is_empty() { String::new() } else { format!("{section}_") };
            format!("BARKEEP_{section}{key}").to_uppercase().replace('-', "_")
        };
        let mut all = Vec::new();
        for (key, value) in effective.table(verb) {
            match value {
                toml::Value::Table(section) if ["s3", "azure", "gcs", verb].contains(&key.as_str()) => {
                    // A policy is no flag.
                    let settings =
                        section.iter().filter(|(inner, _)| key != "retention" || *inner != "policy");
                    all.extend(settings.map(|(inner, value)| (name(&key, inner), spell(value))));
                }
                toml::Value::Table(_) => {}
                value => all.push((name("", &key), spell(&value))),
            }
        }
        all
    }

    /// Which secrets a manifest refers to, by name and key; their values are looked at by nobody.
    pub(super) fn secrets(&self, pods: &mut Pods, notes: &mut Vec<String>) {
        let Some(effective) = &self.file.told.effective else { return };
        let mut add = |variable: &str, reference: Option<&SecretRef>| {
            pods.secrets.extend(
                reference.map(|SecretRef { name, key, .. }| (variable.to_owned(), name.clone(), key.clone())),
            );
        };
        let mut file = |variable: &str, SecretRef { name, key, .. }: &SecretRef| {
            pods.files.push((variable.to_owned(), name.clone(), key.clone()));
        };
        match &effective.credentials {
            Some(Credentials::S3 {
                role: false,
                access_key_id,
                secret_access_key,
                region,
                session_token,
            }) => {
                add("AWS_ACCESS_KEY_ID", access_key_id.as_ref());
                add("AWS_SECRET_ACCESS_KEY", secret_access_key.as_ref());
                add("AWS_SESSION_TOKEN", session_token.as_ref());
                add("AWS_DEFAULT_REGION", region.as_ref());
            }
            Some(Credentials::Azure { connection_string, key, sas, .. }) => {
                add("AZURE_STORAGE_CONNECTION_STRING", connection_string.as_ref());
                add("AZURE_STORAGE_KEY", key.as_ref());
                add("AZURE_STORAGE_SAS_TOKEN", sas.as_ref());
            }
            Some(Credentials::Google { application: Some(application) }) => {
                file("GOOGLE_APPLICATION_CREDENTIALS", application);
            }
            _ => {}
        }
        if let Some(authorities) = &effective.authorities {
            let is_s3 = matches!(effective.credentials, Some(Credentials::S3 { .. }));
            file(if is_s3 { "AWS_CA_BUNDLE" } else { "REQUESTS_CA_BUNDLE" }, authorities);
        }
        for variable in &effective.environment {
            let name = &variable.name.value;
            match &variable.value {
                VariableValue::Secret(reference) => add(name, Some(reference)),
                // The manifest in the ConfigMap has it.
                VariableValue::Text(_) if pods.config_map.is_some() => {}
                // It may be a secret all the same.
                VariableValue::Text(_) | VariableValue::Elsewhere => notes.push(format!(
                    "The variable {name} of the manifest is not repeated here: add it, or give --config-map."
                )),
            }
        }
    }
}

fn utf8(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Error::usage(format!("{} is no UTF-8, so it cannot be printed", path.display()))
            .hint("choose another name")
    })
}

/// A value as a variable has it: lists have commas.
fn spell(value: &toml::Value) -> String {
    match value {
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        value => plain(value),
    }
}
