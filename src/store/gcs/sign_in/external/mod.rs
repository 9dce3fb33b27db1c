//! Workload identity federation: somebody else's token is exchanged for one of Google's (AIP-4117).

mod aws;
mod executable;
mod url;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use http::{Uri, header};
use jiff::Timestamp;
use serde_json::json;

use super::Surroundings;
use super::file::{Fields, Secret, digest, read};
use super::issuer::{ask_json, form, if_refused, object, token};
use super::user::basic;
use crate::error::{Error, Result};
use crate::store::http::Http;
use crate::store::tokens::{SignIn, Token};

/// How a subject token is had, and what Google's exchange is told about it.
#[derive(Debug)]
pub(super) struct External {
    http: Http,
    url: Uri,
    audience: String,
    subject_token_type: String,
    subject: Subject,
    client: Option<(String, Secret)>,
    /// Who pays for a user of a workforce pool.
    user_project: Option<String>,
    scope: &'static str,
}

/// Where a subject token comes from.
#[derive(Debug)]
enum Subject {
    File { path: PathBuf, format: Format },
    Url(url::UrlSource),
    Executable(executable::Executable),
    Aws(Box<aws::Aws>),
}

/// How a subject token is written.
#[derive(Debug)]
enum Format {
    Text,
    /// In this field of a JSON object.
    Json(String),
}

impl External {
    /// What a file says.
    pub(super) fn from(fields: &Fields, around: &Surroundings<'_>, scope: &'static str) -> Result<Self> {
        let secret = Secret(fields.maybe("client_secret")?.unwrap_or_default().to_owned());
        let client = fields.maybe("client_id")?.map(|id| (id.to_owned(), secret));
        Ok(Self {
            http: around.http.clone(),
            url: fields.url("token_url", None)?,
            audience: fields.text("audience")?.to_owned(),
            subject_token_type: fields.text("subject_token_type")?.to_owned(),
            subject: Subject::from(fields, around)?,
            client,
            user_project: fields.maybe("workforce_pool_user_project")?.map(str::to_owned),
            scope,
        })
    }
}

impl Subject {
    fn from(fields: &Fields, around: &Surroundings<'_>) -> Result<Self> {
        let source = fields.inside("credential_source")?;
        let source = source.ok_or_else(|| fields.error("has no credential_source"))?;
        if let Some(environment) = source.maybe("environment_id")? {
            return match environment {
                "aws1" => Ok(Self::Aws(Box::new(aws::Aws::from(fields, &source, around)?))),
                _ => Err(source.error("has an environment_id that is not aws1")),
            };
        }
        if let Some(path) = source.maybe("file")? {
            return Ok(Self::File { path: path.into(), format: Format::from(&source)? });
        }
        if source.maybe("url")?.is_some() {
            return Ok(Self::Url(url::UrlSource::from(&source, around.http)?));
        }
        if let Some(inside) = source.inside("executable")? {
            return Ok(Self::Executable(executable::Executable::from(fields, &inside, around)?));
        }
        Err(source.error("has none of file, url, executable, environment_id"))
    }

    /// Gets it anew: whatever it comes from may have been rotated.
    async fn token(&self) -> Result<String> {
        let token = match self {
            Self::File { path, format } => format.find(&read_subject(path)?, &path.display().to_string())?,
            Self::Url(url) => url.token().await?,
            Self::Executable(executable) => executable.token().await?,
            Self::Aws(aws) => aws.token().await?,
        };
        if token.is_empty() { Err(Error::usage("the subject token is empty")) } else { Ok(token) }
    }

    fn identity(&self) -> String {
        match self {
            Self::File { path, .. } => format!("file {}", path.display()),
            Self::Url(url) => url.identity(),
            Self::Executable(executable) => executable.identity(),
            Self::Aws(aws) => aws.identity(),
        }
    }
}

fn read_subject(path: &Path) -> Result<Vec<u8>> {
    read(path).map_err(|e| {
        Error::usage(format!("the subject token cannot be read: {e}"))
            .hint("correct credential_source.file, or let the token be put there")
    })
}

impl Format {
    fn from(source: &Fields) -> Result<Self> {
        let Some(format) = source.inside("format")? else { return Ok(Self::Text) };
        match format.maybe("type")? {
            None | Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json(format.text("subject_token_field_name")?.to_owned())),
            Some(_) => Err(format.error("has a type that is neither text nor json")),
        }
    }

    /// The token in what `of` gave.
    fn find(&self, body: &[u8], of: &str) -> Result<String> {
        let found = match self {
            Self::Text => std::str::from_utf8(body).ok().map(|text| text.trim().to_owned()),
            Self::Json(name) => object(body).and_then(|told| Some(told.get(name)?.as_str()?.to_owned())),
        };
        found.ok_or_else(|| match self {
            Self::Text => Error::usage(format!("{of} has no text as subject token")),
            Self::Json(name) => Error::usage(format!("{of} has no {name} with a subject token")),
        })
    }
}

#[async_trait]
impl SignIn for External {
    fn identity(&self) -> String {
        let (subject, url, audience) = (self.subject.identity(), &self.url, &self.audience);
        let (id, secret) = self.client.as_ref().map_or(("", ""), |(id, secret)| (id, &secret.0));
        let rest = [&*self.subject_token_type, id, secret, self.user_project.as_deref().unwrap_or_default()];
        format!("{subject} for {audience} at {url} for {} ({})", self.scope, digest(&rest))
    }

    async fn fetch(&self) -> Result<Token> {
        let subject = self.subject.token().await?;
        let began = Timestamp::now();
        let mut fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", &*self.audience),
            ("scope", self.scope),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token", &*subject),
            ("subject_token_type", &*self.subject_token_type),
        ];
        let options = self.user_project.as_ref().map(|project| json!({"userProject": project}).to_string());
        if let (Some(options), None) = (&options, &self.client) {
            fields.push(("options", options));
        }
        let mut request = form(&self.url, &fields)?;
        let mut secrets = vec![&*subject];
        if let Some((id, secret)) = &self.client {
            request.headers_mut().insert(header::AUTHORIZATION, basic(id, secret)?);
            secrets.push(&secret.0);
        }
        let told = ask_json(&self.http, request, &secrets).await.map_err(|e| {
            if_refused(e, "check the workload identity provider's issuer, audience and attribute condition")
        })?;
        token(&told, began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_token_is_the_text_or_a_field_of_it() {
        let json = Format::Json("token".to_owned());
        assert_eq!(Format::Text.find(b" abc\n", "f").unwrap(), "abc");
        assert_eq!(json.find(br#"{"token":"abc"}"#, "f").unwrap(), "abc");
        for bad in [&b"hunter2"[..], br#"{"other":"hunter2"}"#, br#"{"token":7}"#, b""] {
            assert_eq!(json.find(bad, "f").unwrap_err().to_string(), "f has no token with a subject token");
        }
    }
}
