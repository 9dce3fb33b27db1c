//! What the service behind the recording layer does not know of uploads: their list, kept from what
//! goes by and told in pages as S3 does, and that one is gone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use hyper::{Method, Uri};
use jiff::Timestamp;
use url::form_urlencoded;

/// So few to a page that every test of some uploads sees several.
const PAGE: usize = 2;

/// Uploads that are begun and neither finished nor aborted, by key and id.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<BTreeMap<(String, String), Timestamp>>);

impl Uploads {
    /// Notes what became of a request that succeeded; `answer` is its text.
    pub(crate) fn note(&self, method: &Method, uri: &Uri, answer: &str) {
        let id = word(uri, "uploadId");
        let mut uploads = self.0.lock().unwrap();
        match (method, id) {
            (&Method::POST, None) if word(uri, "uploads").is_some() => {
                if let Some(id) = answer.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()) {
                    uploads.insert((key(uri), id.to_owned()), Timestamp::now());
                }
            }
            // A failure may come after success was answered.
            (&Method::POST, Some(id)) if !answer.contains("<Error>") => {
                uploads.remove(&(key(uri), id));
            }
            (&Method::DELETE, Some(id)) => {
                uploads.remove(&(key(uri), id));
            }
            _ => {}
        }
    }

    /// Whether a request ends an upload.
    pub(crate) fn ends_one(method: &Method, uri: &Uri) -> bool {
        matches!(*method, Method::POST | Method::DELETE) && word(uri, "uploadId").is_some()
    }

    /// Whether the upload that a request ends is not there. The service behind calls that forbidden,
    /// S3 `NoSuchUpload`.
    pub(crate) fn is_gone(&self, uri: &Uri) -> bool {
        word(uri, "uploadId").is_some_and(|id| !self.0.lock().unwrap().contains_key(&(key(uri), id)))
    }

    /// Whether a request asks for the list.
    pub(crate) fn is_asked_for(method: &Method, uri: &Uri) -> bool {
        method == Method::GET && word(uri, "uploads").is_some()
    }

    /// The page that a request asks for.
    pub(crate) fn page(&self, uri: &Uri) -> String {
        let text = |name| word(uri, name).unwrap_or_default();
        let (prefix, after) = (text("prefix"), (text("key-marker"), text("upload-id-marker")));
        let uploads = self.0.lock().unwrap();
        let mut rest = uploads.iter().filter(|((key, id), _)| {
            key.starts_with(&prefix) && (after.0.is_empty() || (key, id) > (&after.0, &after.1))
        });
        let mut listed = String::new();
        let mut last = None;
        for (name, begun) in rest.by_ref().take(PAGE) {
            let (key, id) = (escape(&name.0), &name.1);
            let upload = format!("<Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{begun}</Initiated>");
            write!(listed, "<Upload>{upload}</Upload>").unwrap();
            last = Some(format!(
                "<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>"
            ));
        }
        let is_last = rest.next().is_none();
        let markers = last.filter(|_| !is_last).unwrap_or_default();
        let more = format!("<IsTruncated>{}</IsTruncated>{markers}", !is_last);
        format!("<ListMultipartUploadsResult>{more}{listed}</ListMultipartUploadsResult>")
    }
}

/// The key that a request is about, without its bucket.
fn key(uri: &Uri) -> String {
    let path = percent_encoding::percent_decode_str(uri.path()).decode_utf8().unwrap();
    path.splitn(3, '/').nth(2).unwrap_or_default().to_owned()
}

fn word(uri: &Uri, name: &str) -> Option<String> {
    let mut words = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    words.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
