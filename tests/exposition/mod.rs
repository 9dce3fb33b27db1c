//! Prometheus' text format, read strictly: what it allows and nothing else.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by test targets, each of which uses its own part of it"
)]

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

/// A sample: its name with the suffix, and its labels.
pub type Series = (String, BTreeMap<String, String>);

/// What a text says.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Every sample.
    pub samples: BTreeMap<Series, f64>,
}

impl Parsed {
    /// The value of the one sample of this name.
    pub fn only(&self, name: &str) -> f64 {
        let mut all = self.samples.iter().filter(|((of, _), _)| of == name);
        match (all.next(), all.next()) {
            (Some((_, value)), None) => *value,
            (one, other) => panic!("{name}: {one:?}, {other:?}"),
        }
    }

    /// Whether there is a sample of this name.
    pub fn has(&self, name: &str) -> bool {
        self.samples.keys().any(|(of, _)| of == name)
    }
}

/// Reads a text. Every family has its help and its type once, before its samples, which stand together; names,
/// units and suffixes are as Prometheus wants them; no series is there twice; histograms add up.
pub fn parse(text: &str) -> Result<Parsed, String> {
    let head = Regex::new(r"^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$").unwrap();
    let sample = Regex::new(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$").unwrap();
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    let mut parsed = Parsed::default();
    let (mut seen, mut family, mut kind, mut told) = (BTreeSet::new(), String::new(), String::new(), true);
    for line in text.lines() {
        let bad = |why: &str| Err(format!("{why}: {line}"));
        if let Some(found) = head.captures(line) {
            let (what, name, rest) = (&found[1], &found[2], &found[3]);
            match what {
                "HELP" if !seen.insert(name.to_owned()) => return bad("told twice"),
                "HELP" if !told => return bad("the family before has no sample"),
                "HELP" => (family, kind, told) = (name.to_owned(), String::new(), false),
                _ if name != family || !kind.is_empty() => return bad("a type out of its place"),
                _ if !["gauge", "counter", "histogram"].contains(&rest) => return bad("no type"),
                _ => rest.clone_into(&mut kind),
            }
            if what == "TYPE" && (name.ends_with("_total") != (kind == "counter")) {
                return bad("counters end with _total, and nothing else does");
            }
            continue;
        }
        let Some(found) = sample.captures(line) else { return bad("no sample") };
        let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        if kind.is_empty() || !suffixes.iter().any(|suffix| found[1] == format!("{family}{suffix}")) {
            return bad("a sample of another family");
        }
        let labels = labels(found.get(2).map_or("", |labels| labels.as_str()))?;
        let Ok(value) = found[3].parse::<f64>() else { return bad("no number") };
        if kind != "gauge" && value < 0.0 {
            return bad("a count below nothing");
        }
        if parsed.samples.insert((found[1].to_owned(), labels), value).is_some() {
            return bad("there twice");
        }
        told = true;
    }
    histograms(&parsed)?;
    Ok(parsed)
}

fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let label = Regex::new(r#"^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)"#).unwrap();
    let (mut rest, mut all) = (text, BTreeMap::new());
    while !rest.is_empty() {
        let found = label.captures(rest).ok_or_else(|| format!("no label: {rest}"))?;
        let plain = found[2].replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
        if all.insert(found[1].to_owned(), plain).is_some() {
            return Err(format!("the label {} is there twice", &found[1]));
        }
        rest = &rest[found[0].len()..];
    }
    Ok(all)
}

/// The buckets grow, the last is infinite and the count.
fn histograms(parsed: &Parsed) -> Result<(), String> {
    let mut buckets: BTreeMap<Series, Vec<(f64, f64)>> = BTreeMap::new();
    for ((name, labels), value) in &parsed.samples {
        let Some(family) = name.strip_suffix("_bucket") else { continue };
        let mut labels = labels.clone();
        let bound = labels.remove("le").ok_or_else(|| format!("{name} has no bound"))?;
        let bound = bound.parse().map_err(|_| format!("{name} has the bound {bound}"))?;
        buckets.entry((family.to_owned(), labels)).or_default().push((bound, *value));
    }
    for ((family, labels), mut all) in buckets {
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let count = parsed.samples.get(&(format!("{family}_count"), labels.clone()));
        let last = all.last().filter(|(bound, _)| bound.is_infinite()).map(|(_, value)| value);
        let grows = all.windows(2).all(|two| two[0].1 <= two[1].1);
        let sum = parsed.samples.contains_key(&(format!("{family}_sum"), labels));
        if !grows || last.is_none() || last != count || !sum {
            return Err(format!("{family} does not add up: {all:?}, {count:?}"));
        }
    }
    Ok(())
}
