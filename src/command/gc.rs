//! `gc`: what crashes have left, and nothing that anybody could want.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::Access;
use super::deletion::{Care, carry_out, locked, locks_of};
use super::retention::is_lack_of_rights;
use crate::archive::{Abandoned, Archive, BegunUpload, Locks, OpenArchive, Probe};
use crate::error::{Context, Error, Result};
use crate::model::{GcFacts, GcPlan, GcVerdict, Locked, ProbeFact};

/// How much is to be swept up.
#[derive(Debug, Clone)]
pub struct Request {
    /// How the archive is got at.
    pub access: Access,
    /// What has changed within this time is left alone.
    pub older_than: Duration,
    /// Only tell what would be removed.
    pub dry_run: bool,
}

/// What there was, and what became of it.
#[derive(Debug)]
pub struct Outcome {
    /// The archive's address, for people.
    pub address: String,
    /// What goes, what stays, and why.
    pub plan: GcPlan,
    /// The plan was only to be shown.
    pub dry_run: bool,
    /// Why nobody could look after unfinished uploads, which takes rights of its own.
    pub no_uploads: Option<Error>,
}

impl Outcome {
    /// Why something could not be swept up that perhaps should have been.
    pub fn failure(&self) -> Option<Error> {
        self.plan.blocked().or_else(|| self.no_uploads.as_ref().map(Error::again))
    }
}

/// Removes leftovers. While a record cannot be read no backup's folder is touched, and whoever lacks the
/// right to uploads leaves those; the rest goes all the same, and the outcome tells.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let Access { now, .. } = request.access;
    let opened = request.access.open(archive).await?;
    let uploads = async {
        match opened.begun_uploads().await {
            Err(e) if is_lack_of_rights(&e) => {
                Ok((Vec::new(), Some(e.context("look for unfinished uploads"))))
            }
            found => Ok((found.context(|| "look for unfinished uploads")?, None)),
        }
    };
    let probes = async { opened.left_probes().await.context(|| "look for what checks have left") };
    let (catalog, (uploads, mut no_uploads), probes) = tokio::try_join!(opened.catalog(), uploads, probes)?;
    let mut facts = GcFacts {
        catalog: catalog.facts(),
        uploads: uploads.iter().map(BegunUpload::fact).collect(),
        probes: probes.iter().map(|(_, fact)| fact.clone()).collect(),
    };
    let mut plan = GcPlan::new(request.older_than, now, &facts);
    facts.catalog.locks = locks_of(&opened, &catalog, &plan.backups, now).await?.unwrap_or_default();
    for (fact, lock) in facts.probes.iter_mut().zip(probe_locks(&opened, &probes, &plan, now).await?) {
        fact.locked = lock;
    }
    if !facts.catalog.locks.is_empty() || facts.probes.iter().any(|probe| probe.locked.is_some()) {
        plan = GcPlan::new(request.older_than, now, &facts);
    }
    if !request.dry_run {
        carry_out(&opened, &catalog, &plan.backups, Care::default(), now).await?;
        let abandoned: Abandoned = going(uploads, &plan.uploads).collect();
        match opened.forget(&abandoned).await {
            Err(e) if is_lack_of_rights(&e) => no_uploads = Some(e.context("forget unfinished uploads")),
            done => done.context(|| "forget unfinished uploads")?,
        }
        let left: Vec<Probe> = going(probes, &plan.probes).map(|(probe, _)| probe).collect();
        if !left.is_empty() {
            opened.delete_probes(&left).await.context(|| "remove probe objects")?;
        }
    }
    let address = archive.address().to_string();
    Ok(Outcome { address, plan, dry_run: request.dry_run, no_uploads })
}

/// How many objects are asked about at once.
const HEADS_AT_ONCE: usize = 16;

/// What the store would not let go of the probe objects, in their order: a bucket may lock by default whatever
/// is put into it. Only those that would go are asked about; where nothing can be locked, none is.
async fn probe_locks(
    archive: &Archive,
    probes: &[(Probe, ProbeFact)],
    plan: &GcPlan,
    now: Timestamp,
) -> Result<Vec<Option<Locked>>> {
    let nothing_goes = !plan.probes.iter().any(GcVerdict::goes);
    if nothing_goes || matches!(archive.locks().await?, Locks::Never | Locks::Off) {
        return Ok(vec![None; probes.len()]);
    }
    let asked = probes.iter().zip(&plan.probes).map(|((probe, _), verdict)| async move {
        let lock = if verdict.goes() { archive.probe_lock(probe, now).await? } else { None };
        Ok::<_, Error>(lock.map(locked))
    });
    stream::iter(asked).buffered(HEADS_AT_ONCE).try_collect().await
}

/// Those of which the verdict at the same place is that they go.
fn going<T>(all: Vec<T>, verdicts: &[GcVerdict]) -> impl Iterator<Item = T> {
    all.into_iter().zip(verdicts).filter(|(_, verdict)| verdict.goes()).map(|(one, _)| one)
}
