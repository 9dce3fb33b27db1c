//! A schedule in the words of others: systemd's timers, and the five fields of crons.
//!
//! Exact or refused: nothing is rounded. What a dialect has no words for is an error that says so.

use std::time::Duration;

use super::schedule::{Calendar, Field, Schedule};
use crate::error::{Error, Result};

/// What a timer of systemd waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timer {
    /// Values of `OnCalendar=`, one or two: whenever any of them fits.
    Calendar(Vec<String>),
    /// Again and again after this long.
    Every(Duration),
}

/// Who reads five fields. They differ where a date and a weekday are restricted and one has a star, as in
/// `*/7 * SUN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cron {
    /// cron since Vixie's, cronie included: a field that begins with a star makes it both.
    Vixie,
    /// Kubernetes: a star with a step is a list like any other, so that it is either.
    Kubernetes,
}

/// Which days fit, once it is clear what restricts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Days {
    Any,
    Dates,
    Weekdays,
    /// The date and the weekday.
    Both,
    /// The date or the weekday.
    Either,
}

fn days(calendar: &Calendar) -> Days {
    let (date, weekday) = (&calendar.day, &calendar.weekday);
    let is_both = date.is_open() || weekday.is_open();
    match (date.is_all(), weekday.is_all()) {
        (true, true) => Days::Any,
        (false, false) if is_both => Days::Both,
        (false, false) => Days::Either,
        // Where either is enough, and one of them always fits, so does every day.
        _ if !is_both => Days::Any,
        (true, false) => Days::Weekdays,
        (false, true) => Days::Dates,
    }
}

impl Schedule {
    /// The same for systemd (`systemd.time(7)`), in UTC.
    pub fn timer(&self) -> Timer {
        let calendar = match self {
            Self::Every(pause) => return Timer::Every(*pause),
            Self::Calendar(calendar) => calendar,
        };
        let field = |field: &Field, most| of_systemd(&values(field), most);
        let month = field(&calendar.month, 12);
        let time = format!(
            "{}:{}:{} UTC",
            field(&calendar.hour, 23),
            field(&calendar.minute, 59),
            field(&calendar.second, 59)
        );
        let dates = format!("*-{month}-{} {time}", field(&calendar.day, 31));
        let any = format!("*-{month}-* {time}");
        let weekdays = || {
            let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
            let fit = calendar.weekday.values().filter_map(|day| names.get(usize::from(day)).copied());
            fit.collect::<Vec<_>>().join(",")
        };
        Timer::Calendar(match days(calendar) {
            Days::Any => vec![any],
            Days::Dates => vec![dates],
            Days::Weekdays => vec![format!("{} {any}", weekdays())],
            Days::Both => vec![format!("{} {dates}", weekdays())],
            Days::Either => vec![dates, format!("{} {any}", weekdays())],
        })
    }
}

/// The same in five fields: minute, hour, day, month, day of the week.
///
/// # Errors
/// Kind `Usage` for what five fields cannot say: seconds, most pauses, and for Kubernetes a date and a weekday
/// that must both fit.
pub fn five_fields(schedule: &Schedule, cron: Cron) -> Result<String> {
    let calendar = match schedule {
        Schedule::Every(pause) => return every(*pause, schedule),
        Schedule::Calendar(calendar) => calendar,
    };
    if !calendar.second.values().eq([0]) {
        return Err(Error::usage(format!(
            "`{schedule}` has seconds other than 0, and cron knows minutes only"
        ))
        .hint("begin with 0, or print timers for systemd, which know seconds"));
    }
    let field = |field: &Field, most| of_cron(&values(field), most);
    let (minute, hour) = (field(&calendar.minute, 59), field(&calendar.hour, 23));
    let month = field(&calendar.month, 12);
    let (date, weekday) = (field(&calendar.day, 31), field(&calendar.weekday, 6));
    let (date, weekday) = match days(calendar) {
        Days::Any => ("*".to_owned(), "*".to_owned()),
        Days::Dates => (date, "*".to_owned()),
        Days::Weekdays => ("*".to_owned(), weekday),
        Days::Either => (date, weekday),
        Days::Both if cron == Cron::Kubernetes => {
            return Err(Error::usage(format!(
                "`{schedule}` wants a date and a weekday at once, and Kubernetes would take either"
            ))
            .hint("restrict one of them only"));
        }
        Days::Both => (starred(&calendar.day, date), starred(&calendar.weekday, weekday)),
    };
    Ok(format!("{minute} {hour} {date} {month} {weekday}"))
}

/// A field as it was said where a star in it counts: cron looks at its first character.
fn starred(field: &Field, listed: String) -> String {
    if !field.is_open() {
        return listed;
    }
    let said = field.to_string();
    let mut parts: Vec<&str> = said.split(',').collect();
    parts.sort_by_key(|part| !part.starts_with('*'));
    parts.join(",")
}

/// A pause that divides the hour or the day begins with it.
fn every(pause: Duration, schedule: &Schedule) -> Result<String> {
    let seconds = pause.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let spell = |count: u64| if count == 1 { "*".to_owned() } else { format!("*/{count}") };
    if seconds == minutes * 60 && (1..60).contains(&minutes) && 60 % minutes == 0 {
        return Ok(format!("{} * * * *", spell(minutes)));
    }
    if seconds == hours * 3600 && (1..24).contains(&hours) && 24 % hours == 0 {
        return Ok(format!("0 {} * * *", spell(hours)));
    }
    if seconds == 24 * 3600 {
        return Ok("0 0 * * *".to_owned());
    }
    Err(Error::usage(format!(
        "`{schedule}` divides neither the hour nor the day, which is all that cron can say"
    ))
    .hint("write six fields, or print timers for systemd"))
}

fn values(field: &Field) -> Vec<u8> {
    field.values().collect()
}

/// The step of values at least three of which are as far from each other, and further than one.
fn step(values: &[u8]) -> Option<u8> {
    let [first, second, _, ..] = values else { return None };
    let step = second - first;
    (step > 1 && values.windows(2).all(|two| two[1] - two[0] == step)).then_some(step)
}

/// Values in rows without gaps: the first and the last of each.
fn rows(values: &[u8]) -> Vec<(u8, u8)> {
    values.iter().fold(Vec::new(), |mut rows: Vec<(u8, u8)>, value| {
        match rows.last_mut() {
            Some((_, last)) if *last + 1 == *value => *last = *value,
            _ => rows.push((*value, *value)),
        }
        rows
    })
}

/// Joins rows; two neighbours are a list like any other.
fn listed(values: &[u8], between: &str, spell: impl Fn(u8) -> String) -> String {
    let rows = rows(values).into_iter().map(|(first, last)| match last - first {
        0 => spell(first),
        1 => format!("{},{}", spell(first), spell(last)),
        _ => format!("{}{between}{}", spell(first), spell(last)),
    });
    rows.collect::<Vec<_>>().join(",")
}

/// Values as systemd takes them; `most` is the greatest there is, and the least is 0 or 1.
fn of_systemd(values: &[u8], most: u8) -> String {
    let two = |value: u8| format!("{value:02}");
    match (values.first(), values.last(), step(values)) {
        _ if is_all(values, most) => "*".to_owned(),
        (Some(first), Some(last), Some(step)) if *last + step > most => format!("{first:02}/{step}"),
        (Some(first), Some(last), Some(step)) => format!("{first:02}..{last:02}/{step}"),
        _ => listed(values, "..", two),
    }
}

/// Values as cron takes them.
fn of_cron(values: &[u8], most: u8) -> String {
    match (values.first(), values.last(), step(values)) {
        _ if is_all(values, most) => "*".to_owned(),
        (Some(first), Some(last), Some(step)) => format!("{first}-{last}/{step}"),
        _ => listed(values, "-", |value| value.to_string()),
    }
}

/// Hours, minutes, seconds and weekdays begin with 0, dates and months with 1.
fn is_all(values: &[u8], most: u8) -> bool {
    let least = u8::from(most == 31 || most == 12);
    values.len() == usize::from(most - least) + 1
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn calendar(text: &str) -> Vec<String> {
        match schedule(text).timer() {
            Timer::Calendar(lines) => lines,
            Timer::Every(_) => panic!("{text} is a calendar"),
        }
    }

    #[test]
    fn systemd_is_told_all_six_fields() {
        for (text, line) in [
            ("0 30 2 * * *", "*-*-* 02:30:00 UTC"),
            ("*/20 */15 8-18 * * MON-FRI", "Mon,Tue,Wed,Thu,Fri *-*-* 08..18:00/15:00/20 UTC"),
            ("5 1,2,40-50/5 0 1-31/2 JAN,jul ?", "*-01,07-01/2 00:01,02,40,45,50:05 UTC"),
            ("0 0 0 */7 * SUN", "Sun *-*-01/7 00:00:00 UTC"),
            ("0 0 6-12/3 * * *", "*-*-* 06..12/3:00:00 UTC"),
            ("0 0 0 1-31 * MON", "*-*-* 00:00:00 UTC"),
        ] {
            assert_eq!(calendar(text), [line], "{text}");
        }
        assert_eq!(schedule("@every 90m").timer(), Timer::Every(Duration::from_mins(90)));
    }

    #[test]
    fn a_date_or_a_weekday_takes_systemd_two_lines() {
        assert_eq!(calendar("0 0 3 1,15 * FRI"), ["*-*-01,15 03:00:00 UTC", "Fri *-*-* 03:00:00 UTC"]);
    }

    #[test]
    fn cron_is_told_five_fields() {
        for (text, fields) in [
            ("0 30 2 * * *", "30 2 * * *"),
            ("0 */15 8-18 * * MON-FRI", "0-45/15 8-18 * * 1-5"),
            ("0 0 3 1,15 * FRI", "0 3 1,15 * 5"),
            ("0 0 0 1-31 * MON", "0 0 * * *"),
            ("@every 20m", "*/20 * * * *"),
            ("@every 1m", "* * * * *"),
            ("@every 6h", "0 */6 * * *"),
            ("@every 24h", "0 0 * * *"),
        ] {
            for cron in [Cron::Vixie, Cron::Kubernetes] {
                assert_eq!(five_fields(&schedule(text), cron).unwrap(), fields, "{text}");
            }
        }
        assert_eq!(five_fields(&schedule("0 0 0 5,*/7 * SUN"), Cron::Vixie).unwrap(), "0 0 */7,5 * 0");
    }

    #[test]
    fn what_cron_cannot_say_is_refused() {
        for (text, cron, message) in [
            ("30 0 2 * * *", Cron::Vixie, "has seconds other than 0"),
            ("*/10 0 2 * * *", Cron::Kubernetes, "has seconds other than 0"),
            ("0 0 0 */7 * SUN", Cron::Kubernetes, "Kubernetes would take either"),
            ("@every 90m", Cron::Vixie, "divides neither the hour nor the day"),
            ("@every 30s", Cron::Kubernetes, "divides neither"),
        ] {
            let e = five_fields(&schedule(text), cron).unwrap_err();
            assert!(e.to_string().contains(message) && e.hint_text().is_some(), "{text}: {e}");
        }
    }

    proptest! {
        /// Cron's five fields with a 0 in front are read by ourselves again.
        #[test]
        fn five_fields_are_due_when_the_six_were(
            text in "0 (\\*|[0-5]?[0-9]|\\*/[1-9]|[0-9]-[3-5][0-9]/7) (\\*|1?[0-9]|\\*/5) \
                     (\\*|[1-9]|\\*/7|1-31) (\\*|[1-9]|2-9/3) (\\*|[0-6]|1-5|0-6)",
            from in 0_i64..4_000_000_000,
        ) {
            let six = schedule(&text);
            let now = Timestamp::from_second(from).unwrap();
            for cron in [Cron::Vixie, Cron::Kubernetes] {
                // Refused for Kubernetes only.
                let Ok(five) = five_fields(&six, cron) else {
                    prop_assert_eq!(cron, Cron::Kubernetes);
                    continue;
                };
                let again = schedule(&format!("0 {five}"));
                let due = |one: &Schedule| one.instants_after(now).take(5).collect::<Vec<_>>();
                prop_assert_eq!(due(&again), due(&six));
            }
        }
    }
}
