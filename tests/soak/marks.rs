//! Points of the WAL that have a name, with moments before and after them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::types::PgLsn;
use tokio_postgres::{Client, Error};

use super::load::Place;
use super::now;
use crate::common::pg::connect;

/// How often a restore point is made.
const EVERY: Duration = Duration::from_millis(500);
/// An hour of them.
const MOST: usize = 8000;

/// A restore point.
#[derive(Debug, Clone)]
pub struct Mark {
    /// What was acknowledged by then lies before it.
    pub before: i64,
    /// What was begun after that lies behind it.
    pub after: i64,
    /// Where it ends.
    pub lsn: u64,
    pub name: String,
}

/// All that were made, oldest first, and who makes more.
pub struct Marks {
    all: Arc<Mutex<VecDeque<Mark>>>,
    task: JoinHandle<()>,
}

impl Marks {
    /// Makes one again and again wherever PostgreSQL is.
    pub fn make(place: watch::Receiver<Place>) -> Self {
        let all = Arc::default();
        let task = tokio::spawn(make(place, Arc::clone(&all)));
        Self { all, task }
    }

    /// All that were made, oldest first.
    pub fn all(&self) -> Vec<Mark> {
        self.all.lock().unwrap().iter().cloned().collect()
    }

    /// What lies beyond is on a timeline that was left.
    pub fn forget_beyond(&self, lsn: u64) {
        self.all.lock().unwrap().retain(|mark| mark.lsn <= lsn);
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn make(place: watch::Receiver<Place>, all: Arc<Mutex<VecDeque<Mark>>>) {
    let mut number = 0_u64;
    loop {
        sleep(EVERY).await;
        let Some(address) = place.borrow().clone() else { continue };
        let Ok(client) = connect(&address).await else { continue };
        // Until the connection breaks, which is nothing to worry about here.
        while let Ok(mark) = one(&client, number).await {
            number += 1;
            push(&mut all.lock().unwrap(), mark);
            sleep(EVERY).await;
        }
        number += 1;
    }
}

fn push(all: &mut VecDeque<Mark>, mark: Mark) {
    all.push_back(mark);
    if all.len() > MOST {
        all.pop_front();
    }
}

async fn one(client: &Client, number: u64) -> Result<Mark, Error> {
    let (before, name) = (now(), format!("mark {number}"));
    let lsn: PgLsn = client.query_one("select pg_create_restore_point($1)", &[&name]).await?.get(0);
    Ok(Mark { before, after: now(), lsn: lsn.into(), name })
}
