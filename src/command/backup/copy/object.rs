//! One object on its way: what is written is compressed, cut into parts and sent.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::queue::Opened;
use super::shared::{Piece, Shared, What};
use crate::archive::MANIFEST_COMPRESSION;
use crate::error::{Context, Error, Result};
use crate::model::{Series, SystemId, TarName};
use crate::pgdata::manifest::{ManifestEntry, ManifestWriter, WalRange};
use crate::pgdata::tar::TarWriter;
use crate::stream::codec::{self, Encoder};
use crate::stream::pool::PoolWriter;

/// Bytes of a manifest that are gathered before they are compressed.
const GATHERED: usize = 64 << 10;

type BoxedEncoder = Box<dyn Encoder + Send>;

/// The parts of an object. An object whose parts are dropped before they are finished is forgotten.
struct Parts {
    writer: SharedWriter,
    to: mpsc::UnboundedSender<Piece>,
}

/// Written to by the encoder, which keeps its output to itself, and asked by the stream.
#[derive(Clone)]
struct SharedWriter(Arc<Mutex<PoolWriter>>);

impl Write for SharedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|writer| writer.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SharedWriter {
    fn with<T>(&self, f: impl FnOnce(&mut PoolWriter) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Parts {
    fn begin(shared: &Arc<Shared>, what: What) -> Self {
        let to = shared.start_upload(what);
        let pool = shared.pool.clone();
        let (sender, shared) = (to.clone(), Arc::clone(shared));
        let sink = move |part: Bytes| {
            shared.before_sending(part.len() as u64)?;
            sender.send(Piece::Part(part)).map_err(|_| not_sent())
        };
        let writer = PoolWriter::new(pool, Box::new(sink));
        Self { writer: SharedWriter(Arc::new(Mutex::new(writer))), to }
    }

    fn output(&self) -> Box<dyn Write + Send> {
        Box::new(self.writer.clone())
    }

    fn finish(self) -> Result<()> {
        self.writer.with(PoolWriter::finish)?;
        self.to.send(Piece::Whole).map_err(|_| not_sent())
    }
}

/// Whoever sends it has failed, and says why.
fn not_sent() -> Error {
    Error::unavailable("the object is not being sent any more")
}

/// A tar under way.
pub(super) struct OpenTar {
    pub(super) tar: TarWriter<BoxedEncoder>,
    name: TarName,
    parts: Parts,
}

impl OpenTar {
    /// Begins one.
    pub(super) fn begin(shared: &Arc<Shared>, name: TarName) -> Result<Self> {
        let parts = Parts::begin(shared, What::Tar(name));
        let encoder =
            codec::parallel_encoder(shared.compression, shared.level, shared.workers, parts.output())?;
        Ok(Self { tar: TarWriter::new(encoder), name, parts })
    }

    /// Whose files it holds, and how much of it has left the encoder.
    pub(super) fn opened(&self) -> Opened {
        Opened { series: self.name.series, stored: self.parts.writer.with(|writer| writer.written()) }
    }

    /// Whether it is one of the data directory's.
    pub(super) fn is_of_data(&self) -> bool {
        self.name.series == Series::Data
    }

    /// Ends it; it becomes visible as soon as its last part is sent.
    pub(super) fn finish(self) -> Result<()> {
        let name = self.name;
        let finish = || {
            self.tar.finish()?.finish()?;
            self.parts.finish()
        };
        finish().context(|| format!("finish {name}.tar"))
    }
}

/// The manifest under way.
pub(super) struct OpenManifest {
    manifest: ManifestWriter<io::BufWriter<BoxedEncoder>>,
    parts: Parts,
}

impl OpenManifest {
    /// Begins it.
    pub(super) fn begin(shared: &Arc<Shared>, version: u32, system_id: SystemId) -> Result<Self> {
        let parts = Parts::begin(shared, What::Manifest);
        let level = MANIFEST_COMPRESSION.level(None);
        let encoder = codec::encoder(MANIFEST_COMPRESSION, level, parts.output())?;
        let gathered = io::BufWriter::with_capacity(GATHERED, encoder);
        Ok(Self { manifest: ManifestWriter::begin(gathered, version, system_id)?, parts })
    }

    /// Adds a file.
    pub(super) fn entry(&mut self, entry: &ManifestEntry) -> Result<()> {
        self.manifest.entry(entry).context(|| format!("list {}", entry.path.display()))
    }

    /// Ends it with the WAL that the backup needs.
    pub(super) fn finish(self, wal: &[WalRange]) -> Result<()> {
        let gathered = self.manifest.finish(wal)?;
        gathered.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
        self.parts.finish()
    }
}
