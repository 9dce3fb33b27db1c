//! `barman-cloud-check-wal-archive`: whether the archive is still empty (spec/barman-cloud.md 9).

use std::time::Duration;

use clap::Parser;
use tracing::info;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::words::Common;
use super::{place, typed};
use crate::command::{Effort, vacancy};
use crate::error::Error;
use crate::model::{Timeline, Vacancy};

/// Check that the archive is still empty
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-check-wal-archive", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// Only WAL of this timeline and later ones counts
    #[arg(long, value_name = "N", value_parser = typed::timeline)]
    timeline: Option<Timeline>,
}

impl Shares for Words {
    // It makes the bucket.
    const WITHOUT_BUCKET: Code = Code::Success;

    fn common(&self) -> &Common {
        &self.common
    }
}

/// How long a failing request is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// What the whole call may take.
const DEADLINE: Duration = Duration::from_mins(5);

/// Runs it.
pub(super) fn run(words: Words, door: &Door) -> End {
    let Words { common, timeline } = words;
    let wire = place::wire(&common, None, None)?;
    let effort = Effort { retry_for: RETRY, max_attempts: None, deadline: DEADLINE };
    let request = vacancy::Request { from: timeline, effort };
    let outcome = door.deadline(DEADLINE, vacancy::run(&request, &wire))?;
    if outcome.made_bucket {
        info!("the bucket was missing and has been made");
    }
    match objection(&outcome.vacancy) {
        None => Ok(Code::Success),
        Some(objection) => {
            let text = format!("WAL archive check failed for server {}: {objection}", common.server);
            Err(Failure::new(Code::Operation, Error::conflict(text).hint(way_out(&outcome.vacancy))))
        }
    }
}

/// What stands against it, in the words that people and scripts look for (spec/barman-cloud.md 9).
fn objection(vacancy: &Vacancy) -> Option<String> {
    let plural = if vacancy.files == 1 { "" } else { "s" };
    match (vacancy.first?, vacancy.from) {
        (_, None) => Some("Expected empty archive".to_owned()),
        (_, Some(from)) => Some(format!(
            "Found {} file{plural} in WAL archive equal to or newer than timeline {}",
            vacancy.files,
            from.number()
        )),
    }
}

fn way_out(vacancy: &Vacancy) -> String {
    let first =
        vacancy.first.map(|name| format!("the first file in the way is {name}; ")).unwrap_or_default();
    format!("{first}give the cluster a server name of its own, or remove what is left of another one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{cases, texts};

    #[test]
    fn the_answers_are_those_of_the_reference() {
        for case in cases("check_wal_archive") {
            let from = case["timeline"].as_u64().and_then(|n| Timeline::new(u32::try_from(n).ok()?));
            let mut vacancy = Vacancy::new(from);
            for name in texts(&case["wals"]) {
                let _ = vacancy.look_at(name.parse().unwrap());
            }
            assert_eq!(vacancy.is_free(), case["ok"].as_bool().unwrap(), "{case}");
            let told = case.get("message").map(|message| message.as_str().unwrap().to_owned());
            assert_eq!(objection(&vacancy), told, "{case}");
        }
    }

    #[test]
    fn an_archive_that_is_to_be_empty_is_named_so_in_the_words_that_are_looked_for() {
        let mut vacancy = Vacancy::new(None);
        assert_eq!(objection(&vacancy), None);
        let _ = vacancy.look_at("00000002.history".parse().unwrap());
        assert_eq!(objection(&vacancy).unwrap(), "Expected empty archive");
        assert!(way_out(&vacancy).contains("00000002.history"));
    }
}
