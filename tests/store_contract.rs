//! Every store keeps the contract of `ObjectStore`, plain and with patience around it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/azure.rs"]
mod azure;
#[path = "common/contract.rs"]
mod contract;
#[path = "common/gcs.rs"]
mod gcs;
#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

use std::num::NonZeroUsize;
use std::sync::Arc;

use azure::Azure;
use barkeep::error::ErrorKind;
use barkeep::store::{
    AzureStore, Container, ExclusivePut, FileStore, GcsStore, IfExists, Key, Location, MemoryStore,
    ObjectStore, Options, Patience, Patient, Prefix, Put, S3Store,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use gcs::Gcs;
use hyper::Method;
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
    let store = S3Store::open(s3::BUCKET, "", &options, None, ExclusivePut::AskFirst, &once).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn azure_keeps_the_contract() {
    let azure = Azure::start().await;
    contract::run_forgetful(azure.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_without_patience_keeps_the_contract() {
    let azure = Azure::start().await;
    let once = Patience { max_attempts: Some(1), ..azure::patience() };
    let options = azure.options().azure;
    for (path, exclusive) in [("", ExclusivePut::Trusted), ("below", ExclusivePut::AskFirst)] {
        let store = AzureStore::open(&azure.container(), path, &options, None, exclusive, &once).await;
        contract::run_forgetful(Arc::new(store.unwrap())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_over_tls_keeps_the_contract() {
    let azure = Azure::start_tls().await;
    contract::run_forgetful(azure.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gcs_keeps_the_contract() {
    let gcs = Gcs::start().await;
    contract::run(gcs.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gcs_that_is_asked_first_keeps_the_contract() {
    let gcs = Gcs::start().await;
    contract::run(gcs::open(&gcs.options(), ExclusivePut::AskFirst, &gcs::patience()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gcs_without_patience_keeps_the_contract() {
    let gcs = Gcs::start().await;
    let once = Patience { max_attempts: Some(1), ..gcs::patience() };
    let (options, exclusive) = (gcs.options(), ExclusivePut::ByService);
    let store = GcsStore::open(gcs::BUCKET, "", &options, None, exclusive, &once).await.unwrap();
    contract::run(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gcs_over_tls_keeps_the_contract() {
    let gcs = Gcs::start_tls().await;
    contract::run(gcs.open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emulator_of_gcs_keeps_the_contract() {
    let gcs = Gcs::start_emulator().await;
    contract::run_forgetful(gcs.open().await).await;
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
async fn drafts_that_were_left_behind_are_listed_and_removed_and_those_under_way_are_not() {
    let root = tempfile::tempdir().unwrap();
    let store = FileStore::open(root.path()).unwrap();
    let one = NonZeroUsize::MIN;
    let mut under_way = store.upload(&Key::new("a/x").unwrap(), &Put::default(), one).await.unwrap();
    under_way.part(Bytes::from_static(b"half")).await.unwrap();
    for name in ["a/.barkeep-tmp-0-0", "a/b/.barkeep-tmp-0-1", "ab/.barkeep-tmp-0-2"] {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "half").unwrap();
    }
    let found = store.unfinished(&Key::new("a").unwrap().inside()).await.unwrap();
    let keys: Vec<_> = found.iter().map(|upload| upload.key.as_str()).collect();
    assert_eq!(keys, ["a/.barkeep-tmp-0-0", "a/b/.barkeep-tmp-0-1"]);
    assert!(found.iter().all(|upload| upload.begun.is_some()), "{found:?}");
    store.forget(&found).await.unwrap();
    store.forget(&found).await.unwrap();
    assert!(!root.path().join("a/b").exists());
    let left = store.unfinished(&Prefix::everything()).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    under_way.finish().await.unwrap();
    assert_eq!(std::fs::read(root.path().join("a/x")).unwrap(), b"half");
}

#[tokio::test]
async fn a_draft_that_has_taken_the_name_of_one_left_behind_stays() {
    let root = tempfile::tempdir().unwrap();
    let store = FileStore::open(root.path()).unwrap();
    let path = root.path().join(".barkeep-tmp-0-0");
    std::fs::write(&path, "old").unwrap();
    let found = store.unfinished(&Prefix::everything()).await.unwrap();
    // Made before the old one goes, so that it cannot be given the same inode.
    std::fs::write(root.path().join("new"), "new").unwrap();
    std::fs::rename(root.path().join("new"), &path).unwrap();
    store.forget(&found).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
}

#[tokio::test]
async fn a_directory_does_not_list_drafts() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join(".barkeep-tmp-1-2"), "half").unwrap();
    let store = FileStore::open(root.path()).unwrap();
    assert_eq!(store.list(&Prefix::everything(), None).try_next().await.unwrap(), None);
    assert_eq!(store.folders(None).await.unwrap(), []);
}

/// What begins with a text.
fn prefix(text: &str) -> Prefix {
    match text.strip_suffix('/') {
        Some(folder) => Key::new(folder).unwrap().inside(),
        None if text.is_empty() => Prefix::everything(),
        None => Key::new(text).unwrap().beginning(),
    }
}

/// A link to a folder and one to a file, both in `d`, and what is beside them.
fn linked() -> (tempfile::TempDir, tempfile::TempDir, FileStore) {
    let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(elsewhere.path().join("secret"), "s").unwrap();
    for folder in ["a", "d"] {
        std::fs::create_dir(root.path().join(folder)).unwrap();
        std::fs::write(root.path().join(folder).join("x"), "x").unwrap();
    }
    std::os::unix::fs::symlink(elsewhere.path(), root.path().join("d/link")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("secret"), root.path().join("d/file")).unwrap();
    let store = FileStore::open(root.path()).unwrap();
    (root, elsewhere, store)
}

#[tokio::test]
async fn what_a_link_hides_is_refused_rather_than_taken_for_absent() {
    let (_root, elsewhere, store) = linked();
    let key = |text| Key::new(text).unwrap();
    let mut refused = vec![
        store.head(&key("d/file")).await.unwrap_err(),
        store.get(&key("d/file"), None).await.err().unwrap(),
        store.head(&key("d/link/secret")).await.unwrap_err(),
        store.put(&key("d/link/new"), Bytes::new(), &Put::default()).await.unwrap_err(),
        store.folders(Some(&key("d"))).await.unwrap_err(),
        store.folders(Some(&key("d/link"))).await.unwrap_err(),
    ];
    for text in ["", "d/", "d/li", "d/link", "d/link/", "d/link/sec", "d/link/sub/", "d/file"] {
        let listed = store.list(&prefix(text), None).try_collect::<Vec<_>>().await;
        refused.push(listed.expect_err(text));
    }
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
        assert!(error.to_string().contains("symbolic link"), "{error:?}");
    }
    assert!(!elsewhere.path().join("new").exists());
}

#[tokio::test]
async fn a_link_beside_what_is_listed_does_no_harm() {
    let (_root, _elsewhere, store) = linked();
    for (text, after) in [("a/", None), ("d/x", None), ("d/lo", None), ("d/", Some("d/m"))] {
        let after = after.map(|after| Key::new(after).unwrap());
        let listed = store.list(&prefix(text), after.as_ref()).try_collect::<Vec<_>>().await;
        assert_eq!(listed.unwrap().len(), usize::from(text != "d/lo"), "{text}");
    }
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_a_usage_error() {
    let s3 = S3::start().await;
    let location: Location = "s3://no-such-bucket".parse().unwrap();
    let store = location.open(&s3.options(), ExclusivePut::Trusted, &s3::patience()).await.unwrap();
    for error in [
        store.list(&Prefix::everything(), None).try_next().await.unwrap_err(),
        store.folders(None).await.unwrap_err(),
        store.head(&Key::new("a").unwrap()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
        assert!(error.to_string().contains("no-such-bucket does not exist at http://localhost"), "{error}");
    }
}

#[tokio::test]
async fn a_container_that_does_not_exist_is_a_usage_error() {
    let azure = Azure::start().await;
    let container = Container { name: "no-such-container".to_owned(), ..azure.container() };
    let location = Location::Azure { container, path: String::new() };
    let store = location.open(&azure.options(), ExclusivePut::Trusted, &azure::patience()).await.unwrap();
    let key = Key::new("a").unwrap();
    for error in [
        store.put(&key, Bytes::new(), &Put::default()).await.unwrap_err(),
        store.get(&key, None).await.err().unwrap(),
        store.head(&key).await.unwrap_err(),
        store.list(&Prefix::everything(), None).try_next().await.unwrap_err(),
        store.folders(None).await.unwrap_err(),
        store.delete(std::slice::from_ref(&key)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
        assert!(error.to_string().contains("no-such-container does not exist in account acct"), "{error}");
    }
}

#[tokio::test]
async fn a_bucket_of_gcs_that_does_not_exist_is_a_usage_error_whatever_is_asked() {
    for gcs in [Gcs::start().await, Gcs::start_emulator().await] {
        let (options, exclusive) = (gcs.options(), ExclusivePut::ByService);
        let store =
            GcsStore::open("no-such", "a", &options, None, exclusive, &gcs::patience()).await.unwrap();
        let (key, one, body) = (Key::new("a").unwrap(), NonZeroUsize::MIN, Bytes::from_static(b"x"));
        let replace = Put { if_exists: IfExists::Replace, ..Put::default() };
        let mut errors = vec![
            store.put(&key, body.clone(), &replace).await.unwrap_err(),
            store.put(&key, body.clone(), &Put::default()).await.unwrap_err(),
            store.get(&key, None).await.err().unwrap(),
            store.head(&key).await.unwrap_err(),
            store.list(&Prefix::everything(), None).try_next().await.unwrap_err(),
            store.folders(None).await.unwrap_err(),
            store.delete(std::slice::from_ref(&key)).await.unwrap_err(),
            store.upload(&key, &Put::default(), one).await.err().unwrap(),
            store.upload(&key, &replace, one).await.err().unwrap(),
        ];
        errors.extend(store.unfinished(&Prefix::everything()).await.err());
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
            let told = "bucket no-such does not exist at http://localhost";
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}

/// Makes the bucket of a store that has none, which is then there and empty.
async fn make_missing_bucket(store: &dyn ObjectStore) {
    let everything = Prefix::everything();
    let missing = store.list(&everything, None).try_next().await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Usage, "{missing:?}");
    assert!(store.make_bucket().await.unwrap(), "{store}");
    assert!(store.list(&everything, None).try_next().await.unwrap().is_none(), "{store}");
    assert!(!store.make_bucket().await.unwrap(), "{store}");
}

#[tokio::test]
async fn a_bucket_is_made_where_it_is_missing_and_only_there() {
    let s3 = S3::start().await;
    let location: Location = "s3://no-such-bucket".parse().unwrap();
    let store = location.open(&s3.options(), ExclusivePut::Trusted, &s3::patience()).await.unwrap();
    make_missing_bucket(&*store).await;
    assert!(!s3.open().await.make_bucket().await.unwrap());

    let azure = Azure::start().await;
    let container = Container { name: "no-such-container".to_owned(), ..azure.container() };
    let location = Location::Azure { container, path: "some/path".to_owned() };
    let store = location.open(&azure.options(), ExclusivePut::Trusted, &azure::patience()).await.unwrap();
    make_missing_bucket(&*store).await;
    assert!(!azure.open().await.make_bucket().await.unwrap());

    for gcs in [Gcs::start().await, Gcs::start_emulator().await] {
        let (options, exclusive) = (gcs.options(), ExclusivePut::ByService);
        let store =
            GcsStore::open("no-such", "a", &options, None, exclusive, &gcs::patience()).await.unwrap();
        make_missing_bucket(&store).await;
        assert!(!gcs.open().await.make_bucket().await.unwrap());
    }
}

#[tokio::test]
async fn a_bucket_that_may_not_be_listed_is_not_made() {
    let s3 = S3::start().await;
    s3.fault(Method::GET, 1, s3::Fault::Answer(403, "AccessDenied"));
    assert!(!s3.open().await.make_bucket().await.unwrap());
    assert_eq!(s3.seen().len(), 1);
}

#[tokio::test]
async fn a_directory_is_never_made_and_memory_has_nothing_to_make() {
    let root = tempfile::tempdir().unwrap();
    let store = FileStore::open(root.path()).unwrap();
    assert!(!store.make_bucket().await.unwrap());
    std::fs::remove_dir(root.path()).unwrap();
    assert_eq!(store.make_bucket().await.unwrap_err().kind(), ErrorKind::Usage);
    assert!(!root.path().exists());
    assert!(!MemoryStore::new().make_bucket().await.unwrap());
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
