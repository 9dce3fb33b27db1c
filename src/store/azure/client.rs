//! The SDK's clients, on our transport and with our way to sign in; and the requests it has none for.

use std::ops::Range;
use std::sync::Arc;

use azure_core::error::CheckSuccessOptions;
use azure_core::http::headers::Headers;
use azure_core::http::{
    AsyncRawResponse, ClientOptions, Context, Method, Pipeline, PipelineStreamOptions, Request, RetryOptions,
    Transport, Url, UserAgentOptions,
};
use azure_storage_blob::{BlobClient, BlobClientOptions};

use super::seal::Seal;
use super::sign_in::Access;
use super::transport;
use super::{Container, names};

/// The version of the service's interface that is spoken: new enough for names that XML cannot hold (List
/// Blobs, 2021-02-12) and for Put Blob of 5000 MiB (2019-12-12), and old enough for every emulator, which
/// refuse those they do not know.
const VERSION: &str = "2021-12-02";

/// What makes requests to one container.
pub(super) struct Client {
    service: Url,
    container: String,
    options: ClientOptions,
    pipeline: Pipeline,
}

impl Client {
    /// A client that makes one attempt at each request: patience is had elsewhere.
    pub(super) fn new(container: &Container, access: &Access, transport: transport::Transport) -> Self {
        let options = ClientOptions {
            per_call_policies: vec![Arc::new(Seal)],
            per_try_policies: vec![access.policy.clone()],
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::new(transport))),
            user_agent: UserAgentOptions { application_id: Some("barkeep".to_owned()) },
            ..ClientOptions::default()
        };
        let (name, version) = (option_env!("CARGO_PKG_NAME"), option_env!("CARGO_PKG_VERSION"));
        let pipeline = Pipeline::new(name, version, options.clone(), Vec::new(), Vec::new(), None);
        Self { service: access.service.clone(), container: container.name.clone(), options, pipeline }
    }

    /// The SDK's client of one object.
    pub(super) fn blob(&self, name: &str) -> azure_core::Result<BlobClient> {
        let options = BlobClientOptions { client_options: self.options.clone(), version: VERSION.to_owned() };
        BlobClient::new(self.url(name), None, Some(options))
    }

    /// Opens an object. The SDK's own way asks for it in pieces and puts them together in memory.
    pub(super) async fn get(
        &self,
        name: &str,
        range: Option<&Range<u64>>,
    ) -> azure_core::Result<AsyncRawResponse> {
        let mut request = get(self.url(name));
        if let Some(range) = range {
            request.insert_header("range", format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        }
        self.send(request, &[200, 206]).await
    }

    /// One page of the container's list; the words are put into the query encoded. The SDK knows no
    /// delimiter.
    pub(super) async fn list(&self, words: &[(&str, &str)]) -> azure_core::Result<AsyncRawResponse> {
        let mut url = self.url("");
        let words = words.iter().map(|(word, value)| format!("&{word}={}", names::encode(value)));
        url.set_query(Some(&format!("restype=container&comp=list{}", words.collect::<String>())));
        self.send(get(url), &[200]).await
    }

    /// Makes the container; its answer when it is there already is 409.
    pub(super) async fn create_container(&self) -> azure_core::Result<AsyncRawResponse> {
        let mut url = self.url("");
        url.set_query(Some("restype=container"));
        let mut request = Request::new(url, Method::Put);
        request.insert_header("x-ms-version", VERSION);
        self.send(request, &[201]).await
    }

    /// What the container's properties tell.
    pub(super) async fn container_properties(&self) -> azure_core::Result<Headers> {
        let mut url = self.url("");
        url.set_query(Some("restype=container"));
        let mut request = Request::new(url, Method::Head);
        request.insert_header("x-ms-version", VERSION);
        Ok(self.send(request, &[200]).await?.headers().clone())
    }

    fn url(&self, name: &str) -> Url {
        names::url(&self.service, &self.container, name)
    }

    async fn send(
        &self,
        mut request: Request,
        success_codes: &'static [u16],
    ) -> azure_core::Result<AsyncRawResponse> {
        let checks = CheckSuccessOptions { success_codes };
        let options = PipelineStreamOptions { check_success: checks, ..PipelineStreamOptions::default() };
        self.pipeline.stream(&Context::new(), &mut request, Some(options)).await
    }
}

/// A request that reads.
fn get(url: Url) -> Request {
    let mut request = Request::new(url, Method::Get);
    request.insert_header("x-ms-version", VERSION);
    request
}
