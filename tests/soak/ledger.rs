//! What was committed when, kept outside PostgreSQL.
//!
//! Every worker does one transaction after the other, numbered from 1, and notes two moments of each: before
//! COMMIT was sent, and after it was acknowledged. PostgreSQL's time of the commit lies between them. So at
//! any moment a worker has come to one of very few numbers, and every row of the database follows from it.

use std::collections::BTreeMap;

use md5::{Digest as _, Md5};
use tokio_postgres::Client;

use super::now;

/// How many workers there are.
pub const WORKERS: usize = 4;
/// How many accounts each of them has.
pub const ACCOUNTS: u16 = 50;
/// A worker's events go when so many later transactions have been committed.
pub const KEPT: usize = 1000;

type Sum = [u8; 16];

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// COMMIT is under way, or the connection broke while it was.
    Open,
    /// It was acknowledged, or found to be there, by this moment.
    Done(i64),
    /// It was rolled back, or is known not to have been committed, or was on a timeline that was left.
    Never,
}

/// A transaction.
#[derive(Debug, Clone)]
struct Entry {
    before: i64,
    fate: Fate,
    account: u16,
    /// The MD5 of each event's body.
    events: Box<[Sum]>,
}

/// Everything that was done.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    workers: [Vec<Entry>; WORKERS],
}

/// What must be there, in moments of the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Whatever was acknowledged by then.
    pub all_until: i64,
    /// Nothing whose COMMIT was sent after that.
    pub none_after: i64,
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How many rows were compared.
    pub rows: u64,
    /// How many of them are missing, are there though they must not, or are others.
    pub wrong: u64,
    /// Some of them, in words.
    pub words: Vec<String>,
    /// The last transaction of each worker.
    pub last: [usize; WORKERS],
}

impl Verdict {
    fn blame(&mut self, rows: u64, what: impl FnOnce() -> String) {
        self.wrong += rows;
        if self.words.len() < 20 {
            self.words.push(what());
        }
    }
}

impl Ledger {
    /// Creates the tables.
    pub async fn prepare(client: &Client) {
        let accounts = format!(
            "insert into account select w, a, 0, repeat('x', 80)
             from generate_series(0, {WORKERS} - 1) w, generate_series(0, {ACCOUNTS} - 1) a"
        );
        client
            .batch_execute(&format!(
                "create table receipt (worker int, serial bigint, events int, primary key (worker, serial));
                 create table event (worker int, serial bigint, part bigint, body text,
                                     primary key (worker, serial, part));
                 create table account (worker int, account int, last bigint, filler text,
                                       primary key (worker, account));
                 create table pulse (at timestamptz);
                 {accounts}"
            ))
            .await
            .unwrap();
    }

    /// A transaction that is going to be committed or rolled back; its number.
    pub fn open(&mut self, worker: usize, account: u16, bodies: &[String]) -> usize {
        let events = bodies.iter().map(|body| Md5::digest(body.as_bytes()).into()).collect();
        self.workers[worker].push(Entry { before: now(), fate: Fate::Never, account, events });
        self.workers[worker].len()
    }

    /// COMMIT is sent next.
    pub fn commits(&mut self, worker: usize, serial: usize) {
        let entry = &mut self.workers[worker][serial - 1];
        (entry.before, entry.fate) = (now(), Fate::Open);
    }

    /// It was acknowledged.
    pub fn done(&mut self, worker: usize, serial: usize) {
        self.workers[worker][serial - 1].fate = Fate::Done(now());
    }

    /// The worker is connected again, and the last transaction that is there has this number: so what was
    /// open is so no longer. An error when one is missing that was acknowledged.
    pub fn settle(&mut self, worker: usize, last: usize) -> Result<(), String> {
        for (i, entry) in self.workers[worker].iter_mut().enumerate() {
            match entry.fate {
                Fate::Open if i < last => entry.fate = Fate::Done(now()),
                Fate::Open => entry.fate = Fate::Never,
                Fate::Done(_) if i >= last => {
                    return Err(format!(
                        "worker {worker}: transaction {} was acknowledged and is gone",
                        i + 1
                    ));
                }
                Fate::Done(_) | Fate::Never => {}
            }
        }
        Ok(())
    }

    /// History goes on from a copy that ends here: what came later never was. How many of these transactions
    /// had been acknowledged.
    pub fn fork(&mut self, last: &[usize; WORKERS]) -> u64 {
        let mut left_behind = 0;
        for (entries, last) in self.workers.iter_mut().zip(last) {
            for (i, entry) in entries.iter_mut().enumerate() {
                match entry.fate {
                    Fate::Open if i < *last => entry.fate = Fate::Done(now()),
                    Fate::Open | Fate::Done(_) if i >= *last => {
                        left_behind += u64::from(entry.fate != Fate::Open);
                        entry.fate = Fate::Never;
                    }
                    _ => {}
                }
            }
        }
        left_behind
    }

    /// How many transactions are known to be committed.
    pub fn committed(&self) -> usize {
        let done = |entry: &&Entry| matches!(entry.fate, Fate::Done(_));
        self.workers.iter().map(|entries| entries.iter().filter(done).count()).sum()
    }

    /// Compares every row of a database with what must be in it.
    pub async fn compare(&self, client: &Client, window: Window) -> Verdict {
        let found = Found::of(client).await;
        let mut verdict = Verdict::default();
        for (worker, entries) in self.workers.iter().enumerate() {
            let there = found.receipts.get(&worker).cloned().unwrap_or_default();
            let last = there.keys().next_back().copied().unwrap_or(0);
            verdict.last[worker] = last;
            transactions(worker, entries, &there, window, &mut verdict);
            events(worker, entries, &there, &found, &mut verdict);
            accounts(worker, entries, &there, &found, &mut verdict);
        }
        verdict
    }
}

/// The receipts: one per transaction, for ever.
fn transactions(
    worker: usize,
    entries: &[Entry],
    there: &BTreeMap<usize, i32>,
    window: Window,
    verdict: &mut Verdict,
) {
    let last = there.keys().next_back().copied().unwrap_or(0);
    for (i, entry) in entries.iter().enumerate() {
        let serial = i + 1;
        let told =
            || format!("worker {worker}, transaction {serial}, {entry:?}, the last is {last}, {window:?}");
        match (entry.fate, there.get(&serial)) {
            // Later ones of the same worker are there, so this one was before them.
            (Fate::Done(_), None) if serial < last => verdict.blame(1, || format!("gap: {}", told())),
            (Fate::Done(by), None) if by <= window.all_until => {
                verdict.blame(1, || format!("lost: {}", told()));
            }
            (Fate::Never, Some(_)) => verdict.blame(1, || format!("was never committed: {}", told())),
            (_, Some(_)) if entry.before > window.none_after => {
                verdict.blame(1, || format!("from after the target: {}", told()));
            }
            (_, Some(events)) if usize::try_from(*events) != Ok(entry.events.len()) => {
                verdict.blame(1, || format!("other content: {}", told()));
            }
            _ => {}
        }
        verdict.rows += u64::from(there.contains_key(&serial));
    }
    for serial in there.range(entries.len() + 1..).map(|(serial, _)| *serial) {
        verdict.blame(1, || format!("worker {worker}: nobody has sent transaction {serial}"));
    }
}

/// The events: several per transaction, until so many later ones have been committed.
fn events(
    worker: usize,
    entries: &[Entry],
    there: &BTreeMap<usize, i32>,
    found: &Found,
    verdict: &mut Verdict,
) {
    let last = there.keys().next_back().copied().unwrap_or(0);
    let mut expected = BTreeMap::new();
    for serial in there.range((last + 1).saturating_sub(KEPT)..).map(|(serial, _)| *serial) {
        let Some(entry) = entries.get(serial.wrapping_sub(1)) else { continue };
        expected.extend(entry.events.iter().enumerate().map(|(part, sum)| ((serial, part + 1), *sum)));
    }
    let empty = BTreeMap::new();
    let actual = found.events.get(&worker).unwrap_or(&empty);
    verdict.rows += actual.len() as u64;
    for (place, sum) in &expected {
        if actual.get(place) != Some(sum) {
            let how = if actual.contains_key(place) { "another" } else { "missing" };
            verdict.blame(1, || format!("worker {worker}: event {place:?} is {how}, the last is {last}"));
        }
    }
    for place in actual.keys().filter(|place| !expected.contains_key(*place)) {
        verdict
            .blame(1, || format!("worker {worker}: event {place:?} must not be there, the last is {last}"));
    }
}

/// The accounts: each names the last transaction it took part in. Half a transaction would show here.
fn accounts(
    worker: usize,
    entries: &[Entry],
    there: &BTreeMap<usize, i32>,
    found: &Found,
    verdict: &mut Verdict,
) {
    let mut expected = (0..ACCOUNTS).map(|account| (account, 0)).collect::<BTreeMap<_, _>>();
    for serial in there.keys() {
        if let Some(entry) = entries.get(serial.wrapping_sub(1)) {
            expected.insert(entry.account, *serial);
        }
    }
    let empty = BTreeMap::new();
    let actual = found.accounts.get(&worker).unwrap_or(&empty);
    verdict.rows += actual.len() as u64;
    for account in 0..ACCOUNTS {
        let (is, must) = (actual.get(&account), expected.get(&account));
        if is != must {
            verdict
                .blame(1, || format!("worker {worker}, account {account}: its last is {is:?}, not {must:?}"));
        }
    }
}

/// What is in a database, by worker.
struct Found {
    /// How many events each transaction has.
    receipts: BTreeMap<usize, BTreeMap<usize, i32>>,
    events: BTreeMap<usize, BTreeMap<(usize, usize), Sum>>,
    accounts: BTreeMap<usize, BTreeMap<u16, usize>>,
}

impl Found {
    async fn of(client: &Client) -> Self {
        let (mut receipts, mut events, mut accounts) = (
            BTreeMap::<_, BTreeMap<_, _>>::new(),
            BTreeMap::<_, BTreeMap<_, _>>::new(),
            BTreeMap::<_, BTreeMap<_, _>>::new(),
        );
        let number = |n: i64| usize::try_from(n).unwrap();
        for row in client.query("select worker::int8, serial, events from receipt", &[]).await.unwrap() {
            receipts.entry(number(row.get(0))).or_default().insert(number(row.get(1)), row.get(2));
        }
        let select = "select worker::int8, serial, part, md5(body) from event";
        for row in client.query(select, &[]).await.unwrap() {
            let mut sum = [0; 16];
            hex::decode_to_slice(row.get::<_, &str>(3), &mut sum).unwrap();
            events
                .entry(number(row.get(0)))
                .or_default()
                .insert((number(row.get(1)), number(row.get(2))), sum);
        }
        let select = "select worker::int8, account, last from account";
        for row in client.query(select, &[]).await.unwrap() {
            let account = u16::try_from(row.get::<_, i32>(1)).unwrap();
            accounts.entry(number(row.get(0))).or_default().insert(account, number(row.get(2)));
        }
        Self { receipts, events, accounts }
    }
}
