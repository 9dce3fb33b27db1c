//! Azurite: Microsoft's own emulator of Azure Blob Storage. It checks keys, signatures and tokens.

use std::fs::File;
use std::process::Child;
use std::time::Duration;

use barkeep::store::{AzureOptions, AzureSecret, Options};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::process::Signal;
use sha2::Sha256;

use super::client::{Peer, elements};
use super::reach::Reach;
use super::tls::Authority;
use super::{Scratch, bare, installed, stop, tail, wait_for};

/// The account that every emulator of Azure has, and the key that everybody knows.
pub const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// The version of the service whose rules the signatures below follow.
const VERSION: &str = "2021-12-02";

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The account's key.
    Key,
    /// Key and endpoint in one text.
    ConnectionString,
    /// A shared access signature for all containers of the account.
    AccountSas,
    /// One for this container only.
    ContainerSas,
}

/// A running Azurite; its blobs are in its memory and vanish with it.
pub struct Azurite {
    process: Child,
    port: u16,
    authority: Option<Authority>,
}

impl Azurite {
    /// Serves plain HTTP.
    pub async fn http(scratch: &Scratch) -> Self {
        Self::start(scratch, None).await
    }

    /// Serves HTTPS with a certificate of a private authority, and takes bearer tokens: it looks at
    /// their issuer, audience and times, but not at their signature.
    pub async fn https(scratch: &Scratch) -> Self {
        Self::start(scratch, Some(Authority::new(scratch))).await
    }

    async fn start(scratch: &Scratch, authority: Option<Authority>) -> Self {
        let log = scratch.path("azurite.log");
        let output = File::create(&log).unwrap();
        let mut command = bare(installed("azurite").join("bin/azurite-blob"));
        command.args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--silent"]);
        command.args(["--skipApiVersionCheck", "--disableTelemetry"]).current_dir(scratch.path(""));
        if let Some(authority) = &authority {
            command.arg("--cert").arg(authority.certificate_file()).arg("--key").arg(authority.key_file());
            command.args(["--oauth", "basic"]);
        }
        let process = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        let mut azurite = Self { process, port: 0, authority };
        azurite.port = wait_for("Azurite's first words", Duration::from_mins(2), async || {
            assert!(azurite.process.try_wait().unwrap().is_none(), "Azurite ended:\n{}", tail(&log));
            announced_port(&std::fs::read_to_string(&log).unwrap())
        })
        .await;
        azurite
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What clients must trust, when it speaks HTTPS.
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// Creates a container.
    pub async fn create_container(&self, container: &str) {
        self.request("PUT", container, "restype=container").await;
    }

    /// The names of a container's first five thousand blobs.
    pub async fn blobs(&self, container: &str) -> Vec<String> {
        elements(&self.request("GET", container, "restype=container&comp=list").await, "Name")
    }

    /// How a container is reached, and what proves that one may.
    pub fn reach(&self, container: &str, proof: Proof) -> Reach {
        let (name, secret, text) = match proof {
            Proof::Key => ("AZURE_STORAGE_KEY", AzureSecret::Key as fn(_) -> _, KEY.to_owned()),
            Proof::ConnectionString => (
                "AZURE_STORAGE_CONNECTION_STRING",
                AzureSecret::ConnectionString as _,
                self.connection_string(),
            ),
            Proof::AccountSas => ("AZURE_STORAGE_SAS_TOKEN", AzureSecret::Sas as _, account_sas()),
            Proof::ContainerSas => {
                ("AZURE_STORAGE_SAS_TOKEN", AzureSecret::Sas as _, container_sas(container))
            }
        };
        let mut reach = self.reach_without_proof(container);
        reach.variables.push((name, text.clone()));
        reach.options.azure.secret = Some(secret(text));
        reach
    }

    /// How a container is reached.
    pub fn reach_without_proof(&self, container: &str) -> Reach {
        let ca_bundle = self.authority.as_ref().map(|authority| authority.ca_file().to_owned());
        let variables = ca_bundle.iter().map(|file| ("REQUESTS_CA_BUNDLE", file.display().to_string()));
        Reach {
            top: format!("{}/{container}", self.service()),
            variables: variables.collect(),
            options: Options {
                azure: AzureOptions { ca_bundle: ca_bundle.clone(), ..AzureOptions::default() },
                ..Options::default()
            },
        }
    }

    /// The service's URL, the account in its path.
    fn service(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}/{ACCOUNT}", self.port)
    }

    fn connection_string(&self) -> String {
        let service = self.service();
        let scheme = service.split(':').next().unwrap();
        format!(
            "DefaultEndpointsProtocol={scheme};AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={service};"
        )
    }

    async fn request(&self, method: &str, container: &str, query: &str) -> String {
        let peer = Peer { port: self.port, authority: self.authority.as_ref() };
        let target = format!("/{ACCOUNT}/{container}?{query}&{}", account_sas());
        peer.request(method, &target, ("x-ms-version", VERSION), "").await
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        stop(&mut self.process, Signal::TERM, Duration::from_secs(5));
    }
}

/// It binds a port of the system's choice and tells it in its log.
fn announced_port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("successfully listens on ")?;
    let (_, rest) = rest.split_once("://127.0.0.1:")?;
    rest.split_once('\n')?.0.trim().parse().ok()
}

/// A signature for everything below the account, an hour long: "Create an account SAS" of Azure's
/// REST reference.
pub fn account_sas() -> String {
    let (permissions, until) = ("rwdlact", in_an_hour());
    let (services, resources) = ("b", "sco");
    // Account, permissions, services, resource types, begin, end, addresses, protocol, version, scope.
    let fields = [ACCOUNT, permissions, services, resources, "", &until, "", "", VERSION, "", ""];
    signed(&[("ss", services), ("srt", resources), ("sp", permissions), ("se", &until)], &fields)
}

/// A signature for one container, an hour long: "Create a service SAS" of Azure's REST reference.
pub fn container_sas(container: &str) -> String {
    let (permissions, until) = ("racwdl", in_an_hour());
    let resource = format!("/blob/{ACCOUNT}/{container}");
    // Permissions, begin, end, resource, policy, addresses, protocol, version, kind of resource,
    // snapshot, encryption scope, and five headers of the answer.
    let fields = [permissions, "", &until, &resource, "", "", "", VERSION, "c", "", "", "", "", "", "", ""];
    signed(&[("sr", "c"), ("sp", permissions), ("se", &until)], &fields)
}

/// The words of a signature with the signature behind them.
fn signed(words: &[(&str, &str)], fields: &[&str]) -> String {
    let key = STANDARD.decode(KEY).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(fields.join("\n").as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let all = words.iter().copied().chain([("sv", VERSION), ("sig", &signature)]);
    let all = all.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    all.collect::<Vec<_>>().join("&")
}

fn in_an_hour() -> String {
    (Timestamp::now() + SignedDuration::from_hours(1)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
