//! What the archive holds: figures, windows, backups, WAL.

use super::html::Html;
use super::page::{ROWS, more, table};
use crate::command::report::Outcome;
use crate::front::native::render_backups::size;
use crate::front::native::status_told::ago;
use crate::front::native::verified::moment;
use crate::model::{BackupCover, BackupState, Coverage, Origin, TimelineCover, WalRun, Window};

/// As many pieces of WAL are told of each timeline, the newest.
const RUNS: usize = 20;

/// The figures that are asked for first.
pub(super) fn facts(html: &mut Html, outcome: &Outcome) {
    let status = &outcome.status;
    let (coverage, now) = (&status.coverage, status.now);
    let none = || "none".to_owned();
    let point = |window: Option<&Window>, at: fn(&Window) -> String| window.map_or_else(none, at);
    let backup = |backup: Option<&BackupCover>| {
        backup.map_or_else(none, |backup| match backup.ended.or(backup.began) {
            Some(at) => format!("{}, {}", backup.id, ago(at, now)),
            None => backup.id.to_string(),
        })
    };
    let newest = coverage.newest_wal().map_or_else(none, |run| match run.last_stored {
        Some(at) => format!("{} ({})", run.last, ago(at, now)),
        None => run.last.to_string(),
    });
    let archiving = status.archiving.map_or("not asked", crate::model::ArchivingState::label);
    let all = [
        (
            "First point of recoverability",
            point(coverage.first_point(), |window| {
                window.from_time.map_or_else(|| window.from.to_string(), moment)
            }),
        ),
        ("Newest point of recoverability", point(coverage.newest_point(), |window| window.to.to_string())),
        ("Newest restorable backup", backup(coverage.newest_restorable())),
        ("Last failed backup", backup(coverage.last_failed())),
        ("Newest WAL", newest),
        ("WAL archiving of the server", archiving.to_owned()),
        (
            "Base backups",
            format!("{}, {}", coverage.sizes.backups.files, size(coverage.sizes.backups.stored_bytes)),
        ),
        ("WAL files", format!("{}, {}", coverage.sizes.wal.files, size(coverage.sizes.wal.stored_bytes))),
    ];
    html.inside("dl", &[("class", &"facts")], |html| {
        for (name, value) in all {
            html.inside("div", &[], |html| {
                html.put("dt", &[], name);
                html.put("dd", &[], value);
            });
        }
    });
}

/// What can be recovered, window by window.
pub(super) fn windows(html: &mut Html, outcome: &Outcome) {
    html.put("h2", &[], "Recovery windows");
    let coverage = &outcome.status.coverage;
    let rows: Vec<Vec<String>> = coverage
        .own_windows()
        .take(ROWS)
        .map(|window| {
            let stored = || window.stored.map(|at| format!("stored {}", moment(at)));
            let to = window.last_commit.map(moment).or_else(stored).unwrap_or_default();
            let ends = match (window.gap, window.partial) {
                (Some(gap), _) => format!("{gap} is missing"),
                (None, true) => "with an incomplete segment".to_owned(),
                (None, false) => "the newest WAL".to_owned(),
            };
            vec![
                window.timeline.number().to_string(),
                window.from_time.map_or_else(String::new, moment),
                window.from.to_string(),
                to,
                window.to.to_string(),
                window.backups.len().to_string(),
                ends,
            ]
        })
        .collect();
    if rows.is_empty() {
        html.put("p", &[], "There is none: no backup has all the WAL that it needs.");
        return;
    }
    let columns = [
        ("Timeline", "number"),
        ("From", "firm"),
        ("From LSN", "firm"),
        ("To", "firm"),
        ("To LSN", "firm"),
        ("Backups", "number"),
        ("Ends with", ""),
    ];
    table(
        html,
        "Every instant within a window can be recovered. It ends with the last commit that is archived, or is told by \
         when its last WAL was stored.",
        &columns,
        &rows,
    );
    more(html, coverage.own_windows().count(), ROWS, "windows");
}

/// The base backups, the newest first.
pub(super) fn backups(html: &mut Html, outcome: &Outcome) {
    html.put("h2", &[], "Base backups");
    let coverage = &outcome.status.coverage;
    let rows: Vec<Vec<String>> = coverage
        .backups
        .iter()
        .rev()
        .take(ROWS)
        .map(|backup| {
            let verified = outcome
                .verified
                .backups
                .get(&backup.id)
                .copied()
                .map_or_else(|| "never".to_owned(), |at| ago(at, outcome.status.now));
            vec![
                backup.id.to_string(),
                backup.name.clone().unwrap_or_default(),
                state(backup),
                backup.keep.map(|keep| keep.to_string()).unwrap_or_default(),
                backup.timeline.map(|timeline| timeline.number().to_string()).unwrap_or_default(),
                backup.ended.map(moment).unwrap_or_default(),
                size(backup.stored_bytes),
                if backup.status.is_usable() { verified } else { String::new() },
            ]
        })
        .collect();
    if rows.is_empty() {
        html.put("p", &[], "There are none.");
    } else {
        let columns = [
            ("Backup", "firm mono"),
            ("Name", ""),
            ("State", ""),
            ("Kept", ""),
            ("Timeline", "number"),
            ("Ended", "firm"),
            ("Stored", "number"),
            ("Verified", "firm"),
        ];
        table(html, "The newest first.", &columns, &rows);
    }
    more(html, coverage.backups.len(), ROWS, "older backups; barkeep backup-list has all");
    let unreadable = &outcome.status.unreadable;
    if !unreadable.is_empty() {
        let rows: Vec<Vec<String>> =
            unreadable.iter().take(ROWS).map(|(id, why)| vec![id.to_string(), why.clone()]).collect();
        table(html, "Backups whose record cannot be read", &[("Backup", "firm mono"), ("Why", "")], &rows);
    }
}

fn state(backup: &BackupCover) -> String {
    match &backup.state {
        BackupState::Restorable => "restorable".to_owned(),
        BackupState::WalMissing(Some(name)) => format!("not restorable: {name} is missing"),
        BackupState::WalMissing(None) => "not restorable: WAL is missing".to_owned(),
        BackupState::Unfit(why) => format!("not restorable: {why}"),
        BackupState::Foreign(system) => format!("not restorable: it is of system {system}"),
        BackupState::Snapshot => "volume snapshots".to_owned(),
        BackupState::Failed(Some(why)) => format!("failed: {}", shortened(why)),
        BackupState::Failed(None) => "failed".to_owned(),
        BackupState::HalfDeleted => "half deleted".to_owned(),
        BackupState::Running => "under way".to_owned(),
        BackupState::Dead => "begun and left".to_owned(),
    }
}

/// The beginning of a text of whatever length.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The WAL of each timeline, in pieces.
pub(super) fn timelines(html: &mut Html, coverage: &Coverage) {
    html.put("h2", &[], "WAL by timeline");
    let mut rows = Vec::new();
    let mut pieces = 0;
    for cover in coverage.timelines.iter().rev() {
        pieces += cover.runs.len().max(1);
        if rows.len() >= ROWS {
            continue;
        }
        let origin = origin(cover);
        if cover.runs.is_empty() {
            let none = [cover.timeline.number().to_string(), origin, "no complete segment".to_owned()];
            rows.push(none.into_iter().chain((0..4).map(|_| String::new())).collect());
            continue;
        }
        let newest = cover.runs.iter().rev().take(RUNS);
        rows.extend(newest.map(|run| piece(cover, &origin, run)));
    }
    if rows.is_empty() {
        html.put("p", &[], "There is none.");
        return;
    }
    let shown = rows.len();
    let columns = [
        ("Timeline", "number"),
        ("Came from", ""),
        ("First", "firm mono"),
        ("Last", "firm mono"),
        ("Segments", "number"),
        ("Stored", "number"),
        ("Last stored", "firm"),
    ];
    table(html, "Segments without a gap between them, the newest first.", &columns, &rows);
    more(html, pieces, shown, "pieces");
    let unneeded = coverage.unneeded;
    if unneeded.files > 0 {
        let (files, size) = (unneeded.files, size(unneeded.stored_bytes));
        let (files, are) =
            if files == 1 { ("1 file".to_owned(), "is") } else { (format!("{files} files"), "are") };
        let text = format!(
            "{files} ({size}) {are} from before the oldest backup began, and of no use; retention removes such WAL along with a backup."
        );
        html.put("p", &[("class", &"soft")], text);
    }
}

fn piece(cover: &TimelineCover, origin: &str, run: &WalRun) -> Vec<String> {
    vec![
        cover.timeline.number().to_string(),
        origin.to_owned(),
        run.first.to_string(),
        run.last.to_string(),
        run.count.to_string(),
        size(run.stored_bytes),
        run.last_stored.map(moment).unwrap_or_default(),
    ]
}

fn origin(cover: &TimelineCover) -> String {
    let from = match cover.origin {
        Origin::First => "the first".to_owned(),
        Origin::Left(fork) => format!("{} at {}", fork.from.number(), fork.at),
        Origin::Unknown => "unknown: its history is missing".to_owned(),
    };
    if cover.reachable { from } else { format!("{from}; no backup leads to it") }
}
