//! A service that gives everybody the same answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::listener::accept;

/// Names and values.
pub(crate) type Headers = &'static [(&'static str, &'static str)];

/// Answers on a port of its own until it is dropped.
pub(crate) struct Refusing {
    pub(crate) address: SocketAddr,
    _serving: Runtime,
}

impl Refusing {
    pub(crate) fn start(status: u16, headers: Headers, body: String) -> Self {
        let serving = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = serving.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let body = Bytes::from(body);
        serving.spawn(accept(listener, None, move |request: Request<Incoming>| {
            let mut answer = Response::builder().status(status);
            for (name, value) in headers {
                answer = answer.header(*name, *value);
            }
            let answer = answer.body(Full::new(body.clone()));
            async move {
                // Who is refused before all is said may not hear it.
                let _ = request.into_body().collect().await;
                answer
            }
        }));
        Self { address, _serving: serving }
    }
}
