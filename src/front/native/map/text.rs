//! The map in a terminal.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use super::{Chart, Cluster, Dot, Lane, Mark, Stretch};
use crate::front::borrowed::Environment;
use crate::front::native::render_backups::size;

/// What stands before the columns.
const GUTTER: usize = 10;

/// A mark of the scale takes so many columns, with what is between two.
const LABEL: usize = 12;

/// How it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::front::native) struct Style {
    /// Columns of the terminal; at least 40 are used.
    pub(in crate::front::native) width: usize,
    /// Whether it shows more than ASCII.
    pub(in crate::front::native) unicode: bool,
    /// Whether it shows colours. Nothing is told by them alone.
    pub(in crate::front::native) colour: bool,
}

/// Widths that are used when nobody says how wide it is, and at most when only the terminal does.
const WIDTH: usize = 80;
const WIDEST: usize = 120;

impl Style {
    /// What standard output can show: as wide as `COLUMNS` says, else as the terminal is, up to 120; beyond
    /// ASCII in a locale of UTF-8; colours on a terminal, unless `NO_COLOR` is set.
    pub(in crate::front::native) fn of(
        environment: Environment<'_>,
        terminal: Option<usize>,
        ascii: bool,
    ) -> Self {
        let said = |name: &str| environment(name).filter(|value| !value.is_empty());
        let columns = said("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(said).unwrap_or_default();
        let locale = locale.to_string_lossy().to_ascii_lowercase().replace('-', "");
        Self {
            width: columns.or(terminal.map(|width| width.min(WIDEST))).unwrap_or(WIDTH),
            unicode: !ascii && locale.contains("utf8"),
            colour: terminal.is_some() && said("NO_COLOR").is_none(),
        }
    }
}

/// How wide the terminal is that standard output goes to; `None` when it goes elsewhere.
pub(in crate::front::native) fn terminal() -> Option<usize> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stdout).ok();
    Some(size.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0).unwrap_or(WIDTH))
}

/// What a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Blank,
    Rule,
    Now,
    Wal,
    /// WAL that no backup leads to.
    Lost,
    Missing,
    Gap,
    Fork,
    Partial,
    Window,
    Backup(Mark),
    /// So many backups; above nine a plus.
    Several(Mark, usize),
}

impl Ink {
    fn glyph(self, unicode: bool) -> char {
        let (fine, plain) = match self {
            Self::Blank => (' ', ' '),
            Self::Rule => ('│', '|'),
            Self::Now => ('▼', 'v'),
            Self::Wal => ('━', '='),
            Self::Lost => ('╌', '-'),
            Self::Missing => ('·', '.'),
            Self::Gap => ('╳', '!'),
            Self::Fork => ('┗', '\\'),
            Self::Partial => ('╸', '~'),
            Self::Window => ('█', '#'),
            Self::Backup(Mark::Good) => ('●', 'o'),
            Self::Backup(Mark::Kept) => ('◆', 'K'),
            Self::Backup(Mark::Snapshot) => ('◌', 's'),
            Self::Backup(Mark::Running) => ('▷', '>'),
            Self::Backup(Mark::Unusable) => ('○', '?'),
            Self::Backup(Mark::Failed) => ('×', 'x'),
            Self::Several(_, count) => {
                let digit = u32::try_from(count).ok().and_then(|count| char::from_digit(count, 10));
                (digit.unwrap_or('+'), digit.unwrap_or('+'))
            }
        };
        if unicode { fine } else { plain }
    }

    /// The number of its colour, as terminals count them.
    fn colour(self) -> Option<u8> {
        Some(match self {
            Self::Blank => return None,
            Self::Rule | Self::Missing | Self::Lost => 90,
            Self::Now => 36,
            Self::Wal | Self::Partial | Self::Fork => 34,
            Self::Gap => 31,
            Self::Backup(mark) | Self::Several(mark, _) => match mark {
                Mark::Failed | Mark::Unusable => 31,
                Mark::Kept => 33,
                Mark::Good | Mark::Snapshot | Mark::Running => 32,
            },
            Self::Window => 32,
        })
    }
}

/// Draws it, with what its signs mean.
pub(in crate::front::native) fn draw(chart: &Chart, style: Style) -> String {
    let drawing = Drawing { chart, style, columns: style.width.max(40) - GUTTER };
    drawing.all()
}

struct Drawing<'a> {
    chart: &'a Chart,
    style: Style,
    columns: usize,
}

impl Drawing<'_> {
    fn all(&self) -> String {
        let mut text = self.scale();
        if self.chart.left_out > 0 {
            let _ = writeln!(text, "{} older timelines are not drawn", self.chart.left_out);
        }
        let mut used = Vec::new();
        for lane in &self.chart.lanes {
            let _ = writeln!(text, "{}", headline(lane));
            for (label, row) in self.rows(lane) {
                let _ = writeln!(text, "{label:GUTTER$}{}", self.inked(&row));
                used.extend(row);
            }
        }
        let _ = writeln!(text, "\n{}", self.legend(&used));
        text
    }

    /// The scale: dates, and below them where they are.
    fn scale(&self) -> String {
        let axis = &self.chart.axis;
        let (mut labels, mut rule) = (vec![' '; self.columns], vec![Ink::Blank; self.columns]);
        if let Some(now) = self.chart.now {
            rule[axis.column(now, self.columns)] = Ink::Now;
        }
        let mut free = 0;
        for tick in axis.ticks(self.columns / LABEL) {
            let at = axis.column(tick.at, self.columns);
            let end = at + tick.label.chars().count();
            if at < free || end > self.columns {
                continue;
            }
            for (cell, c) in labels[at..end].iter_mut().zip(tick.label.chars()) {
                *cell = c;
            }
            rule[at] = Ink::Rule;
            free = end + 1;
        }
        let labels: String = labels.into_iter().collect();
        let blank = " ".repeat(GUTTER);
        format!("{blank}{}\n{blank}{}\n", labels.trim_end(), self.inked(&rule))
    }

    /// The rows of a timeline; those without anything are left out.
    fn rows(&self, lane: &Lane) -> Vec<(&'static str, Vec<Ink>)> {
        let mut rows = vec![("WAL", self.wal(lane)), ("recover", self.windows(lane))];
        rows.push(("backups", self.backups(&lane.dots, Mark::is_sound)));
        rows.push(("unusable", self.backups(&lane.dots, |mark| !mark.is_sound())));
        rows.retain(|(_, row)| row.iter().any(|ink| *ink != Ink::Blank));
        rows
    }

    fn wal(&self, lane: &Lane) -> Vec<Ink> {
        let mut row = vec![Ink::Blank; self.columns];
        self.fill(&mut row, &lane.gaps, Ink::Missing);
        self.fill(&mut row, &lane.wal, if lane.reachable { Ink::Wal } else { Ink::Lost });
        let column = |at| self.chart.axis.column(at, self.columns);
        if let Some((_, at)) = lane.fork {
            row[column(at)] = Ink::Fork;
        }
        if let Some(at) = lane.partial {
            row[column(at)] = Ink::Partial;
        }
        for Stretch { from, to } in &lane.gaps {
            row[usize::midpoint(column(*from), column(*to))] = Ink::Gap;
        }
        row
    }

    fn windows(&self, lane: &Lane) -> Vec<Ink> {
        let mut row = vec![Ink::Blank; self.columns];
        self.fill(&mut row, &lane.windows, Ink::Window);
        row
    }

    fn backups(&self, dots: &[Dot], which: impl Fn(Mark) -> bool) -> Vec<Ink> {
        let mut row = vec![Ink::Blank; self.columns];
        for Cluster { column, dots, mark } in self.chart.clusters(dots, self.columns, which) {
            row[column] = match dots.len() {
                1 => Ink::Backup(mark),
                count => Ink::Several(mark, count),
            };
        }
        row
    }

    fn fill(&self, row: &mut [Ink], stretches: &[Stretch], ink: Ink) {
        for (from, to) in self.chart.columns(stretches, self.columns) {
            row[from..=to].fill(ink);
        }
    }

    /// A row as it is printed; nothing at its end.
    fn inked(&self, row: &[Ink]) -> String {
        let end = row.iter().rposition(|ink| *ink != Ink::Blank).map_or(0, |last| last + 1);
        let mut text = String::new();
        let mut now = None;
        for ink in &row[..end] {
            let colour = ink.colour().filter(|_| self.style.colour);
            if colour != now {
                let _ = match colour {
                    Some(colour) => write!(text, "\x1b[{colour}m"),
                    None => write!(text, "\x1b[0m"),
                };
                now = colour;
            }
            text.push(ink.glyph(self.style.unicode));
        }
        if now.is_some() {
            text.push_str("\x1b[0m");
        }
        text
    }

    /// What the signs mean that were used, and how the axis is to be read.
    fn legend(&self, used: &[Ink]) -> String {
        let mut told = Vec::new();
        let glyph = |ink: Ink| ink.glyph(self.style.unicode);
        let mut tell = |ink: Ink, what: &str| {
            if used.contains(&ink) {
                told.push(format!("{} {what}", glyph(ink)));
            }
        };
        tell(Ink::Wal, "WAL");
        tell(Ink::Lost, "WAL that no backup leads to");
        tell(Ink::Partial, "incomplete segment");
        tell(Ink::Gap, "WAL is missing");
        tell(Ink::Fork, "left its parent");
        tell(Ink::Window, "recoverable");
        for mark in Mark::ALL {
            tell(Ink::Backup(mark), mark.name());
        }
        if used.iter().any(|ink| matches!(ink, Ink::Several(..))) {
            told.push("2-9 so many backups, + more".to_owned());
        }
        if self.chart.now.is_some() {
            told.push(format!("{} now", glyph(Ink::Now)));
        }
        let axis = &self.chart.axis;
        let (from, to) = axis.ends();
        let about = format!("{}; {from} to {to}, a column is {}", axis.legend(), axis.grain(self.columns));
        let mut words = wrap(&told, "  ", self.style.width.max(40));
        if self.chart.unplaced > 0 {
            let _ = writeln!(
                words,
                "{} backups are not drawn: their records do not tell where they belong",
                self.chart.unplaced
            );
        }
        let about: Vec<String> = about.split(' ').map(str::to_owned).collect();
        words + wrap(&about, " ", self.style.width.max(40)).trim_end()
    }
}

/// What there is of a timeline, in one line.
pub(in crate::front::native) fn headline(lane: &Lane) -> String {
    let segments = if lane.segments == 1 { "segment" } else { "segments" };
    let mut text = format!("timeline {}: ", lane.timeline.number());
    match lane.fork {
        Some((fork, _)) => {
            let _ = write!(text, "left timeline {} at {}; ", fork.from.number(), fork.at);
        }
        None if lane.orphan => text.push_str("its history is missing; "),
        None => {}
    }
    let _ = write!(text, "{} {segments}, {}", lane.segments, size(lane.stored_bytes));
    text
}

/// Words in lines of at most so many columns.
fn wrap(words: &[String], between: &str, width: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in words {
        let length = word.chars().count();
        if column > 0 && column + between.len() + length > width {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push_str(between);
            column += between.len();
        }
        text.push_str(word);
        column += length;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
