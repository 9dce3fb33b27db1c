//! The sum of what is stored goes along, so that nothing is stored that was damaged on the way.
//!
//! MD5, since that is the one that Put Blob, Put Block and every emulator know (`Content-MD5`: the service
//! compares it with what came, and answers `Md5Mismatch`); the SDK offers none for Put Blob.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Body, Context, Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

/// Adds the sum to every request that has content. Comes before whoever signs, since it is signed too.
#[derive(Debug)]
pub(super) struct Seal;

#[async_trait]
impl Policy for Seal {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        if let Some(sum) = sum_of(request) {
            request.insert_header("content-md5", sum);
        }
        next[0].send(ctx, request, &next[1..]).await
    }
}

fn sum_of(request: &Request) -> Option<String> {
    match request.body() {
        Body::Bytes(content) if request.method() == Method::Put && !content.is_empty() => {
            Some(STANDARD.encode(Md5::digest(content)))
        }
        _ => None,
    }
}
