//! Everybody who takes part, and what several steps need of them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use tokio_postgres::Client;
use tokio_postgres::types::PgLsn;

use super::archive::Watch;
use super::calls::{Calls, How};
use super::chance::Chance;
use super::figures::Figures;
use super::ledger::Ledger;
use super::load::Load;
use super::marks::Marks;
use super::now;
use super::weather::{Allowed, Weather};
use crate::common::barkeep::{BUCKET, Barkeep, PATH};
use crate::common::moto::Moto;
use crate::common::pg::{NEWEST, Server, Shutdown};
use crate::common::{Scratch, wait_for};

/// How long what was written may take to be in the archive when nothing is in its way.
const PATIENCE: Duration = Duration::from_mins(4);

/// Everybody who takes part. What uses others is dropped before them.
pub struct Scene {
    pub load: Load,
    pub marks: Marks,
    pub client: Client,
    pub primary: Server,
    pub weather: Weather,
    pub watch: Watch,
    pub calls: Calls,
    /// The binary, with the weather between it and the store.
    pub barkeep: Barkeep,
    /// The same without.
    pub beside: Barkeep,
    pub chance: Chance,
    /// The timeline PostgreSQL is on.
    pub timeline: u32,
    /// When each backup that we saw succeed had ended, by its name.
    pub ended: Vec<(String, i64)>,
    pub figures: Arc<Mutex<Figures>>,
    /// For names that are not used again.
    pub count: u32,
    /// Kept until the others are gone: it is the store.
    _moto: Moto,
}

/// A backup, as `backup-list` tells it.
#[derive(Debug, Deserialize)]
pub struct Listed {
    pub name: Option<String>,
    pub status: String,
}

impl Scene {
    /// A PostgreSQL under load that archives to an empty store.
    pub async fn new(scratch: &Scratch, seed: u64, figures: Arc<Mutex<Figures>>) -> Self {
        let moto = Moto::http(scratch).await;
        moto.create_bucket(BUCKET).await;
        let weather = Weather::before(moto.port(), Chance::new(seed, 2)).await;
        let beside = Barkeep::on_moto(scratch, &moto);
        let mut reach = moto.reach_at(weather.port(), BUCKET);
        // PostgreSQL tries again by itself; shorter attempts are more of them.
        reach.variables.push(("BARKEEP_WAL_ARCHIVE_RETRY_FOR", "10s".to_owned()));
        reach.variables.push(("BARKEEP_WAL_RESTORE_RETRY_FOR", "10s".to_owned()));
        let barkeep = Barkeep::on(scratch, reach);
        let store = moto.reach(BUCKET);
        let exclusive = barkeep::store::ExclusivePut::AskFirst;
        let watch = Watch::new(store.open(&store.url(PATH), exclusive).await);
        let calls = Calls::new(scratch);

        let mut primary = Server::init(scratch, NEWEST, 1, &barkeep);
        primary.set(&[
            ("archive_command", &calls.around(&barkeep.archive_command())),
            ("checkpoint_timeout", "30s"),
            ("max_wal_size", "16MB"),
            ("autovacuum_naptime", "5s"),
        ]);
        let client = primary.start().await;
        Ledger::prepare(&client).await;
        let load = Load::start(primary.address(), seed);
        let marks = Marks::make(load.place());
        let chance = Chance::new(seed, 1);
        Self {
            load,
            marks,
            client,
            primary,
            weather,
            watch,
            calls,
            barkeep,
            beside,
            chance,
            timeline: 1,
            ended: Vec::new(),
            figures,
            count: 0,
            _moto: moto,
        }
    }

    /// A name that nothing had before.
    pub fn name(&mut self, of: &str) -> String {
        self.count += 1;
        format!("{of}{}", self.count)
    }

    /// Counts.
    pub fn tell(&self, count: impl FnOnce(&mut Figures)) {
        count(&mut self.figures.lock().unwrap());
    }

    /// Brings all figures up to date, and looks whether all is well.
    pub async fn look(&mut self) {
        self.load.must_go_on();
        self.calls.collect();
        self.watch.look().await;
        let transactions = self.load.ledger.lock().unwrap().committed();
        let (files, bytes) = self.watch.archived();
        let mut figures = self.figures.lock().unwrap();
        (figures.transactions, figures.wal_files, figures.wal_bytes) = (transactions, files, bytes);
        figures.weather = self.weather.seen();
        figures.calls.clone_from(&self.calls.verbs);
        figures.wal_deleted = self.watch.gone;
    }

    /// Waits until all that was acknowledged up to now is in the archive, and something behind it; the moment.
    pub async fn archived_until_now(&mut self) -> i64 {
        self.weather.allow(Allowed::Fine).await;
        self.calls.set_clock(0);
        let moment = now();
        self.client.execute("insert into pulse values (clock_timestamp())", &[]).await.unwrap();
        let end: PgLsn = self.client.query_one("select pg_switch_wal()", &[]).await.unwrap().get(0);
        let (timeline, end) = (self.timeline, u64::from(end));
        let (watch, primary) = (&mut self.watch, &mut self.primary);
        wait_for("all WAL is archived", PATIENCE, async || {
            primary.must_run();
            watch.look().await;
            (watch.end_of(timeline) >= end).then_some(())
        })
        .await;
        moment
    }

    /// All backups that are there and done, oldest first.
    pub fn backups(&mut self) -> Vec<Listed> {
        #[derive(Deserialize)]
        struct Told {
            backups: Vec<Listed>,
        }
        let (ended, told, err) =
            self.calls.by_hand(&self.beside, &["backup-list", "--json"], &How::default());
        assert_eq!(ended.status, 0, "backup-list: {err}");
        let told: Told = serde_json::from_str(&told).unwrap();
        told.backups.into_iter().filter(|backup| backup.status == "DONE").collect()
    }

    /// When the oldest backup that is there had ended: every later moment can be restored.
    pub fn first_moment(&mut self) -> (String, i64) {
        let there = self.backups();
        let known = self.ended.iter().filter(|(name, _)| there.iter().any(|b| b.name.as_ref() == Some(name)));
        known.min_by_key(|(_, ended)| *ended).cloned().expect("there is always a backup")
    }

    /// Stops PostgreSQL like a crash.
    pub fn crash(&mut self) {
        tokio::task::block_in_place(|| self.primary.stop(Shutdown::Immediate));
        self.tell(|figures| figures.immediate_stops += 1);
    }
}

/// Removes a server's directory; what was killed may still be creating its last file.
pub fn remove(server: Server) {
    let home: PathBuf = server.data().parent().unwrap().to_owned();
    drop(server);
    for _ in 0..50 {
        if std::fs::remove_dir_all(&home).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
