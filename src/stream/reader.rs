//! From an asynchronous byte stream to a synchronous reader.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;

use crate::error::Result;

/// How many pieces may wait between the two sides. A piece is what the network gave at once, at most
/// a few hundred KiB in practice.
const QUEUE: usize = 4;

/// A reader for a blocking thread, and the pump that feeds it from `stream` and must be polled
/// meanwhile. An error of the stream comes out of the reader once, whole, inside an `io::Error`. The
/// pump ends when the stream does, or when the reader is dropped; a pump that is dropped before makes
/// the reader fail, so that a stream cut short is never taken for a whole one.
pub fn reader<S>(mut stream: S) -> (StreamReader, impl Future<Output = ()>)
where
    S: Stream<Item = Result<Bytes>> + Unpin,
{
    let (to, from) = mpsc::channel(QUEUE);
    let pump = async move {
        while let Some(piece) = stream.next().await {
            if piece.as_ref().is_ok_and(Bytes::is_empty) {
                continue;
            }
            if to.send(piece).await.is_err() {
                return;
            }
        }
        // An empty piece is the end; streams may have empty pieces of their own, which are left out.
        let _ = to.send(Ok(Bytes::new())).await;
    };
    (StreamReader { from, piece: Bytes::new(), ended: false }, pump)
}

/// The reading end of [`reader`].
pub struct StreamReader {
    from: mpsc::Receiver<Result<Bytes>>,
    piece: Bytes,
    ended: bool,
}

impl Read for StreamReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && !self.ended {
            let broken_off = || io::Error::new(io::ErrorKind::UnexpectedEof, "the transfer was given up");
            self.piece = self.from.blocking_recv().ok_or_else(broken_off)??;
            self.ended = self.piece.is_empty();
        }
        let n = self.piece.len().min(buf.len());
        self.piece.copy_to_slice(&mut buf[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::error::{Error, ErrorKind};

    #[tokio::test]
    async fn a_stream_is_read_to_its_end_and_its_error_comes_out_whole() {
        let pieces = vec![Ok(Bytes::from_static(b"ab")), Ok(Bytes::new()), Ok(Bytes::from_static(b"c"))];
        let (mut good, pump) = reader(stream::iter(pieces));
        let read = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            good.read_to_string(&mut text).map(|_| text)
        });
        pump.await;
        assert_eq!(read.await.unwrap().unwrap(), "abc");

        let (mut bad, pump) = reader(stream::iter(vec![Err(Error::unavailable("reset"))]));
        let read = tokio::task::spawn_blocking(move || bad.read(&mut [0; 8]));
        pump.await;
        assert_eq!(Error::from(read.await.unwrap().unwrap_err()).kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn a_pump_given_up_early_is_not_the_end_of_the_stream() {
        let (mut cut, pump) = reader(stream::iter(vec![Ok(Bytes::from_static(b"ab"))]));
        drop(pump);
        let read = tokio::task::spawn_blocking(move || cut.read(&mut [0; 8]));
        assert_eq!(read.await.unwrap().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn the_pump_ends_when_the_reader_is_dropped() {
        let (dropped, pump) = reader(stream::repeat_with(|| Ok(Bytes::from_static(b"x"))));
        drop(dropped);
        pump.await;
    }
}
