//! The two services, asked by the test itself: plain HTTP, so that what is in the store is nobody's word
//! but the service's.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::common::azurite::{ACCOUNT, account_sas};
use crate::common::client::elements;

/// What stays as it is in a path.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A service on the loopback device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// moto at this port.
    S3(u16),
    /// Azurite at this port.
    Azure(u16),
}

impl Cloud {
    /// Creates a bucket or container.
    pub fn create(self, bucket: &str) {
        let query = if matches!(self, Self::Azure(_)) { "restype=container" } else { "" };
        self.must("PUT", bucket, query, &[], b"");
    }

    /// Stores an object.
    pub fn put(self, bucket: &str, key: &str, body: &[u8]) {
        self.must("PUT", &path(bucket, key), "", &[("x-ms-blob-type", "BlockBlob")], body);
    }

    /// An object's bytes.
    pub fn get(self, bucket: &str, key: &str) -> Vec<u8> {
        self.must("GET", &path(bucket, key), "", &[], b"")
    }

    /// An object's tags, as the service spells them, sorted.
    pub fn tags(self, bucket: &str, key: &str) -> Vec<String> {
        let query = if matches!(self, Self::Azure(_)) { "comp=tags" } else { "tagging" };
        let xml = String::from_utf8(self.must("GET", &path(bucket, key), query, &[], b"")).unwrap();
        let (keys, values) = (elements(&xml, "Key"), elements(&xml, "Value"));
        let mut all =
            keys.iter().zip(&values).map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
        all.sort();
        all
    }

    /// The keys of everything in a bucket, and a mark of each that changes with its content; nothing is
    /// said of a bucket that is not there. The first page must do.
    pub fn list(self, bucket: &str) -> Option<BTreeMap<String, String>> {
        let (query, key, etag) = match self {
            Self::S3(_) => ("list-type=2", "Key", "ETag"),
            Self::Azure(_) => ("restype=container&comp=list", "Name", "Etag"),
        };
        let (status, body) = self.ask("GET", bucket, query, &[], b"");
        if status == 404 {
            return None;
        }
        let xml = String::from_utf8(body).unwrap();
        assert!(status == 200 && !xml.contains("<IsTruncated>true"), "list {bucket}: {status} {xml}");
        Some(elements(&xml, key).into_iter().zip(elements(&xml, etag)).collect())
    }

    fn must(self, method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let (status, answer) = self.ask(method, path, query, headers, body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {}",
            String::from_utf8_lossy(&answer)
        );
        answer
    }

    /// One request: the status, and the body.
    fn ask(
        self,
        method: &str,
        path: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, Vec<u8>) {
        let (port, target, proof) = match self {
            // moto wants to see whose request it is, but checks no signature.
            Self::S3(port) => (
                port,
                format!("/{path}?{query}"),
                ("Authorization", "AWS4-HMAC-SHA256 Credential=AKTEST/20260101/us-east-1/s3/aws4_request"),
            ),
            Self::Azure(port) => {
                (port, format!("/{ACCOUNT}/{path}?{query}&{}", account_sas()), ("x-ms-version", "2021-12-02"))
            }
        };
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n");
        for (name, value) in headers.iter().copied().chain([proof]) {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n"]);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(&[request.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        parse(&answer)
    }
}

fn path(bucket: &str, key: &str) -> String {
    format!("{bucket}/{}", utf8_percent_encode(key, IN_PATH))
}

fn parse(answer: &[u8]) -> (u16, Vec<u8>) {
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let (head, body) = (String::from_utf8_lossy(&answer[..at]).to_lowercase(), &answer[at + 4..]);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.contains("transfer-encoding: chunked");
    (status, if chunked { unchunked(body) } else { body.to_vec() })
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let at = body.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&body[..at]).unwrap(), 16).unwrap();
        if length == 0 {
            return whole;
        }
        whole.extend(&body[at + 2..at + 2 + length]);
        body = &body[at + 2 + length + 2..];
    }
}
