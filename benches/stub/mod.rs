//! A server that costs next to nothing and speaks as S3, Azure or Google Cloud Storage: objects stay in
//! memory in the pieces they arrived in, signatures are not looked at, entity tags are serial numbers.
//!
//! It runs in a process of its own, this same binary started again, so that neither its memory nor
//! its processor time is mistaken for that of the commands measured. It is spoken to over its
//! standard input and ends when that closes, so it never outlives the benchmark.

mod answer;
mod azure;
mod bucket;
mod conformity;
mod control;
mod gcs;
mod identity;
mod listing;
mod operation;
mod pieces;
mod s3;
mod server;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde::{Deserialize, Serialize};

pub(crate) use conformity::prove;
pub(crate) use server::serve;

use crate::Result;
use crate::role::Role;

/// Requests by kind: `PUT`, `HEAD`, `GET`, `LIST`, `DELETE`, `POST`.
pub(crate) type Counts = BTreeMap<String, u64>;

/// How the stub is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// In the clear.
    Http,
    /// TLS, with a certificate of a private authority.
    Https,
}

impl Transport {
    /// The scheme of a URL.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Whom the stub speaks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dialect {
    /// S3.
    S3,
    /// Azure Blob Storage.
    Azure,
    /// The JSON interface of Google Cloud Storage.
    Gcs,
}

/// What a stub process needs to know to start.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// Whom it speaks like.
    dialect: Dialect,
    /// How it is talked to.
    transport: Transport,
    /// Where it leaves the certificate of its authority.
    authority: PathBuf,
}

/// Where a running stub is, and whom to trust there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// Whom it speaks like.
    pub(crate) dialect: Dialect,
    /// How it is talked to.
    pub(crate) transport: Transport,
    /// The port on 127.0.0.1.
    pub(crate) port: u16,
    /// The certificate of its authority, a PEM file; it exists only for `Transport::Https`.
    pub(crate) authority: PathBuf,
}

impl Endpoint {
    /// Where it is, as a URL.
    pub(crate) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.transport.scheme(), self.port)
    }
}

/// A stub process.
pub(crate) struct Stub {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    endpoint: Endpoint,
}

impl Stub {
    /// Starts one; its authority's certificate goes into `scratch`.
    pub(crate) fn start(dialect: Dialect, transport: Transport, scratch: &Path) -> Result<Self> {
        let authority = scratch.join(format!("{dialect:?}-{}-ca.pem", transport.scheme()));
        let setup = Setup { dialect, transport, authority: authority.clone() };
        let mut child = Role::Stub(setup).command()?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take().ok_or("the stub has no standard input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("the stub has no standard output")?);
        let endpoint = Endpoint { dialect, transport, port: 0, authority };
        let mut stub = Self { child, orders, answers, endpoint };
        stub.endpoint.port = stub.answer()?.parse()?;
        Ok(stub)
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Requests answered since it started.
    pub(crate) fn counts(&mut self) -> Result<Counts> {
        Ok(serde_json::from_str(&self.order("counts")?)?)
    }

    /// The length of all objects it holds.
    pub(crate) fn stored_bytes(&mut self) -> Result<u64> {
        Ok(self.order("stored")?.parse()?)
    }

    /// From now on every request waits so long before it is looked at.
    pub(crate) fn set_latency(&mut self, latency_ms: u64) -> Result<()> {
        self.order(&format!("latency {latency_ms}")).map(drop)
    }

    /// Drops all objects.
    pub(crate) fn forget(&mut self) -> Result<()> {
        self.order("forget").map(drop)
    }

    fn order(&mut self, words: &str) -> Result<String> {
        writeln!(self.orders, "{words}")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the stub ended".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // It holds nothing worth an orderly end, and killing cannot hang.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
