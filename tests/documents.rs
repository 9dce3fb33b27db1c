//! Links between documents lead somewhere.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// Where documents are.
const FOLDERS: [&str; 5] = ["", "docs", "docs/decisions", "examples", "dashboards"];

static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^()\s]+)\)").unwrap());

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All documents.
fn documents() -> Vec<PathBuf> {
    let entries = FOLDERS.iter().flat_map(|folder| fs_err::read_dir(root().join(folder)).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// A document without its blocks, which only show what a link would be.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// What a heading is called in a link: GitHub's rule.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    headings.map(anchor).collect()
}

/// What is wrong with a link of a document.
fn fault(document: &Path, link: &str) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return None;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { document.to_owned() } else { document.parent().unwrap().join(file) };
    if !target.exists() {
        return Some(format!("{}: there is no {link}", document.display()));
    }
    let is_there =
        heading.is_empty() || anchors(&prose(&fs_err::read_to_string(&target).unwrap())).contains(heading);
    (!is_there).then(|| format!("{}: no heading is {link}", document.display()))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let mut links = 0;
    let mut wrong = Vec::new();
    for document in documents() {
        let text = prose(&fs_err::read_to_string(&document).unwrap());
        for found in LINK.captures_iter(&text) {
            links += 1;
            wrong.extend(fault(&document, &found[1]));
        }
    }
    assert!(links > 60, "only {links} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_heading_is_called_as_on_github() {
    assert_eq!(anchor("In place of `barman-cloud-*`"), "in-place-of-barman-cloud-");
    assert_eq!(anchor("\"already has … content\""), "already-has--content");
    assert_eq!(anchor("`pg_wal` grows"), "pg_wal-grows");
}
