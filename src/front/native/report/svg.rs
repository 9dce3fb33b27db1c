//! The map as SVG, and bars.

use std::fmt::Display;

use super::html::{Attributes, Html};
use crate::front::native::map::{Chart, Dot, Lane, Mark, Place, Stretch, headline};

/// Backups nearer to each other than this are drawn as one with their number.
const NEAR: f64 = 17.0;

/// As many backups are named in what a pointer shows.
const NAMED: usize = 4;

/// Room for the scale above the lanes.
const TOP: f64 = 26.0;

/// A drawing that is narrower has fewer dates, and headings of two lines, the second so far below the first.
const NARROW: f64 = 500.0;
const SECOND: f64 = 15.0;

/// What stands how far below the top of a lane.
const WAL: f64 = 22.0;
const WINDOW: f64 = 36.0;
const DOTS: f64 = 60.0;
const LANE: f64 = 82.0;

/// Draws the map, so many units wide. `id` tells several drawings on one page apart.
pub(super) fn map(html: &mut Html, chart: &Chart, width: u16, id: &'static str, about: &str) {
    let width = f64::from(width);
    let drawing = Drawing { chart, width, second: if width < NARROW { SECOND } else { 0.0 } };
    drawing.all(html, id, about);
}

struct Drawing<'a> {
    chart: &'a Chart,
    width: f64,
    /// What a lane's heading takes for a second line.
    second: f64,
}

/// A coordinate, to a tenth.
fn unit(at: f64) -> String {
    let text = format!("{at:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Lanes and bars are few.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

impl Drawing<'_> {
    /// Where a place is, between a margin on both sides.
    fn x(&self, at: Place) -> f64 {
        const FINE: usize = 1 << 20;
        let along = count(self.chart.axis.column(at, FINE)) / (count(FINE) - 1.0);
        8.0 + along * (self.width - 16.0)
    }

    fn lane_top(&self, number: usize) -> f64 {
        TOP + (LANE + self.second) * count(number)
    }

    fn all(&self, html: &mut Html, id: &'static str, about: &str) {
        let height = self.lane_top(self.chart.lanes.len());
        let frame = format!("0 0 {} {}", unit(self.width), unit(height));
        let (title, desc) = (format!("{id}-title"), format!("{id}-desc"));
        let labels = format!("{title} {desc}");
        let attributes: Attributes<'_> =
            &[("class", &id), ("viewBox", &frame), ("role", &"img"), ("aria-labelledby", &labels)];
        html.inside("svg", attributes, |html| {
            html.put("title", &[("id", &title)], "Map of the archive");
            html.put("desc", &[("id", &desc)], about);
            self.scale(html, height);
            for (number, lane) in self.chart.lanes.iter().enumerate() {
                self.lane(html, number, lane);
            }
        });
    }

    fn scale(&self, html: &mut Html, height: f64) {
        let mut free = 0.0;
        // About six and a half units per character.
        let most = if self.width < NARROW { 4 } else { 9 };
        for tick in self.chart.axis.ticks(most) {
            let x = self.x(tick.at);
            let room = 6.5 * count(tick.label.chars().count());
            if x < free || x + room > self.width {
                continue;
            }
            free = x + room + 8.0;
            html.void(
                "line",
                &[
                    ("class", &"tick"),
                    ("x1", &unit(x)),
                    ("x2", &unit(x)),
                    ("y1", &"4"),
                    ("y2", &unit(height)),
                ],
            );
            html.put("text", &[("class", &"scale"), ("x", &unit(x + 4.0)), ("y", &"13")], tick.label);
        }
        if let Some(now) = self.chart.now {
            let x = unit(self.x(now));
            html.inside(
                "line",
                &[("class", &"now"), ("x1", &x), ("x2", &x), ("y1", &"4"), ("y2", &unit(height))],
                |html| {
                    html.put("title", &[], "now");
                },
            );
        }
    }

    fn lane(&self, html: &mut Html, number: usize, lane: &Lane) {
        let top = self.lane_top(number);
        let name = format!("timeline {}", lane.timeline.number());
        let rest = headline(lane).strip_prefix(&name).unwrap_or_default().trim_start_matches(": ").to_owned();
        html.inside("text", &[("x", &"8"), ("y", &unit(top + 12.0))], |html| {
            html.put("tspan", &[("class", &"lane")], &name);
            let class = ("class", &"lane-soft" as &dyn Display);
            if self.second > 0.0 {
                html.put("tspan", &[class, ("x", &"8"), ("dy", &self.second)], rest);
            } else {
                html.put("tspan", &[class, ("dx", &"8")], rest);
            }
        });
        let top = top + self.second;
        let full = unit(self.width - 16.0);
        html.void(
            "rect",
            &[("class", &"rest"), ("x", &"8"), ("y", &unit(top + WAL)), ("width", &full), ("height", &"10")],
        );
        self.stretches(html, &lane.gaps, "hole", top + WAL, 10.0);
        self.stretches(html, &lane.wal, if lane.reachable { "wal" } else { "lost" }, top + WAL, 10.0);
        self.stretches(html, &lane.windows, "window", top + WINDOW, 12.0);
        if let Some(at) = lane.partial {
            let x = unit(self.x(at));
            html.inside(
                "rect",
                &[
                    ("class", &"partial"),
                    ("x", &x),
                    ("y", &unit(top + WAL + 0.75)),
                    ("width", &"6"),
                    ("height", &"8.5"),
                ],
                |html| {
                    html.put("title", &[], "incomplete segment");
                },
            );
        }
        self.fork(html, number, lane);
        for (from, to) in self.chart.columns(&lane.gaps, 160) {
            let at = 8.0 + count(usize::midpoint(from, to)) / 159.0 * (self.width - 16.0);
            let place = place(at, top + WAL + 5.0);
            html.inside(
                "path",
                &[("class", &"gap"), ("d", &"M-4.5-6L4.5 6M-4.5 6L4.5-6"), ("transform", &place)],
                |html| {
                    html.put("title", &[], "WAL is missing");
                },
            );
        }
        self.dots(html, &lane.dots, top + DOTS);
    }

    /// Where the timeline left its parent, when that is drawn.
    fn fork(&self, html: &mut Html, number: usize, lane: &Lane) {
        let Some((fork, at)) = lane.fork else { return };
        let Some(parent) = self.chart.lanes.iter().position(|other| other.timeline == fork.from) else {
            return;
        };
        let (from, to) =
            (self.lane_top(parent) + self.second + WAL + 10.0, self.lane_top(number) + self.second + WAL);
        let path = format!("M{} {}V{}", unit(self.x(at)), unit(from), unit(to));
        html.inside("path", &[("class", &"fork"), ("d", &path)], |html| {
            html.put("title", &[], format!("left timeline {} at {}", fork.from.number(), fork.at));
        });
    }

    fn stretches(&self, html: &mut Html, all: &[Stretch], class: &'static str, y: f64, height: f64) {
        const COLUMNS: usize = 480;
        for (from, to) in self.chart.columns(all, COLUMNS) {
            let each = (self.width - 16.0) / count(COLUMNS);
            let (x, width) = (8.0 + count(from) * each, count(to - from + 1) * each);
            html.void(
                "rect",
                &[
                    ("class", &class),
                    ("x", &unit(x)),
                    ("y", &unit(y)),
                    ("width", &unit(width.max(2.0))),
                    ("height", &unit(height)),
                ],
            );
        }
    }

    /// Backups; those that would cover each other as one. Good ones above, the others below.
    fn dots(&self, html: &mut Html, dots: &[Dot], y: f64) {
        for (sound, y) in [(true, y), (false, y + 15.0)] {
            let mut chosen: Vec<&Dot> = dots.iter().filter(|dot| dot.mark.is_sound() == sound).collect();
            chosen.sort_by_key(|dot| dot.at);
            let mut rest = chosen.as_slice();
            while let Some(first) = rest.first() {
                let x = self.x(first.at);
                let end = rest.iter().position(|dot| self.x(dot.at) - x > NEAR).unwrap_or(rest.len());
                let (near, others) = rest.split_at(end);
                rest = others;
                let place = place(x, y);
                html.inside("g", &[("transform", &place)], |html| cluster(html, near));
            }
        }
    }
}

fn place(x: f64, y: f64) -> String {
    format!("translate({} {})", unit(x), unit(y))
}

fn cluster(html: &mut Html, dots: &[&Dot]) {
    let mut names: Vec<String> =
        dots.iter().take(NAMED).map(|dot| format!("{} ({})", dot.id, dot.mark.name())).collect();
    if dots.len() > NAMED {
        names.push(format!("and {} more", dots.len() - NAMED));
    }
    html.put("title", &[], names.join(", "));
    let mark = dots.iter().map(|dot| dot.mark).max().unwrap_or(Mark::Good);
    if let [_] = dots {
        return symbol(html, mark);
    }
    let class = match mark {
        Mark::Kept => "dot kept",
        mark if mark.is_sound() => "dot",
        _ => "dot bad",
    };
    html.void(
        "rect",
        &[("class", &class), ("x", &"-8"), ("y", &"-7"), ("width", &"16"), ("height", &"14"), ("rx", &"7")],
    );
    let text = if dots.len() > 99 { "99+".to_owned() } else { dots.len().to_string() };
    let class = if mark.is_sound() { "count" } else { "count bad" };
    html.put("text", &[("class", &class), ("y", &"3.5")], text);
}

/// The sign of one backup around the origin. No two have the same shape.
pub(super) fn symbol(html: &mut Html, mark: Mark) {
    let (class, path) = match mark {
        Mark::Good => ("dot", "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0"),
        Mark::Kept => ("dot kept", "M0-6.5L6 0L0 6.5L-6 0Z"),
        Mark::Snapshot => ("dot hollow", "M-5-5H5V5H-5Z"),
        Mark::Running => ("dot hollow", "M-4-5.5L6 0L-4 5.5Z"),
        Mark::Unusable => ("dot bad", "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0"),
        Mark::Failed => ("cross", "M-4.5-4.5L4.5 4.5M-4.5 4.5L4.5-4.5"),
    };
    html.void("path", &[("class", &class), ("d", &path)]);
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: u64,
    /// What a pointer shows.
    pub(super) told: String,
}

/// Draws bars, so many units wide, with what the highest stands for.
pub(super) fn bars(
    html: &mut Html,
    bars: &[Bar],
    (width, id): (u16, &'static str),
    class: &'static str,
    (title, most): (&str, &str),
) {
    const HEIGHT: f64 = 96.0;
    const THICKEST: f64 = 42.0;
    let width = f64::from(width);
    let highest = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    let each = ((width - 16.0) / count(bars.len().max(1))).min(THICKEST);
    let frame = format!("0 0 {} {}", unit(width), unit(HEIGHT + 36.0));
    let title_id = format!("{id}-{class}-title").replace(' ', "-");
    html.inside(
        "svg",
        &[("class", &id), ("viewBox", &frame), ("role", &"img"), ("aria-labelledby", &title_id)],
        |html| {
            html.put("title", &[("id", &title_id)], title);
            html.void(
                "line",
                &[("class", &"tick"), ("x1", &"8"), ("x2", &unit(width - 8.0)), ("y1", &"18"), ("y2", &"18")],
            );
            html.put("text", &[("class", &"scale"), ("x", &"8"), ("y", &"12")], most);
            for (number, bar) in bars.iter().enumerate() {
                // As many steps as the eye tells apart.
                let steps = u128::from(bar.value) * 1000 / u128::from(highest);
                let tall = u32::try_from(steps).map_or(1.0, |steps| f64::from(steps) / 1000.0) * HEIGHT;
                let tall = if bar.value > 0 { tall.max(1.0) } else { 0.0 };
                let (x, y) = (8.0 + each * count(number), 18.0 + HEIGHT - tall);
                let thick = (each - if each > 5.0 { 2.0 } else { 0.5 }).max(1.0);
                html.inside(
                    "rect",
                    &[
                        ("class", &class),
                        ("x", &unit(x)),
                        ("y", &unit(y)),
                        ("width", &unit(thick)),
                        ("height", &unit(tall)),
                    ],
                    |html| {
                        html.put("title", &[], &bar.told);
                    },
                );
            }
            html.void(
                "line",
                &[
                    ("class", &"tick"),
                    ("x1", &"8"),
                    ("x2", &unit(width - 8.0)),
                    ("y1", &unit(18.0 + HEIGHT)),
                    ("y2", &unit(18.0 + HEIGHT)),
                ],
            );
            let y = unit(HEIGHT + 32.0);
            let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return };
            let right = 8.0 + each * count(bars.len());
            // Few bars have no room for two labels below them.
            let apart = right > 220.0;
            let label = match bars.len() {
                2.. if !apart => format!("{} to {}", first.label, last.label),
                _ => first.label.clone(),
            };
            html.put("text", &[("class", &"scale"), ("x", &"8"), ("y", &y)], label);
            if apart {
                let end: Attributes<'_> =
                    &[("class", &"scale"), ("x", &unit(right)), ("y", &y), ("text-anchor", &"end")];
                html.put("text", end, &last.label);
            }
        },
    );
}
