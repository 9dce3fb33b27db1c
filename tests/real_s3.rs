//! The store's contract on an S3 server of other people's making, over HTTP and over HTTPS.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

mod common;

use std::sync::Arc;

use barkeep::error::ErrorKind;
use barkeep::store::{ExclusivePut, ObjectStore, Prefix};
use common::barkeep::BUCKET;
use common::moto::Moto;
use common::reach::Reach;
use common::{Scratch, contract};
use futures_util::TryStreamExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn moto_over_http_keeps_the_contract() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    moto.create_bucket(BUCKET).await;
    contract::run(open(&moto, &moto.reach(BUCKET), ExclusivePut::Trusted).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moto_over_https_with_a_private_authority_keeps_the_contract() {
    let scratch = Scratch::new();
    let moto = Moto::https(&scratch).await;
    moto.create_bucket(BUCKET).await;
    contract::run(open(&moto, &moto.reach(BUCKET), ExclusivePut::AskFirst).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_an_unknown_authority_is_not_talked_to() {
    let scratch = Scratch::new();
    let moto = Moto::https(&scratch).await;
    moto.create_bucket(BUCKET).await;
    let mut reach = moto.reach(BUCKET);
    reach.options.s3.ca_bundle = None;
    let store = open(&moto, &reach, ExclusivePut::AskFirst).await;
    let refused = store.list(&Prefix::everything(), None).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(refused.to_string().to_lowercase().contains("certificate"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_exist_is_a_matter_of_configuration() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    let store = open(&moto, &moto.reach(BUCKET), ExclusivePut::AskFirst).await;
    let missing = store.list(&Prefix::everything(), None).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Usage, "{missing:?}");
}

async fn open(moto: &Moto, reach: &Reach, exclusive: ExclusivePut) -> Arc<dyn ObjectStore> {
    reach.open(&reach.url(&format!("over-{}", moto.scheme())), exclusive).await
}
