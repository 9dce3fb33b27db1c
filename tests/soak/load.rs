//! The load: workers that write, at a pace that changes, and go on when PostgreSQL comes back.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, Config, Error};

use super::chance::Chance;
use super::ledger::{ACCOUNTS, KEPT, Ledger, WORKERS};
use crate::common::pg::connect;

/// Transactions per second of one worker, one pace after the other as chance has it.
const PACES: [u32; 6] = [1, 3, 10, 20, 40, 5];
/// How long a statement may take; longer, and PostgreSQL or this program has hung.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where PostgreSQL is; nowhere while another one takes its place.
pub type Place = Option<Config>;

/// The workers.
pub struct Load {
    pub ledger: Arc<Mutex<Ledger>>,
    place: Arc<watch::Sender<Place>>,
    enough: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins to write.
    pub fn start(address: Config, seed: u64) -> Self {
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let place = Arc::new(watch::Sender::new(Some(address)));
        let enough = Arc::new(AtomicBool::new(false));
        let tempo = Arc::new(AtomicU32::new(PACES[2]));
        let mut tasks = (0..WORKERS)
            .map(|worker| {
                let worker = Worker {
                    number: worker,
                    ledger: Arc::clone(&ledger),
                    tempo: Arc::clone(&tempo),
                    enough: Arc::clone(&enough),
                    chance: Chance::new(seed, 100 + worker as u64),
                };
                tokio::spawn(worker.work(place.subscribe()))
            })
            .collect::<Vec<_>>();
        let (mut chance, done) = (Chance::new(seed, 99), Arc::clone(&enough));
        tasks.push(tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                tempo.store(*chance.one_of(&PACES), Ordering::Relaxed);
                sleep(chance.between(2_000, 10_000)).await;
            }
        }));
        Self { ledger, place, enough, tasks }
    }

    /// PostgreSQL is there from now on.
    pub fn move_to(&self, place: Place) {
        self.place.send_replace(place);
    }

    /// Tells where PostgreSQL is.
    pub fn place(&self) -> watch::Receiver<Place> {
        self.place.subscribe()
    }

    /// # Panics
    /// When a worker has ended.
    pub fn must_go_on(&self) {
        assert!(!self.tasks.iter().any(JoinHandle::is_finished), "a worker of the load has failed");
    }

    /// No more of it.
    pub async fn end(self) -> Ledger {
        self.enough.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("a worker of the load does not fail");
        }
        self.ledger.lock().unwrap().clone()
    }
}

struct Worker {
    number: usize,
    ledger: Arc<Mutex<Ledger>>,
    tempo: Arc<AtomicU32>,
    enough: Arc<AtomicBool>,
    chance: Chance,
}

impl Worker {
    async fn work(mut self, mut place: watch::Receiver<Place>) {
        while !self.enough() {
            let Some(address) = place.borrow_and_update().clone() else {
                let _ = timeout(Duration::from_millis(200), place.changed()).await;
                continue;
            };
            let Err(e) = self.write_until_it_breaks(&address, &place).await else { continue };
            let code = e.code().map(tokio_postgres::error::SqlState::code);
            assert!(code.is_none_or(|c| c.starts_with("57")), "only a stop may disturb the load: {e:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn enough(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }

    /// Finds out how far it had come, and goes on.
    async fn write_until_it_breaks(
        &mut self,
        address: &Config,
        place: &watch::Receiver<Place>,
    ) -> Result<(), Error> {
        let mut client = connect(address).await?;
        let worker = i32::try_from(self.number).unwrap();
        let select = "select coalesce(max(serial), 0) from receipt where worker = $1";
        let last: i64 = client.query_one(select, &[&worker]).await?.get(0);
        let settled = self.ledger.lock().unwrap().settle(self.number, usize::try_from(last).unwrap());
        settled.unwrap();
        while !self.enough() && !place.has_changed().unwrap_or(true) {
            // Never given up halfway: nobody could tell then what becomes of a COMMIT that is under way.
            timeout(PATIENCE, self.transaction(&mut client)).await.expect("PostgreSQL answers")?;
            let pause = 1_000_000 / u64::from(self.tempo.load(Ordering::Relaxed));
            let most = Duration::from_micros(2 * pause);
            sleep(self.chance.within(most).min(Duration::from_millis(500))).await;
        }
        Ok(())
    }

    /// One of several kinds.
    async fn transaction(&mut self, client: &mut Client) -> Result<(), Error> {
        let kind = self.chance.below(100);
        let (count, length) = match kind {
            0 => (300, 2000),
            1..=9 => (20, 1500),
            _ => (1 + self.chance.below(3), 50 + self.chance.below(3000)),
        };
        let bodies = (0..count).map(|_| self.body(length)).collect::<Vec<_>>();
        let account = u16::try_from(self.chance.below(u64::from(ACCOUNTS))).unwrap();
        let serial = self.ledger.lock().unwrap().open(self.number, account, &bodies);
        let transaction = client.transaction().await?;
        self.fill(&transaction, serial, account, &bodies).await?;
        if (10..13).contains(&kind) {
            // Open for some time, across segments, checkpoints, backups and whatever else happens.
            sleep(self.chance.between(500, 4_000)).await;
        }
        if (13..16).contains(&kind) {
            return transaction.rollback().await;
        }
        self.ledger.lock().unwrap().commits(self.number, serial);
        transaction.commit().await?;
        self.ledger.lock().unwrap().done(self.number, serial);
        Ok(())
    }

    async fn fill(
        &self,
        client: &tokio_postgres::Transaction<'_>,
        serial: usize,
        account: u16,
        bodies: &[String],
    ) -> Result<(), Error> {
        let worker = i32::try_from(self.number).unwrap();
        let (serial, old) =
            (i64::try_from(serial).unwrap(), i64::try_from(serial.saturating_sub(KEPT)).unwrap());
        let (account, count) = (i32::from(account), i32::try_from(bodies.len()).unwrap());
        let statement = "insert into event select $1::int, $2::int8, part, body
             from unnest($3::text[]) with ordinality as sent (body, part)";
        client.execute(statement, &[&worker, &serial, &bodies]).await?;
        let statement = "update account set last = $3 where worker = $1 and account = $2";
        client.execute(statement, &[&worker, &account, &serial]).await?;
        client.execute("delete from event where worker = $1 and serial <= $2", &[&worker, &old]).await?;
        client.execute("insert into receipt values ($1, $2, $3)", &[&worker, &serial, &count]).await?;
        Ok(())
    }

    /// Text that does not compress well.
    fn body(&mut self, length: u64) -> String {
        let mut text = String::new();
        while (text.len() as u64) < length {
            let _ = write!(text, "{:016x}", self.chance.bits());
        }
        text
    }
}
