//! Length and SHA-256 of what passes by.

use std::fmt;
use std::str::FromStr;

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

#[cfg(test)]
mod tests {
    use super::*;

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
