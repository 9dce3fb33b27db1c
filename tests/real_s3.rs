//! The store's contract on an S3 server of other people's making, over HTTP and over HTTPS.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::sync::Arc;

use barkeep::error::ErrorKind;
use barkeep::store::{AccessKeys, ExclusivePut, Location, ObjectStore, Options, Patience, Prefix, S3Options};
use common::barkeep::BUCKET;
use common::moto::Moto;
use common::{Scratch, contract};
use futures_util::TryStreamExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn moto_over_http_keeps_the_contract() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    moto.create_bucket(BUCKET).await;
    contract::run(open(&moto, options(&moto), ExclusivePut::Trusted).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moto_over_https_with_a_private_authority_keeps_the_contract() {
    let scratch = Scratch::new();
    let moto = Moto::https(&scratch).await;
    moto.create_bucket(BUCKET).await;
    contract::run(open(&moto, options(&moto), ExclusivePut::AskFirst).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_an_unknown_authority_is_not_talked_to() {
    let scratch = Scratch::new();
    let moto = Moto::https(&scratch).await;
    moto.create_bucket(BUCKET).await;
    let options = S3Options { ca_bundle: None, ..options(&moto) };
    let store = open(&moto, options, ExclusivePut::AskFirst).await;
    let refused = store.list(&Prefix::everything(), None).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(refused.to_string().to_lowercase().contains("certificate"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_exist_is_a_matter_of_configuration() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    let store = open(&moto, options(&moto), ExclusivePut::AskFirst).await;
    let missing = store.list(&Prefix::everything(), None).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Usage, "{missing:?}");
}

fn options(moto: &Moto) -> S3Options {
    S3Options {
        endpoint: Some(format!("{}://127.0.0.1:{}", moto.scheme(), moto.port())),
        region: Some("us-east-1".into()),
        keys: Some(AccessKeys { id: "AKTEST".into(), secret: "SKTEST".into(), session_token: None }),
        ca_bundle: moto.authority().map(|authority| authority.ca_file().to_owned()),
        ..S3Options::default()
    }
}

async fn open(moto: &Moto, s3: S3Options, exclusive: ExclusivePut) -> Arc<dyn ObjectStore> {
    let location: Location = format!("s3://{BUCKET}/over-{}", moto.scheme()).parse().unwrap();
    let patience = Patience { retry_for: std::time::Duration::from_secs(5), ..Patience::default() };
    location.open(&Options { s3, ..Options::default() }, exclusive, &patience).await.unwrap()
}
