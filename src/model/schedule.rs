//! When something is to be done again and again: cron with seconds in front (spec/cloudnativepg.md 3.5).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::error::{Error, Result};

/// When something is due, in UTC. `Display` and `FromStr` are inverses; what has several spellings
/// (`@daily`, `MON`, `?`) is printed with digits and stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// Whenever all six fields fit.
    Calendar(Box<Calendar>),
    /// Again and again after this long, in whole seconds from 1 up to a year.
    Every(Duration),
}

/// The six fields. A day fits by its date or by its weekday where both are restricted, as cron has it since
/// Vixie's; else it must fit both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// 0 to 59.
    pub second: Field,
    /// 0 to 59.
    pub minute: Field,
    /// 0 to 23.
    pub hour: Field,
    /// 1 to 31.
    pub day: Field,
    /// 1 to 12.
    pub month: Field,
    /// 0 to 6, from Sunday on.
    pub weekday: Field,
}

/// The values that fit in one place: never none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    parts: Vec<Part>,
    unit: Unit,
}

/// One element of a list: `from-to/step`, within the unit's range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    /// Whether it was said with a star, so that nothing is restricted.
    star: bool,
    from: u8,
    to: u8,
    step: u8,
}

/// What a field counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
}

/// The longest `@every`.
const YEAR: u64 = 366 * 86_400;

/// The 29th of February comes after eight years at the latest: 2096 and 2104.
const DAYS_AHEAD: usize = 8 * 366 + 1;

/// The words that stand for six fields.
const DESCRIPTORS: [(&str, &str); 7] = [
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@midnight", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
];

impl Schedule {
    /// The first instant after this one at which it is due, in whole seconds; `None` for a day that never
    /// comes (`0 0 0 31 2 *`) and beyond the end of time.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Calendar(calendar) => calendar.next_after(now),
            Self::Every(pause) => {
                let pause = SignedDuration::try_from(*pause).ok()?;
                Timestamp::from_second(now.as_second()).ok()?.checked_add(pause).ok()
            }
        }
    }

    /// All instants after this one, in order.
    pub fn instants_after(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(now), |last| self.next_after(*last))
    }
}

impl Calendar {
    fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let from = Timestamp::from_second(now.as_second()).ok()?.checked_add(1.second()).ok()?;
        let from = from.to_zoned(TimeZone::UTC).datetime();
        let mut date = from.date();
        for day in 0..DAYS_AHEAD {
            if self.fits(date) {
                let earliest =
                    if day == 0 { seconds_of(from.hour(), from.minute(), from.second()) } else { 0 };
                if let Some(time) = self.time_from(earliest) {
                    return date
                        .at(time.0, time.1, time.2, 0)
                        .to_zoned(TimeZone::UTC)
                        .ok()
                        .map(|z| z.timestamp());
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn fits(&self, date: Date) -> bool {
        let has = |field: &Field, value: i8| u8::try_from(value).is_ok_and(|value| field.has(value));
        let day = has(&self.day, date.day());
        let weekday = has(&self.weekday, date.weekday().to_sunday_zero_offset());
        let is_day =
            if self.day.is_open() || self.weekday.is_open() { day && weekday } else { day || weekday };
        has(&self.month, date.month()) && is_day
    }

    /// The first time of a day that fits and is not before so many seconds.
    fn time_from(&self, earliest: u32) -> Option<(i8, i8, i8)> {
        for hour in self.hour.values() {
            for minute in self.minute.values() {
                for second in self.second.values() {
                    let time = (hour.cast_signed(), minute.cast_signed(), second.cast_signed());
                    if seconds_of(time.0, time.1, time.2) >= earliest {
                        return Some(time);
                    }
                }
            }
        }
        None
    }
}

fn seconds_of(hour: i8, minute: i8, second: i8) -> u32 {
    let whole = |value: i8| u32::from(value.unsigned_abs());
    whole(hour) * 3600 + whole(minute) * 60 + whole(second)
}

impl Field {
    /// Whether the value fits.
    pub fn has(&self, value: u8) -> bool {
        self.parts.iter().any(|p| (p.from..=p.to).contains(&value) && (value - p.from).is_multiple_of(p.step))
    }

    /// All values that fit, in order.
    pub fn values(&self) -> impl Iterator<Item = u8> {
        let (least, most) = self.unit.range();
        (least..=most).filter(|value| self.has(*value))
    }

    /// Whether every value fits.
    pub fn is_all(&self) -> bool {
        let (least, most) = self.unit.range();
        (least..=most).all(|value| self.has(value))
    }

    /// Whether it was said with a star, also one with a step, so that of days the other field must fit too.
    pub fn is_open(&self) -> bool {
        self.parts.iter().any(|part| part.star)
    }

    fn parse(text: &str, unit: Unit) -> Result<Self> {
        let parts = text.split(',').map(|part| Part::parse(part, unit)).collect::<Result<_>>()?;
        Ok(Self { parts, unit })
    }
}

impl Part {
    fn parse(text: &str, unit: Unit) -> Result<Self> {
        let (least, most) = unit.range();
        let refused = |why: &str| {
            Error::usage(format!("`{text}` is no {}: {why}", unit.name())).hint(format!(
                "write a number from {least} to {most}{}, a range 1-5, a step */2, or several with commas",
                if unit.names().is_empty() { "" } else { " or a name of three letters" }
            ))
        };
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => {
                let step = number(step).filter(|step| *step > 0);
                (range, Some(step.ok_or_else(|| refused("a step is a number from 1 up"))?))
            }
            None => (text, None),
        };
        let one = |text: &str| {
            let value =
                number(text).or_else(|| unit.named(text)).ok_or_else(|| refused("it is no number"))?;
            if (least..=most).contains(&value) { Ok(value) } else { Err(refused("it is out of range")) }
        };
        let (star, from, to) = match range {
            "*" | "?" => (true, least, most),
            range => match range.split_once('-') {
                Some((from, to)) => (false, one(from)?, one(to)?),
                // Like elsewhere, 5/10 begins at 5 and goes on to the end.
                None if step.is_some() => (false, one(range)?, most),
                None => (false, one(range)?, one(range)?),
            },
        };
        if from > to {
            return Err(refused("the range ends before it begins"));
        }
        // A step that is never taken is none.
        let step = step.unwrap_or(1);
        Ok(Self { star, from, to, step: if from == to { 1 } else { step } })
    }
}

impl Unit {
    const fn range(self) -> (u8, u8) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 6),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of the month",
            Self::Month => "month",
            Self::Weekday => "day of the week",
        }
    }

    /// The names of the values, from the least on.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => {
                &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
            }
            Self::Weekday => &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
            Self::Second | Self::Minute | Self::Hour | Self::Day => &[],
        }
    }

    fn named(self, text: &str) -> Option<u8> {
        let at = self.names().iter().position(|name| name.eq_ignore_ascii_case(text))?;
        u8::try_from(at).ok().map(|at| at + self.range().0)
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(text: &str) -> Option<u8> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

impl FromStr for Schedule {
    type Err = Error;

    /// Six fields with the seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, or
    /// `@every 1h30m`.
    fn from_str(text: &str) -> Result<Self> {
        if let Some(pause) = text.strip_prefix("@every ") {
            return every(pause.trim()).map(Self::Every);
        }
        let text = match text.strip_prefix('@') {
            None => text,
            Some(_) => DESCRIPTORS.iter().find(|(word, _)| *word == text).map(|(_, fields)| *fields).ok_or_else(
                || {
                    Error::usage(format!("`{text}` is no schedule")).hint(
                        "there are @hourly, @daily, @weekly, @monthly, @yearly and @every 1h30m; else write six fields",
                    )
                },
            )?,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [second, minute, hour, day, month, weekday] = fields.as_slice() else {
            let error = Error::usage(format!("`{text}` has {} fields, a schedule has 6", fields.len()));
            return Err(match fields.len() {
                5 => error.hint(format!("the seconds come first: `0 {}`", fields.join(" "))),
                _ => error.hint("second, minute, hour, day, month, day of the week: `0 30 2 * * *`"),
            });
        };
        Ok(Self::Calendar(Box::new(Calendar {
            second: Field::parse(second, Unit::Second)?,
            minute: Field::parse(minute, Unit::Minute)?,
            hour: Field::parse(hour, Unit::Hour)?,
            day: Field::parse(day, Unit::Day)?,
            month: Field::parse(month, Unit::Month)?,
            weekday: Field::parse(weekday, Unit::Weekday)?,
        })))
    }
}

/// `1h30m`, `90s`: hours, minutes and seconds, each with its letter.
fn every(text: &str) -> Result<Duration> {
    let refused = || {
        Error::usage(format!("`@every {text}` is no schedule"))
            .hint("write hours, minutes and seconds, a second to a year together: @every 1h30m")
    };
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
        let count: u64 = rest[..digits].parse().map_err(|_| refused())?;
        let mut letters = rest[digits..].chars();
        let unit = match letters.next() {
            Some('h') => 3600,
            Some('m') => 60,
            Some('s') => 1,
            _ => return Err(refused()),
        };
        seconds = count.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(refused)?;
        rest = letters.as_str();
    }
    if (1..=YEAR).contains(&seconds) { Ok(Duration::from_secs(seconds)) } else { Err(refused()) }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calendar(calendar) => calendar.fmt(f),
            Self::Every(pause) => {
                let seconds = pause.as_secs();
                f.write_str("@every ")?;
                let parts = [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
                parts
                    .into_iter()
                    .filter(|(count, _)| *count > 0)
                    .try_for_each(|(n, unit)| write!(f, "{n}{unit}"))
            }
        }
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { second, minute, hour, day, month, weekday } = self;
        write!(f, "{second} {minute} {hour} {day} {month} {weekday}")
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            f.write_str(if i > 0 { "," } else { "" })?;
            part.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { star: true, .. } => f.write_str("*")?,
            Self { from, to, .. } if from == to => from.fmt(f)?,
            Self { from, to, .. } => write!(f, "{from}-{to}")?,
        }
        if self.step > 1 { write!(f, "/{}", self.step) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn next(text: &str, now: &str) -> Option<String> {
        schedule(text).next_after(now.parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn the_seconds_come_first_and_every_spelling_means_what_cron_means() {
        for (text, now, then) in [
            ("0 0 0 * * *", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("0 30 2 * * *", "2026-01-31T02:29:59.9Z", "2026-01-31T02:30:00Z"),
            ("*/15 * * * * *", "2026-01-31T23:59:46Z", "2026-02-01T00:00:00Z"),
            ("0 0 5/6 * * ?", "2026-01-31T05:00:00Z", "2026-01-31T11:00:00Z"),
            ("0 0 0 * * MON-fri", "2026-01-30T00:00:00Z", "2026-02-02T00:00:00Z"),
            ("0 0 0 1 jan,JUL *", "2026-01-31T00:00:00Z", "2026-07-01T00:00:00Z"),
            ("0 0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"),
            ("@daily", "2026-01-31T12:00:00Z", "2026-02-01T00:00:00Z"),
            ("@weekly", "2026-01-31T12:00:00Z", "2026-02-01T00:00:00Z"),
            ("@every 1h30m", "2026-01-31T12:00:00.5Z", "2026-01-31T13:30:00Z"),
        ] {
            assert_eq!(next(text, now).as_deref(), Some(then), "{text}");
        }
    }

    #[test]
    fn a_date_and_a_weekday_are_alternatives_unless_one_has_a_star() {
        let due = |text: &str| {
            let from = "2026-01-31T12:00:00Z".parse().unwrap();
            schedule(text).instants_after(from).take(3).map(|at| at.to_string()).collect::<Vec<_>>()
        };
        let either = ["2026-02-01T00:00:00Z", "2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z"];
        assert_eq!(due("0 0 0 1 * FRI"), either);
        let both = ["2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z", "2026-02-15T00:00:00Z"];
        assert_eq!(due("0 0 0 */7 * SUN"), both);
    }

    #[test]
    fn a_day_that_never_comes_is_never_due() {
        assert_eq!(next("0 0 0 31 2 *", "2026-01-31T12:00:00Z"), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_the_way_out() {
        for (text, message, hint) in [
            ("0 2 * * *", "has 5 fields, a schedule has 6", "the seconds come first: `0 0 2 * * *`"),
            ("", "has 0 fields", "second, minute, hour"),
            ("60 0 0 * * *", "`60` is no second: it is out of range", "from 0 to 59"),
            ("0 0 24 * * *", "`24` is no hour", "from 0 to 23"),
            ("0 0 0 0 * *", "`0` is no day of the month", "from 1 to 31"),
            ("0 0 0 * 13 *", "`13` is no month", "a name of three letters"),
            ("0 0 0 * * 7", "`7` is no day of the week", "from 0 to 6"),
            ("0 0 0 * * FRI-MON", "ends before it begins", "a range"),
            ("0 */0 0 * * *", "a step is a number from 1 up", "a step"),
            ("0 -1 0 * * *", "it is no number", "from 0 to 59"),
            ("0 1,,2 0 * * *", "it is no number", "commas"),
            ("@fortnightly", "is no schedule", "@daily"),
            ("@every 0s", "is no schedule", "a second to a year"),
            ("@every 1d", "is no schedule", "hours, minutes and seconds"),
            ("@every 99999999999999999999h", "is no schedule", "a year"),
        ] {
            let e = text.parse::<Schedule>().unwrap_err();
            let told = e.hint_text().unwrap_or_default();
            assert!(e.to_string().contains(message) && told.contains(hint), "{text}: {e}; {told}");
        }
    }

    #[test]
    fn descriptors_and_names_are_printed_as_fields() {
        for (text, printed) in [
            ("@daily", "0 0 0 * * *"),
            ("0  0 0 ? JAN-MAR/2 MON", "0 0 0 * 1-3/2 1"),
            ("5/10 0 0 * * *", "5-59/10 0 0 * * *"),
            ("@every 90m", "@every 1h30m"),
        ] {
            assert_eq!(schedule(text).to_string(), printed);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(text in "([*?]|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9])?( [*?0-9,/-]{1,6}){5}") {
            if let Ok(schedule) = text.parse::<Schedule>() {
                prop_assert_eq!(schedule.to_string().parse::<Schedule>().unwrap(), schedule);
            }
        }

        #[test]
        fn the_next_instant_is_later_and_fits(second in 0_u8..60, step in 1_u8..30, from in 0_i64..4_000_000_000) {
            let schedule = schedule(&format!("{second} */{step} * * * *"));
            let now = Timestamp::from_second(from).unwrap();
            let next = schedule.next_after(now).unwrap();
            let time = next.to_zoned(TimeZone::UTC);
            prop_assert!(next > now && time.second() == second.cast_signed());
            prop_assert!(time.minute() % step.cast_signed() == 0);
        }
    }
}
