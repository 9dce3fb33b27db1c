//! The page of `report`: one file that needs nothing else. The verdict first, then the map, then what it is
//! made from. Names from the archive only ever become text, and every list has a bound, so that an archive
//! with a million files is a page of less than a megabyte.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::html::{Attributes, Html};
use super::{DrillReport, archive, outlook, sizes, svg};
use crate::command::report::Outcome;
use crate::front::native::map::{Chart, Lane, Mark};
use crate::front::native::status_told::ago;
use crate::front::native::verified::moment;
use crate::model::{Coverage, Health, StatusFinding, Window};

/// As many rows a table has at most.
pub(super) const ROWS: usize = 150;

/// As many findings are told.
const FINDINGS: usize = 40;

/// A table of so many rows is short.
const SHORT: usize = 12;

/// The widths of a drawing on a screen or on paper, and on a telephone.
pub(super) const WIDE: (u16, &str) = (960, "wide");
pub(super) const NARROW: (u16, &str) = (372, "narrow");

/// The whole page.
pub(super) fn page(outcome: &Outcome, drill: Option<&DrillReport>) -> String {
    let mut html = Html::page();
    html.inside("html", &[("lang", &"en")], |html| {
        html.inside("head", &[], |html| head(html, outcome));
        html.inside("body", &[], |html| {
            html.inside("header", &[], |html| {
                html.put("h1", &[], format!("Recovery report: {}", outcome.status.name));
                html.put("p", &[("class", &"soft")], &outcome.status.address);
                let when = format!("As of {}, by barkeep {}", moment(outcome.status.now), env!("CARGO_PKG_VERSION"));
                html.put("p", &[("class", &"soft")], when);
            });
            html.inside("main", &[], |html| {
                verdict(html, outcome);
                archive::facts(html, outcome);
                findings(html, &outcome.status.findings);
                map(html, outcome);
                archive::windows(html, outcome);
                sizes::stored(html, outcome);
                outlook::retention(html, outcome);
                archive::backups(html, outcome);
                archive::timelines(html, &outcome.status.coverage);
                outlook::verified(html, outcome);
                outlook::drilled(html, drill, outcome);
            });
            html.put(
                "footer",
                &[("class", &"soft")],
                "Computed from the lists and records of the archive. All times are UTC. Only restoring proves \
                 that a backup restores: barkeep drill.",
            );
        });
    });
    html.finish()
}

fn head(html: &mut Html, outcome: &Outcome) {
    html.void("meta", &[("charset", &"utf-8")]);
    // The page asks for nothing; whoever shows it need not take our word for that.
    html.void(
        "meta",
        &[
            ("http-equiv", &"Content-Security-Policy"),
            ("content", &"default-src 'none'; style-src 'unsafe-inline'"),
        ],
    );
    html.void("meta", &[("name", &"viewport"), ("content", &"width=device-width, initial-scale=1")]);
    html.void("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
    html.put("title", &[], format!("Recovery report: {}", outcome.status.name));
    html.style(include_str!("style.css"));
}

/// Whether one can recover, to what, and what to type.
fn verdict(html: &mut Html, outcome: &Outcome) {
    let health = outcome.status.health();
    let newest = outcome.status.coverage.newest_point();
    html.inside(
        "section",
        &[("class", &format!("verdict {}", health.name())), ("aria-label", &"Verdict")],
        |html| {
            let word = match health {
                Health::Ok => "Fine",
                Health::Warning => "Warning",
                Health::Critical => "Critical",
            };
            html.put("p", &[("class", &"word")], word);
            html.put("p", &[("class", &"says")], sentence(&outcome.status.coverage));
            let amiss = outcome.status.findings.iter().find(|finding| finding.health > Health::Ok);
            if let Some(worst) = amiss {
                html.put("p", &[], format!("Most pressing: {}.", worst.message));
            }
            if let Some(window) = newest {
                html.put("p", &[], "To recover as far as the WAL goes; with --plan it only tells what it would do, with --target-time it goes to an earlier instant:");
                html.inside("code", &[("class", &"type")], |html| html.text(command(outcome, window)));
            } else {
                html.put("p", &[], "Nothing can be recovered. To change that now:");
                html.inside("code", &[("class", &"type")], |html| html.text("barkeep backup"));
            }
        },
    );
}

/// What can be recovered, in a sentence.
fn sentence(coverage: &Coverage) -> String {
    let Some(first) = coverage.first_point() else { return "Nothing can be recovered.".to_owned() };
    let newest = coverage.newest_point().unwrap_or(first);
    let from = first.from_time.map_or_else(|| format!("position {}", first.from), moment);
    let to = newest.stored.map_or_else(
        || format!("position {}", newest.to),
        |at| format!("about {} (position {})", moment(at), newest.to),
    );
    let gaps = coverage.own_windows().count().saturating_sub(1);
    let but = match gaps {
        0 => String::new(),
        1 => ", with one interruption".to_owned(),
        count => format!(", with {count} interruptions"),
    };
    format!("Any instant from {from} to {to} can be recovered{but}.")
}

/// What to type to recover as far as the newest window goes.
fn command(outcome: &Outcome, window: &Window) -> String {
    let mut words = format!("barkeep restore --server {}", quoted(&outcome.status.name.to_string()));
    // The latest timeline is what `restore` follows by itself.
    let latest = outcome.status.coverage.timelines.last().map(|cover| cover.timeline);
    if latest != Some(window.timeline) {
        let _ = write!(words, " --target-timeline {}", window.timeline.number());
    }
    if window.gap.is_some() {
        words.push_str(" --allow-gap");
    }
    words + " /path/to/new/data"
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn findings(html: &mut Html, findings: &[StatusFinding]) {
    if findings.is_empty() {
        return;
    }
    html.put("h2", &[], "What is at risk");
    html.inside("ul", &[("class", &"findings")], |html| {
        for finding in findings.iter().take(FINDINGS) {
            let StatusFinding { health, message, reason, next, .. } = finding;
            let (class, word) = match health {
                Health::Ok => ("note", "note"),
                health => (health.name(), health.name()),
            };
            html.inside("li", &[("class", &class)], |html| {
                html.inside("p", &[("class", &"what")], |html| {
                    tag(html, class, word);
                    html.text(format!(" {message}"));
                });
                html.put("p", &[], reason);
                if !next.is_empty() {
                    html.inside("p", &[], |html| {
                        html.put("span", &[("class", &"soft")], "Next: ");
                        html.put("code", &[], next);
                    });
                }
            });
        }
    });
    more(html, findings.len(), FINDINGS, "findings; barkeep status tells all");
}

fn map(html: &mut Html, outcome: &Outcome) {
    html.put("h2", &[], "Map");
    let coverage = &outcome.status.coverage;
    let Some(chart) = Chart::of(coverage, outcome.status.now) else {
        html.put("p", &[], "There is nothing to draw.");
        return;
    };
    let about = sentence(coverage);
    html.inside("figure", &[], |html| {
        for (width, id) in [WIDE, NARROW] {
            svg::map(html, &chart, width, id, &about);
        }
        legend(html, &chart);
        html.inside("figcaption", &[], |html| {
            let (from, to) = chart.axis.ends();
            html.text(format!("Drawn {}; {from} to {to}.", chart.axis.legend()));
            if chart.left_out > 0 {
                html.text(format!(" {} older timelines are not drawn.", chart.left_out));
            }
            if chart.unplaced > 0 {
                html.text(format!(
                    " {} backups are not drawn: their records do not tell where.",
                    chart.unplaced
                ));
            }
        });
    });
}

fn legend(html: &mut Html, chart: &Chart) {
    let has = |which: fn(&Lane) -> bool| chart.lanes.iter().any(which);
    html.inside("ul", &[("class", &"legend")], |html| {
        let mut swatch = |shown: bool, class: &'static str, text: &str| {
            if shown {
                html.inside("li", &[], |html| {
                    html.inside("svg", &[("viewBox", &"0 0 22 16"), ("aria-hidden", &"true")], |html| {
                        html.void(
                            "rect",
                            &[("class", &class), ("y", &"3"), ("width", &"22"), ("height", &"10")],
                        );
                    });
                    html.text(text);
                });
            }
        };
        swatch(has(|lane| lane.reachable && !lane.wal.is_empty()), "wal", "WAL");
        swatch(has(|lane| !lane.reachable && !lane.wal.is_empty()), "lost", "WAL that no backup leads to");
        swatch(has(|lane| !lane.windows.is_empty()), "window", "recoverable");
        let mut sign = |class: &'static str, path: &'static str, text: &str| {
            html.inside("li", &[], |html| {
                html.inside("svg", &[("viewBox", &"-11 -8 22 16"), ("aria-hidden", &"true")], |html| {
                    html.void("path", &[("class", &class), ("d", &path)]);
                });
                html.text(text);
            });
        };
        if has(|lane| !lane.gaps.is_empty()) {
            sign("gap", "M-4.5-6L4.5 6M-4.5 6L4.5-6", "WAL is missing");
        }
        if has(|lane| lane.fork.is_some()) {
            sign("fork", "M0-8V8", "left its parent");
        }
        if has(|lane| lane.partial.is_some()) {
            sign("partial", "M-3-4H3V4H-3Z", "incomplete segment");
        }
        for mark in Mark::ALL {
            if chart.lanes.iter().flat_map(|lane| &lane.dots).any(|dot| dot.mark == mark) {
                html.inside("li", &[], |html| {
                    html.inside("svg", &[("viewBox", &"-11 -8 22 16"), ("aria-hidden", &"true")], |html| {
                        svg::symbol(html, mark);
                    });
                    html.text(mark.name());
                });
            }
        }
        if chart.now.is_some() {
            html.inside("li", &[], |html| {
                html.inside("svg", &[("viewBox", &"-11 -8 22 16"), ("aria-hidden", &"true")], |html| {
                    html.void("path", &[("class", &"now"), ("d", &"M0-8V8")]);
                });
                html.text("now");
            });
        }
    });
}

/// A word in a lozenge.
pub(super) fn tag(html: &mut Html, class: &str, word: &str) {
    html.put("span", &[("class", &format!("tag {class}"))], word);
}

/// That some rows were left out.
pub(super) fn more(html: &mut Html, all: usize, shown: usize, what: &str) {
    if all > shown {
        html.put("p", &[("class", &"soft")], format!("And {} more {what}.", all - shown));
    }
}

/// A heading of a column: text, numbers, or text that is not broken.
pub(super) type Column = (&'static str, &'static str);

/// A table whose cells are text.
pub(super) fn table(html: &mut Html, caption: &str, columns: &[Column], rows: &[Vec<String>]) {
    // Those are not broken over two sheets.
    let class = if rows.len() <= SHORT { "scroll short" } else { "scroll" };
    let attributes: Attributes<'_> =
        &[("class", &class), ("role", &"region"), ("aria-label", &caption), ("tabindex", &"0")];
    html.inside("div", attributes, |html| {
        html.inside("table", &[], |html| {
            html.inside("caption", &[], |html| html.put("span", &[], caption));
            html.inside("thead", &[], |html| {
                html.inside("tr", &[], |html| {
                    for (name, class) in columns {
                        html.put("th", &[("scope", &"col"), ("class", class)], name);
                    }
                });
            });
            html.inside("tbody", &[], |html| {
                for row in rows {
                    html.inside("tr", &[], |html| {
                        for (cell, (_, class)) in row.iter().zip(columns) {
                            html.put("td", &[("class", class)], cell);
                        }
                    });
                }
            });
        });
    });
}

/// A moment and how long ago that was.
pub(super) fn when(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", moment(at), ago(at, now))
}
