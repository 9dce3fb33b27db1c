//! The contract of `ObjectStore` as a suite: one list of properties, run over every store. Each has a
//! folder of its own, so that a store that is not empty, or is shared, will do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use barkeep::error::{ErrorKind, Result};
use barkeep::store::{IfExists, Key, ObjectMeta, ObjectStore, Put};
use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt, TryStreamExt};

/// Where a property plays.
#[derive(Clone)]
struct Place {
    store: Arc<dyn ObjectStore>,
    folder: Key,
    /// Whether the store keeps what an upload that is dropped has sent, and lists it.
    keeps_uploads: bool,
}

type Property = fn(Place) -> BoxFuture<'static, ()>;

/// Every property of the contract, by its sentence.
const PROPERTIES: &[(&str, Property)] = &[
    ("what is put can be read back at once", |p| put_and_get(p).boxed()),
    ("an empty object is an object", |p| empty_object(p).boxed()),
    ("an exclusive put leaves what is there and says conflict", |p| exclusive_put(p).boxed()),
    ("a replacing put takes the place of what is there", |p| replacing_put(p).boxed()),
    ("of racing exclusive writers the object is one's, whole", |p| racing_puts(p).boxed()),
    ("a missing key is not found, has no head, and deletes", |p| absence(p).boxed()),
    ("a range gives its bytes and the whole object's size", |p| ranges(p).boxed()),
    ("a range that begins behind the end is refused", |p| range_behind_end(p).boxed()),
    ("head tells the size and a mark that changes with the object", |p| head(p).boxed()),
    ("a list is in byte order, inside the prefix, after the key", |p| list(p).boxed()),
    ("a list of more than a page is whole", |p| long_list(p).boxed()),
    ("folders are those directly inside, once each", |p| folders(p).boxed()),
    ("deleted objects are gone, and only they", |p| delete(p).boxed()),
    ("an emptied folder is no folder any more, and can be filled again", |p| emptied_folder(p).boxed()),
    ("an upload is visible when finished, and not before", |p| upload(p).boxed()),
    ("an upload of no parts is an empty object", |p| upload_of_nothing(p).boxed()),
    ("an upload that is aborted or dropped leaves nothing visible", |p| upload_given_up(p).boxed()),
    ("an exclusive upload leaves what is there and says conflict", |p| exclusive_upload(p).boxed()),
    ("an upload that is dropped is listed until it is forgotten", |p| upload_left_behind(p).boxed()),
    ("an upload that is finished or aborted is not unfinished", |p| nothing_left_behind(p).boxed()),
    ("unfinished uploads are those whose keys begin with the prefix", |p| unfinished_prefix(p).boxed()),
    ("keys may have blanks, plus, percent and letters beyond ASCII", |p| odd_keys(p).boxed()),
];

/// Runs every property, all under the given folder, and panics with the title of the first that fails.
pub(crate) async fn run(store: Arc<dyn ObjectStore>) {
    // A directory removes the drafts of those who live to drop them.
    let keeps_uploads = !store.to_string().starts_with("file:");
    run_all(store, keeps_uploads).await;
}

/// The same for a store whose service forgets uploads by itself and cannot list them.
#[allow(dead_code, reason = "every test target uses its own part of it")]
pub(crate) async fn run_forgetful(store: Arc<dyn ObjectStore>) {
    run_all(store, false).await;
}

async fn run_all(store: Arc<dyn ObjectStore>, keeps_uploads: bool) {
    for (n, (title, property)) in PROPERTIES.iter().enumerate() {
        let folder = key(&format!("contract/{n}"));
        let place = Place { store: store.clone(), folder, keeps_uploads };
        let outcome = tokio::spawn(property(place)).await;
        assert!(outcome.is_ok(), "{store} breaks its contract: {title}: {outcome:?}");
    }
}

impl Place {
    fn key(&self, name: &str) -> Key {
        self.folder.join(name).unwrap()
    }

    async fn put(&self, name: &str, body: &'static [u8], if_exists: IfExists) -> Result<()> {
        let how = Put { if_exists, ..Put::default() };
        self.store.put(&self.key(name), Bytes::from_static(body), &how).await
    }

    async fn fill(&self, names: &[&str]) {
        for name in names {
            self.put(name, b"x", IfExists::Replace).await.unwrap();
        }
    }

    async fn read(&self, name: &str, range: Option<Range<u64>>) -> Result<Vec<u8>> {
        let object = self.store.get(&self.key(name), range).await?;
        let pieces: Vec<Bytes> = object.body.try_collect().await?;
        Ok(pieces.concat())
    }

    async fn list(&self, below: &str, after: Option<&str>) -> Vec<String> {
        let prefix = if below.is_empty() { self.folder.inside() } else { self.key(below).beginning() };
        let after = after.map(|name| self.key(name));
        let found: Vec<ObjectMeta> = self.store.list(&prefix, after.as_ref()).try_collect().await.unwrap();
        found.iter().map(|meta| self.name(&meta.key)).collect()
    }

    async fn folders(&self, under: Option<&str>) -> Vec<String> {
        let under = under.map_or(self.folder.clone(), |name| self.key(name));
        let found = self.store.folders(Some(&under)).await.unwrap();
        found.iter().map(|folder| self.name(folder)).collect()
    }

    fn name(&self, key: &Key) -> String {
        key.as_str().strip_prefix(self.folder.inside().as_str()).unwrap().to_owned()
    }

    /// Begins an upload and drops it. Not every service can list those that must be the first.
    async fn leave_behind(&self, name: &str) {
        let how = Put { if_exists: IfExists::Replace, ..Put::default() };
        let mut upload = self.store.upload(&self.key(name), &how, two()).await.unwrap();
        upload.part(Bytes::from_static(b"half")).await.unwrap();
    }

    /// The keys of unfinished uploads below a name.
    async fn unfinished(&self, below: &str) -> Vec<String> {
        let prefix = if below.is_empty() { self.folder.inside() } else { self.key(below).beginning() };
        let found = self.store.unfinished(&prefix).await.unwrap();
        found.iter().map(|upload| self.name(&upload.key)).collect()
    }

    /// What `leave_behind` leaves.
    fn left(&self, names: &[&str]) -> Vec<String> {
        names.iter().filter(|_| self.keeps_uploads).map(|&name| name.to_owned()).collect()
    }

    async fn upload(&self, name: &str, parts: &[Bytes], if_exists: IfExists) -> Result<()> {
        let how = Put { if_exists, ..Put::default() };
        let mut upload = self.store.upload(&self.key(name), &how, two()).await?;
        for part in parts {
            upload.part(part.clone()).await?;
        }
        upload.finish().await
    }
}

async fn put_and_get(place: Place) {
    place.put("a/b", b"hello", IfExists::Fail).await.unwrap();
    assert_eq!(place.read("a/b", None).await.unwrap(), b"hello");
}

async fn empty_object(place: Place) {
    place.put("a", b"", IfExists::Fail).await.unwrap();
    assert_eq!(place.read("a", None).await.unwrap(), b"");
    assert_eq!(place.store.head(&place.key("a")).await.unwrap().unwrap().size, 0);
}

async fn exclusive_put(place: Place) {
    place.put("a", b"first", IfExists::Fail).await.unwrap();
    let second = place.put("a", b"second", IfExists::Fail).await.unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Conflict, "{second:?}");
    assert_eq!(place.read("a", None).await.unwrap(), b"first");
}

async fn replacing_put(place: Place) {
    place.put("a", b"first", IfExists::Replace).await.unwrap();
    place.put("a", b"second", IfExists::Replace).await.unwrap();
    assert_eq!(place.read("a", None).await.unwrap(), b"second");
}

async fn racing_puts(place: Place) {
    let how = Put::default();
    let key = place.key("a");
    let bodies = (0..8_u8).map(|n| Bytes::from(vec![n; 100_000]));
    let puts = bodies.map(|body| place.store.put(&key, body, &how));
    let answers = join_all(puts).await;
    let stored = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(stored >= 1, "{answers:?}");
    for refused in answers.into_iter().filter_map(Result::err) {
        assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused:?}");
    }
    let found = place.read("a", None).await.unwrap();
    assert_eq!(found, vec![found[0]; 100_000]);
}

async fn absence(place: Place) {
    let missing = place.read("a/b", None).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing:?}");
    assert_eq!(place.store.head(&place.key("a/b")).await.unwrap(), None);
    place.store.delete(&[place.key("a/b"), place.key("c")]).await.unwrap();
    place.store.delete(&[]).await.unwrap();
    assert_eq!(place.list("", None).await, Vec::<String>::new());
    assert_eq!(place.folders(None).await, Vec::<String>::new());
}

async fn ranges(place: Place) {
    place.put("a", b"0123456789", IfExists::Fail).await.unwrap();
    assert_eq!(place.read("a", Some(2..5)).await.unwrap(), b"234");
    assert_eq!(place.read("a", Some(8..100)).await.unwrap(), b"89");
    assert_eq!(place.read("a", Some(0..10)).await.unwrap(), b"0123456789");
    let object = place.store.get(&place.key("a"), Some(2..5)).await.unwrap();
    assert_eq!(object.meta.size, 10);
}

async fn range_behind_end(place: Place) {
    place.put("a", b"0123456789", IfExists::Fail).await.unwrap();
    for behind in [10..12, 50..60] {
        let refused = place.read("a", Some(behind)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Usage, "{refused:?}");
    }
}

async fn head(place: Place) {
    place.put("a", b"hello", IfExists::Replace).await.unwrap();
    let first = place.store.head(&place.key("a")).await.unwrap().unwrap();
    assert_eq!((first.size, &first.key), (5, &place.key("a")));
    assert!(first.modified.is_some() && first.etag.is_some(), "{first:?}");
    let got = place.store.get(&place.key("a"), None).await.unwrap().meta;
    assert_eq!((&got.etag, got.size), (&first.etag, first.size));
    place.put("a", b"other", IfExists::Replace).await.unwrap();
    let second = place.store.head(&place.key("a")).await.unwrap().unwrap();
    assert_ne!(first.etag, second.etag);
}

async fn list(place: Place) {
    place.fill(&["b/2", "a-b", "a/b", "a.b", "b/1/x", "a/a", "c", "b!", "b0"]).await;
    let all = ["a-b", "a.b", "a/a", "a/b", "b!", "b/1/x", "b/2", "b0", "c"];
    assert_eq!(place.list("", None).await, all);
    assert_eq!(place.list("a", None).await, &all[..4]);
    assert_eq!(place.list("b/1", None).await, &all[5..6]);
    for (n, after) in all.iter().enumerate() {
        assert_eq!(place.list("", Some(after)).await, &all[n + 1..], "after {after}");
    }
    assert_eq!(place.list("", Some("a/aa")).await, &all[3..]);
    assert_eq!(place.list("b", Some("a/a")).await, &all[4..8]);
}

async fn long_list(place: Place) {
    let names: Vec<String> = (0..1050).map(|n| format!("{n:04}")).collect();
    let how = Put::default();
    for chunk in names.chunks(50) {
        let puts = chunk.iter().map(|name| {
            let key = place.key(name);
            let (store, how) = (&place.store, &how);
            async move { store.put(&key, Bytes::new(), how).await }
        });
        for answer in join_all(puts).await {
            answer.unwrap();
        }
    }
    assert_eq!(place.list("", None).await, names);
    let keys: Vec<Key> = names.iter().map(|name| place.key(name)).collect();
    place.store.delete(&keys).await.unwrap();
    assert_eq!(place.list("", None).await, Vec::<String>::new());
}

async fn folders(place: Place) {
    place.fill(&["b/2", "b/1/x", "a-b/x", "a/b", "c", "a/c/d"]).await;
    assert_eq!(place.folders(None).await, ["a", "a-b", "b"]);
    assert_eq!(place.folders(Some("b")).await, ["b/1"]);
    assert_eq!(place.folders(Some("c")).await, Vec::<String>::new());
    assert!(place.store.folders(None).await.unwrap().contains(&key("contract")));
}

async fn delete(place: Place) {
    place.fill(&["a", "b", "b/c", "d"].map(|name| if name == "b" { "bb" } else { name })).await;
    place.store.delete(&[place.key("a"), place.key("b/c"), place.key("never")]).await.unwrap();
    assert_eq!(place.list("", None).await, ["bb", "d"]);
    place.store.delete(&[place.key("d")]).await.unwrap();
    assert_eq!(place.list("", None).await, ["bb"]);
}

async fn emptied_folder(place: Place) {
    for _ in 0..3 {
        place.fill(&["a/b/c/1", "a/b/c/2"]).await;
        assert_eq!(place.folders(None).await, ["a"]);
        place.store.delete(&[place.key("a/b/c/1"), place.key("a/b/c/2")]).await.unwrap();
        assert_eq!(place.folders(None).await, Vec::<String>::new());
    }
    let work = (0..20).map(|n| {
        let place = place.clone();
        async move {
            let name = format!("a/b/{n}");
            let how = Put::default();
            place.store.put(&place.key(&name), Bytes::new(), &how).await.unwrap();
            place.store.delete(&[place.key(&name)]).await.unwrap();
        }
    });
    join_all(work).await;
    assert_eq!(place.list("", None).await, Vec::<String>::new());
}

async fn upload(place: Place) {
    let (first, second) = (Bytes::from(vec![1; 5 << 20]), Bytes::from(vec![2; 5 << 20]));
    for (name, if_exists) in [("a/first", IfExists::Fail), ("b/any", IfExists::Replace)] {
        let how = Put { if_exists, ..Put::default() };
        let mut upload = place.store.upload(&place.key(name), &how, two()).await.unwrap();
        for part in [&first, &second] {
            upload.part(part.clone()).await.unwrap();
            assert_eq!(place.store.head(&place.key(name)).await.unwrap(), None);
            assert_eq!(place.list(name, None).await, Vec::<String>::new());
        }
        upload.part(Bytes::from_static(b"end")).await.unwrap();
        upload.finish().await.unwrap();
        assert_eq!(place.read(name, None).await.unwrap(), [&first, &second, &b"end"[..]].concat());
    }
}

async fn upload_of_nothing(place: Place) {
    place.upload("a", &[], IfExists::Fail).await.unwrap();
    assert_eq!(place.read("a", None).await.unwrap(), b"");
}

async fn upload_given_up(place: Place) {
    for finish in ["abort", "drop"] {
        let mut upload = place.store.upload(&place.key("a"), &Put::default(), two()).await.unwrap();
        upload.part(Bytes::from_static(b"half")).await.unwrap();
        if finish == "abort" {
            upload.abort().await.unwrap();
        }
        assert_eq!(place.list("", None).await, Vec::<String>::new());
    }
}

async fn exclusive_upload(place: Place) {
    place.upload("a", &[Bytes::from_static(b"first")], IfExists::Fail).await.unwrap();
    let second = place.upload("a", &[Bytes::from_static(b"second")], IfExists::Fail).await.unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Conflict, "{second:?}");
    assert_eq!(place.read("a", None).await.unwrap(), b"first");
    place.upload("a", &[Bytes::from_static(b"third")], IfExists::Replace).await.unwrap();
    assert_eq!(place.read("a", None).await.unwrap(), b"third");
}

async fn upload_left_behind(place: Place) {
    place.leave_behind("a/b").await;
    let found = place.store.unfinished(&place.folder.inside()).await.unwrap();
    assert_eq!(found.iter().map(|u| place.name(&u.key)).collect::<Vec<_>>(), place.left(&["a/b"]));
    assert!(found.iter().all(|upload| upload.begun.is_some()), "{found:?}");
    for _ in 0..2 {
        place.store.forget(&found).await.unwrap();
        assert_eq!(place.unfinished("a").await, Vec::<String>::new());
    }
    place.upload("a/b", &[Bytes::from_static(b"again")], IfExists::Fail).await.unwrap();
    assert_eq!(place.read("a/b", None).await.unwrap(), b"again");
}

async fn nothing_left_behind(place: Place) {
    place.upload("a", &[Bytes::from_static(b"whole")], IfExists::Fail).await.unwrap();
    let given_up = place.store.upload(&place.key("b"), &Put::default(), two()).await.unwrap();
    given_up.abort().await.unwrap();
    let all = place.store.unfinished(&place.folder.inside()).await.unwrap();
    assert_eq!(all, []);
}

async fn unfinished_prefix(place: Place) {
    for name in ["a/1", "a/2", "ab/1", "b/1"] {
        place.leave_behind(name).await;
    }
    assert_eq!(place.unfinished("a").await, place.left(&["a/1", "a/2", "ab/1"]));
    assert_eq!(place.unfinished("b").await, place.left(&["b/1"]));
    let inside = place.store.unfinished(&place.key("a").inside()).await.unwrap();
    assert_eq!(inside.len(), place.left(&["a/1", "a/2"]).len());
    place.store.forget(&inside).await.unwrap();
    assert_eq!(place.unfinished("").await, place.left(&["ab/1", "b/1"]));
    let rest = place.store.unfinished(&place.folder.inside()).await.unwrap();
    place.store.forget(&rest).await.unwrap();
}

async fn odd_keys(place: Place) {
    let mut names = vec!["a b", "a+b", "a%20b", "ä", "a&b=c", "a'b", "a(b)~!", "@#$;:,?"];
    names.sort_unstable();
    for name in &names {
        place.put(name, b"odd", IfExists::Fail).await.unwrap();
        assert_eq!(place.read(name, None).await.unwrap(), b"odd", "{name}");
    }
    assert_eq!(place.list("", None).await, names);
    let keys: Vec<Key> = names.iter().map(|name| place.key(name)).collect();
    place.store.delete(&keys).await.unwrap();
    assert_eq!(place.list("", None).await, Vec::<String>::new());
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn two() -> NonZeroUsize {
    NonZeroUsize::new(2).unwrap()
}
