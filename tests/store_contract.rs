//! Every store keeps the contract of `ObjectStore`, plain and with patience around it.

#[path = "common/contract.rs"]
mod contract;
#[path = "common/s3.rs"]
mod s3;

use std::sync::Arc;

use barkeep::error::ErrorKind;
use barkeep::store::{
    ExclusivePut, FileStore, IfExists, Key, Location, MemoryStore, ObjectStore, Options, Patience, Patient,
    Prefix, Put, S3Store,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use s3::{Condition, S3};

fn patient(store: impl ObjectStore + 'static) -> Arc<dyn ObjectStore> {
    Arc::new(Patient::new(Arc::new(store), Patience::default()))
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    contract::run(Arc::new(MemoryStore::new())).await;
    contract::run(patient(MemoryStore::new())).await;
}

#[tokio::test]
async fn a_directory_keeps_the_contract() {
    for wrap in [|store| Arc::new(store) as Arc<dyn ObjectStore>, |store: FileStore| patient(store)] {
        let root = tempfile::tempdir().unwrap();
        contract::run(wrap(FileStore::open(root.path()).unwrap())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_the_contract() {
    let s3 = S3::start().await;
    contract::run(s3.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_without_patience_keeps_the_contract() {
    let s3 = S3::start().await;
    let once = Patience { max_attempts: Some(1), ..s3::patience() };
    let options = s3.options().s3;
    let store = S3Store::open(s3::BUCKET, "", &options, ExclusivePut::AskFirst, &once).await.unwrap();
    contract::run(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_over_tls_keeps_the_contract() {
    let s3 = S3::start_tls().await;
    contract::run(s3.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_that_does_not_know_conditions_keeps_the_contract_when_asked_first() {
    for condition in [Condition::Ignored, Condition::Unknown] {
        let s3 = S3::start_conditional(condition).await;
        let store = s3::open(&s3.options(), ExclusivePut::AskFirst, &s3::patience()).await;
        contract::run(store).await;
    }
}

#[tokio::test]
async fn a_missing_root_is_a_usage_error_everywhere_and_is_never_created() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("mnt");
    std::fs::create_dir(&root).unwrap();
    let store = FileStore::open(&root).unwrap();
    std::fs::remove_dir(&root).unwrap();
    let key = Key::new("a/b").unwrap();
    let kinds = [
        store.put(&key, Bytes::new(), &Put::default()).await.unwrap_err(),
        store.get(&key, None).await.err().unwrap(),
        store.head(&key).await.unwrap_err(),
        store.folders(None).await.unwrap_err(),
        store.list(&Prefix::everything(), None).try_next().await.unwrap_err(),
        store.delete(std::slice::from_ref(&key)).await.unwrap_err(),
        FileStore::open(&root).err().unwrap(),
    ];
    for error in kinds {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
        assert!(error.hint_text().unwrap().contains("mount"), "{error:?}");
    }
    assert!(!root.exists());
}

#[tokio::test]
async fn a_directory_lists_neither_drafts_nor_links_nor_follows_them() {
    let root = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("secret"), "s").unwrap();
    std::fs::write(root.path().join(".barkeep-tmp-1-2"), "half").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), root.path().join("link")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("secret"), root.path().join("file")).unwrap();
    let store = FileStore::open(root.path()).unwrap();
    let listed: Vec<_> = store.list(&Prefix::everything(), None).try_collect().await.unwrap();
    assert_eq!(listed, []);
    assert_eq!(store.folders(None).await.unwrap(), []);
    let key = |text| Key::new(text).unwrap();
    assert_eq!(store.head(&key("file")).await.unwrap(), None);
    assert_eq!(store.get(&key("file"), None).await.err().unwrap().kind(), ErrorKind::NotFound);
    let through = store.put(&key("link/new"), Bytes::new(), &Put::default()).await.unwrap_err();
    assert_eq!(through.kind(), ErrorKind::Usage, "{through:?}");
    assert!(!elsewhere.path().join("new").exists());
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_a_usage_error() {
    let s3 = S3::start().await;
    let location: Location = "s3://no-such-bucket".parse().unwrap();
    let store = location.open(&s3.options(), ExclusivePut::Trusted, &s3::patience()).await.unwrap();
    for error in [
        store.list(&Prefix::everything(), None).try_next().await.unwrap_err(),
        store.folders(None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
        assert!(error.to_string().contains("no-such-bucket does not exist at http://localhost"), "{error}");
    }
}

#[tokio::test]
async fn locations_open_the_stores_they_name() {
    let root = tempfile::tempdir().unwrap();
    let url = format!("file://{}", root.path().display());
    let location: Location = url.parse().unwrap();
    let (options, patience) = (Options::default(), Patience::default());
    let store = location.open(&options, ExclusivePut::Trusted, &patience).await.unwrap();
    let how = Put { if_exists: IfExists::Replace, ..Put::default() };
    store.put(&Key::new("a").unwrap(), Bytes::from_static(b"x"), &how).await.unwrap();
    assert_eq!(std::fs::read(root.path().join("a")).unwrap(), b"x");
    assert_eq!(store.to_string(), url);
}
