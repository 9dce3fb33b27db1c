//! The axis of a map: places in time, or in the WAL where times are of no use, and the marks of a scale.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::Lsn;

/// A place on the axis: a second since 1970, or a byte of the WAL.
pub(in crate::front::native) type Place = i64;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Weeks begin on Mondays, and 1970 did on a Thursday.
const MONDAY: i64 = 4 * DAY;
/// An average month: it only serves to choose a step.
const MONTH: i64 = 2_629_746;

/// Marks are so far apart in time, in seconds.
const STEPS: [i64; 18] = [
    1,
    5,
    15,
    30,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
];

/// Or so many months.
const MONTHS: [i64; 8] = [1, 3, 6, 12, 24, 60, 120, 1200];

/// What the axis measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::front::native) enum Scale {
    /// Time: when WAL was stored, and when backups ended.
    Time,
    /// The position in the WAL; why not time.
    Position(NotTime),
}

/// Why times do not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::front::native) enum NotTime {
    /// Some are not known.
    Unknown,
    /// WAL was not stored in the order in which it was written.
    OutOfOrder,
    /// WAL was stored long after the backups that need it, as when an archive is copied.
    Copied,
}

/// An axis from its first place to its last, which is behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::front::native) struct Axis {
    pub(in crate::front::native) scale: Scale,
    pub(in crate::front::native) from: Place,
    pub(in crate::front::native) to: Place,
}

/// A mark of the scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::front::native) struct Tick {
    pub(in crate::front::native) at: Place,
    pub(in crate::front::native) label: String,
}

impl Axis {
    /// In which of `columns` a place lies.
    pub(in crate::front::native) fn column(&self, at: Place, columns: usize) -> usize {
        let (from, to) = (i128::from(self.from), i128::from(self.to));
        let last = i128::try_from(columns.saturating_sub(1)).unwrap_or(0);
        let along = i128::from(at.clamp(self.from, self.to)) - from;
        usize::try_from(along * last / (to - from).max(1)).unwrap_or(0)
    }

    /// Marks at round places, at most so many.
    pub(in crate::front::native) fn ticks(&self, most: usize) -> Vec<Tick> {
        let most = i64::try_from(most.max(1)).unwrap_or(1);
        match self.scale {
            Scale::Time => self.time_ticks(most),
            Scale::Position(_) => self.position_ticks(most),
        }
    }

    fn time_ticks(&self, most: i64) -> Vec<Tick> {
        let length = self.to - self.from;
        let Some(step) = STEPS.into_iter().find(|step| length / step < most) else {
            return self.month_ticks(most);
        };
        let offset = if step % (7 * DAY) == 0 { MONDAY } else { 0 };
        let first = (self.from - offset).div_euclid(step) * step + offset;
        let places = (0..).map(|i| first + i * step).skip_while(|at| *at < self.from);
        let places = places.take_while(|at| *at <= self.to);
        places.map(|at| Tick { at, label: label(at, step) }).collect()
    }

    fn month_ticks(&self, most: i64) -> Vec<Tick> {
        let fits = |months: &i64| (self.to - self.from) / (months * MONTH) < most;
        let step = MONTHS.into_iter().find(fits).unwrap_or(1200);
        let begin = civil(self.from).date();
        let first = (i64::from(begin.year()) * 12 + i64::from(begin.month()) - 1).div_euclid(step) * step;
        let month = |number: i64| {
            let (year, month) = (number.div_euclid(12), number.rem_euclid(12) + 1);
            let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()?;
            let at = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
            let label = if step % 12 == 0 { format!("{year}") } else { format!("{year}-{month:02}") };
            Some(Tick { at, label })
        };
        let months = (0..).map_while(|i| month(first + i * step)).skip_while(|tick| tick.at < self.from);
        months.take_while(|tick| tick.at <= self.to).collect()
    }

    fn position_ticks(&self, most: i64) -> Vec<Tick> {
        let length = self.to - self.from;
        let step = (20..62).map(|power| 1_i64 << power).find(|step| length / step < most);
        let step = step.unwrap_or(1 << 62);
        let first = self.from.div_euclid(step);
        let places = (0..).map_while(|i| step.checked_mul(first + i)).skip_while(|at| *at < self.from);
        let places = places.take_while(|at| *at <= self.to);
        places.map(|at| Tick { at, label: Lsn(at.unsigned_abs()).to_string() }).collect()
    }

    /// How much one of `columns` stands for, in words.
    pub(in crate::front::native) fn grain(&self, columns: usize) -> String {
        let columns = i64::try_from(columns.max(1)).unwrap_or(1);
        let each = (self.to - self.from) / columns;
        match self.scale {
            Scale::Time => super::super::render_backups::span(SignedDuration::from_secs(each.max(1))),
            Scale::Position(_) => super::super::render_backups::size(each.max(1).unsigned_abs()),
        }
    }

    /// Where it begins and ends, in words.
    pub(in crate::front::native) fn ends(&self) -> (String, String) {
        let tell = |at: Place| match self.scale {
            Scale::Time => civil(at).strftime("%Y-%m-%d %H:%M").to_string(),
            Scale::Position(_) => Lsn(at.unsigned_abs()).to_string(),
        };
        (tell(self.from), tell(self.to))
    }

    /// How the axis is to be read.
    pub(in crate::front::native) fn legend(&self) -> &'static str {
        match self.scale {
            Scale::Time => "by time (UTC): WAL when it was stored, backups when they ended",
            Scale::Position(NotTime::Unknown) => {
                "by position in the WAL (LSN), because some times are not known"
            }
            Scale::Position(NotTime::OutOfOrder) => {
                "by position in the WAL (LSN), because WAL was not stored in its order"
            }
            Scale::Position(NotTime::Copied) => {
                "by position in the WAL (LSN), because WAL was stored long after the backups: it was copied"
            }
        }
    }
}

/// The place of a position.
pub(in crate::front::native) fn position(at: Lsn) -> Place {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

fn civil(at: Place) -> DateTime {
    let time = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::UTC).datetime()
}

fn label(at: Place, step: i64) -> String {
    let format = match step {
        ..MINUTE => "%H:%M:%S",
        MINUTE..DAY => "%m-%d %H:%M",
        _ => "%Y-%m-%d",
    };
    civil(at).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_few_in_order_and_on_the_axis(
            from in -1_000_000_000_i64..4_000_000_000, length in 1_i64..3_000_000_000, most in 1_usize..12,
            time: bool,
        ) {
            let scale = if time { Scale::Time } else { Scale::Position(NotTime::Unknown) };
            let from = if time { from } else { from.abs() };
            let axis = Axis { scale, from, to: from + length };
            let ticks = axis.ticks(most);
            prop_assert!(ticks.len() <= most + 1, "{:?}", ticks);
            prop_assert!(ticks.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].label != pair[1].label));
            prop_assert!(ticks.iter().all(|tick| (axis.from..=axis.to).contains(&tick.at)));
            prop_assert_eq!(axis.column(axis.from, 80), 0);
            prop_assert_eq!(axis.column(axis.to, 80), 79);
        }
    }
}
