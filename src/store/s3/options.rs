//! What can be said about how an S3 bucket is reached.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::error::{Context, Error, Result};
use crate::store::Pem;

/// How a bucket is reached, beyond its URL. The default leaves everything to the environment and the
/// profile files that all AWS tools share.
#[derive(Debug, Clone, Default)]
pub struct S3Options {
    /// The service's URL (an option, else `AWS_ENDPOINT_URL_S3`, else `AWS_ENDPOINT_URL`); without it,
    /// what the profile says, else AWS.
    pub endpoint: Option<String>,
    /// The region; without it `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, else `us-east-1`.
    pub region: Option<String>,
    /// The profile (an option, else `AWS_PROFILE`, else `default`); given here it comes before keys in
    /// the environment. One that somebody named must exist, and unless the environment has keys or a web
    /// identity, it must have credentials: the machine's own never stand in for it.
    pub profile: Option<String>,
    /// The keys to sign with; without them, every source that AWS's own tools know.
    pub keys: Option<AccessKeys>,
    /// Where the bucket's name goes in a request.
    pub addressing: Addressing,
    /// The only certificate authorities to trust, a PEM file (an option, else `AWS_CA_BUNDLE`, else
    /// `REQUESTS_CA_BUNDLE`); without it, the profile's, else those in `SSL_CERT_FILE`, else the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The same as text, in place of all files.
    pub ca_pem: Option<Pem>,
    /// How the service encrypts what it keeps; without it, as the bucket says.
    pub encryption: Option<Encryption>,
    /// Which checksums go with a request; without it, what `AWS_REQUEST_CHECKSUM_CALCULATION` and
    /// `AWS_RESPONSE_CHECKSUM_VALIDATION` or the profile say, else the service's default.
    pub checksums: Option<Checksums>,
}

/// Keys to sign requests with. `Debug` shows the public half only.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKeys {
    /// The public half, which the service knows us by.
    pub id: String,
    /// The secret half.
    pub secret: String,
    /// What belongs to temporary keys.
    pub session_token: Option<String>,
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKeys({}, ..)", self.id)
    }
}

/// Where the bucket's name goes in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addressing {
    /// The path for an endpoint that is given, the host name for AWS: what works nearly everywhere.
    #[default]
    Auto,
    /// `https://BUCKET.endpoint/key`.
    Virtual,
    /// `https://endpoint/BUCKET/key`.
    Path,
}

/// How the service encrypts what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// With keys of the service's own.
    Aes256,
    /// With a key of the key management service.
    Kms {
        /// Which; without it, the account's default key.
        key_id: Option<String>,
    },
    /// With a key that goes along with every request and that the service forgets.
    Customer(CustomerKey),
}

/// Which checksums go with a request and are verified on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksums {
    /// Only where S3 demands one. What every look-alike understands.
    WhenRequired,
    /// Wherever S3 knows one.
    WhenSupported,
}

impl FromStr for Addressing {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "auto" => Ok(Self::Auto),
            "virtual" => Ok(Self::Virtual),
            "path" => Ok(Self::Path),
            _ => Err(Error::usage(format!("addressing {word:?} is none of auto, virtual, path"))),
        }
    }
}

impl fmt::Display for Addressing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Virtual => "virtual",
            Self::Path => "path",
        })
    }
}

impl FromStr for Checksums {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word.to_ascii_lowercase().as_str() {
            "when_required" => Ok(Self::WhenRequired),
            "when_supported" => Ok(Self::WhenSupported),
            _ => Err(Error::usage(format!("checksums {word:?} are none of when_required, when_supported"))),
        }
    }
}

impl fmt::Display for Checksums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WhenRequired => "when_required",
            Self::WhenSupported => "when_supported",
        })
    }
}

/// A customer's encryption key of 256 bits. Neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerKey([u8; 32]);

impl CustomerKey {
    /// Reads the key a `file:///ABSOLUTE/PATH` names: base64 of exactly 32 bytes, white space around
    /// it ignored.
    pub fn read(url: &str) -> Result<Self> {
        let path = match url.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => Path::new(path),
            // The words are not repeated: somebody may have given the key itself.
            _ => {
                return Err(Error::usage("customer key is not given as file:///ABSOLUTE/PATH")
                    .hint("put the key, in base64, into a file of its own"));
            }
        };
        let text = fs_err::read(path).context(|| "read the customer key")?;
        Self::decode(&text).context(|| format!("read the customer key in {}", path.display()))
    }

    fn decode(text: &[u8]) -> Result<Self> {
        // The decoder's error would quote what it read, so it is dropped.
        let Ok(bytes) = STANDARD.decode(text.trim_ascii()) else {
            return Err(Error::usage("customer key is not base64"));
        };
        let length = bytes.len();
        let key = bytes.try_into();
        key.map(Self).map_err(|_| Error::usage(format!("customer key has {length} bytes, not 32")))
    }

    /// The key as it is sent.
    pub(super) fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// The digest of the key by which the service notices that it came through damaged.
    pub(super) fn digest(&self) -> String {
        content_md5(&self.0)
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKey(..)")
    }
}

/// The MD5 digest of some bytes in base64, the way S3 wants it in headers.
pub(super) fn content_md5(bytes: &[u8]) -> String {
    STANDARD.encode(Md5::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_values_are_inverses() {
        for value in [Addressing::Auto, Addressing::Virtual, Addressing::Path] {
            assert_eq!(value.to_string().parse::<Addressing>().unwrap(), value);
        }
        for value in [Checksums::WhenRequired, Checksums::WhenSupported] {
            assert_eq!(value.to_string().parse::<Checksums>().unwrap(), value);
        }
        assert!("dns".parse::<Addressing>().is_err());
        assert!("always".parse::<Checksums>().is_err());
    }

    #[test]
    fn a_customer_key_is_32_bytes_in_base64_and_is_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let text = STANDARD.encode([7; 32]);
        fs_err::write(&path, format!("  {text}\n\n")).unwrap();
        let key = CustomerKey::read(&format!("file://{}", path.display())).unwrap();
        assert_eq!(key.to_base64(), text);
        assert!(!format!("{key:?}").contains(&text));

        let short = STANDARD.encode([7; 31]);
        for bad in [short.as_str(), "no base64!", ""] {
            let error = CustomerKey::decode(bad.as_bytes()).unwrap_err();
            assert!(bad.is_empty() || !format!("{error:?}").contains(bad), "{error:?}");
        }
    }

    #[test]
    fn a_customer_key_is_only_read_from_an_absolute_file_url() {
        for bad in ["secretsecret", "file://relative", "/path", "https://host/key"] {
            let error = CustomerKey::read(bad).unwrap_err();
            assert!(!error.to_string().contains(bad), "{error}");
        }
    }
}
