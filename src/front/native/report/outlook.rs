//! What will go when, and what is proved.

use jiff::SignedDuration;

use super::archive::shortened;
use super::html::Html;
use super::page::{ROWS, more, table, tag, when};
use super::{DrillCheck, DrillReport};
use crate::command::report::{Outcome, Verified};
use crate::front::native::render_backups::{size, span};
use crate::front::native::verified::moment;
use crate::model::{Expiry, Forecast, Goes, VerifyAges};

/// As many checks of a drill are told.
const CHECKS: usize = 60;

/// What the policy lets go when.
pub(super) fn retention(html: &mut Html, outcome: &Outcome) {
    html.put("h2", &[], "What will go when");
    let Some(forecast) = &outcome.forecast else {
        html.inside("p", &[], |html| {
            html.text("No policy was given, so nothing is foretold: ");
            html.put("code", &[], "barkeep report --retention 14d FILE.html");
        });
        return;
    };
    let Forecast { rule, now, backups, steps } = forecast;
    let minimum = match rule.minimum {
        0 => String::new(),
        1 => ", and at least one backup".to_owned(),
        minimum => format!(", and at least {minimum} backups"),
    };
    html.put(
        "p",
        &[],
        format!(
            "By {}{minimum}, if no backup is taken until then, and locks of the store aside.",
            rule.policy
        ),
    );
    if let Some(blocked) = now.blocked() {
        html.put("p", &[("class", &"verdict warning")], blocked.to_string());
    }
    if steps.is_empty() {
        html.put("p", &[], "Nothing goes within 400 days.");
    } else {
        let rows: Vec<Vec<String>> = steps
            .iter()
            .map(|step| {
                vec![
                    if step.at <= outcome.status.now { "now".to_owned() } else { moment(step.at) },
                    step.backups.to_string(),
                    size(step.backup_bytes),
                    step.wal_files.to_string(),
                    size(step.wal_bytes),
                ]
            })
            .collect();
        let columns = [
            ("In the run after", "firm"),
            ("Backups", "number"),
            ("Backups' size", "number"),
            ("WAL files", "number"),
            ("WAL", "number"),
        ];
        table(html, "What each run of retention would remove.", &columns, &rows);
    }
    let row = |expiry: &Expiry| {
        let goes = match expiry.goes {
            Goes::Now => "goes now".to_owned(),
            Goes::After(at) => format!("goes after {}", moment(at)),
            Goes::WithMore(1) => "goes when there is 1 backup more".to_owned(),
            Goes::WithMore(more) => format!("goes when there are {more} backups more"),
            Goes::Stays => "stays".to_owned(),
        };
        vec![expiry.id.to_string(), goes, expiry.reason.to_string()]
    };
    let rows: Vec<Vec<String>> = backups.iter().take(ROWS).map(row).collect();
    if !rows.is_empty() {
        table(
            html,
            "The fate of every backup, the oldest first.",
            &[("Backup", "firm mono"), ("Fate", ""), ("Why", "")],
            &rows,
        );
        more(html, backups.len(), ROWS, "newer backups");
    }
}

/// What was verified when.
pub(super) fn verified(html: &mut Html, outcome: &Outcome) {
    html.put("h2", &[], "Verified");
    let Verified { ages, unreadable, .. } = &outcome.verified;
    if let Some(why) = unreadable {
        html.put("p", &[], format!("What was verified cannot be told: {why}."));
        return;
    }
    let Some((wal, backups)) = ages else {
        html.inside("p", &[], |html| {
            html.text("Nothing of what is there was ever verified: ");
            html.put("code", &[], "barkeep verify");
        });
        return;
    };
    let row = |what: &str, ages: &VerifyAges| {
        let mut row = vec![what.to_owned(), ages.all().to_string()];
        row.extend(ages.within.iter().map(u64::to_string));
        row.extend([ages.before.to_string(), ages.never.to_string()]);
        row.push(ages.oldest.map(|at| when(at, outcome.status.now)).unwrap_or_default());
        row
    };
    let columns = [
        ("What", "firm"),
        ("There", "number"),
        ("Within 7 days", "number"),
        ("8 to 30 days", "number"),
        ("31 to 90 days", "number"),
        ("Before", "number"),
        ("Never", "number"),
        ("Longest ago", ""),
    ];
    let rows = [row("WAL files", wal), row("Base backups", backups)];
    table(html, "How long ago things were read and found sound.", &columns, &rows);
}

/// What the last drill told.
pub(super) fn drilled(html: &mut Html, drill: Option<&DrillReport>, outcome: &Outcome) {
    html.put("h2", &[], "Last drill");
    let Some(drill) = drill else {
        html.inside("p", &[], |html| {
            html.text("No drill was shown to this report: ");
            html.put("code", &[], "barkeep drill --json --directory /scratch > drill.json; barkeep report --drill-report drill.json FILE.html");
        });
        return;
    };
    html.inside("p", &[], |html| {
        let (class, word) = if drill.passed { ("ok", "passed") } else { ("critical", "failed") };
        tag(html, class, word);
        let finished =
            drill.finished.parse().map_or_else(|_| drill.finished.clone(), |at| when(at, outcome.status.now));
        let seconds = SignedDuration::try_from_secs_f64(drill.seconds).unwrap_or_default();
        let backup = drill.backup.as_ref().map(|id| format!(", from backup {id}")).unwrap_or_default();
        html.text(format!(" Finished {finished}, after {}{backup}.", span(seconds)));
    });
    if drill.archive != outcome.status.address {
        html.put(
            "p",
            &[("class", &"soft")],
            format!("It was a drill of {}, which is spelled differently.", drill.archive),
        );
    }
    let timeline = drill.timeline.map(|number| format!(" on timeline {number}")).unwrap_or_default();
    if let Some(lsn) = &drill.reached_lsn {
        let time =
            drill.reached_time.as_ref().map(|time| format!("; the last transaction was committed at {time}"));
        html.put("p", &[], format!("It recovered to {lsn}{timeline}{}.", time.unwrap_or_default()));
    }
    if let Some(error) = &drill.error {
        html.put("p", &[], format!("It failed: {}", shortened(&error.message)));
    }
    let check = |check: &DrillCheck| vec![check.name.clone(), check.result.clone(), shortened(&check.text)];
    let rows: Vec<Vec<String>> = drill.checks.iter().take(CHECKS).map(check).collect();
    if !rows.is_empty() {
        table(html, "What was checked.", &[("Check", ""), ("Result", "firm"), ("What it said", "")], &rows);
        more(html, drill.checks.len(), CHECKS, "checks");
    }
}
