//! What two answers have in common that were given on different days: their shape.

use std::sync::LazyLock;

use regex::Regex;

/// What differs from run to run, and what stands for it.
static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(UTC|Z|[+-]\d\d(:?\d\d)?))?", "<time>"),
        (r"\d{4}-\d\d-\d\d", "<day>"),
        (r"\d{8}T\d{6}", "<backup>"),
        (r"\b[0-9A-F]{24}\b", "<segment>"),
        (r"\b[0-9A-F]+/[0-9A-F]{1,8}\b", "<lsn>"),
        (r"\b\d+(\.\d+)? ?(B|KiB|MiB|GiB|kB|MB|GB|bytes)\b", "<size>"),
        (r"\b\d+(\.\d+)? ?(ms|s|min|h|d|seconds?|minutes?)( \d+ (ms|s|min|h))?\b", "<span>"),
        (r"\b\d{10,}\b", "<number>"),
        // How many files a cluster has depends on what it happened to write.
        (r"\b\d+ (of \d+ )?(file|segment|read)s?\b", "<count> ${2}s"),
        (r"\b\d+ (with a checksum|compared with)\b", "<count> $1"),
        (r"[ \t]+", " "),
        // Rules of tables are as long as what they are above.
        (r"-{3,}", "---"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
    .into()
});

/// A line's shape.
fn shape(line: &str) -> String {
    VARYING.iter().fold(line.trim_end().to_owned(), |line, (pattern, name)| {
        pattern.replace_all(&line, *name).into_owned()
    })
}

/// Whether what was said fits what was expected: line by line in shape, `…` for any lines, and within a line for any words.
pub(crate) fn difference(expected: &[String], said: &str) -> Option<String> {
    let wanted: Vec<_> = expected.iter().map(|line| shape(line)).collect();
    let found: Vec<_> = said.lines().map(shape).collect();
    (!fits(&wanted, &found))
        .then(|| format!("the document says:\n{}\nbut it is:\n{}", expected.join("\n"), said.trim_end()))
}

fn fits(wanted: &[String], found: &[String]) -> bool {
    match (wanted.split_first(), found.split_first()) {
        (None, None) => true,
        (Some((line, rest)), _) if line.trim() == "…" => (0..=found.len()).any(|n| fits(rest, &found[n..])),
        (Some((line, wanted)), Some((is, found))) => fits_line(line, is) && fits(wanted, found),
        _ => false,
    }
}

fn fits_line(wanted: &str, found: &str) -> bool {
    let parts: Vec<_> = wanted.split('…').map(regex::escape).collect();
    Regex::new(&format!("^{}$", parts.join(".*"))).unwrap().is_match(found)
}

#[test]
fn what_differs_from_run_to_run_is_no_difference() {
    let alike = |a: &str, b: &str| difference(&[a.to_owned()], b).is_none();
    assert!(alike("done 20260101T000000 in 1.2 s, 3 MiB", "done 20261231T235959 in 12 ms, 812.5 KiB"));
    assert!(alike("at 2026-01-01 00:00:00.5 UTC, 0/3000028", "at 2026-11-21 14:03:07 UTC, A/BC"));
    assert!(alike("000000010000000000000003   fine", "000000010000000000000004 fine"));
    assert!(alike("anything … here", "anything that is said here"));
    assert!(!alike("1000 rows", "1001 rows"));
    assert!(!alike("done", "done, but"));
}

#[test]
fn lines_may_be_left_out_only_where_that_is_said() {
    let expected = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(difference(&expected(&["a", "…", "d"]), "a\nb\nc\nd\n").is_none());
    assert!(difference(&expected(&["a", "d"]), "a\nb\nd\n").is_some());
    assert!(difference(&expected(&[]), "a\n").is_some());
}
