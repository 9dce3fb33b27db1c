//! What `check` proved about a store, for how long it is believed.

use jiff::{SignedDuration, Timestamp};

use super::Spool;
use crate::disk;
use crate::error::Result;

/// A service can be exchanged behind its address, so proof is not believed for ever.
const BELIEVED_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Spool {
    /// Whether this store has been proved, not too long ago, to refuse the second of two racing
    /// exclusive writers. What cannot be read counts as not proved.
    pub fn proved_exclusive(&self, store: &str, now: Timestamp) -> bool {
        let proved: Option<Timestamp> = std::fs::read_to_string(self.root.join("proofs").join(store))
            .ok()
            .and_then(|t| t.trim().parse().ok());
        proved.is_some_and(|at| at <= now && now.duration_since(at) < BELIEVED_FOR)
    }

    /// Remembers what was seen.
    pub fn remember_exclusive(&self, store: &str, proved: bool, now: Timestamp) -> Result<()> {
        let file = self.folder("proofs")?.join(store);
        if proved {
            return super::remember(&file, now.to_string().as_bytes());
        }
        match disk::remove(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_bound_to_its_store_and_expires() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(&dir.path().join("spool")).unwrap();
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert!(!spool.proved_exclusive("a", now));
        spool.remember_exclusive("a", true, now).unwrap();
        assert!(spool.proved_exclusive("a", now));
        assert!(!spool.proved_exclusive("b", now));
        assert!(!spool.proved_exclusive("a", now + BELIEVED_FOR));
        // A clock that went back must not make a proof last for ever.
        assert!(!spool.proved_exclusive("a", now - SignedDuration::from_hours(1)));
        spool.remember_exclusive("a", false, now).unwrap();
        assert!(!spool.proved_exclusive("a", now));
    }
}
