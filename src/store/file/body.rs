//! The bytes of a file, as a stream.

use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::off_thread;
use crate::disk;
use crate::error::{Error, Result};
use crate::store::ByteStream;

/// At most so much of a file is read, and held, at once.
const CHUNK: u64 = 1 << 20;

/// The bytes of `file` that lie in `range`.
pub(super) fn stream(file: fs_err::File, range: Range<u64>) -> ByteStream {
    stream::try_unfold((file, range), |(file, rest)| async move {
        if rest.is_empty() {
            return Ok(None);
        }
        let chunk = rest.start..rest.end.min(rest.start + CHUNK);
        let next = chunk.end..rest.end;
        let (bytes, file) = off_thread(move || Ok((read(&file, &chunk)?, file))).await?;
        Ok(Some((bytes, (file, next))))
    })
    .boxed()
}

fn read(file: &fs_err::File, chunk: &Range<u64>) -> Result<Bytes> {
    let length = usize::try_from(chunk.end - chunk.start).expect("a chunk is at most 1 MiB");
    let mut bytes = vec![0; length];
    match file.file().read_exact_at(&mut bytes, chunk.start) {
        Ok(()) => Ok(bytes.into()),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            let path = file.path().display();
            Err(Error::corrupt(format!("{path} ends before byte {}, where it ended when opened", chunk.end)))
        }
        Err(e) => {
            Err(disk::explain(std::io::Error::new(e.kind(), format!("{}: {e}", file.path().display()))))
        }
    }
}
