//! The store's contract on an S3 server of other people's making, over HTTP and over HTTPS.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

mod common;

use std::num::NonZeroUsize;
use std::sync::Arc;

use barkeep::error::ErrorKind;
use barkeep::store::{
    ExclusivePut, IfExists, Key, Lock, Locks, ObjectStore, Prefix, Put, Retain, RetainMode,
};
use bytes::Bytes;
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_with_a_lock_is_told_to_be_locked_by_moto_and_buckets_are_told_apart() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    moto.create_locking_bucket(BUCKET).await;
    moto.create_bucket("plain").await;
    let until = "2099-01-01T00:00:00Z".parse().unwrap();
    let retain = Some(Retain { until, mode: RetainMode::Governance });
    let how = Put { if_exists: IfExists::Replace, retain, ..Put::default() };
    let key = Key::new("main/base/20260102T030405/data.tar").unwrap();

    let store = open(&moto, &moto.reach(BUCKET), ExclusivePut::AskFirst).await;
    assert_eq!(store.locks().await.unwrap(), Locks::On);
    store.put(&key, Bytes::from_static(b"x"), &how).await.unwrap();
    let lock = store.head(&key).await.unwrap().unwrap().lock;
    assert_eq!(lock, Some(Lock::Until(until)));
    let mut parts = store.upload(&key, &how, NonZeroUsize::MIN).await.unwrap();
    parts.part(Bytes::from_static(b"y")).await.unwrap();
    parts.finish().await.unwrap();

    let plain = open(&moto, &moto.reach("plain"), ExclusivePut::AskFirst).await;
    assert_eq!(plain.locks().await.unwrap(), Locks::Off);
}

async fn open(moto: &Moto, reach: &Reach, exclusive: ExclusivePut) -> Arc<dyn ObjectStore> {
    reach.open(&reach.url(&format!("over-{}", moto.scheme())), exclusive).await
}
