//! How an object is compressed, and how hard.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A codec of the archive. The suffix of a key names it and nothing else does
/// (spec/barman-cloud.md 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Compression {
    /// As it is.
    None,
    /// RFC 1952, one member.
    Gzip,
    /// One bzip2 stream.
    Bzip2,
    /// One xz stream with CRC-64.
    Xz,
    /// Snappy's framing format (not raw snappy). It has no levels.
    Snappy,
    /// One zstd frame.
    #[default]
    Zstd,
    /// One LZ4 frame.
    Lz4,
}

impl Compression {
    /// All of them, in the order of help texts.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Gzip, Self::Bzip2, Self::Xz, Self::Snappy, Self::Zstd, Self::Lz4];

    /// The word for it on the command line and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Snappy => "snappy",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }

    /// What it adds to a key: with its dot, or nothing.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Bzip2 => ".bz2",
            Self::Xz => ".xz",
            Self::Snappy => ".snappy",
            Self::Zstd => ".zst",
            Self::Lz4 => ".lz4",
        }
    }

    /// Splits a file name into what it would be called uncompressed, and the codec its suffix names.
    /// Suffixes are lower case, as every writer of the layout writes them.
    pub fn split_suffix(name: &str) -> (&str, Self) {
        for codec in Self::ALL {
            if codec != Self::None
                && let Some(stem) = name.strip_suffix(codec.suffix())
            {
                return (stem, codec);
            }
        }
        (name, Self::None)
    }

    /// The codec's own number for a level: the default when none is asked for (the fast end for zstd and
    /// lz4, which are chosen for speed, else medium); for a word what the table of spec/barman-cloud.md
    /// 2.1 says; a number clamped to the codec's range.
    pub fn level(self, asked: Option<Level>) -> i32 {
        let Some(scale) = self.scale() else { return 0 };
        match asked {
            None => scale.default,
            Some(Level::Low) => scale.low,
            Some(Level::Medium) => scale.medium,
            Some(Level::High) => scale.high,
            Some(Level::Number(n)) => n.clamp(scale.min, scale.max),
        }
    }

    const fn scale(self) -> Option<Scale> {
        Some(match self {
            Self::None | Self::Snappy => return None,
            Self::Gzip => Scale { min: 1, max: 9, low: 1, medium: 6, high: 9, default: 6 },
            Self::Bzip2 => Scale { min: 1, max: 9, low: 1, medium: 5, high: 9, default: 5 },
            Self::Xz => Scale { min: 1, max: 9, low: 1, medium: 3, high: 5, default: 3 },
            Self::Zstd => Scale { min: -22, max: 22, low: 1, medium: 4, high: 9, default: 1 },
            Self::Lz4 => Scale { min: 0, max: 16, low: 0, medium: 6, high: 10, default: 0 },
        })
    }
}

/// One row of the level table.
struct Scale {
    min: i32,
    max: i32,
    low: i32,
    medium: i32,
    high: i32,
    default: i32,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Compression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|c| c.name() == text).ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            Error::usage(format!("`{text}` is not a compression (one of {all})"))
        })
    }
}

/// How hard to compress: a word that means the same effort for every codec, or the codec's own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Least effort.
    Low,
    /// The reference's default effort.
    Medium,
    /// Most effort that is still reasonable.
    High,
    /// The codec's own level; out of range is clamped.
    Number(i32),
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Low => f.write_str("low"),
            Self::Medium => f.write_str("medium"),
            Self::High => f.write_str("high"),
            Self::Number(n) => n.fmt(f),
        }
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "low" => Ok(Self::Low),
            "medium" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            number => number.parse().map(Self::Number).map_err(|_| {
                Error::usage(format!("`{text}` is not a compression level (low, medium, high or a number)"))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_names_its_codec_and_a_name_without_one_is_plain() {
        for codec in Compression::ALL {
            let name = format!("000000010000000000000001{}", codec.suffix());
            assert_eq!(Compression::split_suffix(&name), ("000000010000000000000001", codec));
            assert_eq!(codec.name().parse::<Compression>().unwrap(), codec);
        }
        assert_eq!(Compression::split_suffix("x.partial"), ("x.partial", Compression::None));
    }

    #[test]
    fn levels_follow_the_table_and_numbers_are_clamped() {
        let level = |codec: Compression, text: &str| codec.level(Some(text.parse().unwrap()));
        assert_eq!(level(Compression::Gzip, "low"), 1);
        assert_eq!(level(Compression::Xz, "HIGH"), 5);
        assert_eq!(level(Compression::Zstd, "medium"), 4);
        assert_eq!(level(Compression::Gzip, "0"), 1);
        assert_eq!(level(Compression::Zstd, "-99"), -22);
        assert_eq!(level(Compression::Lz4, "99"), 16);
        assert_eq!(Compression::Zstd.level(None), 1);
        assert!("fast".parse::<Level>().is_err());
    }
}
