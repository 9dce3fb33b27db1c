//! A user who signed in with gcloud: a refresh token buys access tokens (AIP-4113, AIP-4117).

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri, header};
use jiff::Timestamp;

use super::file::{Fields, Secret, digest};
use super::issuer::{ask_json, form, if_refused, token};
use crate::error::{Error, Result};
use crate::store::http::Http;
use crate::store::tokens::{SignIn, Token};

/// Where Google's own users get tokens.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Where a refresh token is good, and whose it is.
#[derive(Debug)]
pub(super) struct User {
    http: Http,
    url: Uri,
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
    /// Whether the client's secret goes into a header rather than into the form.
    is_external: bool,
}

impl User {
    /// What `gcloud auth application-default login` leaves.
    pub(super) fn from(fields: &Fields, http: &Http) -> Result<Self> {
        Self::at(fields, http, fields.url("token_uri", Some(TOKEN_URI))?, false)
    }

    /// The same for a user of somebody else's.
    pub(super) fn external(fields: &Fields, http: &Http) -> Result<Self> {
        Self::at(fields, http, fields.url("token_url", None)?, true)
    }

    fn at(fields: &Fields, http: &Http, url: Uri, is_external: bool) -> Result<Self> {
        Ok(Self {
            http: http.clone(),
            url,
            client_id: fields.text("client_id")?.to_owned(),
            client_secret: Secret(fields.text("client_secret")?.to_owned()),
            refresh_token: Secret(fields.text("refresh_token")?.to_owned()),
            is_external,
        })
    }
}

/// The header that says which program asks (RFC 6749, 2.3.1).
pub(super) fn basic(id: &str, secret: &Secret) -> Result<HeaderValue> {
    let value = format!("Basic {}", STANDARD.encode(format!("{id}:{}", secret.0)));
    let mut value = HeaderValue::try_from(value).map_err(|_| Error::bug("base64 is no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[async_trait]
impl SignIn for User {
    fn identity(&self) -> String {
        let secrets = digest(&[&self.client_secret.0, &self.refresh_token.0]);
        format!("user of client {} at {} (refresh token {secrets})", self.client_id, self.url)
    }

    /// No scope is asked for: the user agreed to some when signing in, and others would be refused.
    async fn fetch(&self) -> Result<Token> {
        let began = Timestamp::now();
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", &*self.refresh_token.0)];
        if !self.is_external {
            fields.extend([("client_id", &*self.client_id), ("client_secret", &*self.client_secret.0)]);
        }
        let mut request = form(&self.url, &fields)?;
        if self.is_external {
            let value = basic(&self.client_id, &self.client_secret)?;
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let told = ask_json(&self.http, request, &[&self.refresh_token.0, &self.client_secret.0]).await;
        let told = told.map_err(|e| if_refused(e, "sign in again: gcloud auth application-default login"))?;
        token(&told, began)
    }
}
