//! The WAL: every file decoded and compared with what is known of it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use futures_util::{StreamExt, stream};

use super::Work;
use crate::archive::MarkedWal;
use crate::command::fetch::verified;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Finding, Mark, SystemId, Turn, WalName, take_turn};
use crate::stream::digest::{Sha256Sum, Tally};

/// What came of reading one file.
enum Read {
    /// It is what it should be; what it holds is told of one that lies there in several forms.
    Sound(Option<Sha256Sum>),
    /// It is of another cluster.
    Foreign(SystemId, SystemId),
    /// Somebody has deleted it since it was listed.
    Gone,
}

/// What one of several forms of a file holds, as far as it is known.
struct Form(Option<Sha256Sum>);

/// Takes what is decoded, and digests it if anybody wants to know.
struct Sink(Option<Tally>);

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if let Some(tally) = &mut self.0 {
            tally.update(buf);
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Work<'_> {
    /// Which files are read. Forms of one file always are: whether they hold the same only reading both tells.
    pub(super) fn choose_wal(&self, turn: Turn) -> Vec<MarkedWal> {
        let all = &self.sight.wal;
        let marks: Vec<Mark> = all.iter().map(|marked| marked.mark).collect();
        let taken = self.keeper.decide(|ledger| take_turn(&marks, ledger, turn));
        let chosen =
            all.iter().zip(taken).filter(|(marked, taken)| *taken || self.sight.is_twin(&marked.object));
        chosen.map(|(marked, _)| *marked).collect()
    }

    /// Reads them, several at a time.
    pub(super) async fn read_wal(&self, chosen: Vec<MarkedWal>) {
        let reads = stream::iter(chosen).map(|marked| async move {
            let read = if self.is_hopeless() { None } else { Some(self.read_one(&marked).await) };
            (marked, read)
        });
        let mut reads = reads.buffer_unordered(self.at_once(0));
        let mut forms: BTreeMap<WalName, Vec<(String, Form)>> = BTreeMap::new();
        while let Some((marked, read)) = reads.next().await {
            let Some(read) = read else { continue };
            let key = self.archive.wal_key(&marked.object).unwrap_or_default();
            if let Some(form) = self.judge(&marked, &key, read) {
                forms.entry(marked.object.name).or_default().push((key, form));
            }
        }
        for (name, mut forms) in forms.into_iter().filter(|(_, forms)| forms.len() > 1) {
            forms.sort_by(|(one, _), (other, _)| one.cmp(other));
            let known: Option<Vec<Sha256Sum>> = forms.iter().map(|(_, form)| form.0).collect();
            let same = known.map(|sums| sums.windows(2).all(|pair| pair[0] == pair[1]));
            let keys = forms.into_iter().map(|(key, _)| key).collect();
            self.add(Finding::Twins { name, keys, same });
        }
    }

    /// Takes note of what was read; gives what it holds if it is one of several forms of a file.
    fn judge(&self, marked: &MarkedWal, key: &str, read: Result<Read>) -> Option<Form> {
        let is_twin = self.sight.is_twin(&marked.object);
        let digest = match read {
            Ok(Read::Sound(digest)) => {
                self.keeper.note(marked.mark);
                self.count(marked);
                digest
            }
            Ok(Read::Gone) => {
                self.found().figures.gone += 1;
                return None;
            }
            Ok(Read::Foreign(found, expected)) => {
                self.count(marked);
                self.add(Finding::ForeignWal { key: key.to_owned(), found, expected });
                None
            }
            Err(e) if e.kind() == ErrorKind::Corrupt => {
                self.count(marked);
                let is_told = matches!(marked.object.name, WalName::History(_)) && !is_twin;
                // What makes no sense among the histories was told with the lists.
                if !is_told {
                    self.add(Finding::BadWal { key: key.to_owned(), why: without(key, &e) });
                }
                None
            }
            Err(e) => {
                self.note_unread(key, &e);
                return None;
            }
        };
        is_twin.then_some(Form(digest))
    }

    fn count(&self, marked: &MarkedWal) {
        let wal = &mut self.found().figures.wal;
        wal.read += 1;
        wal.bytes += marked.object.stored_bytes;
    }

    async fn read_one(&self, marked: &MarkedWal) -> Result<Read> {
        let stored = self.archive.stored(&marked.object)?;
        let digests = self.sight.is_twin(&marked.object);
        let (object, recorded) = match self.archive.open_wal(&stored).await {
            Ok(opened) => opened,
            Err(e) if e.kind() == ErrorKind::Unavailable && !self.archive.still_has(&stored).await? => {
                return Ok(Read::Gone);
            }
            Err(e) => return Err(e),
        };
        let sink = Sink(digests.then(Tally::default));
        let (sink, header) = verified(self.flow.through(object), &stored, recorded, None, sink).await?;
        if let Some((expected, header)) = self.sight.system_id.zip(header)
            && header.system_id != expected
        {
            return Ok(Read::Foreign(header.system_id, expected));
        }
        Ok(Read::Sound(sink.0.map(Tally::finish)))
    }
}

/// The error less the words that name the key, which the finding names.
pub(super) fn without(key: &str, e: &Error) -> String {
    let text = e.to_string();
    text.strip_prefix(&format!("read {key}: ")).map(str::to_owned).unwrap_or(text)
}
