//! gcp-storage-emulator: a server of Google Cloud Storage's JSON API. Nobody signs in to it, and it
//! knows neither preconditions nor pages.

use std::collections::BTreeSet;
use std::fs::File;
use std::process::Child;
use std::time::Duration;

use barkeep::store::{GcsOptions, Options};
use rustix::process::Signal;

use super::client::Peer;
use super::reach::Reach;
use super::{Scratch, bare, installed, stop, tail, wait_for};

/// Its own `main`, but for two of its manners. It lets five callers wait, and the system keeps further
/// ones away for seconds; here as many may wait as call at once. And it spells out all it knows after
/// every change, which takes ever longer, although nobody reads what is in its memory.
const MAIN: &str = "\
import socketserver, sys
from gcp_storage_emulator.__main__ import main
from gcp_storage_emulator.storage import Storage
socketserver.TCPServer.request_queue_size = 100
Storage._write_config_to_file = lambda self: None
main(sys.argv[1:])";

/// A running emulator; its objects are in its memory and vanish with it.
pub struct GcsEmulator {
    process: Child,
    port: u16,
}

impl GcsEmulator {
    /// Serves plain HTTP; it knows no other.
    pub async fn start(scratch: &Scratch) -> Self {
        let log = scratch.path("gcs-emulator.log");
        let output = File::create(&log).unwrap();
        let mut command = bare(installed("gcs-emulator").join("bin/python"));
        command.args(["-c", MAIN, "start", "--host=127.0.0.1", "--port=0", "--in-memory", "--quiet"]);
        let process = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        let mut emulator = Self { process, port: 0 };
        emulator.port = wait_for("the emulator listens", Duration::from_mins(1), async || {
            let ended = emulator.process.try_wait().unwrap();
            assert!(ended.is_none(), "the emulator ended:\n{}", tail(&log));
            listening_port(emulator.process.id())
        })
        .await;
        emulator
    }

    /// Creates a bucket.
    pub async fn create_bucket(&self, bucket: &str) {
        // What is deleted is gone at once.
        let body = format!(r#"{{"name":"{bucket}","softDeletePolicy":{{"retentionDurationSeconds":"0"}}}}"#);
        self.request("POST", "/storage/v1/b?project=tests", &body).await;
    }

    /// The names of a bucket's objects.
    pub async fn objects(&self, bucket: &str) -> Vec<String> {
        let answer = self.request("GET", &format!("/storage/v1/b/{bucket}/o"), "").await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let listing: serde_json::Value = serde_json::from_str(body).unwrap();
        let items = listing["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }

    /// How a bucket is reached.
    pub fn reach(&self, bucket: &str) -> Reach {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let gcs = GcsOptions { endpoint: Some(endpoint.clone()), anonymous: true, ..GcsOptions::default() };
        Reach {
            top: format!("gs://{bucket}"),
            variables: vec![("STORAGE_EMULATOR_HOST", endpoint)],
            options: Options { gcs, ..Options::default() },
        }
    }

    async fn request(&self, method: &str, target: &str, body: &str) -> String {
        let peer = Peer { port: self.port, authority: None };
        peer.request(method, target, ("Content-Type", "application/json"), body).await
    }
}

impl Drop for GcsEmulator {
    fn drop(&mut self) {
        stop(&mut self.process, Signal::TERM, Duration::from_secs(5));
    }
}

/// The port a process listens on. The emulator binds one of the system's choice when told to, but does
/// not tell which: the system does.
fn listening_port(process: u32) -> Option<u16> {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let open = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let sockets = open.filter_map(|link| {
        let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        Some(inode.to_owned())
    });
    let sockets = sockets.collect::<BTreeSet<_>>();
    // Per line: number, local address, remote address, state (0A is listening), …, the tenth the inode.
    let table = std::fs::read_to_string(format!("/proc/{process}/net/tcp")).ok()?;
    table.lines().find_map(|line| {
        let fields = line.split_whitespace().collect::<Vec<_>>();
        if fields.get(3) != Some(&"0A") || !sockets.contains(*fields.get(9)?) {
            return None;
        }
        let (_, port) = fields.get(1)?.split_once(':')?;
        u16::from_str_radix(port, 16).ok()
    })
}
