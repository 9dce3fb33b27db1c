//! What the store of Google Cloud Storage sends, and how it takes what comes back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/gcs.rs"]
mod gcs;
#[path = "common/listener.rs"]
mod listener;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use barkeep::error::{ErrorKind, Result};
use barkeep::store::{ExclusivePut, IfExists, Key, ObjectStore, Patience, Prefix, Put, Tags};
use bytes::Bytes;
use futures_util::TryStreamExt;
use gcs::{Fault, Gcs, Seen, open, patience};
use hyper::Method;

const PIECE: usize = 5 << 20;

const KMS_KEY: &str = "projects/p/locations/l/keyRings/r/cryptoKeys/k";

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn replace() -> Put {
    Put { if_exists: IfExists::Replace, ..Put::default() }
}

/// Metadata and tags, one of which bears the name of the metadata.
fn labelled(if_exists: IfExists) -> Put {
    let tags = Tags(vec![("team".into(), "d b".into()), ("sha256".into(), "mine".into())]);
    let metadata = BTreeMap::from([("sha256".to_owned(), "abc".to_owned())]);
    Put { if_exists, tags, metadata, ..Put::default() }
}

async fn put(store: &Arc<dyn ObjectStore>, how: &Put) -> Result<()> {
    store.put(&key("a"), Bytes::from_static(b"hello"), how).await
}

async fn read(store: &Arc<dyn ObjectStore>) -> Result<Vec<u8>> {
    let body = store.get(&key("a"), None).await?.body;
    Ok(body.try_collect::<Vec<_>>().await?.concat())
}

/// Parts that differ, the last of them smaller and of an odd size.
fn parts(count: usize) -> Vec<Bytes> {
    let part = |n: usize| {
        let size = if n + 1 == count { 300_001 } else { PIECE };
        Bytes::from((0..size).map(|at| u8::try_from((at + n) % 251).unwrap()).collect::<Vec<_>>())
    };
    (0..count).map(part).collect()
}

async fn upload(store: &Arc<dyn ObjectStore>, count: usize, how: &Put) -> Result<()> {
    let mut upload = store.upload(&key("a"), how, NonZeroUsize::new(2).unwrap()).await?;
    for part in parts(count) {
        upload.part(part).await?;
    }
    upload.finish().await
}

fn once() -> Patience {
    Patience { max_attempts: Some(1), ..patience() }
}

fn queries(seen: &[Seen], name: &str) -> Vec<String> {
    seen.iter().map(|seen| seen.query(name)).collect()
}

#[tokio::test]
async fn an_object_from_memory_is_one_request_with_its_description_and_its_sum() {
    let gcs = Gcs::start().await;
    put(&gcs.open().await, &labelled(IfExists::Fail)).await.unwrap();
    let seen = gcs.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let request = &seen[0];
    assert_eq!(request.uri.path(), "/upload/storage/v1/b/walbkt/o");
    assert_eq!(
        (request.query("uploadType"), request.query("ifGenerationMatch")),
        ("multipart".into(), "0".into())
    );
    assert_eq!(request.header("authorization"), "Bearer token-1");
    assert_eq!(request.header("content-length"), request.body.len().to_string());
    assert_eq!(request.header("transfer-encoding"), "");
    let expected = serde_json::json!({
        "name": "some/path/a", "contentType": "application/octet-stream",
        "metadata": {"sha256": "abc", "team": "d b"}, "crc32c": "mnG7TA==",
    });
    assert_eq!(request.description(), expected);
}

#[tokio::test]
async fn only_an_exclusive_put_has_a_condition() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    put(&store, &replace()).await.unwrap();
    assert_eq!(queries(&gcs.seen(), "ifGenerationMatch"), [""]);
    assert_eq!(put(&store, &Put::default()).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(gcs.count(&Method::GET), 0);
}

#[tokio::test]
async fn an_emulator_is_asked_first_because_it_ignores_conditions() {
    let gcs = Gcs::start_emulator().await;
    let store = gcs.open().await;
    put(&store, &Put::default()).await.unwrap();
    assert_eq!(put(&store, &Put::default()).await.unwrap_err().kind(), ErrorKind::Conflict);
    let methods: Vec<_> = gcs.seen().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!(methods, [Method::GET, Method::POST, Method::GET]);
    assert!(gcs.seen().iter().all(|seen| seen.header("authorization").is_empty()));
    let trusting = open(&gcs.options(), ExclusivePut::Trusted, &patience()).await;
    gcs.forget();
    put(&trusting, &Put::default()).await.unwrap();
    assert_eq!(gcs.seen().len(), 1);
}

#[tokio::test]
async fn a_read_is_one_request_with_everything_known_of_the_object() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    put(&store, &labelled(IfExists::Fail)).await.unwrap();
    gcs.forget();
    let object = store.get(&key("a"), Some(1..3)).await.unwrap();
    assert_eq!(object.body.try_collect::<Vec<_>>().await.unwrap().concat(), b"el");
    let seen = gcs.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((seen[0].header("range"), seen[0].header("accept-encoding")), ("bytes=1-2", "gzip"));
    let head = store.head(&key("a")).await.unwrap().unwrap();
    assert_eq!((&head.etag, head.size, &head.metadata), (&object.meta.etag, 5, &object.meta.metadata));
    assert_eq!((head.metadata["sha256"].as_str(), head.metadata["team"].as_str()), ("abc", "d b"));
    let seconds = |time: Option<jiff::Timestamp>| time.unwrap().as_second();
    assert_eq!(seconds(head.modified), seconds(object.meta.modified));
}

#[tokio::test]
async fn where_content_comes_without_a_generation_it_is_asked_for_first() {
    let gcs = Gcs::start_emulator().await;
    let store = gcs.open().await;
    put(&store, &replace()).await.unwrap();
    gcs.forget();
    assert_eq!(read(&store).await.unwrap(), b"hello");
    let seen = gcs.seen();
    assert_eq!(queries(&seen, "alt"), ["", "media"]);
    assert!(!seen[1].query("generation").is_empty());
}

#[tokio::test]
async fn the_encryption_key_is_told_wherever_an_object_begins() {
    let gcs = Gcs::start().await;
    let options = barkeep::store::GcsOptions { kms_key: Some(KMS_KEY.into()), ..gcs.options() };
    let store = open(&options, ExclusivePut::ByService, &patience()).await;
    put(&store, &replace()).await.unwrap();
    upload(&store, 1, &replace()).await.unwrap();
    store.delete(&[key("a")]).await.unwrap();
    upload(&store, 1, &Put::default()).await.unwrap();
    let begun: Vec<_> = gcs.seen().into_iter().filter(|seen| seen.method == Method::POST).collect();
    assert_eq!(queries(&begun, "kmsKeyName"), [KMS_KEY, "", "", KMS_KEY]);
    assert_eq!(begun[1].header("x-goog-encryption-kms-key-name"), KMS_KEY);
    gcs.fault(Method::POST, 5, Fault::Answer(403, "cloudKmsPermissionDenied"));
    let error = put(&store, &replace()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains(KMS_KEY), "{error}");
}

#[tokio::test]
async fn an_encryption_key_with_a_version_is_told_without_it() {
    let gcs = Gcs::start().await;
    let versioned = Some(format!("{KMS_KEY}/cryptoKeyVersions/3"));
    let options = barkeep::store::GcsOptions { kms_key: versioned, ..gcs.options() };
    let store = open(&options, ExclusivePut::ByService, &patience()).await;
    put(&store, &replace()).await.unwrap();
    upload(&store, 1, &replace()).await.unwrap();
    let seen = gcs.seen();
    assert_eq!(seen[0].query("kmsKeyName"), KMS_KEY);
    assert_eq!(seen[1].header("x-goog-encryption-kms-key-name"), KMS_KEY);
}

#[tokio::test]
async fn an_upload_that_may_replace_sends_parts_with_sums_through_the_xml_interface() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    put(&store, &replace()).await.unwrap();
    gcs.forget();
    upload(&store, 3, &labelled(IfExists::Replace)).await.unwrap();
    assert_eq!(read(&store).await.unwrap(), parts(3).concat());
    let seen = gcs.seen();
    assert_eq!((gcs.count(&Method::POST), gcs.count(&Method::PUT), gcs.count(&Method::GET)), (2, 3, 1));
    assert!(seen[..5].iter().all(|seen| seen.uri.path() == "/walbkt/some/path/a"), "{seen:?}");
    assert_eq!(seen[0].uri.query(), Some("uploads"));
    assert_eq!((seen[0].header("x-goog-meta-team"), seen[0].header("x-goog-meta-sha256")), ("d b", "abc"));
    assert_eq!(seen[0].header("content-length"), "0");
    for put in seen.iter().filter(|seen| seen.method == Method::PUT) {
        assert!(put.header("x-goog-hash").starts_with("crc32c="), "{:?}", put.headers);
    }
}

#[tokio::test]
async fn tags_that_no_header_can_carry_go_through_a_session() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    let tags = Tags(vec![("cost center".into(), "Zürich".into())]);
    upload(&store, 1, &Put { tags, ..replace() }).await.unwrap();
    assert_eq!(gcs.seen()[0].query("uploadType"), "resumable");
    let head = store.head(&key("a")).await.unwrap().unwrap();
    assert_eq!(head.metadata["cost center"], "Zürich");
}

#[tokio::test]
async fn every_part_of_an_upload_is_tried_again_and_so_is_its_end() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    gcs.fault(Method::PUT, 2, Fault::Answer(503, "SlowDown"));
    gcs.fault(Method::PUT, 3, Fault::Reset);
    gcs.fault(Method::PUT, 4, Fault::Damage);
    gcs.fault(Method::POST, 2, Fault::Answer(500, "InternalError"));
    upload(&store, 3, &replace()).await.unwrap();
    assert_eq!(read(&store).await.unwrap(), parts(3).concat());
}

#[tokio::test]
async fn an_upload_whose_last_answer_was_lost_is_finished_if_its_very_bytes_are_there() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    gcs.fault(Method::POST, 2, Fault::LoseAnswer);
    upload(&store, 2, &replace()).await.unwrap();
    assert_eq!(read(&store).await.unwrap(), parts(2).concat());

    let gcs = Gcs::start().await;
    let twice = Patience { max_attempts: Some(2), ..patience() };
    let store = open(&gcs.options(), ExclusivePut::ByService, &twice).await;
    let other: Bytes = vec![0; parts(1)[0].len()].into();
    store.put(&key("a"), other, &replace()).await.unwrap();
    gcs.forget();
    gcs.fault(Method::POST, 2, Fault::Answer(500, "InternalError"));
    gcs.fault(Method::POST, 3, Fault::Answer(404, "NoSuchUpload"));
    let error = upload(&store, 1, &replace()).await.unwrap_err();
    assert!(error.to_string().contains("NoSuchUpload"), "{error}");
}

#[tokio::test]
async fn a_failure_that_comes_after_success_was_answered_is_what_it_says() {
    let gcs = Gcs::start().await;
    gcs.fault(Method::POST, 2, Fault::Answer(200, "AccessDenied"));
    let error = upload(&gcs.open().await, 1, &replace()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
}

#[tokio::test]
async fn a_service_may_take_six_times_as_long_to_put_an_object_together() {
    let hasty = Patience { grace: Duration::from_millis(500), ..once() };
    let gcs = Gcs::start().await;
    let store = open(&gcs.options(), ExclusivePut::ByService, &hasty).await;
    gcs.fault(Method::POST, 2, Fault::Late(1500));
    upload(&store, 1, &replace()).await.unwrap();
}

#[tokio::test]
async fn an_upload_that_cannot_be_finished_leaves_no_parts_behind() {
    for (method, nth) in [(Method::PUT, 3), (Method::POST, 2)] {
        let gcs = Gcs::start().await;
        let store = open(&gcs.options(), ExclusivePut::ByService, &once()).await;
        gcs.fault(method, nth, Fault::Answer(403, "AccessDenied"));
        upload(&store, 3, &replace()).await.unwrap_err();
        assert_eq!(store.unfinished(&Prefix::everything()).await.unwrap(), []);
    }
}

#[tokio::test]
async fn unfinished_uploads_are_listed_page_by_page_and_each_page_is_tried_again() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    for n in 0..5 {
        drop(store.upload(&key(&format!("a/{}", n / 3)), &replace(), NonZeroUsize::MIN).await.unwrap());
    }
    gcs.fault(Method::GET, 2, Fault::Answer(503, "SlowDown"));
    let found = store.unfinished(&key("a").inside()).await.unwrap();
    let keys: Vec<_> = found.iter().map(|upload| upload.key.as_str()).collect();
    assert_eq!(keys, ["a/0", "a/0", "a/0", "a/1", "a/1"]);
    assert_eq!(gcs.count(&Method::GET), 4);
    gcs.fault(Method::DELETE, 3, Fault::Answer(503, "SlowDown"));
    store.forget(&found).await.unwrap();
    assert_eq!(store.unfinished(&Prefix::everything()).await.unwrap(), []);
    store.forget(&found).await.unwrap();
}

#[tokio::test]
async fn an_exclusive_upload_is_a_session_of_chunks_under_a_condition() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    upload(&store, 3, &labelled(IfExists::Fail)).await.unwrap();
    assert_eq!(read(&store).await.unwrap(), parts(3).concat());
    let seen = gcs.seen();
    assert_eq!(
        (seen[0].query("uploadType"), seen[0].query("ifGenerationMatch")),
        ("resumable".into(), "0".into())
    );
    let puts: Vec<_> = seen.iter().filter(|seen| seen.method == Method::PUT).collect();
    let ranges: Vec<_> = puts.iter().map(|put| put.header("content-range")).collect();
    let expected = [
        "bytes 0-5242879/*",
        "bytes 5242880-10485759/*",
        "bytes 10485760-10747903/*",
        "bytes 10747904-10785760/10785761",
    ];
    assert_eq!(ranges, expected);
    assert!(puts.iter().all(|put| put.header("authorization").is_empty()));
}

#[tokio::test]
async fn what_the_service_did_not_take_of_a_chunk_is_sent_again_and_only_that() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    gcs.fault(Method::PUT, 1, Fault::Take(256 << 10));
    gcs.fault(Method::PUT, 4, Fault::Take(1000));
    upload(&store, 2, &Put::default()).await.unwrap();
    assert_eq!(read(&store).await.unwrap(), parts(2).concat());
    let puts: Vec<_> = gcs.seen().into_iter().filter(|seen| seen.method == Method::PUT).collect();
    let ranges: Vec<_> = puts.iter().map(|put| put.header("content-range")).collect();
    assert_eq!(ranges[..2], ["bytes 0-5242879/*", "bytes 262144-5242879/*"]);
    assert_eq!(ranges[3..], ["bytes 5505024-5542880/5542881", "bytes 5506024-5542880/5542881"]);
}

#[tokio::test]
async fn after_a_lost_answer_the_session_is_asked_what_it_has() {
    for (fault, asked) in [(Fault::LoseAnswer, 1), (Fault::Reset, 1), (Fault::Answer(503, "backendError"), 1)]
    {
        for nth in 1..=3 {
            let gcs = Gcs::start().await;
            let store = gcs.open().await;
            gcs.fault(Method::PUT, nth, fault);
            upload(&store, 2, &Put::default()).await.unwrap_or_else(|e| panic!("{fault:?} {nth}: {e:?}"));
            assert_eq!(read(&store).await.unwrap(), parts(2).concat());
            let puts: Vec<_> = gcs.seen().into_iter().filter(|seen| seen.method == Method::PUT).collect();
            let questions = puts.iter().filter(|put| put.header("content-range").starts_with("bytes */"));
            assert_eq!(questions.count(), asked, "{fault:?} {nth}");
        }
    }
}

#[tokio::test]
async fn what_was_damaged_on_the_way_through_a_session_is_refused_at_its_end() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    gcs.fault(Method::PUT, 2, Fault::Damage);
    let error = upload(&store, 2, &Put::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("doesn't match calculated"), "{error}");
    assert_eq!(store.head(&key("a")).await.unwrap(), None);
    // Neither asked again in vain nor stored for a moment: only the session is deleted.
    let deleted: Vec<_> = gcs.seen().into_iter().filter(|seen| seen.method == Method::DELETE).collect();
    assert_eq!((gcs.count(&Method::PUT), deleted.len()), (3, 1));
    assert!(!deleted[0].query("upload_id").is_empty());
}

#[tokio::test]
async fn what_a_service_stores_although_it_was_damaged_does_not_stay() {
    let gcs = Gcs::start_emulator().await;
    let store = gcs.open().await;
    gcs.fault(Method::PUT, 2, Fault::Damage);
    let error = upload(&store, 2, &Put::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("instead of") && error.to_string().contains("removed"), "{error}");
    assert_eq!(store.head(&key("a")).await.unwrap(), None);
    gcs.forget();
    gcs.fault(Method::PUT, 2, Fault::Damage);
    gcs.fault(Method::DELETE, 1, Fault::Answer(403, "forbidden"));
    let error = upload(&store, 2, &Put::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}

#[tokio::test]
async fn a_session_loses_the_race_even_at_its_end() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    let mut late = store.upload(&key("a"), &Put::default(), NonZeroUsize::MIN).await.unwrap();
    late.part(parts(1)[0].clone()).await.unwrap();
    put(&store, &Put::default()).await.unwrap();
    assert_eq!(late.finish().await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(read(&store).await.unwrap(), b"hello");
    assert_eq!(gcs.seen().iter().filter(|seen| seen.method == Method::DELETE).count(), 1);
}

#[tokio::test]
async fn a_session_is_ended_by_its_deletion_and_never_named() {
    let gcs = Gcs::start().await;
    let store = open(&gcs.options(), ExclusivePut::ByService, &once()).await;
    let mut given_up = store.upload(&key("a"), &Put::default(), NonZeroUsize::MIN).await.unwrap();
    given_up.part(parts(2)[0].clone()).await.unwrap();
    given_up.abort().await.unwrap();
    let last = gcs.seen().pop().unwrap();
    assert_eq!((&last.method, last.header("content-length")), (&Method::DELETE, "0"));
    for nth in [1, 2] {
        gcs.forget();
        gcs.fault(Method::PUT, nth, Fault::Answer(403, "forbidden"));
        let error = upload(&store, 1, &Put::default()).await.unwrap_err();
        let told = format!("{error:?}");
        assert_eq!(error.kind(), ErrorKind::Denied, "{told}");
        assert!(!told.contains("SESSION") && !told.contains("UPID") && !told.contains("upload_id"), "{told}");
    }
}

#[tokio::test]
async fn an_emulator_behind_another_name_is_found_where_it_was_found_before() {
    let gcs = Gcs::start_emulator().await;
    let store = gcs.open().await;
    gcs.fault(Method::PUT, 1, Fault::Reset);
    upload(&store, 2, &replace()).await.unwrap();
    assert_eq!(read(&store).await.unwrap(), parts(2).concat());
    let given_up = store.upload(&key("b"), &replace(), NonZeroUsize::MIN).await.unwrap();
    given_up.abort().await.unwrap();
}

#[tokio::test]
async fn passing_trouble_is_tried_again() {
    let faults = [
        Fault::Answer(503, "backendError"),
        Fault::Answer(429, "rateLimitExceeded"),
        Fault::Answer(403, "userRateLimitExceeded"),
        Fault::Answer(408, "requestTimeout"),
        Fault::Say(502, "<html><title>Error 502</title></html>"),
        Fault::Damage,
        Fault::Reset,
    ];
    for fault in faults {
        let gcs = Gcs::start().await;
        let store = gcs.open().await;
        gcs.fault(Method::POST, 1, fault);
        let body = Bytes::from(vec![7; 10_000]);
        store.put(&key("a"), body, &Put::default()).await.unwrap_or_else(|e| panic!("{fault:?}: {e:?}"));
        assert_eq!(gcs.count(&Method::POST), 2, "{fault:?}");
        assert_eq!(read(&store).await.unwrap(), vec![7; 10_000]);
    }
}

#[tokio::test]
async fn a_lost_answer_to_an_exclusive_put_may_come_out_as_conflict_but_the_object_is_there() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    gcs.fault(Method::POST, 1, Fault::LoseAnswer);
    assert_eq!(put(&store, &Put::default()).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(read(&store).await.unwrap(), b"hello");
}

#[tokio::test]
async fn a_kept_token_that_is_refused_in_the_middle_of_a_batch_is_fetched_anew_once() {
    let gcs = Gcs::start().await;
    let store = gcs.open_with_kept_token().await;
    let keys: Vec<Key> = (0..40).map(|n| key(&n.to_string())).collect();
    for key in &keys {
        store.put(key, Bytes::new(), &Put::default()).await.unwrap();
    }
    assert_eq!(gcs.tokens_given(), 1);
    gcs.revoke();
    store.delete(&keys).await.unwrap();
    assert_eq!(store.list(&Prefix::everything(), None).try_next().await.unwrap(), None);
    assert_eq!(gcs.tokens_given(), 2);
}

#[tokio::test]
async fn an_account_that_is_refused_with_a_fresh_token_too_is_told_so() {
    let gcs = Gcs::start().await;
    let store = gcs.open_with_kept_token().await;
    gcs.fault(Method::POST, 1, Fault::Answer(401, "authError"));
    gcs.fault(Method::POST, 2, Fault::Answer(401, "authError"));
    let error = put(&store, &Put::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert!(!format!("{error:?}").contains("token-"), "{error:?}");
    assert_eq!((gcs.count(&Method::POST), gcs.tokens_given()), (2, 2));
    gcs.forget();
    gcs.fault(Method::POST, 1, Fault::Answer(401, "authError"));
    assert_eq!(put(&store, &replace()).await.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!((gcs.count(&Method::POST), gcs.tokens_given()), (1, 2));
}

#[tokio::test]
async fn refusals_name_the_bucket_the_reason_the_request_and_the_permission() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    let requests: [(Method, &str); 3] = [
        (Method::POST, "storage.objects.create"),
        (Method::GET, "storage.objects.get"),
        (Method::DELETE, "storage.objects.delete"),
    ];
    for (method, permission) in requests {
        gcs.fault(method.clone(), 1, Fault::Answer(403, "forbidden"));
        let error = match method {
            Method::POST => put(&store, &replace()).await.unwrap_err(),
            Method::GET => store.head(&key("a")).await.unwrap_err(),
            _ => store.delete(&[key("a")]).await.unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
        let told = format!("bucket walbkt at {}: 403 forbidden (request id UPID1)", gcs.endpoint());
        assert!(error.to_string().contains(&told), "{error}");
        assert!(error.hint_text().unwrap().contains(permission), "{error:?}");
    }
}

#[tokio::test]
async fn what_somebody_else_says_is_not_found_is_no_absence() {
    let page = Fault::Say(404, "<html>no such page</html>");
    for (refusal, kind) in [(page, ErrorKind::Usage), (Fault::Say(403, "<html>"), ErrorKind::Denied)] {
        let gcs = Gcs::start().await;
        let store = gcs.open().await;
        for (method, nth, fault) in [
            (Method::GET, 1, page),
            (Method::GET, 2, refusal),
            (Method::GET, 3, page),
            (Method::GET, 4, refusal),
            (Method::DELETE, 1, page),
            (Method::GET, 5, refusal),
        ] {
            gcs.fault(method, nth, fault);
        }
        let errors = [
            store.head(&key("a")).await.unwrap_err(),
            read(&store).await.unwrap_err(),
            store.delete(&[key("a")]).await.unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.kind() == kind), "{errors:?}");
    }
}

#[tokio::test]
async fn deletes_are_single_requests_of_which_sixteen_are_under_way() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    let keys: Vec<Key> = (0..32).map(|n| key(&n.to_string())).collect();
    for nth in 1..=32 {
        gcs.fault(Method::DELETE, nth, Fault::Late(200));
    }
    let began = Instant::now();
    store.delete(&keys).await.unwrap();
    assert_eq!((gcs.seen().len(), gcs.count(&Method::DELETE)), (32, 32));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_refused_deletion_is_tried_again_without_the_others() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    let keys: Vec<Key> = (0..100).map(|n| key(&n.to_string())).collect();
    for nth in (10..100).step_by(10) {
        gcs.fault(Method::DELETE, nth, Fault::Answer(503, "backendError"));
    }
    store.delete(&keys).await.unwrap();
    assert_eq!(gcs.count(&Method::DELETE), 109);
}

#[tokio::test]
async fn a_list_goes_on_where_it_broke_off() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    for n in 0..60 {
        store.put(&key(&format!("{n:02}")), Bytes::new(), &Put::default()).await.unwrap();
    }
    gcs.fault(Method::GET, 2, Fault::Answer(503, "backendError"));
    let listed: Vec<_> = store.list(&Prefix::everything(), None).try_collect().await.unwrap();
    let keys: Vec<_> = listed.iter().map(|meta| meta.key.to_string()).collect();
    assert_eq!(keys, (0..60).map(|n| format!("{n:02}")).collect::<Vec<_>>());
    let starts = queries(&gcs.seen()[60..], "startOffset");
    assert_eq!(starts[..3], ["", "", "some/path/24"]);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_resumed_at_the_byte() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    put(&store, &Put::default()).await.unwrap();
    gcs.fault(Method::GET, 1, Fault::Cut(2));
    assert_eq!(read(&store).await.unwrap(), b"hello");
    assert_eq!(gcs.seen().last().unwrap().header("range"), "bytes=2-4");
}

#[tokio::test]
async fn a_body_that_changes_between_two_pieces_is_not_patched_together() {
    let gcs = Gcs::start().await;
    let store = gcs.open().await;
    put(&store, &Put::default()).await.unwrap();
    gcs.fault(Method::GET, 1, Fault::Cut(2));
    let object = store.get(&key("a"), None).await.unwrap();
    store.put(&key("a"), Bytes::from_static(b"HELLO"), &replace()).await.unwrap();
    let error = object.body.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(error.to_string().contains("changed while being read"), "{error}");
}

#[tokio::test]
async fn a_service_that_stops_reading_is_given_up_long_before_the_slowest_transfer_would_end() {
    let hasty = Patience { grace: Duration::from_secs(2), retry_for: Duration::from_secs(30), ..patience() };
    let segment = Bytes::from(vec![7; 16 << 20]);
    for (method, how) in
        [(Method::POST, Put::default()), (Method::PUT, Put::default()), (Method::PUT, replace())]
    {
        let gcs = Gcs::start().await;
        gcs.fault(method.clone(), 1, Fault::Stall);
        let store = open(&gcs.options(), ExclusivePut::ByService, &hasty).await;
        let began = Instant::now();
        if method == Method::POST {
            store.put(&key("a"), segment.clone(), &how).await.unwrap();
        } else {
            let mut upload = store.upload(&key("a"), &how, NonZeroUsize::MIN).await.unwrap();
            upload.part(segment.clone()).await.unwrap();
            upload.finish().await.unwrap();
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        assert_eq!(read(&store).await.unwrap(), segment);
    }
}
