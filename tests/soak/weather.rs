//! What lies between the archive's clients and its store: a cable that can be pulled, a service that is busy,
//! slow, dumb, or breaks off in the middle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::chance::Chance;

/// How the store is to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sky {
    /// As ever.
    Fine,
    /// Not at all: every connection is closed.
    Gone,
    /// It takes connections and says nothing.
    Dumb,
    /// It answers 503 to everything.
    Busy,
    /// Every piece on its way there takes so long.
    Slow(Duration),
    /// Every third connection breaks off after so many bytes at most.
    Flaky(u32),
}

impl Sky {
    /// For the figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Gone => "store gone",
            Self::Dumb => "store silent",
            Self::Busy => "store busy (503)",
            Self::Slow(_) => "store slow",
            Self::Flaky(_) => "connections broken off",
        }
    }

    /// Whether somebody with a little patience gets through.
    pub fn lets_through(self) -> bool {
        matches!(self, Self::Fine | Self::Slow(_) | Self::Flaky(_))
    }
}

/// How often, and how long in all.
pub type Seen = BTreeMap<&'static str, (u64, Duration)>;

/// The proxy, and who makes its weather.
pub struct Weather {
    port: u16,
    sky: Arc<watch::Sender<Sky>>,
    /// Which skies are allowed to be.
    allowed: Arc<watch::Sender<Allowed>>,
    seen: Arc<Mutex<Seen>>,
    tasks: Vec<JoinHandle<()>>,
}

/// What the weather may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    Fine,
    /// What lets through whoever has a little patience.
    Rough,
    Anything,
}

impl Allowed {
    fn allows(self, sky: Sky) -> bool {
        match self {
            Self::Fine => sky == Sky::Fine,
            Self::Rough => sky.lets_through(),
            Self::Anything => true,
        }
    }
}

impl Weather {
    /// In front of the server on `target`; fine, until it is allowed to be otherwise.
    pub async fn before(target: u16, chance: Chance) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sky = Arc::new(watch::Sender::new(Sky::Fine));
        let allowed = Arc::new(watch::Sender::new(Allowed::Fine));
        let seen = Arc::default();
        let tasks = vec![
            tokio::spawn(accept(listener, target, Arc::clone(&sky))),
            tokio::spawn(change(Arc::clone(&sky), allowed.subscribe(), Arc::clone(&seen), chance)),
        ];
        Self { port, sky, allowed, seen, tasks }
    }

    /// Where the store seems to be.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on; what is no longer allowed ends at once.
    pub async fn allow(&self, allowed: Allowed) {
        self.allowed.send_replace(allowed);
        let mut sky = self.sky.subscribe();
        sky.wait_for(|sky| allowed.allows(*sky)).await.unwrap();
    }

    /// The store is gone for so long, whatever else was to come.
    pub async fn outage(&self, lasts: Duration) {
        self.allow(Allowed::Fine).await;
        self.sky.send_replace(Sky::Gone);
        sleep(lasts).await;
        self.sky.send_replace(Sky::Fine);
        note(&self.seen, Sky::Gone, lasts);
    }

    /// What it is now.
    pub fn now(&self) -> Sky {
        *self.sky.borrow()
    }

    /// What there was of each kind.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Weather {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.sky.send_replace(Sky::Gone);
    }
}

/// Makes the weather: something bad, and something fine after it, again and again.
async fn change(
    sky: Arc<watch::Sender<Sky>>,
    mut allowed: watch::Receiver<Allowed>,
    seen: Arc<Mutex<Seen>>,
    mut chance: Chance,
) {
    loop {
        sleep(chance.between(1_000, 10_000)).await;
        let (next, lasts) = forecast(&mut chance);
        if allowed.wait_for(|allowed| allowed.allows(next)).await.is_err() {
            return;
        }
        sky.send_replace(next);
        let begin = Instant::now();
        let ended = timeout(lasts, allowed.wait_for(|allowed| !allowed.allows(next))).await;
        sky.send_replace(Sky::Fine);
        note(&seen, next, begin.elapsed());
        if matches!(ended, Ok(Err(_))) {
            return;
        }
    }
}

fn note(seen: &Mutex<Seen>, sky: Sky, lasted: Duration) {
    let mut seen = seen.lock().unwrap();
    let (times, long) = seen.entry(sky.name()).or_default();
    (*times, *long) = (*times + 1, *long + lasted);
}

/// What comes next, and for how long.
fn forecast(chance: &mut Chance) -> (Sky, Duration) {
    match chance.below(11) {
        0..=1 => (Sky::Gone, chance.between(1_000, 20_000)),
        2 => (Sky::Gone, chance.between(30_000, 60_000)),
        3 => (Sky::Dumb, chance.between(2_000, 20_000)),
        4..=5 => (Sky::Busy, chance.between(2_000, 25_000)),
        6..=8 => (Sky::Slow(chance.between(20, 400)), chance.between(5_000, 30_000)),
        _ => (Sky::Flaky(200_000), chance.between(5_000, 20_000)),
    }
}

async fn accept(listener: TcpListener, target: u16, sky: Arc<watch::Sender<Sky>>) {
    let mut nth = 0_u32;
    while let Ok((client, _)) = listener.accept().await {
        nth = nth.wrapping_add(1);
        tokio::spawn(serve(client, target, nth, sky.subscribe()));
    }
}

async fn serve(client: TcpStream, target: u16, nth: u32, mut sky: watch::Receiver<Sky>) {
    let now = *sky.borrow();
    match now {
        Sky::Gone => {}
        Sky::Dumb => {
            let _ = sky.wait_for(|sky| *sky != Sky::Dumb).await;
        }
        Sky::Busy => refuse(client).await,
        Sky::Fine | Sky::Slow(_) | Sky::Flaky(_) => {
            let mut worse = sky.clone();
            let carried = carry(client, target, nth, sky.clone());
            tokio::pin!(carried);
            let dumb = tokio::select! {
                () = &mut carried => false,
                became = worse.wait_for(|sky| !sky.lets_through()) => became.is_ok_and(|sky| *sky == Sky::Dumb),
            };
            if dumb {
                // Nobody carries any more, and nobody says so, as when a switch dies.
                let _ = sky.wait_for(|sky| *sky != Sky::Dumb).await;
            }
        }
    }
}

/// Takes a request and says that it is too much.
async fn refuse(mut client: TcpStream) {
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|w| w == b"\r\n\r\n") && head.len() < 1 << 16 {
        match client.read(&mut piece).await {
            Ok(n) if n > 0 => head.extend_from_slice(&piece[..n]),
            _ => return,
        }
    }
    let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>less, please</Message></Error>";
    let answer = format!(
        "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    if client.write_all(answer.as_bytes()).await.is_ok() && client.shutdown().await.is_ok() {
        // A body that is still coming would make the system reset the connection, answer and all.
        let drain = async { while client.read(&mut piece).await.is_ok_and(|n| n > 0) {} };
        let _ = timeout(Duration::from_secs(2), drain).await;
    }
}

/// Carries bytes both ways until one side ends, as slowly as the weather is, and no further than it lets.
async fn carry(client: TcpStream, target: u16, nth: u32, sky: watch::Receiver<Sky>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    // Multiplied by something odd, so that the connections of one call break off at different places.
    let breaks_off = |sky: Sky| match sky {
        Sky::Flaky(most) if nth.is_multiple_of(3) => Some(u64::from(nth.wrapping_mul(2_654_435_761) % most)),
        _ => None,
    };
    let there = pump(client_in, server_out, &sky, breaks_off);
    let back = pump(server_in, client_out, &sky, breaks_off);
    tokio::pin!(there, back);
    // An end of one direction by itself is passed on; a break ends both.
    tokio::select! {
        broken = &mut there => if !broken { back.await; },
        broken = &mut back => if !broken { there.await; },
    }
}

/// One direction; whether it was broken off.
async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    sky: &watch::Receiver<Sky>,
    breaks_off: impl Fn(Sky) -> Option<u64>,
) -> bool {
    let (mut piece, mut carried) = (vec![0; 64 << 10], 0_u64);
    loop {
        let n = match from.read(&mut piece).await {
            Ok(n) if n > 0 => n,
            _ => return false,
        };
        let now = *sky.borrow();
        if let Sky::Slow(pause) = now {
            sleep(pause).await;
        }
        let left = breaks_off(now).map_or(u64::MAX, |most| most.saturating_sub(carried));
        let part = n.min(usize::try_from(left).unwrap_or(usize::MAX));
        if to.write_all(&piece[..part]).await.is_err() {
            return false;
        }
        if part < n {
            return true;
        }
        carried += n as u64;
    }
}
