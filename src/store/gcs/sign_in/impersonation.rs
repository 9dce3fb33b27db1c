//! Acting as a service account that one may act as (`generateAccessToken` of Google's IAM).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Uri, header};
use serde_json::{Value, json};

use super::file::Fields;
use super::issuer::{ask_json, bearer, build, if_refused, lacks};
use crate::error::Result;
use crate::store::http::Http;
use crate::store::tokens::{SignIn, Token};

/// How long its tokens are asked to last, unless the file says otherwise.
const LIFETIME: Duration = Duration::from_hours(1);

/// Somebody, and whom they act as.
#[derive(Debug)]
pub(super) struct Impersonation {
    http: Http,
    source: Arc<dyn SignIn>,
    url: Uri,
    delegates: Vec<String>,
    lifetime: Duration,
    scope: &'static str,
}

impl Impersonation {
    /// What a file says, whose source is known already.
    pub(super) fn from(
        fields: &Fields,
        source: Arc<dyn SignIn>,
        http: &Http,
        scope: &'static str,
    ) -> Result<Self> {
        let lifetime = match fields.inside("service_account_impersonation")? {
            Some(inside) => inside.number("token_lifetime_seconds")?.map(Duration::from_secs),
            None => None,
        };
        Ok(Self {
            http: http.clone(),
            source,
            url: fields.url("service_account_impersonation_url", None)?,
            delegates: fields.texts("delegates")?,
            lifetime: lifetime.unwrap_or(LIFETIME),
            scope,
        })
    }

    /// The account's address, out of the URL `…/serviceAccounts/ADDRESS:generateAccessToken`.
    pub(super) fn email(&self) -> &str {
        email(self.url.path())
    }
}

/// The account's address at the end of such a URL.
pub(super) fn email(url: &str) -> &str {
    let name = url.rsplit('/').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default()
}

#[async_trait]
impl SignIn for Impersonation {
    fn identity(&self) -> String {
        let (source, via) = (self.source.identity(), self.delegates.join(","));
        let seconds = self.lifetime.as_secs();
        format!("{} via [{via}] for {} and {seconds} s, by {source}", self.url, self.scope)
    }

    async fn fetch(&self) -> Result<Token> {
        let source = self.source.fetch().await?.text;
        let body = json!({
            "delegates": self.delegates,
            "scope": [self.scope],
            "lifetime": format!("{}s", self.lifetime.as_secs()),
        });
        let request = Request::post(&self.url)
            .header(header::AUTHORIZATION, format!("Bearer {source}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()));
        let told = ask_json(&self.http, build(request)?, &[&source]).await.map_err(|e| {
            if_refused(e, "grant roles/iam.serviceAccountTokenCreator on the service account to who signs in")
        })?;
        let expires = told.get("expireTime").and_then(Value::as_str).and_then(|time| time.parse().ok());
        Ok(Token {
            text: bearer(&told, "accessToken")?,
            expires: expires.ok_or_else(|| lacks("expireTime"))?,
        })
    }
}
