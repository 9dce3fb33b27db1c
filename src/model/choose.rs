//! Which base backup a recovery begins with.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::{
    Backup, BackupId, BackupStatus, Lsn, RecoveryTarget, TargetPoint, TargetTimeline, Timeline,
    TimelineHistory, utc,
};
use crate::error::{Error, Result};

/// The timelines an archive knows of.
#[derive(Debug, Clone, Default)]
pub struct Timelines(BTreeMap<Timeline, TimelineHistory>);

impl Timelines {
    /// Those with these histories. Timeline 1 has none.
    pub fn new(histories: impl IntoIterator<Item = TimelineHistory>) -> Self {
        Self(histories.into_iter().map(|history| (history.timeline(), history)).collect())
    }

    /// A timeline's history; one without a file has no ancestors, as PostgreSQL sees it.
    pub fn history(&self, timeline: Timeline) -> TimelineHistory {
        self.0.get(&timeline).cloned().unwrap_or_else(|| TimelineHistory::of_first(timeline))
    }

    /// The histories there are, oldest timeline first.
    pub fn iter(&self) -> impl Iterator<Item = &TimelineHistory> {
        self.0.values()
    }

    /// Whether it can be followed: it is the first, or there is a history of it.
    pub fn has(&self, timeline: Timeline) -> bool {
        timeline.number() == 1 || self.0.contains_key(&timeline)
    }

    /// The newest timeline as PostgreSQL finds it: it counts on from `from` while there is a history.
    pub fn latest_from(&self, from: Timeline) -> Timeline {
        let next =
            |at: &Timeline| Timeline::new(at.number().checked_add(1)?).filter(|t| self.0.contains_key(t));
        std::iter::successors(Some(from), next).last().unwrap_or(from)
    }

    /// The timeline that recovery from a backup taken on `from` follows.
    pub fn followed(&self, target: TargetTimeline, from: Timeline) -> Timeline {
        match target {
            TargetTimeline::Latest => self.latest_from(from),
            TargetTimeline::Current => from,
            TargetTimeline::Number(timeline) => timeline,
        }
    }
}

/// A backup that may be chosen.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// What is recorded about it.
    pub backup: &'a Backup,
    /// What is wrong with its files in the archive.
    pub flaw: Option<String>,
}

/// Which backup was chosen, and why not another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The one.
    pub id: BackupId,
    /// Why this one.
    pub why: Why,
    /// The newer ones that cannot serve, newest first.
    pub rejected: Vec<Rejected>,
}

/// What is known of the way recovery will go when somebody else decides upon it: then only the end of a
/// backup counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedBy {
    /// It ended by then; points that records do not speak of say nothing.
    pub point: TargetPoint,
    /// It was taken on this timeline.
    pub timeline: Option<Timeline>,
}

/// Why a backup was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It was asked for.
    Named,
    /// It is the newest from which the target can be reached.
    Newest,
    /// It is the newest that ended by then; where recovery goes from there somebody else decides.
    NewestEnded,
    /// It is the newest, and nothing tells whether the target came after it: records say nothing of
    /// transactions and restore points. When it did not, PostgreSQL ends with "recovery ended before
    /// configured recovery target was reached" and opens nothing, and an older one must be named.
    NewestUnproven,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "as asked for",
            Self::Newest => "the newest from which the target can be reached",
            Self::NewestEnded => "the newest that ended by then",
            Self::NewestUnproven => "the newest; whether the target came after it cannot be known beforehand",
        })
    }
}

/// A backup that cannot serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Which.
    pub id: BackupId,
    /// Why not.
    pub because: Unfit,
}

/// Why a backup cannot serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It is not complete.
    Status(BackupStatus),
    /// It consists of volume snapshots.
    Snapshot,
    /// It needs another one.
    Incremental(String),
    /// Its files are not all there.
    Flawed(String),
    /// It was taken on another timeline than the one that is wanted.
    OnTimeline(Timeline, Timeline),
    /// Its record lacks what must be known.
    Lacks(&'static str),
    /// It ended after the moment that is wanted.
    EndedAfter(Timestamp, Timestamp),
    /// It ended after the position that is wanted.
    EndedBeyond(Lsn, Lsn),
    /// The timeline that recovery would follow does not come by its end.
    OffTimeline {
        /// The one that the backup ended on.
        on: Timeline,
        /// Where it ended.
        end: Lsn,
        /// The one that would be followed.
        followed: Timeline,
    },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "its status is {status}"),
            Self::Snapshot => f.write_str("it consists of volume snapshots, which are not in the store"),
            Self::Incremental(parent) => write!(f, "it is incremental and needs {parent}"),
            Self::Flawed(flaw) => f.write_str(flaw),
            Self::OnTimeline(on, wanted) => {
                write!(f, "it was taken on timeline {}, not on {}", on.number(), wanted.number())
            }
            Self::Lacks(what) => write!(f, "its record does not tell {what}"),
            Self::EndedAfter(end, target) => {
                write!(f, "it ended at {}, after the target {}", utc(*end), utc(*target))
            }
            Self::EndedBeyond(end, target) => write!(f, "it ended at {end}, beyond the target {target}"),
            Self::OffTimeline { on, end, followed } => write!(
                f,
                "it ended at {end} on timeline {}, which is not in the history of timeline {}",
                on.number(),
                followed.number()
            ),
        }
    }
}

/// Chooses the backup that recovery to `target` begins with: the one that is `named`, if the target can
/// be reached from it, else the newest from which it can. Kinds: `NotFound` when there is none, `Usage`
/// when the one named cannot serve.
pub fn choose(
    candidates: &[Candidate<'_>],
    named: Option<&BackupId>,
    target: &RecoveryTarget,
    timelines: &Timelines,
) -> Result<Choice> {
    let why = why(named, &target.point);
    first(candidates, named, why, |candidate| fit(candidate, target, timelines))
        .map_err(|rejected| none(named, &format!(" to {}", target.point), &rejected))
}

/// Chooses a backup when somebody else decides where recovery goes: the one that is `named`, if it can be
/// restored at all, else the newest that ended `by` then. Kinds: `NotFound` when there is none, or one whose
/// files are not all there is named; `Usage` when the one named cannot serve otherwise.
pub fn choose_ended(candidates: &[Candidate<'_>], named: Option<&BackupId>, by: &EndedBy) -> Result<Choice> {
    let why = if named.is_some() { Why::Named } else { Why::NewestEnded };
    let goal = match &by.point {
        point @ (TargetPoint::Time(_) | TargetPoint::Lsn(_)) if named.is_none() => format!(" to {point}"),
        _ => String::new(),
    };
    first(candidates, named, why, |candidate| {
        let (own, end) = whole(candidate)?;
        if named.is_some() {
            return Ok(());
        }
        if let Some(wanted) = by.timeline.filter(|wanted| *wanted != own) {
            return Err(Unfit::OnTimeline(own, wanted));
        }
        ended_by(candidate.backup, end, &by.point)
    })
    .map_err(|rejected| match rejected.as_slice() {
        [Rejected { because: Unfit::Flawed(flaw), id }] if named.is_some() => {
            Error::not_found(format!("backup {id} cannot be restored: {flaw}"))
        }
        rejected => none(named, &goal, rejected),
    })
}

/// The first that is fit, from the newest on; all that are not when none is.
fn first(
    candidates: &[Candidate<'_>],
    named: Option<&BackupId>,
    why: Why,
    fit: impl Fn(&Candidate<'_>) -> Result<(), Unfit>,
) -> Result<Choice, Vec<Rejected>> {
    let mut newest_first: Vec<_> = candidates.iter().collect();
    newest_first.sort_by_key(|candidate| std::cmp::Reverse(candidate.backup.id));
    let mut rejected = Vec::new();
    for candidate in newest_first {
        let id = candidate.backup.id;
        if named.is_some_and(|named| *named != id) {
            continue;
        }
        match fit(candidate) {
            Ok(()) => return Ok(Choice { id, why, rejected }),
            Err(because) => rejected.push(Rejected { id, because }),
        }
    }
    Err(rejected)
}

const fn why(named: Option<&BackupId>, point: &TargetPoint) -> Why {
    match (named, point) {
        (Some(_), _) => Why::Named,
        (None, TargetPoint::Xid(_) | TargetPoint::Name(_)) => Why::NewestUnproven,
        (None, _) => Why::Newest,
    }
}

/// Whether a backup can be restored, as far as records and the names of its files tell; its timeline and
/// where it ended.
fn whole(candidate: &Candidate<'_>) -> Result<(Timeline, Lsn), Unfit> {
    let backup = candidate.backup;
    if backup.is_snapshot() {
        return Err(Unfit::Snapshot);
    }
    if !backup.is_usable() {
        return Err(Unfit::Status(backup.status));
    }
    if let Some(parent) = &backup.parent {
        return Err(Unfit::Incremental(parent.clone()));
    }
    if let Some(flaw) = &candidate.flaw {
        return Err(Unfit::Flawed(flaw.clone()));
    }
    let own = backup.timeline.ok_or(Unfit::Lacks("its timeline"))?;
    let end = backup.end.lsn.ok_or(Unfit::Lacks("where it ended"))?;
    Ok((own, end))
}

/// Whether a backup, which ended at `end`, ended by then.
fn ended_by(backup: &Backup, end: Lsn, point: &TargetPoint) -> Result<(), Unfit> {
    match *point {
        TargetPoint::Time(wanted) => {
            let ended = backup.end.time.as_ref().ok_or(Unfit::Lacks("when it ended"))?.timestamp();
            if ended > wanted { Err(Unfit::EndedAfter(ended, wanted)) } else { Ok(()) }
        }
        TargetPoint::Lsn(wanted) if end > wanted => Err(Unfit::EndedBeyond(end, wanted)),
        _ => Ok(()),
    }
}

/// Whether the target can be reached from a backup, as far as records tell.
fn fit(candidate: &Candidate<'_>, target: &RecoveryTarget, timelines: &Timelines) -> Result<(), Unfit> {
    let (own, end) = whole(candidate)?;
    let backup = candidate.backup;
    ended_by(backup, end, &target.point)?;
    let followed = timelines.followed(target.timeline, own);
    let history = timelines.history(followed);
    // A standby may have gone over to another timeline while it was copied. Then only its beginning is
    // known to lie on its own.
    let ended_on = backup.end.wal.map_or(own, |wal| wal.timeline);
    let began = if ended_on == own { end } else { backup.begin.lsn.ok_or(Unfit::Lacks("where it began"))? };
    if history.reaches(own, began) && history.reaches(ended_on, end) {
        Ok(())
    } else {
        Err(Unfit::OffTimeline { on: ended_on, end, followed })
    }
}

/// `goal` says what for: ` to …`, or nothing.
fn none(named: Option<&BackupId>, goal: &str, rejected: &[Rejected]) -> Error {
    let reasons: Vec<_> = rejected.iter().map(|r| format!("{}: {}", r.id, r.because)).collect();
    let hint = "`barkeep backup-list` shows what there is";
    match (named, reasons.as_slice()) {
        (Some(id), [reason, ..]) => {
            let reason = reason.split_once(": ").map_or(reason.as_str(), |(_, why)| why);
            Error::usage(format!("backup {id} cannot be restored{goal}: {reason}")).hint(hint)
        }
        (Some(id), []) => Error::not_found(format!("there is no backup {id}")).hint(hint),
        (None, []) => Error::not_found("the archive holds no base backup")
            .hint("look at --store and --server, or take one with `barkeep backup`"),
        (None, reasons) => {
            let all = reasons.join("; ");
            Error::not_found(format!("no backup can be restored{goal}: {all}")).hint(hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::model::TargetAction;

    fn timeline(number: u32) -> Timeline {
        Timeline::new(number).unwrap()
    }

    fn backup(day: u32, number: u32, end: u64) -> Backup {
        let mut backup = Backup::new(format!("202601{day:02}T000000").parse().unwrap(), BackupStatus::Done);
        backup.timeline = Some(timeline(number));
        backup.end.lsn = Some(Lsn(end));
        backup.end.time =
            Some(format!("2026-01-{day:02}T00:10:00Z").parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC));
        backup
    }

    fn target(point: TargetPoint, timeline: TargetTimeline) -> RecoveryTarget {
        RecoveryTarget { point, inclusive: true, timeline, action: TargetAction::Pause }
    }

    fn pick(backups: &[Backup], target: &RecoveryTarget, timelines: &Timelines) -> Result<Choice> {
        let candidates: Vec<_> = backups.iter().map(|backup| Candidate { backup, flaw: None }).collect();
        choose(&candidates, None, target, timelines)
    }

    fn day(choice: &Choice) -> String {
        choice.id.as_str()[6..8].to_owned()
    }

    /// A timeline of the model: the one it left, and where.
    type Forks = Vec<(u32, u64)>;

    /// Timeline `n + 2` left an older one; the histories say the same as PostgreSQL writes them.
    fn histories(forks: &Forks) -> Timelines {
        let text = |number: usize| {
            let mut lines = Vec::new();
            let mut at = number;
            while let Some((from, lsn)) = at.checked_sub(2).map(|i| forks[i]) {
                lines.push(format!("{from}\t{}\tx\n", Lsn(lsn)));
                at = from as usize;
            }
            lines.reverse();
            TimelineHistory::parse(timeline(u32::try_from(number).unwrap()), &lines.concat()).unwrap()
        };
        Timelines::new((2..forks.len() + 2).map(text))
    }

    /// Whether whoever follows `followed` comes by this place, found by going back fork by fork.
    fn comes_by(forks: &Forks, followed: u32, on: u32, at: u64) -> bool {
        match (followed as usize).checked_sub(2).and_then(|i| forks.get(i)) {
            _ if followed == on => true,
            Some((from, lsn)) if *from == on => at <= *lsn,
            Some((from, _)) => comes_by(forks, *from, on, at),
            None => false,
        }
    }

    /// A backup of the model: timeline, begin, length, timeline of its end, what is wrong with it.
    type Told = (u32, u64, u64, u32, u8);

    fn of_model(day: u32, (on, begin, length, ended_on, flaw): Told) -> (Backup, Option<String>) {
        let mut backup = backup(day, on, begin + length);
        backup.begin.lsn = Some(Lsn(begin));
        backup.end.wal = Some(crate::model::SegmentName { timeline: timeline(ended_on), log: 0, seg: 0 });
        match flaw {
            0 => backup.status = BackupStatus::Failed,
            1 => backup.parent = Some("20250101T000000".to_owned()),
            2 => backup.end.lsn = None,
            3 => backup.timeline = None,
            4 => backup.end.time = None,
            5 => backup.status = BackupStatus::WaitingForWals,
            _ => {}
        }
        (backup, (flaw == 6).then(|| "a tar is missing".to_owned()))
    }

    proptest! {
        #[test]
        fn the_choice_is_what_trying_every_backup_finds(
            seeds in vec((1_u32.., 0..100_u64), 0..5),
            told in vec((1..7_u32, 0..100_u64, 0..20_u64, any::<bool>(), 0..20_u8), 0..8),
            point in 0..5_u8, lsn in 0..120_u64, second in 0..800_000_i64,
            wanted in 0..9_u32, named in option::of(1..10_u32),
        ) {
            let forks: Forks = (2..).zip(seeds).map(|(n, (from, at))| (from % (n - 1) + 1, at)).collect();
            let there = u32::try_from(forks.len()).unwrap() + 1;
            let timelines = histories(&forks);
            let told: Vec<Told> = told
                .into_iter()
                .map(|(on, begin, length, moved, flaw)| {
                    let on = (on - 1) % there + 1;
                    (on, begin, length, if moved { on % there + 1 } else { on }, flaw)
                })
                .collect();
            let backups: Vec<_> = (1..).zip(&told).map(|(day, told)| of_model(day, *told)).collect();
            let candidates: Vec<_> =
                backups.iter().map(|(backup, flaw)| Candidate { backup, flaw: flaw.clone() }).collect();
            let moment = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(second);
            let point = match point {
                0 => TargetPoint::Latest,
                1 => TargetPoint::Immediate,
                2 => TargetPoint::Lsn(Lsn(lsn)),
                3 => TargetPoint::Time(moment),
                _ => TargetPoint::Xid("7".parse().unwrap()),
            };
            let along = match wanted {
                0 => TargetTimeline::Latest,
                7.. => TargetTimeline::Current,
                n => TargetTimeline::Number(timeline(n)),
            };
            let id = |day: u32| format!("202601{day:02}T000000").parse::<BackupId>().unwrap();
            let named = named.map(id);
            let target = target(point.clone(), along);
            let serves = |day: u32, (on, begin, length, ended_on, flaw): Told| {
                let end = begin + length;
                let followed = match along {
                    // Histories are there without a gap up to the newest.
                    TargetTimeline::Latest => there,
                    TargetTimeline::Current => on,
                    TargetTimeline::Number(n) => n.number(),
                };
                let in_time = match point {
                    TargetPoint::Lsn(Lsn(at)) => end <= at,
                    TargetPoint::Time(moment) => flaw != 4 && {
                        let ended = format!("2026-01-{day:02}T00:10:00Z").parse::<Timestamp>().unwrap();
                        ended <= moment
                    },
                    _ => true,
                };
                let began = if ended_on == on { end } else { begin };
                !matches!(flaw, 0..=3 | 6) && in_time
                    && comes_by(&forks, followed, on, began) && comes_by(&forks, followed, ended_on, end)
            };
            let best = (1..).zip(&told).filter(|(day, told)| serves(*day, **told)).map(|(day, _)| id(day));
            let best = best.filter(|id| named.is_none_or(|named| named == *id)).max();
            let chosen = choose(&candidates, named.as_ref(), &target, &timelines);
            prop_assert_eq!(chosen.as_ref().ok().map(|choice| choice.id), best);
            if let (Ok(choice), None) = (&chosen, named) {
                let newer = (1..).zip(&told).map(|(day, _)| id(day)).filter(|id| *id > choice.id);
                let mut rejected: Vec<_> = choice.rejected.iter().map(|rejected| rejected.id).collect();
                rejected.sort_unstable();
                prop_assert_eq!(rejected, newer.collect::<Vec<_>>(), "each newer one says why not");
            }
        }
    }

    #[test]
    fn an_ancestors_backup_serves_up_to_the_fork_and_no_further() {
        // Timeline 2 left timeline 1 at 0/5000000; the old primary went on and was backed up again.
        let backups = [backup(1, 1, 0x300_0000), backup(2, 1, 0x600_0000)];
        let forked = TimelineHistory::parse(timeline(2), "1\t0/5000000\tx\n").unwrap();
        let timelines = Timelines::new([forked]);
        let latest = target(TargetPoint::Latest, TargetTimeline::Latest);
        let choice = pick(&backups, &latest, &timelines).unwrap();
        assert_eq!(day(&choice), "01");
        assert!(matches!(choice.rejected[0].because, Unfit::OffTimeline { .. }));
        let current = target(TargetPoint::Latest, TargetTimeline::Current);
        assert_eq!(day(&pick(&backups, &current, &timelines).unwrap()), "02");
        let first = target(TargetPoint::Latest, TargetTimeline::Number(timeline(1)));
        assert_eq!(day(&pick(&backups, &first, &timelines).unwrap()), "02");
    }

    #[test]
    fn latest_counts_on_while_there_is_a_history_as_postgresql_does() {
        let history = |n| TimelineHistory::parse(timeline(n), "1\t0/5000000\tx\n").unwrap();
        let timelines = Timelines::new([history(2), history(3), history(5)]);
        assert_eq!(timelines.latest_from(timeline(1)), timeline(3));
        assert_eq!(timelines.latest_from(timeline(4)), timeline(5));
        assert_eq!(timelines.latest_from(timeline(7)), timeline(7));
    }

    #[test]
    fn what_cannot_be_restored_is_never_chosen_and_says_why() {
        let mut backups: Vec<_> = (1..=6).map(|n| backup(n, 1, 0x100_0000)).collect();
        backups[1].status = BackupStatus::Failed;
        backups[2].status = BackupStatus::Started;
        backups[3].other.insert("snapshots_info".to_owned(), "{}".to_owned());
        backups[4].parent = Some("20260101T000000".to_owned());
        backups[5].end.lsn = None;
        let choice =
            pick(&backups, &target(TargetPoint::Latest, TargetTimeline::Latest), &Timelines::default());
        let choice = choice.unwrap();
        assert_eq!(day(&choice), "01");
        let reasons: Vec<_> = choice.rejected.iter().map(|r| r.because.to_string()).collect();
        assert_eq!(
            reasons,
            [
                "its record does not tell where it ended",
                "it is incremental and needs 20260101T000000",
                "it consists of volume snapshots, which are not in the store",
                "its status is STARTED",
                "its status is FAILED",
            ]
        );
    }

    #[test]
    fn a_target_that_no_record_speaks_of_takes_the_newest_and_says_so() {
        let backups = [backup(1, 1, 1), backup(2, 1, 2)];
        for (point, why) in [
            (TargetPoint::Xid("7".parse().unwrap()), Why::NewestUnproven),
            (TargetPoint::Name("x".parse().unwrap()), Why::NewestUnproven),
            (TargetPoint::Immediate, Why::Newest),
            (TargetPoint::Latest, Why::Newest),
        ] {
            let choice = pick(&backups, &target(point, TargetTimeline::Latest), &Timelines::default());
            let choice = choice.unwrap();
            assert_eq!((day(&choice).as_str(), choice.why), ("02", why));
        }
    }

    #[test]
    fn a_named_backup_that_ended_after_the_target_is_refused() {
        let only = backup(2, 1, 0x200);
        let candidates = [Candidate { backup: &only, flaw: None }];
        let named = |point| {
            let target = target(point, TargetTimeline::Latest);
            choose(&candidates, Some(&only.id), &target, &Timelines::default())
        };
        assert!(named(TargetPoint::Lsn(Lsn(0x200))).is_ok());
        let e = named(TargetPoint::Lsn(Lsn(0x1FF))).unwrap_err();
        assert!(e.to_string().contains("it ended at 0/200, beyond the target 0/1FF"), "{e}");
        assert!(named(TargetPoint::Time("2026-01-02T00:09:59Z".parse().unwrap())).is_err());
        let flawed = [Candidate { backup: &only, flaw: Some("data.tar is missing".to_owned()) }];
        let latest = target(TargetPoint::Latest, TargetTimeline::Latest);
        assert!(choose(&flawed, Some(&only.id), &latest, &Timelines::default()).is_err());
    }
}
