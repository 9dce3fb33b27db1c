//! What `restore` says: its plan, and what it did.

use std::fmt::Write as _;

use indicatif::BinaryBytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::render::{ErrorJson, Report, line};
use super::render_backups::counted;
use crate::command::restore::{CopySize, Gap, Outcome, Owner, Plan, Recovery, Restored, Volume};
use crate::error::Error;
use crate::front::exit::Exit;
use crate::model::{Edge, RecoveryTarget, TargetPoint, utc};

/// The end of `restore`, with what was asked for.
pub(super) struct Told {
    pub(super) outcome: Outcome,
    pub(super) target: RecoveryTarget,
    pub(super) recovery: Option<Recovery>,
    /// The local zone.
    pub(super) zone: TimeZone,
    /// Whether the target's time was taken for local.
    pub(super) zone_assumed: bool,
}

impl Report for Told {
    fn exit(&self) -> Exit {
        self.outcome.refusal.as_ref().map_or(Exit::Done, |e| e.kind().into())
    }

    fn text(&self) -> String {
        match &self.outcome.restored {
            None => self.plan_text(),
            Some(restored) => self.restored_text(restored),
        }
    }

    fn json(&self) -> String {
        line(&ToldJson::new(self, self.exit().code()))
    }

    fn log(&self) {
        let id = self.outcome.plan.backup.id;
        if self.outcome.restored.is_some() {
            tracing::info!(backup = %id, directory = %self.outcome.directory.display(), "restored");
        }
    }

    fn failure(&self) -> Option<Error> {
        let refusal = self.outcome.refusal.as_ref()?;
        let error = Error::new(refusal.kind(), format!("this plan would not be carried out: {refusal}"));
        Some(match refusal.hint_text() {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }
}

impl Told {
    fn plan_text(&self) -> String {
        let Plan { choice, backup, files, size, wal, warnings } = &self.outcome.plan;
        let mut text = format!("{}\n\n", self.outcome.address);
        let mut row = |name: &str, what: String| {
            let _ = writeln!(text, "  {name:9} {what}");
        };
        row("backup", format!("{}, {}", choice.id, choice.why));
        row("", format!("ended {} at {}", self.moment(&backup.end), or_unknown(backup.end.lsn.as_ref())));
        for rejected in &choice.rejected {
            row("", format!("not {}: {}", rejected.id, rejected.because));
        }
        row("target", self.target_text());
        row("into", self.outcome.directory.display().to_string());
        for (name, place) in &self.outcome.elsewhere {
            row("", format!("{} is {}", name.display(), place.display()));
        }
        if self.outcome.clears {
            row("", "what is there now is removed first".to_owned());
        }
        let objects = counted(files.tars.len() as u64, "object");
        row("fetch", format!("{} in {objects}", BinaryBytes(files.stored_bytes())));
        let (most, how) = match size {
            CopySize::Recorded(_) => ("", ""),
            CopySize::AtMost(_) => ("at most ", ""),
            CopySize::Estimated(_) => ("", ", estimated from the packed size"),
        };
        for Volume { path, needed, free } in &self.outcome.volumes {
            let (needed, free) = (BinaryBytes(*needed), BinaryBytes(*free));
            row("disk", format!("{most}{needed} needed for {}, {free} free{how}", path.display()));
        }
        row(
            "WAL",
            format!(
                "{} to {}: {} segments, {}",
                wal.first,
                wal.last,
                wal.segments,
                BinaryBytes(wal.stored_bytes)
            ),
        );
        row("", format!("consistent after {}", wal.consistent));
        let timelines: Vec<_> = wal.timelines.iter().map(|t| t.number().to_string()).collect();
        row("", format!("on timeline {}", timelines.join(", then ")));
        for gap in &wal.gaps {
            row("gap", format!("{gap} is not in the archive"));
        }
        for warning in warnings {
            row("warning", warning.clone());
        }
        text
    }

    fn restored_text(&self, restored: &Restored) -> String {
        let Outcome { directory, plan, .. } = &self.outcome;
        let directory = directory.display();
        let mut text = format!(
            "backup {} is restored into {directory}: {} files, {}\n",
            plan.backup.id,
            restored.files,
            BinaryBytes(restored.bytes)
        );
        let mut say = |what: String| {
            let _ = writeln!(text, "{what}");
        };
        match restored.verified {
            Some(files) => say(format!("all {files} files of its manifest are there and as they were")),
            None => say("it has no manifest, so its files could not be compared with anything".to_owned()),
        }
        for link in &restored.links_left_out {
            say(format!("the link {link} leads out of the directory and was left out"));
        }
        if let Some(owner) = restored.owner {
            say(self.owner_text(owner));
        }
        let Some(recovery) = &self.recovery else {
            say(format!("next: arrange its recovery, which needs WAL from {} on", plan.wal.first));
            return text;
        };
        if recovery.standby {
            say(format!("it will follow as a standby, from {} on", plan.wal.first));
        } else {
            say(format!("recovery will begin with {} and go to {}", plan.wal.first, self.target_text()));
        }
        say(format!(
            "next: look through {directory}/postgresql.conf and pg_hba.conf, then start it: pg_ctl -D {directory} start"
        ));
        say("archive_mode is off in this copy, so that it cannot write into the archive it came from; once it \
             has a server name of its own there: ALTER SYSTEM RESET archive_mode, and restart"
            .to_owned());
        text
    }

    /// What to do when PostgreSQL may run as another user than the one whose the files are.
    fn owner_text(&self, Owner { uid, gid }: Owner) -> String {
        let Outcome { directory, elsewhere, .. } = &self.outcome;
        let places = [directory].into_iter().chain(elsewhere.iter().map(|(_, place)| place));
        // It follows no links.
        let chown = places.fold("chown -R USER:GROUP".to_owned(), |all, p| format!("{all} {}", p.display()));
        if uid == 0 {
            return format!("the files belong to root, as which PostgreSQL does not run: {chown}");
        }
        format!(
            "the files belong to uid {uid}, gid {gid}: PostgreSQL must run as that user, or else: {chown}"
        )
    }

    fn target_text(&self) -> String {
        let RecoveryTarget { point, inclusive, timeline, .. } = &self.target;
        let mut text = match point {
            TargetPoint::Time(time) => {
                let taken = if self.zone_assumed {
                    "; no offset was given, so it was taken for local time"
                } else {
                    ""
                };
                format!("{} ({} here{taken})", utc(*time), self.local(*time))
            }
            point => point.to_string(),
        };
        if !inclusive {
            text.push_str(", exclusive");
        }
        let _ = write!(text, ", timeline {timeline}");
        text
    }

    fn moment(&self, edge: &Edge) -> String {
        edge.time.as_ref().map_or_else(
            || "at an unknown time".to_owned(),
            |time| format!("{} ({} here)", utc(time.timestamp()), self.local(time.timestamp())),
        )
    }

    fn local(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
    }
}

fn or_unknown(what: Option<&impl ToString>) -> String {
    what.map_or_else(|| "an unknown position".to_owned(), ToString::to_string)
}

#[derive(Serialize)]
struct ToldJson<'a> {
    archive: &'a str,
    backup: String,
    why: String,
    rejected: Vec<RejectedJson>,
    directory: String,
    target: TargetJson,
    objects: usize,
    stored_bytes: u64,
    copy_bytes: u64,
    copy_bytes_estimated: bool,
    volumes: Vec<VolumeJson>,
    wal: WalJson,
    warnings: &'a [String],
    clears: bool,
    refusal: Option<ErrorJson>,
    restored: Option<RestoredJson<'a>>,
    exit: u8,
}

impl<'a> ToldJson<'a> {
    fn new(told: &'a Told, exit: u8) -> Self {
        let Outcome { address, directory, plan, volumes, clears, refusal, restored, .. } = &told.outcome;
        let rejected = |r: &crate::model::Rejected| RejectedJson {
            backup: r.id.to_string(),
            because: r.because.to_string(),
        };
        Self {
            archive: address,
            backup: plan.choice.id.to_string(),
            why: plan.choice.why.to_string(),
            rejected: plan.choice.rejected.iter().map(rejected).collect(),
            directory: directory.display().to_string(),
            target: TargetJson::new(told),
            objects: plan.files.tars.len(),
            stored_bytes: plan.files.stored_bytes(),
            copy_bytes: plan.size.bytes(),
            copy_bytes_estimated: !matches!(plan.size, CopySize::Recorded(_)),
            volumes: volumes.iter().map(VolumeJson::new).collect(),
            wal: WalJson::new(plan),
            warnings: &plan.warnings,
            clears: *clears,
            refusal: refusal.as_ref().map(ErrorJson::new),
            restored: restored.as_ref().map(RestoredJson::new),
            exit,
        }
    }
}

#[derive(Serialize)]
struct RejectedJson {
    backup: String,
    because: String,
}

#[derive(Serialize)]
struct TargetJson {
    kind: &'static str,
    value: Option<String>,
    time_utc: Option<String>,
    time_local: Option<String>,
    zone_assumed: bool,
    inclusive: bool,
    timeline: String,
}

impl TargetJson {
    fn new(told: &Told) -> Self {
        let RecoveryTarget { point, inclusive, timeline, .. } = &told.target;
        let (kind, value, time) = match point {
            TargetPoint::Latest => ("latest", None, None),
            TargetPoint::Immediate => ("immediate", None, None),
            TargetPoint::Time(time) => ("time", Some(utc(*time)), Some(*time)),
            TargetPoint::Lsn(lsn) => ("lsn", Some(lsn.to_string()), None),
            TargetPoint::Xid(xid) => ("xid", Some(xid.to_string()), None),
            TargetPoint::Name(name) => ("name", Some(name.to_string()), None),
        };
        Self {
            kind,
            value,
            time_utc: time.map(utc),
            time_local: time.map(|time| told.local(time)),
            zone_assumed: told.zone_assumed,
            inclusive: *inclusive,
            timeline: timeline.to_string(),
        }
    }
}

#[derive(Serialize)]
struct VolumeJson {
    path: String,
    needed_bytes: u64,
    free_bytes: u64,
}

impl VolumeJson {
    fn new(volume: &Volume) -> Self {
        Self { path: volume.path.display().to_string(), needed_bytes: volume.needed, free_bytes: volume.free }
    }
}

#[derive(Serialize)]
struct WalJson {
    first: String,
    consistent: String,
    last: String,
    timelines: Vec<u32>,
    segments: u64,
    stored_bytes: u64,
    gaps: Vec<GapJson>,
}

#[derive(Serialize)]
struct GapJson {
    first: String,
    files: u64,
}

impl WalJson {
    fn new(plan: &Plan) -> Self {
        let wal = &plan.wal;
        let gap = |gap: &Gap| match gap {
            Gap::Segments(first, files) => GapJson { first: first.to_string(), files: *files },
            Gap::History(timeline) => GapJson { first: format!("{timeline}.history"), files: 1 },
        };
        Self {
            first: wal.first.to_string(),
            consistent: wal.consistent.to_string(),
            last: wal.last.to_string(),
            timelines: wal.timelines.iter().map(|t| t.number()).collect(),
            segments: wal.segments,
            stored_bytes: wal.stored_bytes,
            gaps: wal.gaps.iter().map(gap).collect(),
        }
    }
}

#[derive(Serialize)]
struct RestoredJson<'a> {
    files: u64,
    bytes: u64,
    verified_files: Option<u64>,
    links_left_out: &'a [String],
    owner: Option<OwnerJson>,
}

#[derive(Serialize)]
struct OwnerJson {
    uid: u32,
    gid: u32,
}

impl<'a> RestoredJson<'a> {
    fn new(restored: &'a Restored) -> Self {
        Self {
            files: restored.files,
            bytes: restored.bytes,
            verified_files: restored.verified,
            links_left_out: &restored.links_left_out,
            owner: restored.owner.map(|Owner { uid, gid }| OwnerJson { uid, gid }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::BackupFiles;
    use crate::command::restore::WalPlan;
    use crate::model::{
        Backup, BackupStatus, Choice, Lsn, Rejected, SegmentName, TargetAction, TargetTimeline, Timeline,
        Unfit, Why,
    };

    fn timestamp(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn segment(name: &str) -> SegmentName {
        name.parse().unwrap()
    }

    fn timeline(number: u32) -> Timeline {
        Timeline::new(number).unwrap()
    }

    fn plan() -> Plan {
        let mut backup = Backup::new("20260102T030405".parse().unwrap(), BackupStatus::Done);
        backup.end.lsn = Some(Lsn(0x0320_0100));
        backup.end.time = Some(timestamp("2026-01-02T02:10:00Z").to_zoned(TimeZone::UTC));
        let newer = Rejected {
            id: "20260201T030405".parse().unwrap(),
            because: Unfit::EndedAfter(timestamp("2026-02-01T02:10:00Z"), timestamp("2026-01-31T11:00:00Z")),
        };
        Plan {
            choice: Choice { id: backup.id, why: Why::Newest, rejected: vec![newer] },
            backup,
            files: BackupFiles::default(),
            size: CopySize::Estimated(5 << 30),
            wal: WalPlan {
                timelines: vec![timeline(1), timeline(2)],
                first: segment("000000010000000000000002"),
                consistent: segment("000000010000000000000003"),
                last: segment("000000020000000000000009"),
                segments: 7,
                stored_bytes: 7 << 20,
                gaps: vec![Gap::Segments(segment("000000020000000000000008"), 1)],
            },
            warnings: vec!["the archive ends early".to_owned()],
        }
    }

    fn outcome() -> Outcome {
        Outcome {
            address: "s3://bucket/path (server main)".to_owned(),
            directory: "/srv/pg".into(),
            elsewhere: vec![("pg_tblspc/16385".into(), "/ssd/fast".into())],
            plan: plan(),
            volumes: vec![Volume { path: "/srv/pg".into(), needed: 5 << 30, free: 100 << 30 }],
            clears: true,
            refusal: None,
            restored: None,
        }
    }

    fn told(outcome: Outcome) -> Told {
        let target = RecoveryTarget {
            point: TargetPoint::Time(timestamp("2026-01-31T11:00:00Z")),
            inclusive: false,
            timeline: TargetTimeline::Latest,
            action: TargetAction::Pause,
        };
        let recovery = Recovery {
            restore_command: "barkeep wal-restore %f %p".to_owned(),
            target: target.clone(),
            standby: false,
            primary_conninfo: None,
        };
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        Told { outcome, target, recovery: Some(recovery), zone, zone_assumed: true }
    }

    fn restored() -> Outcome {
        let links_left_out = vec!["server.crt -> /etc/ssl/cert.pem".to_owned()];
        let owner = Some(Owner { uid: 26, gid: 26 });
        let restored = Restored { files: 1234, bytes: 5 << 30, verified: Some(1233), links_left_out, owner };
        Outcome { restored: Some(restored), ..outcome() }
    }

    #[test]
    fn a_plan_says_what_why_and_what_is_missing() {
        let refusal =
            Some(Error::conflict("recovery cannot get past a gap").hint("choose a target before it"));
        let told = told(Outcome { refusal, ..outcome() });
        insta::assert_snapshot!("plan", told.text());
        insta::assert_snapshot!("plan_json", told.json());
        assert_eq!(
            (told.exit(), told.failure().unwrap().hint_text()),
            (Exit::Conflict, Some("choose a target before it"))
        );
    }

    #[test]
    fn the_end_says_where_recovery_begins_and_what_to_do_next() {
        let told = told(restored());
        insta::assert_snapshot!("restored", told.text());
        insta::assert_snapshot!("restored_json", told.json());
        assert_eq!(told.exit(), Exit::Done);
    }

    #[test]
    fn without_settings_the_caller_is_told_where_recovery_begins() {
        let Outcome { restored, .. } = restored();
        let restored =
            restored.map(|r| Restored { verified: None, links_left_out: Vec::new(), owner: None, ..r });
        let told = Told { recovery: None, ..told(Outcome { restored, ..outcome() }) };
        insta::assert_snapshot!("restored_bare", told.text());
    }
}
