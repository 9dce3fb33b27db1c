//! The tars of a base backup.

use std::fmt;

/// Whose files a tar holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// The data directory's.
    Data,
    /// Those of the tablespace with this number.
    Tablespace(u32),
}

/// One tar of a base backup, named as in spec/barman-cloud.md 3.4: `data`, `data_0001`, `16385`,
/// `16385_0001` and so on, without `.tar` and the codec's suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TarName {
    /// Whose files.
    pub series: Series,
    /// 0 for the main one, which every series has; then from 1 without a gap.
    pub number: u32,
}

impl TarName {
    /// Reads a name back; `None` for anything else.
    pub fn read(stem: &str) -> Option<Self> {
        let (series, number) = match stem.split_once('_') {
            None => (stem, 0),
            Some((series, digits)) => {
                let plain = digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit());
                (series, if plain { digits.parse().ok().filter(|n| *n > 0)? } else { return None })
            }
        };
        let series = match series {
            "data" => Series::Data,
            oid if oid.bytes().all(|b| b.is_ascii_digit()) => Series::Tablespace(oid.parse().ok()?),
            _ => return None,
        };
        Some(Self { series, number })
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data => f.write_str("data"),
            Self::Tablespace(oid) => oid.fmt(f),
        }
    }
}

impl fmt::Display for TarName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => self.series.fmt(f),
            number => write!(f, "{}_{number:04}", self.series),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tars_are_named_as_every_reader_of_the_layout_knows_them() {
        let data = |number| TarName { series: Series::Data, number };
        let other = |number| TarName { series: Series::Tablespace(16_385), number };
        for (name, text) in [
            (data(0), "data"),
            (data(1), "data_0001"),
            (data(12_345), "data_12345"),
            (other(0), "16385"),
            (other(2), "16385_0002"),
        ] {
            assert_eq!(name.to_string(), text);
            assert_eq!(TarName::read(text), Some(name));
        }
        for bad in
            ["", "date", "data_", "data_1", "data_0000", "data_00x1", "backup_manifest", "-1", "data_0001_1"]
        {
            assert_eq!(TarName::read(bad), None, "{bad}");
        }
    }
}
