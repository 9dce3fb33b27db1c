//! A subject token of AWS: a signed request for "who am I", which Google makes in our place.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{Method, Request, Uri};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use url::Url;

use super::super::Surroundings;
use super::super::file::{Fields, Secret, digest};
use super::super::issuer::{ask, build, if_refused, object};
use super::url::route;
use crate::error::{Error, Result};
use crate::store::http::Http;

/// How long a session of the metadata service lasts, in seconds: it is used for three requests at once.
const SESSION: &str = "300";

/// Where AWS's region and keys come from, and whom the request asks.
#[derive(Debug)]
pub(super) struct Aws {
    http: Http,
    audience: String,
    /// Has `{region}` in it.
    verification_url: String,
    region: Option<String>,
    keys: Option<Keys>,
    region_url: Option<Uri>,
    keys_url: Option<Uri>,
    session_url: Option<Uri>,
}

/// AWS's keys.
#[derive(Debug, Clone)]
struct Keys {
    id: String,
    secret: Secret,
    session: Option<Secret>,
}

impl Aws {
    /// What a file says, and the environment before it.
    pub(super) fn from(fields: &Fields, source: &Fields, around: &Surroundings<'_>) -> Result<Self> {
        let url = |name| source.maybe(name)?.map(|_| source.plain_url(name)).transpose();
        let keys = around.text("AWS_ACCESS_KEY_ID").zip(around.text("AWS_SECRET_ACCESS_KEY"));
        Ok(Self {
            http: around.http.clone(),
            audience: fields.text("audience")?.to_owned(),
            verification_url: source.text("regional_cred_verification_url")?.to_owned(),
            region: around.text("AWS_REGION").or_else(|| around.text("AWS_DEFAULT_REGION")),
            keys: keys.map(|(id, secret)| Keys {
                id,
                secret: Secret(secret),
                session: around.text("AWS_SESSION_TOKEN").map(Secret),
            }),
            region_url: url("region_url")?,
            keys_url: url("url")?,
            session_url: url("imdsv2_session_token_url")?,
        })
    }

    pub(super) fn identity(&self) -> String {
        let id = self.keys.as_ref().map_or("instance", |keys| &keys.id);
        let secret = self.keys.as_ref().map_or("", |keys| &keys.secret.0);
        format!("AWS {id} ({})", digest(&[secret]))
    }

    pub(super) async fn token(&self) -> Result<String> {
        let session = self.session().await?;
        let region = match &self.region {
            Some(region) => region.clone(),
            None => self.ask_region(session.as_ref()).await?,
        };
        let keys = match &self.keys {
            Some(keys) => keys.clone(),
            None => self.ask_keys(session.as_ref()).await?,
        };
        subject(&self.verification_url, &region, &keys, &self.audience, Timestamp::now())
    }

    /// A session of the metadata service, where it wants one and is needed at all.
    async fn session(&self) -> Result<Option<Secret>> {
        let Some(url) = &self.session_url else { return Ok(None) };
        if self.region.is_some() && self.keys.is_some() {
            return Ok(None);
        }
        let header = ("x-aws-ec2-metadata-token-ttl-seconds", SESSION);
        Ok(Some(Secret(self.ask(Method::PUT, url, Some(header)).await?)))
    }

    /// The region: the availability zone without the letter at its end.
    async fn ask_region(&self, session: Option<&Secret>) -> Result<String> {
        let missing = || Error::usage("AWS's region is not known").hint("set AWS_REGION");
        let mut zone = self.get(self.region_url.as_ref().ok_or_else(missing)?, session).await?;
        zone.pop().map(|_| zone).filter(|region| is_name(region)).ok_or_else(missing)
    }

    /// The keys of the instance's role.
    async fn ask_keys(&self, session: Option<&Secret>) -> Result<Keys> {
        let missing = || {
            Error::usage("AWS's credentials are not known: the metadata service has none that are usable")
                .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the instance a role")
        };
        let url = self.keys_url.as_ref().ok_or_else(missing)?;
        let role = self.get(url, session).await?;
        let of_role = format!("{}/{role}", url.to_string().trim_end_matches('/'));
        let told = self.get(&of_role.parse().map_err(|_| missing())?, session).await?;
        let told = object(told.as_bytes()).ok_or_else(missing)?;
        let text = |name| told.get(name).and_then(Value::as_str).map(str::to_owned);
        let (id, secret) = text("AccessKeyId").zip(text("SecretAccessKey")).ok_or_else(missing)?;
        Ok(Keys { id, secret: Secret(secret), session: text("Token").map(Secret) })
    }

    async fn get(&self, url: &Uri, session: Option<&Secret>) -> Result<String> {
        let header = session.map(|session| ("x-aws-ec2-metadata-token", &*session.0));
        self.ask(Method::GET, url, header).await
    }

    async fn ask(&self, method: Method, url: &Uri, header: Option<(&str, &str)>) -> Result<String> {
        let mut request = Request::builder().method(method).uri(url);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let secrets: Vec<_> = header.iter().map(|(_, value)| *value).collect();
        let answer = ask(&self.http, route(url), build(request.body(Bytes::new()))?, &secrets).await;
        let (_, body) = answer.map_err(|e| if_refused(e, "let the instance's metadata service answer"))?;
        Ok(String::from_utf8_lossy(&body).trim().to_owned())
    }
}

/// A region's name, which goes into a host's.
fn is_name(region: &str) -> bool {
    !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The signed request as JSON, percent-encoded, as Google's exchange reads it (AIP-4117).
fn subject(url: &str, region: &str, keys: &Keys, audience: &str, now: Timestamp) -> Result<String> {
    if !is_name(region) {
        return Err(Error::usage(format!("AWS's region {region:?} is no name")).hint("correct AWS_REGION"));
    }
    let url = url.replace("{region}", region);
    let bad = || Error::usage("regional_cred_verification_url of the credentials is no URL");
    let host = Url::parse(&url).ok().and_then(|url| Some(url.host_str()?.to_owned())).ok_or_else(bad)?;
    let target = "x-goog-cloud-target-resource";
    let session = keys.session.as_ref().map(|session| session.0.clone());
    let identity = Credentials::new(&keys.id, &keys.secret.0, session, None, "given").into();
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(now.into())
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| Error::bug("the parameters of AWS's signature are not whole"))?;
    let signed = [(target, audience)];
    let request = SignableRequest::new("POST", &*url, signed.into_iter(), SignableBody::Bytes(b""));
    let request = request.map_err(|_| bad())?;
    let (added, _) = sign(request, &signing.into()).map_err(|_| bad())?.into_parts();
    let (added, _) = added.into_parts();
    let mut headers = vec![json!({"key": "host", "value": host}), json!({"key": target, "value": audience})];
    headers.extend(added.iter().map(|header| {
        let name = if header.name() == "authorization" { "Authorization" } else { header.name() };
        json!({"key": name, "value": header.value()})
    }));
    let request = json!({"url": url, "method": "POST", "headers": headers, "body": ""}).to_string();
    Ok(utf8_percent_encode(&request, NON_ALPHANUMERIC).to_string())
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;

    use super::*;

    #[test]
    fn the_request_is_signed_for_google_to_make() {
        let keys = Keys {
            id: "AKTEST".to_owned(),
            secret: Secret("hunter2".to_owned()),
            session: Some(Secret("session".to_owned())),
        };
        let url = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15";
        let now = Timestamp::from_second(1_600_000_000).unwrap();
        let token = subject(url, "eu-west-1", &keys, "//iam/pool", now).unwrap();
        let text = percent_decode_str(&token).decode_utf8().unwrap().into_owned();
        assert!(!text.contains("hunter2"), "{text}");
        let request: Value = serde_json::from_str(&text).unwrap();
        let headers = request["headers"].as_array().unwrap();
        let header = |name: &str| {
            let header = headers.iter().find(|header| header["key"] == name).unwrap();
            header["value"].as_str().unwrap().to_owned()
        };
        assert_eq!(request["method"], "POST");
        assert_eq!(
            request["url"],
            "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
        );
        assert_eq!(header("host"), "sts.eu-west-1.amazonaws.com");
        assert_eq!(header("x-amz-date"), "20200913T122640Z");
        assert_eq!(header("x-amz-security-token"), "session");
        assert_eq!(header("x-goog-cloud-target-resource"), "//iam/pool");
        let authorization = header("Authorization");
        let signed = "Credential=AKTEST/20200913/eu-west-1/sts/aws4_request, \
                      SignedHeaders=host;x-amz-date;x-amz-security-token;x-goog-cloud-target-resource, ";
        assert!(authorization.contains(signed), "{authorization}");
    }

    #[test]
    fn a_region_cannot_lead_the_request_elsewhere() {
        assert!(is_name("eu-west-1") && !is_name("") && !is_name("evil.com/"));
    }
}
