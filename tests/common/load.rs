//! A write load, and a ledger of it that is kept outside PostgreSQL.
//!
//! Every transaction is one statement that updates an account and inserts an event: updates make
//! full-page images and short records, events are JSON that does not compress. What PostgreSQL
//! acknowledged must be found after recovery, whatever happened in between; what was under way when a
//! connection broke may be there or not, but whole.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use md5::{Digest as _, Md5};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};

use super::pg::connect;

const WORKERS: i64 = 4;
const ACCOUNTS_PER_WORKER: i64 = 500;
/// Events of one worker in one round of load; their numbers do not collide.
const EVENTS: i64 = 1_000_000;

/// A load that runs until it is finished.
pub struct Load {
    enough: Arc<AtomicBool>,
    workers: Vec<JoinHandle<Ledger>>,
}

impl Load {
    /// Creates the tables.
    pub async fn prepare(client: &Client) {
        client
            .batch_execute(&format!(
                "create table account (id bigint primary key, last_event bigint not null, filler text not null);
                 create table event (id bigint primary key, account bigint not null, body jsonb not null);
                 insert into account select n, 0, repeat('x', 80)
                 from generate_series(0, {WORKERS} * {ACCOUNTS_PER_WORKER} - 1) n"
            ))
            .await
            .unwrap();
    }

    /// Starts writing; rounds on one cluster are numbered upwards from 1.
    pub fn start(address: &Config, round: i64) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let workers = (0..WORKERS)
            .map(|worker| tokio::spawn(work(address.clone(), round, worker, Arc::clone(&enough))))
            .collect();
        Self { enough, workers }
    }

    /// Stops writing and adds what was done to the ledger.
    pub async fn finish(self, ledger: &mut Ledger) {
        self.enough.store(true, Ordering::Relaxed);
        for worker in self.workers {
            let part = worker.await.expect("a worker of the load does not fail");
            ledger.committed.extend(part.committed);
            ledger.unknown.extend(part.unknown);
        }
    }
}

/// What PostgreSQL was asked to keep.
#[derive(Default)]
pub struct Ledger {
    committed: BTreeMap<i64, Event>,
    unknown: BTreeMap<i64, Event>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    account: i64,
    digest: String,
}

impl Ledger {
    /// How many transactions were acknowledged.
    pub fn len(&self) -> usize {
        self.committed.len()
    }

    /// Compares the database with the ledger, row for row.
    pub async fn must_equal(&self, client: &Client) {
        let found = client
            .query("select id, account, md5(body->>'noise') from event order by id", &[])
            .await
            .unwrap()
            .into_iter()
            .map(|row| (row.get(0), Event { account: row.get(1), digest: row.get(2) }))
            .collect::<BTreeMap<i64, Event>>();
        let missing = self.committed.keys().filter(|id| !found.contains_key(id)).collect::<Vec<_>>();
        assert!(
            missing.is_empty(),
            "{} of {} acknowledged rows are lost, the first is {}",
            missing.len(),
            self.len(),
            missing[0]
        );
        for (id, event) in &found {
            let sent = self.committed.get(id).or_else(|| self.unknown.get(id));
            assert_eq!(Some(event), sent, "event {id}: left is what the database has, right what was sent");
        }

        // An account names the last event it took part in: a half transaction would show here.
        let mut last = BTreeMap::<i64, i64>::new();
        for (id, event) in &found {
            last.insert(event.account, *id);
        }
        let accounts = client.query("select id, last_event from account order by id", &[]).await.unwrap();
        assert_eq!(accounts.len(), usize::try_from(WORKERS * ACCOUNTS_PER_WORKER).unwrap());
        for row in accounts {
            let (id, last_event): (i64, i64) = (row.get(0), row.get(1));
            assert_eq!(last_event, last.get(&id).copied().unwrap_or(0), "the last event of account {id}");
        }
    }
}

/// One worker: writes, and connects again when PostgreSQL comes back, until it is enough.
async fn work(address: Config, round: i64, worker: i64, enough: Arc<AtomicBool>) -> Ledger {
    let mut ledger = Ledger::default();
    let mut noise = Noise((round * WORKERS + worker).cast_unsigned());
    let mut id = (round * WORKERS + worker) * EVENTS;
    while !enough.load(Ordering::Relaxed) {
        let client = connect_again(&address).await;
        while !enough.load(Ordering::Relaxed) {
            id += 1;
            let body = noise.hex(2048);
            let event = Event {
                account: worker * ACCOUNTS_PER_WORKER
                    + noise.next().cast_signed().rem_euclid(ACCOUNTS_PER_WORKER),
                digest: hex::encode(Md5::digest(body.as_bytes())),
            };
            match write(&client, id, event.account, &body).await {
                Ok(()) => {
                    ledger.committed.insert(id, event);
                }
                Err(e) => {
                    let code = e.code().map(tokio_postgres::error::SqlState::code);
                    assert!(
                        code.is_none_or(|c| c.starts_with("57")),
                        "only a stop may disturb the load: {e:?}"
                    );
                    ledger.unknown.insert(id, event);
                    break;
                }
            }
        }
    }
    ledger
}

/// Connects as soon as PostgreSQL is back.
async fn connect_again(address: &Config) -> Client {
    for _ in 0..1200 {
        if let Ok(client) = connect(address).await {
            return client;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("PostgreSQL has not come back for a minute");
}

async fn write(client: &Client, id: i64, account: i64, noise: &str) -> Result<(), tokio_postgres::Error> {
    let statement = "with booked as (update account set last_event = $1 where id = $2)
         insert into event values ($1, $2, jsonb_build_object('noise', $3::text))";
    client.execute(statement, &[&id, &account, &noise]).await.map(drop)
}

/// Random bytes that are the same in every run (`SplitMix64`).
pub struct Noise(pub u64);

impl Noise {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn hex(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(2 * bytes);
        while text.len() < 2 * bytes {
            let _ = write!(text, "{:016x}", self.next());
        }
        text
    }
}
