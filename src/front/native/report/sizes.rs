//! What was stored on which day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{ToSpan as _, civil::Weekday};

use super::html::Html;
use super::page::{NARROW, WIDE, table};
use super::svg::{Bar, bars};
use crate::command::report::Outcome;
use crate::front::native::render_backups::size;
use crate::model::{StoredOnDay, WalTally};

/// As many bars are drawn at most, the newest.
const BARS: usize = 92;

/// What a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Each {
    Day,
    Week,
    Month,
}

impl Each {
    /// The finest with which all bars from one day to another are drawn, or months.
    fn of(first: Date, last: Date) -> Self {
        let days = usize::try_from((last - first).get_days()).unwrap_or(usize::MAX);
        if days < BARS {
            Self::Day
        } else if days < (BARS - 1) * 7 {
            Self::Week
        } else {
            Self::Month
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The first day of what this day belongs to.
    fn begin(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => {
                let since = i64::from(day.weekday().since(Weekday::Monday));
                day.checked_sub(since.days()).unwrap_or(day)
            }
            Self::Month => day.first_of_month(),
        }
    }

    fn next(self, begin: Date) -> Option<Date> {
        let span = match self {
            Self::Day => 1.day(),
            Self::Week => 7.days(),
            Self::Month => 1.month(),
        };
        begin.checked_add(span).ok()
    }

    fn label(self, begin: Date) -> String {
        match self {
            Self::Day => begin.to_string(),
            Self::Week => format!("week of {begin}"),
            Self::Month => begin.strftime("%Y-%m").to_string(),
        }
    }
}

/// One kind of what was stored.
type Tally = fn(&StoredOnDay) -> WalTally;

/// Bars of what was stored, and the same as a table.
pub(super) fn stored(html: &mut Html, outcome: &Outcome) {
    html.put("h2", &[], "Stored by day");
    let (Some((first, _)), Some((last, _))) = (outcome.days.first_key_value(), outcome.days.last_key_value())
    else {
        html.put("p", &[], "Nothing is there of which it is known when it was stored.");
        return;
    };
    let each = Each::of(*first, *last);
    let sums = sums(&outcome.days, each);
    let kinds: [(&str, &'static str, Tally); 2] =
        [("WAL", "bar", |day| day.wal), ("Base backups", "bar backups", |day| day.backups)];
    for (what, class, tally) in kinds {
        html.put("h3", &[], format!("{what} by {}", each.name()));
        let drawn: Vec<Bar> = sums
            .iter()
            .map(|(begin, day)| {
                let WalTally { files, stored_bytes } = tally(day);
                let label = each.label(*begin);
                let told = format!(
                    "{label}: {}, {files} {}",
                    size(stored_bytes),
                    if files == 1 { "file" } else { "files" }
                );
                Bar { label, value: stored_bytes, told }
            })
            .collect();
        let highest = drawn
            .iter()
            .max_by_key(|bar| bar.value)
            .map(|bar| format!("at most {} ({})", size(bar.value), bar.label));
        let title = format!("{what} stored by {}", each.name());
        for at in [WIDE, NARROW] {
            bars(html, &drawn, at, class, (&title, highest.as_deref().unwrap_or_default()));
        }
    }
    html.inside("details", &[], |html| {
        html.put("summary", &[], "The same in numbers");
        let filled = sums.iter().rev().filter(|(_, day)| day.wal.files + day.backups.files > 0);
        let rows: Vec<Vec<String>> = filled
            .map(|(begin, day)| {
                vec![
                    each.label(*begin),
                    day.wal.files.to_string(),
                    size(day.wal.stored_bytes),
                    day.backups.files.to_string(),
                    size(day.backups.stored_bytes),
                ]
            })
            .collect();
        let columns = [
            ("When", "firm"),
            ("WAL files", "number"),
            ("WAL", "number"),
            ("Backups", "number"),
            ("Base backups", "number"),
        ];
        table(html, "What is still there, by when it was stored.", &columns, &rows);
    });
}

/// What each bar stands for, without a hole, the newest if there are too many.
fn sums(days: &BTreeMap<Date, StoredOnDay>, each: Each) -> Vec<(Date, StoredOnDay)> {
    let mut sums: BTreeMap<Date, StoredOnDay> = BTreeMap::new();
    for (day, stored) in days {
        let sum = sums.entry(each.begin(*day)).or_default();
        for (sum, more) in [(&mut sum.wal, stored.wal), (&mut sum.backups, stored.backups)] {
            sum.files += more.files;
            sum.stored_bytes += more.stored_bytes;
        }
    }
    let (Some((first, _)), Some((last, _))) = (sums.first_key_value(), sums.last_key_value()) else {
        return Vec::new();
    };
    let last = *last;
    let begins = std::iter::successors(Some(*first), |begin| each.next(*begin));
    let all: Vec<_> = begins
        .take_while(|begin| *begin <= last)
        .map(|begin| (begin, sums.get(&begin).copied().unwrap_or_default()))
        .collect();
    all[all.len().saturating_sub(BARS)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decade_becomes_months_and_a_quarter_stays_days() {
        let day = |text: &str| -> Date { text.parse().unwrap() };
        let filled = |first: &str, last: &str| {
            let one = StoredOnDay { wal: WalTally { files: 1, stored_bytes: 5 }, ..StoredOnDay::default() };
            let days: BTreeMap<Date, StoredOnDay> = [(day(first), one), (day(last), one)].into();
            let each = Each::of(day(first), day(last));
            (each, sums(&days, each))
        };
        let (each, bars) = filled("2026-01-01", "2026-04-02");
        assert_eq!((each, bars.len()), (Each::Day, 92));
        let (each, bars) = filled("2026-01-01", "2026-04-03");
        assert_eq!(
            (each, bars.len(), each.label(bars[0].0).as_str()),
            (Each::Week, 14, "week of 2025-12-29")
        );
        let (each, bars) = filled("2011-01-31", "2026-04-03");
        assert_eq!((each, bars.len(), each.label(bars[91].0).as_str()), (Each::Month, 92, "2026-04"));
        assert_eq!(bars.iter().map(|(_, sum)| sum.wal.files).sum::<u64>(), 1);
    }
}
