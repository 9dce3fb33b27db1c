//! A service account's key: tokens are signed here, and nobody is asked (AIP-4111).

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::file::{Fields, digest};
use crate::error::{Error, Result};
use crate::store::tokens::{SignIn, Token};

/// The longest that Google accepts.
const LIFETIME: Duration = Duration::from_hours(1);

/// Signed so long before now, for a clock that is ahead of Google's.
const BACKDATED: Duration = Duration::from_secs(10);

/// The key of a service account, and what for.
pub(super) struct ServiceAccount {
    email: String,
    key_id: String,
    key: KeyPair,
    digest: String,
    scope: &'static str,
}

impl ServiceAccount {
    /// What the file of a key says.
    pub(super) fn from(fields: &Fields, scope: &'static str) -> Result<Self> {
        let pem = fields.text("private_key")?;
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes());
        let key = match &der {
            Ok(PrivateKeyDer::Pkcs8(der)) => KeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
            Ok(PrivateKeyDer::Pkcs1(der)) => KeyPair::from_der(der.secret_pkcs1_der()).ok(),
            _ => None,
        };
        let key = key.ok_or_else(|| {
            fields
                .error("has a private_key that is no RSA key in PEM of 2048 to 4096 bits")
                .hint("download the service account's key once more, or restore its line breaks (\\n)")
        })?;
        Ok(Self {
            email: fields.text("client_email")?.to_owned(),
            key_id: fields.maybe("private_key_id")?.unwrap_or_default().to_owned(),
            key,
            digest: digest(&[pem]),
            scope,
        })
    }

    /// Its address.
    pub(super) fn email(&self) -> &str {
        &self.email
    }

    /// A token from now on. It has a scope and no audience: Google wants one of the two.
    fn sign(&self, now: Timestamp) -> Result<Token> {
        let issued = now - BACKDATED;
        let expires = issued + LIFETIME;
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let claims = json!({
            "iss": self.email, "sub": self.email, "scope": self.scope,
            "iat": issued.as_second(), "exp": expires.as_second(),
        });
        let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| Error::bug("the service account's key does not sign"))?;
        Ok(Token { text: format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)), expires })
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceAccount({})", self.email)
    }
}

#[async_trait]
impl SignIn for ServiceAccount {
    fn identity(&self) -> String {
        let Self { email, scope, digest, .. } = self;
        format!("service account {email} for {scope} (key {digest})")
    }

    async fn fetch(&self) -> Result<Token> {
        self.sign(Timestamp::now())
    }
}
