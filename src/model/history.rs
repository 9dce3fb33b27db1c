//! A timeline's history, as far as it must make sense before PostgreSQL is given it.

use super::Timeline;
use crate::error::{Error, Result};

/// Checks the text of `NNNNNNNN.history`: at least one line `TIMELINE <tab> LSN <tab> reason`, each
/// naming an earlier timeline than the one before it would allow, all of them below `timeline`
/// (PostgreSQL's `readTimeLineHistory` demands the same). A history that was cut off or exchanged would
/// send recovery down a wrong path, and an empty one would make it forget its ancestors.
pub fn check_history(timeline: Timeline, text: &str) -> Result<()> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut last = 0;
    for line in lines {
        let mut fields = line.split_whitespace();
        let parent: u32 = fields.next().and_then(|f| f.parse().ok()).unwrap_or(0);
        let switched = fields.next().is_some_and(|f| f.parse::<super::Lsn>().is_ok());
        if parent <= last || parent >= timeline.number() || !switched {
            let wanted = format!("a timeline between {} and {} and an LSN", last + 1, timeline.number() - 1);
            return Err(Error::corrupt(format!("the line `{line}` of the history does not name {wanted}")));
        }
        last = parent;
    }
    if last == 0 { Err(Error::corrupt("the history names no ancestor")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<()> {
        check_history(Timeline::new(4).unwrap(), text)
    }

    #[test]
    fn a_history_as_postgresql_writes_it_passes() {
        let text = "1\t0/3000000\tno recovery target specified\n\n3\t0/5000148\tafter LSN 0/5000060\n";
        check(text).unwrap();
        check("# a comment\n2\t1/A0\tbefore 2000-01-01\n").unwrap();
    }

    #[test]
    fn a_history_that_makes_no_sense_is_refused() {
        for bad in [
            "",
            "\n",
            "4\t0/3000000\tx\n",
            "2\t0/1\tx\n1\t0/2\tx\n",
            "1\n",
            "1\tx\ty\n",
            "<html>",
            "0\t0/1\tx",
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
