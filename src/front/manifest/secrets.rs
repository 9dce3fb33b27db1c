//! Secrets that a manifest refers to: found anew in every call, and shown to nobody.

use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use super::effective::Effective;
use super::reader::{Place, Problem, Problems};
use super::resource::{Credentials, Documents, SecretRef, VariableValue};
use crate::front::borrowed::Environment;
use crate::store::{AccessKeys, AzureSecret, GoogleCredentials, Pem};

/// The largest secret.
const LARGEST: u64 = 1 << 20;

/// What the store signs in with, in place of what the environment has. `Debug` shows nothing of it.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    pub(crate) s3: Option<AccessKeys>,
    pub(crate) azure: Option<AzureSecret>,
    pub(crate) google: Option<GoogleCredentials>,
    /// The authorities to trust.
    pub(crate) authorities: Option<Pem>,
    /// Variables as if they were set so, or not at all.
    pub(crate) variables: Vec<(&'static str, Option<OsString>)>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// A variable: what the manifest says of it, else what the environment says.
    pub(crate) fn variable(&self, name: &str, environment: Environment<'_>) -> Option<OsString> {
        match self.variables.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => value.clone(),
            None => environment(name),
        }
    }
}

/// Where a secret was found, for `config explain`.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The variable that stands for it elsewhere (spec/cloudnativepg.md 1.4).
    pub(crate) variable: String,
    /// Where the manifest asks for it.
    pub(crate) at: Place,
    /// Where it is.
    pub(crate) found: String,
}

/// Where secrets are looked for, in this order: the file's own documents, a directory as Kubernetes mounts
/// them (`DIR/NAME/KEY`), the environment.
pub(crate) struct Cabinet<'a> {
    pub(crate) documents: &'a Documents,
    pub(crate) directory: Option<&'a Path>,
    pub(crate) environment: Environment<'a>,
}

/// All that was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) secrets: Secrets,
    pub(crate) origins: Vec<Origin>,
    /// The environment that a sidecar would have.
    pub(crate) environment: Vec<(String, Hidden)>,
}

/// A value that `Debug` does not show.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) OsString);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

impl Cabinet<'_> {
    /// Finds all secrets of an archive.
    pub(crate) fn open(&self, effective: &Effective, problems: &Problems) -> Found {
        let mut search = Search {
            cabinet: self,
            namespace: effective.namespace.as_deref(),
            problems,
            origins: Vec::new(),
        };
        let mut secrets = Secrets::default();
        match &effective.credentials {
            Some(Credentials::S3 {
                role: false,
                access_key_id,
                secret_access_key,
                region,
                session_token,
            }) => {
                let id = search.text(access_key_id.as_ref(), "AWS_ACCESS_KEY_ID");
                let secret = search.text(secret_access_key.as_ref(), "AWS_SECRET_ACCESS_KEY");
                let session_token = search.text(session_token.as_ref(), "AWS_SESSION_TOKEN");
                secrets.s3 = id.zip(secret).map(|(id, secret)| AccessKeys { id, secret, session_token });
                if let Some(region) = search.region(region.as_ref()) {
                    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
                        secrets.variables.push((name, Some(region.clone().into())));
                    }
                }
            }
            Some(Credentials::Azure { connection_string, key, sas, .. }) => {
                let string = search.text(connection_string.as_ref(), "AZURE_STORAGE_CONNECTION_STRING");
                // Another one in the environment is not this archive's.
                secrets
                    .variables
                    .push(("AZURE_STORAGE_CONNECTION_STRING", string.clone().map(OsString::from)));
                let sas = search.text(sas.as_ref(), "AZURE_STORAGE_SAS_TOKEN").map(AzureSecret::Sas);
                let key = search.text(key.as_ref(), "AZURE_STORAGE_KEY").map(AzureSecret::Key);
                secrets.azure = string.map(AzureSecret::ConnectionString).or(sas).or(key);
            }
            Some(Credentials::Google { application: Some(application) }) => {
                let variable = "GOOGLE_APPLICATION_CREDENTIALS";
                let file = search.file(application, variable);
                secrets.google =
                    file.and_then(|text| search.utf8(application, text)).map(GoogleCredentials::new);
            }
            _ => {}
        }
        if let Some(authorities) = &effective.authorities {
            let variable = match effective.credentials {
                Some(Credentials::S3 { .. }) => "AWS_CA_BUNDLE",
                _ => "REQUESTS_CA_BUNDLE",
            };
            secrets.authorities = search.file(authorities, variable).map(Pem::new);
            // What the manifest says is all that is trusted.
            secrets.variables.extend(["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"].map(|name| (name, None)));
        }
        let mut environment = Vec::new();
        for variable in &effective.environment {
            let name = &variable.name.value;
            let value = match &variable.value {
                VariableValue::Text(text) => Some(OsString::from(text)),
                // What is set already stays.
                _ if (self.environment)(name).is_some() => None,
                VariableValue::Secret(reference) => search.text(Some(reference), name).map(OsString::from),
                VariableValue::Elsewhere => None,
            };
            environment.extend(value.map(|value| (name.clone(), Hidden(value))));
        }
        Found { secrets, origins: search.origins, environment }
    }
}

/// A search for several secrets.
struct Search<'a> {
    cabinet: &'a Cabinet<'a>,
    namespace: Option<&'a str>,
    problems: &'a Problems,
    origins: Vec<Origin>,
}

impl Search<'_> {
    /// A secret that a variable can carry.
    fn text(&mut self, reference: Option<&SecretRef>, variable: &str) -> Option<String> {
        let reference = reference?;
        let environment = (self.cabinet.environment)(variable).filter(|value| !value.is_empty());
        let bytes = match self.stored(reference, variable) {
            Ok(Some(bytes)) => bytes,
            Err(()) => return None,
            Ok(None) => match environment {
                Some(value) => {
                    self.note(reference, variable, format!("the variable {variable}"));
                    value.into_encoded_bytes()
                }
                None => return self.missing(reference, variable),
            },
        };
        let text = self.utf8(reference, bytes)?;
        // An editor ends a file with a line feed, which no credential has.
        Some(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// A region, which is no secret: what does not look like one is not repeated all the same.
    fn region(&mut self, reference: Option<&SecretRef>) -> Option<String> {
        let region = self.text(reference, "AWS_DEFAULT_REGION")?;
        let is_plain = !region.is_empty()
            && region.len() <= 63
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_plain && let Some(reference) = reference {
            let problem = Problem::at(&reference.at, "what is found there is no region");
            self.problems.add(problem.hint("small letters, digits and - are allowed: eu-west-1"));
        }
        is_plain.then_some(region)
    }

    /// A secret that a file carries, which a variable names.
    fn file(&mut self, reference: &SecretRef, variable: &str) -> Option<Vec<u8>> {
        match self.stored(reference, variable) {
            Ok(Some(bytes)) => return Some(bytes),
            Err(()) => return None,
            Ok(None) => {}
        }
        let Some(path) = (self.cabinet.environment)(variable).filter(|value| !value.is_empty()) else {
            return self.missing(reference, variable);
        };
        let path = Path::new(&path);
        match read(path) {
            Ok(bytes) => {
                self.note(reference, variable, format!("{}, which {variable} names", path.display()));
                Some(bytes)
            }
            Err(e) => {
                self.problems.add(Problem::at(&reference.at, format_args!("{variable} cannot be read: {e}")));
                None
            }
        }
    }

    /// What the documents or the directory have.
    fn stored(&mut self, reference: &SecretRef, variable: &str) -> Result<Option<Vec<u8>>, ()> {
        let SecretRef { name, key, at } = reference;
        let documents = &self.cabinet.documents.secrets;
        for document in documents.iter().filter(|one| one.name.is_named(self.namespace, name)) {
            if let Some(value) = document.values.get(key) {
                let found = format!("{key} of the Secret {} (line {})", document.name, document.at.line);
                self.note(reference, variable, found);
                return Ok(Some(value.clone()));
            }
        }
        let Some(directory) = self.cabinet.directory else { return Ok(None) };
        let path = directory.join(name).join(key);
        match read(&path) {
            Ok(bytes) => {
                self.note(reference, variable, path.display().to_string());
                Ok(Some(bytes))
            }
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => {
                self.problems.add(Problem::at(at, format_args!("the secret cannot be read: {e}")));
                Err(())
            }
        }
    }

    fn utf8(&self, reference: &SecretRef, bytes: Vec<u8>) -> Option<String> {
        let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        if text.is_none() {
            self.problems.add(Problem::at(&reference.at, "what is found there is no text"));
        }
        text
    }

    fn note(&mut self, reference: &SecretRef, variable: &str, found: String) {
        self.origins.push(Origin { variable: variable.to_owned(), at: reference.at.clone(), found });
    }

    fn missing<T>(&self, SecretRef { name, key, at }: &SecretRef, variable: &str) -> Option<T> {
        let what = match self.cabinet.directory {
            Some(directory) => {
                format!("{key} of the secret {name} is neither in the file nor in {}", directory.display())
            }
            None => format!("{key} of the secret {name} is not in the file"),
        };
        let hint = format!(
            "add the Secret to the file, give --secret-dir DIR with DIR/{name}/{key} in it, or set {variable}"
        );
        self.problems.add(Problem::at(at, what).hint(hint));
        None
    }
}

/// A file, in one piece and not too large.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;

    let mut bytes = Vec::new();
    fs_err::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(std::io::Error::other(format!("{} is larger than {LARGEST} bytes", path.display())));
    }
    Ok(bytes)
}
