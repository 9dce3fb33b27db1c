//! An object in chunks, one after the other, through a session of the JSON interface ("resumable uploads").
//! Its condition holds from its beginning to its end.
//!
//! A chunk that is not the last has a multiple of 256 KiB, and nobody knows of a part that it is the last
//! before the end: so what a part has beyond such a multiple waits for the next one. The service tells how
//! much it has; after a lost answer it is asked, and only the rest is sent again.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::task::JoinSet;

use super::About;
use super::client::{Call, Session};
use super::errors::Class;
use super::object::{NewObject, Resource};
use super::{Answer, Context, Error, GcsStore, IfExists, Key, Put, Result, Sum, Upload, client, object};

/// Chunks but the last have a multiple of it (docs: resumable uploads).
const GRAIN: usize = 256 << 10;

/// Begins an object in chunks.
pub(super) async fn begin(store: GcsStore, key: &Key, how: &Put) -> Result<Box<dyn Upload>> {
    store.ask_first(key, how).await?;
    let name = store.name(key);
    let description = NewObject::new(&name, how, None).text()?;
    let call = store
        .insertion("resumable", how)
        .query("fields", object::FIELDS)
        .header("x-upload-content-type", object::CONTENT_TYPE)?
        .body("application/json; charset=UTF-8", vec![description.into()])?;
    let answer = store.shared.client.send(&call).await?;
    let session = store.shared.client.opened(&answer)?;
    let target = Target { store, key: key.clone(), how: how.clone(), session };
    let progress = Progress { sent: Sum::default(), waiting: Bytes::new() };
    Ok(Box::new(SessionUpload { target, state: State::Idle(progress) }))
}

/// An object in chunks, one of them under way. Dropping it ends the task that sends it.
struct SessionUpload {
    target: Target,
    state: State,
}

/// Where the upload has got to: the task that sends a chunk has the progress until it is done.
enum State {
    Idle(Progress),
    Sending(JoinSet<Result<Progress>>),
    Failed,
}

/// What the service has, and what waits.
struct Progress {
    sent: Sum,
    /// Less than a grain.
    waiting: Bytes,
}

/// Which object in which session.
#[derive(Clone)]
struct Target {
    store: GcsStore,
    key: Key,
    how: Put,
    session: Session,
}

/// Bytes of the object to send, one piece after the other.
struct Chunk {
    /// Where they begin in the object.
    from: u64,
    pieces: Vec<Bytes>,
    /// The sum of the whole object, which ends with them; `None` where it does not.
    whole: Option<Sum>,
}

/// What the service says of a session.
enum Has {
    /// So many bytes.
    Some(u64),
    /// All, and the object is visible.
    Whole(Resource),
    /// It cannot go on. Asking again would not help, although beginning anew would.
    Gone(Error),
}

#[async_trait]
impl Upload for SessionUpload {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        let Progress { sent, waiting } = self.idle().await?;
        let (chunk, waiting) = cut(sent.size, waiting, part);
        if chunk.is_empty() {
            self.state = State::Idle(Progress { sent, waiting });
            return Ok(());
        }
        let (target, mut tasks) = (self.target.clone(), JoinSet::new());
        tasks.spawn(async move {
            let sum = chunk.sum();
            match target.send(&chunk).await? {
                Has::Some(_) => Ok(Progress { sent: sent.then(sum), waiting }),
                Has::Whole(_) => Err(Error::corrupt("the service says that half an object is whole")),
                Has::Gone(e) => Err(e),
            }
        });
        self.state = State::Sending(tasks);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        let finished = self.finish_all().await;
        if finished.is_err() {
            self.state = State::Failed;
            self.target.abort_if_possible().await;
        }
        finished.context(|| format!("finish {} in {}", self.target.key, self.target.store))
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        // Ends what is under way.
        self.state = State::Failed;
        let (Target { store, key, .. }, what) = (&self.target, || "abort the upload".to_owned());
        let aborted = store.shared.patience.persist(0, what, || self.target.abort_once()).await;
        aborted.context(|| format!("abort {key} in {store}"))
    }
}

impl SessionUpload {
    /// Waits for the chunk under way.
    async fn idle(&mut self) -> Result<Progress> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(progress) => Ok(progress),
            State::Sending(mut tasks) => match tasks.join_next().await {
                Some(Ok(progress)) => progress,
                Some(Err(e)) => Err(Error::bug(format!("a chunk was not sent to its end: {e}"))),
                None => Err(Error::bug("a chunk was sent by nobody")),
            },
            State::Failed => Err(Error::bug("an upload that has failed cannot go on")),
        }
    }

    async fn finish_all(&mut self) -> Result<()> {
        let Progress { sent, waiting } = self.idle().await?;
        let Target { store, key, how, .. } = &self.target;
        store.shared.patience.persist(0, || "look for it".to_owned(), || store.ask_first(key, how)).await?;
        let whole = sent.then(Sum::of(&waiting));
        let chunk = Chunk { from: sent.size, pieces: vec![waiting], whole: Some(whole) };
        match self.target.send(&chunk).await? {
            Has::Whole(stored) => self.target.compare(&stored, whole).await,
            Has::Some(has) => Err(Error::unavailable(format!("the service keeps {has} bytes to itself"))),
            Has::Gone(e) => self.target.is_there(whole, e).await,
        }
    }
}

/// What can be sent of what waits and the part after it, and what waits then.
fn cut(from: u64, waiting: Bytes, mut part: Bytes) -> (Chunk, Bytes) {
    let whole = waiting.len() + part.len();
    if whole < GRAIN {
        let rest = [waiting, part].concat().into();
        return (Chunk { from, pieces: Vec::new(), whole: None }, rest);
    }
    // What waits is copied, or it would hold the memory of the whole part.
    let rest = Bytes::copy_from_slice(&part.split_off(part.len() - whole % GRAIN));
    (Chunk { from, pieces: vec![waiting, part], whole: None }, rest)
}

impl Chunk {
    fn len(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn is_last(&self) -> bool {
        self.whole.is_some()
    }

    fn end(&self) -> u64 {
        self.from + self.len()
    }

    fn sum(&self) -> Sum {
        self.pieces.iter().map(Sum::of).fold(Sum::default(), Sum::then)
    }

    /// The pieces without what lies before `at` in the object.
    fn after(&self, at: u64) -> Vec<Bytes> {
        let mut skip = usize::try_from(at - self.from).unwrap_or(usize::MAX);
        let rest = self.pieces.iter().map(|piece| {
            let skipped = skip.min(piece.len());
            skip -= skipped;
            piece.slice(skipped..)
        });
        rest.filter(|piece| !piece.is_empty()).collect()
    }

    /// What `Content-Range` says when everything from `at` on is sent, or nothing is left of it.
    fn range(&self, at: u64) -> String {
        let total = if self.is_last() { self.end().to_string() } else { "*".to_owned() };
        match self.end() {
            end if end == at => format!("bytes */{total}"),
            end => format!("bytes {at}-{}/{total}", end - 1),
        }
    }
}

impl Target {
    /// Sends a chunk, and again what the service has not got of it while patience lasts.
    async fn send(&self, chunk: &Chunk) -> Result<Has> {
        let Self { store, key, .. } = self;
        let what = || "send the chunk".to_owned();
        let is_first = AtomicBool::new(true);
        let attempt = || async {
            let is_first = is_first.swap(false, Ordering::Relaxed);
            let at = if is_first { Has::Some(chunk.from) } else { self.ask(chunk).await? };
            self.send_from(chunk, at).await
        };
        let sent = store.shared.patience.persist(chunk.len(), what, attempt).await;
        sent.context(|| format!("put bytes from {} on of {key} into {store}", chunk.from))
    }

    /// Sends what the service has not got, which may be less than all at a time.
    async fn send_from(&self, chunk: &Chunk, mut has: Has) -> Result<Has> {
        let mut asked_for_end = false;
        loop {
            let at = match has {
                Has::Some(at) => at,
                done => return Ok(done),
            };
            if at < chunk.from || at > chunk.end() {
                let (from, end) = (chunk.from, chunk.end());
                let lost = format!("the service has {at} bytes, where {from} to {end} were expected");
                return Ok(Has::Gone(Error::unavailable(lost)));
            }
            if at == chunk.end() && (!chunk.is_last() || asked_for_end) {
                return Ok(has);
            }
            asked_for_end = at == chunk.end();
            let mut call =
                self.call(Method::PUT, &chunk.range(at))?.body(object::CONTENT_TYPE, chunk.after(at))?;
            // With what ends the object goes its sum, and the service refuses one that has another, as it does
            // for Google's own clients since the end of 2025.
            if let Some(whole) = chunk.whole {
                call = call.header("x-goog-hash", &whole.header())?;
            }
            has = self.progress(&call).await?;
            if matches!(has, Has::Some(now) if now <= at && at < chunk.end()) {
                return Err(Error::unavailable(format!(
                    "the service took nothing of what follows byte {at}"
                )));
            }
        }
    }

    /// Asks how much the service has.
    async fn ask(&self, chunk: &Chunk) -> Result<Has> {
        let total = if chunk.is_last() { chunk.end().to_string() } else { "*".to_owned() };
        self.progress(&self.call(Method::PUT, &format!("bytes */{total}"))?).await
    }

    fn call(&self, method: Method, range: &str) -> Result<Call> {
        Call::session(method, &self.session).header("content-range", range)
    }

    /// Sends a request to the session, and gives what the service has then.
    async fn progress(&self, call: &Call) -> Result<Has> {
        let shared = &self.store.shared;
        let answer = shared.client.exchange(call, &shared.patience).await?;
        match answer.status {
            StatusCode::PERMANENT_REDIRECT => Ok(Has::Some(persisted(&answer)?)),
            status if status.is_success() => {
                let unreadable =
                    |e| Error::unavailable(format!("what became of the upload cannot be read: {e}"));
                serde_json::from_slice(&answer.bytes().await?).map(Has::Whole).map_err(unreadable)
            }
            _ => match shared.client.refused(call, answer).await {
                e if matches!(e.class, Some(Class::NoUpload | Class::Damaged)) => Ok(Has::Gone(e.into())),
                e => Err(e.into()),
            },
        }
    }

    /// What was stored must be what was sent. If not, it was damaged on the way, and a service that did not
    /// compare the sum stored it all the same; that very object goes: nobody must find it.
    async fn compare(&self, stored: &Resource, sent: Sum) -> Result<()> {
        let (Some(found), false) = (&stored.crc32c, stored.is(sent)) else { return Ok(()) };
        let damaged = format!("CRC32C {found} was stored instead of {}", sent.text());
        let remove = || self.remove(stored.generation.as_deref());
        match self.store.shared.patience.persist(0, || "remove it".to_owned(), remove).await {
            Ok(()) => Err(Error::unavailable(format!("{damaged}, and was removed"))),
            Err(e) => Err(Error::corrupt(format!("{damaged}, and is still there: {e}"))),
        }
    }

    async fn remove(&self, generation: Option<&str>) -> Result<()> {
        let path = client::object(&self.store.shared.bucket, &self.store.name(&self.key));
        let call = Call::new(Method::DELETE, path, About::Object, "storage.objects.delete")
            .query_if("generation", generation);
        match self.store.shared.client.send(&call).await {
            Err(e) if !matches!(e.class, Some(Class::Missing | Class::NoObject)) => Err(e.into()),
            _ => Ok(()),
        }
    }

    /// The session is gone. If an object with its very bytes stands at the key, then it was finished; whose
    /// it is cannot be known when it had to be the first.
    async fn is_there(&self, whole: Sum, e: Error) -> Result<()> {
        let Self { store, key, how, .. } = self;
        let what = || "look for it".to_owned();
        match store.shared.patience.persist(0, what, || store.resource(key)).await? {
            Some(_) if how.if_exists == IfExists::Fail => {
                Err(Error::conflict(format!("{key} is already in {store}")))
            }
            Some(found) if found.is(whole) => Ok(()),
            _ => Err(e),
        }
    }

    /// The service forgets the session anyway.
    async fn abort_if_possible(&self) {
        let what = || format!("abort {} in {}", self.key, self.store);
        self.store.shared.patience.tidy_up(what, self.abort_once()).await;
    }

    /// Ends the session. One that is gone is success, which the service says with 499 even the first time, and
    /// so is an emulator that cannot.
    async fn abort_once(&self) -> Result<()> {
        let call = Call::session(Method::DELETE, &self.session).header("content-length", "0")?;
        match self.store.shared.client.send(&call).await {
            Err(e) if !matches!(e.class, Some(Class::NoUpload | Class::NotImplemented)) => Err(e.into()),
            _ => Ok(()),
        }
    }
}

/// How many bytes the service says it has: `Range: bytes=0-41` are 42, no such header is none. Of a single
/// byte nothing is kept but by an emulator that means none.
fn persisted(answer: &Answer) -> Result<u64> {
    let Some(range) = answer.headers.get("range") else { return Ok(0) };
    let last = range.to_str().ok().and_then(|text| text.strip_prefix("bytes=0-")?.parse::<u64>().ok());
    match last {
        Some(0) => Ok(0),
        Some(last) => Ok(last + 1),
        None => Err(Error::corrupt("the service does not say how much of the upload it has")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    fn bytes(kib: usize) -> Bytes {
        Bytes::from(vec![7; kib * KIB])
    }

    #[test]
    fn only_multiples_of_the_grain_are_sent_before_the_end() {
        for (waiting, part, sent, rest) in [
            (0, 8192, 8192, 0),
            (0, 255, 0, 255),
            (0, 257, 256, 1),
            (255, 1, 256, 0),
            (255, 0, 0, 255),
            (200, 100, 256, 44),
            (255, 256, 256, 255),
            (1, 5120, 5120, 1),
        ] {
            let (chunk, left) = cut(7, bytes(waiting), bytes(part));
            let found = (chunk.len() / 1024, left.len() / KIB, chunk.from);
            assert_eq!(found, (sent, rest, 7), "{waiting} + {part}");
        }
    }

    #[test]
    fn a_chunk_says_where_it_lies_and_only_the_last_how_long_the_object_is() {
        let chunk = |is_last: bool| {
            let whole = is_last.then(Sum::default);
            Chunk { from: 10, pieces: vec![bytes(1), bytes(2)], whole }
        };
        assert_eq!(chunk(false).range(10), "bytes 10-3081/*");
        assert_eq!(chunk(true).range(1000), "bytes 1000-3081/3082");
        assert_eq!(chunk(true).range(3082), "bytes */3082");
        let lengths = |at| chunk(false).after(at).iter().map(Bytes::len).collect::<Vec<_>>();
        assert_eq!(lengths(10), [1024, 2048]);
        assert_eq!(lengths(11), [1023, 2048]);
        assert_eq!(lengths(10 + 1024), [2048]);
        assert_eq!(lengths(3082), [0_usize; 0]);
    }

    #[test]
    fn the_service_tells_what_it_has() {
        let has = |range: Option<&'static str>| {
            let headers = range.map(|range| (http::header::RANGE, range.parse().unwrap()));
            let body = Box::pin(futures_util::stream::empty());
            persisted(&Answer { status: StatusCode::OK, headers: headers.into_iter().collect(), body })
        };
        assert_eq!(has(None).unwrap(), 0);
        assert_eq!(has(Some("bytes=0-524287")).unwrap(), 524_288);
        assert_eq!(has(Some("bytes=0-0")).unwrap(), 0);
        assert!(has(Some("bytes=5-9")).is_err() && has(Some("junk")).is_err());
    }
}
