//! Lists, page by page.

use futures_util::StreamExt;
use futures_util::TryStreamExt;
use futures_util::stream::{self, BoxStream};
use http::Method;
use serde::Deserialize;

use super::client::{Call, objects};
use super::errors::About;
use super::object::Resource;
use super::{Context, Error, Failure, GcsStore, Key, ObjectMeta, Prefix, Result};

/// What listing takes.
pub(super) const PERMISSION: &str = "storage.objects.list";

/// A page of a list. `fields` keeps it to what is needed.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    items: Vec<Resource>,
    prefixes: Vec<String>,
    next_page_token: Option<String>,
}

/// Where a list has got to.
#[derive(Clone)]
struct At {
    prefix: String,
    /// The first name that may be listed.
    from: Option<String>,
    token: Option<String>,
    grouped: bool,
    is_last: bool,
}

impl At {
    fn start(prefix: String, from: Option<String>, grouped: bool) -> Self {
        Self { prefix, from, token: None, grouped, is_last: false }
    }

    /// Moves on to the page after `page`. One that leads to itself would be asked for without end.
    fn advance(&mut self, page: &Page) -> Result<()> {
        let next = page.next_page_token.clone().filter(|token| !token.is_empty());
        if next.is_some() && next == self.token {
            return Err(Error::corrupt("the list goes on where it already was"));
        }
        self.is_last = next.is_none();
        self.token = next;
        Ok(())
    }
}

/// Everything below `prefix` that comes after `after`.
pub(super) fn objects_below<'a>(
    store: &'a GcsStore,
    prefix: &Prefix,
    after: Option<&Key>,
) -> BoxStream<'a, Result<ObjectMeta>> {
    let place = format!("list {prefix} in {store}");
    let start = At::start(store.below(prefix), after.map(|key| store.name(key)), false);
    let after = after.cloned();
    let pages = stream::try_unfold(start, move |mut at| {
        let (after, place) = (after.clone(), place.clone());
        async move {
            if at.is_last {
                return Ok(None);
            }
            let page = page(store, &at).await.context(|| place.as_str())?;
            at.advance(&page).context(|| place.as_str())?;
            let found = sorted(store, page, after.as_ref()).context(|| place.as_str())?;
            Ok::<_, Error>(Some((stream::iter(found.into_iter().map(Ok)), at)))
        }
    });
    pages.try_flatten().boxed()
}

/// The folders directly inside of what begins with `inside`.
pub(super) async fn folders(store: &GcsStore, inside: &Prefix) -> Result<Vec<Key>> {
    let mut at = At::start(store.below(inside), None, true);
    let mut folders = Vec::new();
    while !at.is_last {
        let what = || "list a page".to_owned();
        let page = store.shared.patience.persist(0, what, || page(store, &at)).await?;
        at.advance(&page)?;
        folders.extend(page.prefixes.iter().filter_map(|name| store.key(name.trim_end_matches('/'))));
    }
    // The service orders them with their slash, which comes after `-` and `.`.
    folders.sort();
    folders.dedup();
    Ok(folders)
}

/// Asks for at most one object: whether the bucket is there.
pub(super) async fn probe(store: &GcsStore) -> Result<(), Failure> {
    let root = &store.shared.root;
    let call = Call::new(Method::GET, objects(&store.shared.bucket), About::Bucket, PERMISSION)
        .query("prefix", root.as_str())
        .query("maxResults", "1")
        .query("fields", "nextPageToken");
    store.shared.client.send(&call).await.map(drop)
}

async fn page(store: &GcsStore, at: &At) -> Result<Page> {
    let wanted = if at.grouped { "prefixes" } else { "items(name,size,generation,updated)" };
    let call = Call::new(Method::GET, objects(&store.shared.bucket), About::Bucket, PERMISSION)
        .query("prefix", at.prefix.as_str())
        .query("fields", format!("{wanted},nextPageToken"))
        .query_if("delimiter", at.grouped.then_some("/"))
        .query_if("startOffset", at.from.as_deref())
        .query_if("pageToken", at.token.as_deref());
    let answer = store.shared.client.send(&call).await?.bytes().await?;
    let unreadable = |e| Error::unavailable(format!("the list was cut off or cannot be read: {e}"));
    serde_json::from_slice(&answer).map_err(unreadable)
}

/// The objects of a page. The first name that may be listed is that of `after` itself, and an emulator knows
/// neither that nor the order.
fn sorted(store: &GcsStore, page: Page, after: Option<&Key>) -> Result<Vec<ObjectMeta>> {
    let mut found = Vec::with_capacity(page.items.len());
    for item in page.items {
        let Some(key) = store.key(&item.name) else { continue };
        if after.is_none_or(|after| key > *after) {
            found.push(item.meta(key)?);
        }
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}
