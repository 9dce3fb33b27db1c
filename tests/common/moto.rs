//! moto: an S3 server of other people's making.

use std::fs::File;
use std::process::Child;
use std::time::Duration;

use barkeep::store::{AccessKeys, Options, S3Options};
use rustix::process::Signal;

use super::client::{Peer, elements};
use super::reach::Reach;
use super::tls::Authority;
use super::{Scratch, bare, installed, stop, tail, wait_for};

/// A running moto; its objects are in its memory and vanish with it.
pub struct Moto {
    process: Child,
    port: u16,
    authority: Option<Authority>,
}

impl Moto {
    /// Serves plain HTTP.
    pub async fn http(scratch: &Scratch) -> Self {
        Self::start(scratch, None).await
    }

    /// Serves HTTPS with a certificate of a private authority.
    pub async fn https(scratch: &Scratch) -> Self {
        Self::start(scratch, Some(Authority::new(scratch))).await
    }

    async fn start(scratch: &Scratch, authority: Option<Authority>) -> Self {
        let log = scratch.path("moto.log");
        let output = File::create(&log).unwrap();
        let mut command = bare(installed("moto").join("bin/moto_server"));
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("PYTHONUNBUFFERED", "1");
        if let Some(authority) = &authority {
            command.arg("-c").arg(authority.certificate_file()).arg("-k").arg(authority.key_file());
        }
        let process = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        let mut moto = Self { process, port: 0, authority };
        moto.port = wait_for("moto's first words", Duration::from_mins(1), async || {
            assert!(moto.process.try_wait().unwrap().is_none(), "moto ended:\n{}", tail(&log));
            announced_port(&std::fs::read_to_string(&log).unwrap())
        })
        .await;
        moto
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.authority.is_some() { "https" } else { "http" }
    }

    /// Who signed its certificate, when it has one.
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// How a bucket is reached.
    pub fn reach(&self, bucket: &str) -> Reach {
        self.reach_at(self.port, bucket)
    }

    /// The same, through something that listens on another port.
    pub fn reach_at(&self, port: u16, bucket: &str) -> Reach {
        let endpoint = format!("{}://127.0.0.1:{port}", self.scheme());
        let (id, secret, region) = ("AKTEST", "SKTEST", "us-east-1");
        let ca_bundle = self.authority.as_ref().map(|authority| authority.ca_file().to_owned());
        let mut variables = vec![
            ("BARKEEP_S3_ENDPOINT_URL", endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", id.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
            ("AWS_DEFAULT_REGION", region.to_owned()),
        ];
        variables.extend(ca_bundle.iter().map(|file| ("AWS_CA_BUNDLE", file.display().to_string())));
        let s3 = S3Options {
            endpoint: Some(endpoint),
            region: Some(region.to_owned()),
            keys: Some(AccessKeys { id: id.to_owned(), secret: secret.to_owned(), session_token: None }),
            ca_bundle,
            ..S3Options::default()
        };
        Reach { top: format!("s3://{bucket}"), variables, options: Options { s3, ..Options::default() } }
    }

    /// Creates a bucket.
    pub async fn create_bucket(&self, bucket: &str) {
        self.request("PUT", &format!("/{bucket}")).await;
    }

    /// Creates a bucket with object lock.
    pub async fn create_locking_bucket(&self, bucket: &str) {
        let peer = Peer { port: self.port, authority: self.authority.as_ref() };
        let lock = ("x-amz-bucket-object-lock-enabled", "true");
        peer.request("PUT", &format!("/{bucket}"), lock, "").await;
    }

    /// The keys of a bucket's first thousand objects.
    pub async fn keys(&self, bucket: &str) -> Vec<String> {
        elements(&self.request("GET", &format!("/{bucket}?list-type=2")).await, "Key")
    }

    /// How an object of a bucket is locked, in the service's word; empty when it is not. moto has no
    /// `GetObjectRetention`.
    pub async fn lock_mode_of(&self, bucket: &str, key: &str) -> String {
        let told = self.request("HEAD", &format!("/{bucket}/{key}")).await;
        let mode = told.lines().find_map(|line| line.strip_prefix("x-amz-object-lock-mode: "));
        mode.unwrap_or_default().trim().to_owned()
    }

    /// One request; the answer's text. moto wants to see whose it is, but checks no signature.
    async fn request(&self, method: &str, target: &str) -> String {
        let whose = "AWS4-HMAC-SHA256 Credential=AKTEST/20260101/us-east-1/s3/aws4_request";
        let peer = Peer { port: self.port, authority: self.authority.as_ref() };
        peer.request(method, target, ("Authorization", whose), "").await
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        stop(&mut self.process, Signal::TERM, Duration::from_secs(5));
    }
}

/// moto binds a port of the system's choice and tells it in its log.
fn announced_port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("://127.0.0.1:")?;
    rest.split_once('\n')?.0.trim().parse().ok()
}
