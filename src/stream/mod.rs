//! Bytes in motion: compressed, counted, digested and cut into parts, always in bounded memory.
//!
//! Everything here is synchronous and runs on the thread of whoever calls it. [`parts`] and
//! [`reader`] are the two bridges to the asynchronous side, each a queue of stated length.

pub mod buffer;
pub mod codec;
pub mod digest;
pub mod gzip_blocks;
pub mod parts;
pub mod pool;
pub mod reader;

use std::io::{ErrorKind, Read, Result};

/// Reads until the piece is full or the source ends; how many bytes there were.
pub fn fill(from: &mut (impl Read + ?Sized), piece: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < piece.len() {
        match from.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, and is interrupted before each.
    struct Drip<'a>(&'a [u8], bool);

    impl Read for Drip<'_> {
        fn read(&mut self, piece: &mut [u8]) -> Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            self.0.read(&mut piece[..1])
        }
    }

    #[test]
    fn a_piece_is_filled_although_the_source_drips_and_is_interrupted() {
        let (mut drip, mut piece) = (Drip(b"abcde", false), [0; 3]);
        assert_eq!((fill(&mut drip, &mut piece).unwrap(), &piece), (3, b"abc"));
        assert_eq!((fill(&mut drip, &mut piece).unwrap(), &piece[..2]), (2, &b"de"[..]));
        assert_eq!(fill(&mut drip, &mut piece).unwrap(), 0);
    }
}
