//! Length and SHA-256 of what passes by.

use std::fmt;
use std::io::{Read, Write};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// A SHA-256, printed as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Sum(pub [u8; 32]);

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Sha256Sum {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut sum = [0; 32];
        hex::decode_to_slice(text, &mut sum)
            .map_err(|_| Error::corrupt(format!("`{text}` is not a SHA-256 (64 hexadecimal digits)")))?;
        Ok(Self(sum))
    }
}

/// Counts and digests the bytes it is shown.
#[derive(Clone, Default)]
pub struct Tally {
    sha256: Sha256,
    bytes: u64,
}

impl Tally {
    /// Takes note of the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// How many bytes so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The digest of all of them.
    pub fn finish(self) -> Sha256Sum {
        Sha256Sum(self.sha256.finalize().into())
    }
}

/// How much [`copy`] reads, digests and writes at a time: enough to be quick, little enough to stay in the
/// processor's cache between the three.
const PIECE: usize = 64 << 10;
/// How many pieces may wait to be digested.
const PIECES_AHEAD: usize = 2;

/// Writes to `to` all there is to read, and digests it on a thread beside: for one file that somebody waits
/// for, codec and digest together take as long as the longer one. Memory: four pieces of 64 KiB.
pub fn copy(mut from: impl Read, to: &mut dyn Write) -> Result<Tally> {
    thread::scope(|scope| {
        let (pieces, queue) = sync_channel::<Arc<Vec<u8>>>(PIECES_AHEAD);
        let digesting = thread::Builder::new().name("digest".to_owned()).spawn_scoped(scope, move || {
            let mut tally = Tally::default();
            for piece in queue {
                tally.update(&piece);
            }
            tally
        })?;
        let copied = feed(&mut from, &pieces, to);
        // Without a sender the thread comes to its end.
        drop(pieces);
        let tally = digesting.join().map_err(|_| ended())?;
        copied.map(|()| tally)
    })
}

fn feed(from: &mut impl Read, pieces: &SyncSender<Arc<Vec<u8>>>, to: &mut dyn Write) -> Result<()> {
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        from.take(PIECE as u64).read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Ok(());
        }
        let piece = Arc::new(piece);
        pieces.send(Arc::clone(&piece)).map_err(|_| ended())?;
        to.write_all(&piece)?;
    }
}

fn ended() -> Error {
    Error::bug("the digesting thread ended")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_copy_is_whole_and_digested() {
        for len in [0, 1, PIECE, 5 * PIECE + 1] {
            let plain = (0..len).map(|i| i.to_le_bytes()[0]).collect::<Vec<_>>();
            let mut copied = Vec::new();
            let tally = copy(plain.as_slice(), &mut copied).unwrap();
            assert!(copied == plain, "{len} bytes");
            let mut expected = Tally::default();
            expected.update(&plain);
            assert_eq!((tally.bytes(), tally.finish()), (len as u64, expected.finish()));
        }
    }

    #[test]
    fn what_cannot_be_read_or_written_ends_a_copy() {
        let plain = vec![7; 3 * PIECE];
        let mut room = vec![0; PIECE + 1];
        let full = copy(plain.as_slice(), &mut room.as_mut_slice()).map(|tally| tally.bytes()).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::Local);
        let broken = io::Error::from(Error::corrupt("it breaks off"));
        let broken = plain.as_slice().chain(Broken(Some(broken)));
        let broken = copy(broken, &mut io::sink()).map(|tally| tally.bytes()).unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::Corrupt);
    }

    struct Broken(Option<io::Error>);

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0.take().map_or(Ok(0), Err)
        }
    }

    #[test]
    fn a_tally_is_the_length_and_sha_256_of_everything_seen() {
        let mut tally = Tally::default();
        tally.update(b"a");
        tally.update(b"bc");
        assert_eq!(tally.bytes(), 3);
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let sum = tally.finish();
        assert_eq!(sum.to_string(), text);
        assert_eq!(text.parse::<Sha256Sum>().unwrap(), sum);
        assert!("ba78".parse::<Sha256Sum>().is_err());
    }
}
