//! Prometheus' text format 0.0.4: families of samples, and the file in which `node_exporter` finds them.

use std::fmt::{self, Display};
use std::path::Path;

use serde::Serialize;

use crate::disk::{self, Durability, Publish};
use crate::error::{Context as _, Result};

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All families, in the order in which they were first told of.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Exposition {
    families: Vec<Family>,
}

/// The samples of one name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Family {
    /// The name, without a suffix.
    pub name: String,
    /// What its samples are.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it means, in one line.
    pub help: &'static str,
    /// The samples; a family without any is not written.
    pub samples: Vec<Sample>,
}

/// What a family's samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up, or begins anew.
    Counter,
    /// Counts of observations by their size, with their sum.
    Histogram,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// What of a histogram it is; empty for the others.
    pub suffix: &'static str,
    /// Names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: Value,
}

/// A value. Whole numbers are written as such: positions of the WAL have more digits than a float.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Not below nothing.
    Whole(u64),
    /// Perhaps below nothing.
    Signed(i64),
    /// Any other number; never infinite.
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Signed(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(u64::from(value))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Signed(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
        }
    }
}

impl Exposition {
    /// The family of this name, which is made where there is none.
    pub fn family(&mut self, kind: Kind, name: impl Into<String>, help: &'static str) -> &mut Family {
        let name = name.into();
        let at = self.families.iter().position(|family| family.name == name).unwrap_or_else(|| {
            self.families.push(Family { name, kind, help, samples: Vec::new() });
            self.families.len() - 1
        });
        &mut self.families[at]
    }

    /// A gauge of this name.
    pub fn gauge(&mut self, name: impl Into<String>, help: &'static str) -> &mut Family {
        self.family(Kind::Gauge, name, help)
    }

    /// A counter of this name.
    pub fn counter(&mut self, name: impl Into<String>, help: &'static str) -> &mut Family {
        self.family(Kind::Counter, name, help)
    }

    /// Writes it to a file, whole or not at all, for everybody to read.
    pub fn write(&self, file: &Path) -> Result<()> {
        disk::write(file, self.to_string().as_bytes(), 0o644, Publish::Replace, Durability::Fleeting)
            .map_err(disk::explain)
            .context(|| format!("write {}", file.display()))
    }
}

impl Family {
    /// Adds a sample, if its value is known.
    pub fn tell(
        &mut self,
        labels: &[(&'static str, &dyn Display)],
        value: Option<impl Into<Value>>,
    ) -> &mut Self {
        self.add("", labels, value)
    }

    /// Adds a histogram: how many observations each bound holds and the one before it does not, how many
    /// are beyond the last, and the sum of all.
    pub fn distribution(
        &mut self,
        labels: &[(&'static str, &dyn Display)],
        bounds: &[f64],
        counts: &[u64],
        sum: f64,
    ) -> &mut Self {
        let mut total = 0_u64;
        for (count, bound) in counts.iter().zip(bounds.iter().map(Some).chain([None])) {
            total = total.saturating_add(*count);
            let bound = bound.map_or_else(|| "+Inf".to_owned(), ToString::to_string);
            let mut labels = labels.to_vec();
            labels.push(("le", &bound));
            self.add("_bucket", &labels, Some(total));
        }
        self.add("_sum", labels, Some(sum)).add("_count", labels, Some(total))
    }

    fn add(
        &mut self,
        suffix: &'static str,
        labels: &[(&'static str, &dyn Display)],
        value: Option<impl Into<Value>>,
    ) -> &mut Self {
        if let Some(value) = value {
            let labels = labels.iter().map(|(name, value)| (*name, value.to_string())).collect();
            self.samples.push(Sample { suffix, labels, value: value.into() });
        }
        self
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

impl Display for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.families.iter().filter(|family| !family.samples.is_empty()).try_for_each(|family| family.fmt(f))
    }
}

impl Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, help, samples } = self;
        writeln!(f, "# HELP {name} {}", escaped(help, false))?;
        writeln!(f, "# TYPE {name} {}", kind.name())?;
        for Sample { suffix, labels, value } in samples {
            write!(f, "{name}{suffix}")?;
            for (i, (label, text)) in labels.iter().enumerate() {
                let before = if i == 0 { '{' } else { ',' };
                write!(f, "{before}{label}=\"{}\"", escaped(text, true))?;
            }
            let end = if labels.is_empty() { "" } else { "}" };
            writeln!(f, "{end} {value}")?;
        }
        Ok(())
    }
}

/// A text as the format has it, in a label's quotes or behind `HELP`.
fn escaped(text: &str, quoted: bool) -> String {
    let text = text.replace('\\', r"\\").replace('\n', r"\n");
    if quoted { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_told_of_once_whoever_adds_to_it() {
        let mut all = Exposition::default();
        all.gauge("b", "The b.").tell(&[("server", &"x")], Some(1_u64));
        all.counter("a_total", "The a.").tell(&[], Some(0.5));
        all.gauge("b", "The b.").tell(&[("server", &"y")], Some(-1_i64)).tell(&[], None::<u64>);
        all.gauge("c", "Nothing known.").tell(&[], None::<f64>);
        assert_eq!(
            all.to_string(),
            "# HELP b The b.\n# TYPE b gauge\nb{server=\"x\"} 1\nb{server=\"y\"} -1\n\
             # HELP a_total The a.\n# TYPE a_total counter\na_total 0.5\n"
        );
    }

    // A server's name may have quotes and backslashes: a drill's report had them as they are, and was refused.
    #[test]
    fn names_with_quotes_and_backslashes_are_escaped() {
        let mut all = Exposition::default();
        all.gauge("a", "One \\ two\nthree \"four\".").tell(&[("server", &"p\"g\\1\n")], Some(1_u64));
        assert_eq!(
            all.to_string(),
            "# HELP a One \\\\ two\\nthree \"four\".\n# TYPE a gauge\na{server=\"p\\\"g\\\\1\\n\"} 1\n"
        );
    }

    #[test]
    fn the_buckets_of_a_histogram_add_up() {
        let mut all = Exposition::default();
        let family = all.family(Kind::Histogram, "h_seconds", "How long.");
        family.distribution(&[("verb", &"x")], &[0.5, 10.0], &[1, 2, 3], 41.5);
        assert_eq!(
            all.to_string(),
            "# HELP h_seconds How long.\n# TYPE h_seconds histogram\n\
             h_seconds_bucket{verb=\"x\",le=\"0.5\"} 1\nh_seconds_bucket{verb=\"x\",le=\"10\"} 3\n\
             h_seconds_bucket{verb=\"x\",le=\"+Inf\"} 6\nh_seconds_sum{verb=\"x\"} 41.5\n\
             h_seconds_count{verb=\"x\"} 6\n"
        );
    }
}
